package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/profiles"
)

func (f *face) profilePresets() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "presets [ID]", Short: "List the servers that Fob knows",
		Long:    "Lists the presets to start a profile from, or explains one: its questions, what to register at the server, and what else to know.",
		Example: "  fob profile presets\n  fob profile presets keycloak", Args: words(0, 1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completePresets(cmd, args, typed)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all := profiles.Presets()
			if len(args) == 0 {
				if asJSON {
					return f.printJSON(all)
				}
				var rows [][]string
				for _, preset := range all {
					rows = append(rows, []string{preset.ID, preset.Name, strings.Join(questionKeys(preset), ", ")})
				}
				return f.print(headed([]string{"ID", "SERVER", "ANSWERS TO GIVE"}, rows))
			}
			preset, known := profiles.PresetByID(args[0])
			if !known {
				return misused("`fob profile presets` lists them", "there is no preset %s", args[0])
			}
			if asJSON {
				return f.printJSON(preset)
			}
			return f.print(presetText(preset))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func questionKeys(preset profiles.Preset) []string {
	var keys []string
	for _, question := range preset.Questions {
		keys = append(keys, question.Key)
	}
	return keys
}

func presetText(preset profiles.Preset) string {
	rows := [][]string{{"preset", preset.ID}, {"server", preset.Name}}
	for _, line := range [][]string{{"grant", preset.Profile.Grant()}, {"register", preset.Register}, {"console", preset.Console}, {"redirect URI", redirectText(preset)},
		{"documentation", preset.Documentation}} {
		if line[1] != "" {
			rows = append(rows, line)
		}
	}
	for _, note := range preset.Notes {
		rows = append(rows, []string{"note", note})
	}
	text := table(rows)
	if len(preset.Words) > 0 {
		rows = nil
		for _, field := range profiles.Fields() { // in the order of the fields
			if word := preset.Words[field.Key]; word != "" {
				rows = append(rows, []string{field.Key, "is called " + word})
			}
		}
		text += "\nin the console\n" + indent(table(rows))
	}
	if len(preset.Questions) == 0 {
		return text
	}
	rows = nil
	for _, q := range preset.Questions {
		detail := "like " + q.Example
		if q.Default != "" {
			detail = "default " + q.Default
		}
		rows = append(rows, []string{"--set " + q.Key + "=…", strings.TrimSuffix(strings.TrimSpace(q.Label+". "+q.Help), ".") + "; " + detail})
	}
	return text + "\nanswers to give\n" + indent(table(rows))
}

// redirectText is the redirect URI to register, and what the server makes of its port; "" where nothing is redirected.
func redirectText(preset profiles.Preset) string {
	if !preset.Profile.UsesBrowser() {
		return ""
	}
	uris := slices.Clone(preset.Profile.RedirectURIs())
	for i, uri := range uris {
		uris[i] = strings.Replace(uri, ":0/", "/", 1) // port 0 is for Fob: any that is free
	}
	text := strings.Join(uris, " ")
	switch preset.Port {
	case "any":
		text += " (any port is accepted at login)"
	case "fixed":
		text += " (exactly so: the server compares the port)"
	}
	return text
}

func completePresets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	for _, preset := range profiles.Presets() {
		ids = append(ids, cobra.CompletionWithDesc(preset.ID, preset.Name))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
