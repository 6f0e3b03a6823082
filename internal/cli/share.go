package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

func (f *face) profileExport() *cobra.Command {
	return &cobra.Command{
		Use: "export NAME", Short: "Print a profile as JSON, without secrets",
		Long:    "Prints the profile as profiles.json holds it. There is no secret in it; `fob profile import` reads it.",
		Example: "  fob profile export work > work.json", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(_ *agent.Client, view agent.ProfileView) error {
				text, err := profileJSON(view.Profile)
				if err != nil {
					return err
				}
				return f.print(text)
			})
		},
	}
}

func (f *face) profileImport() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use: "import [FILE|-]", Short: "Add profiles from JSON",
		Long: `Adds the profiles that a file or standard input describes: one as ` + "`fob profile export`" + ` prints it, an array of them, or a whole
profiles.json. A profile that is there already and differs is never changed unawares: the differences are shown, and --replace is the
consent to them. Either all are added or none.`,
		Example: "  fob profile import work.json\n  fob profile import --replace < team.json", Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := f.importText(args)
			if err != nil {
				return err
			}
			incoming, err := parseProfiles(text)
			if err != nil {
				return err
			}
			return f.importAll(cmd.Context(), incoming, replace)
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "change profiles that are there already")
	return cmd
}

func (f *face) importText(args []string) (string, error) {
	if len(args) == 0 || args[0] == "-" {
		return f.readIn()
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return "", misused("", "%s", err)
	}
	if info.Size() > pasteMax {
		return "", failed("too_large", "", "%s is larger than %d MiB", args[0], pasteMax>>20)
	}
	text, err := os.ReadFile(args[0])
	return string(text), err
}

// parseProfiles reads one profile, an array of them, or an object with a "profiles" member.
func parseProfiles(text string) ([]profiles.Profile, error) {
	var many []profiles.Profile
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "[") {
		if err := json.Unmarshal([]byte(text), &many); err != nil {
			return nil, invalid(jsonPlace(text, err))
		}
	} else {
		var members struct {
			Profiles json.RawMessage `json:"profiles"`
		}
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			return nil, invalid(jsonPlace(text, err))
		}
		if members.Profiles != nil {
			return parseProfiles(string(members.Profiles))
		}
		var one profiles.Profile
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return nil, invalid(err)
		}
		many = append(many, one)
	}
	seen := map[string]bool{}
	for _, p := range many {
		if problems := p.Validate(); len(problems) > 0 {
			return nil, invalid(&profiles.InvalidError{Name: p.Name, Problems: problems})
		}
		if seen[p.Name] {
			return nil, misused("", "there are two profiles named %s", p.Name)
		}
		seen[p.Name] = true
	}
	return many, nil
}

func (f *face) importAll(ctx context.Context, incoming []profiles.Profile, replace bool) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	present, err := client.Profiles(ctx)
	if err != nil {
		return err
	}
	var edits []agent.ProfileEdit
	refused := ""
	for _, p := range incoming {
		i := slices.IndexFunc(present, func(q profiles.Profile) bool { return q.Name == p.Name })
		switch {
		case i < 0:
			edits = append(edits, agent.ProfileEdit{Profile: p, Create: true})
		case present[i].Equal(p):
			f.say("profile %s is unchanged", p.Name)
		default:
			for _, line := range differences(present[i], p) {
				f.say("profile %s: %s", p.Name, line)
			}
			refused = p.Name
			edits = append(edits, agent.ProfileEdit{Profile: p})
		}
	}
	if refused != "" && !replace { // a file from somewhere never redirects a profile that the user trusts
		return misused("look at the differences above; --replace accepts them", "profile %s is there already and differs; nothing was imported", refused)
	}
	for _, edit := range edits {
		if err := client.PutProfile(ctx, edit); err != nil {
			return err
		}
		if edit.Create {
			f.say("added profile %s", edit.Profile.Name)
		} else {
			f.say("changed profile %s", edit.Profile.Name)
		}
	}
	return nil
}

// differences are the fields in which two profiles differ, one line each.
func differences(old, now profiles.Profile) []string {
	var lines []string
	show := func(values []string) string {
		if len(values) == 0 {
			return "(not set)"
		}
		return strings.Join(values, " ")
	}
	for _, field := range profiles.Fields() {
		a, b := old.Get(field.Key), now.Get(field.Key)
		if !slices.Equal(a, b) {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", field.Key, show(a), show(b)))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "settings that this version of fob does not know differ")
	}
	return lines
}
