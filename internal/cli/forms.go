package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) formsVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "forms", Short: "List the forms of a token, and keep your own",
		Long: `Lists the forms in which ` + "`fob copy`, `fob print`, `fob exec`" + `, the tray and the window hand out a token, and where each comes from.

A form of your own is a template in the language of Go's text/template. It sees .AccessToken .IDToken .TokenType .ExpiresAt .Scope .Header (the headers, a line each) .Headers (each with
.Name and .Value) .Method .URL .API (api_base_url) .Body .Account .Profile .Var, and the functions shell, json, powershell, urlquery, base64 and join beside Go's own. It
starts no program and reads no file. Yours are kept in forms.json beside profiles.json: no secret is in it, and it is fit for a repository.`,
		Example: `  fob forms
  fob forms add netrc 'machine api.example.com login fob password {{.AccessToken}}'
  fob forms add k6 - < k6.tmpl
  fob copy work --as netrc
  fob forms remove netrc`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noSuchVerb(cmd, args)
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return f.listForms(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	cmd.AddCommand(f.addFormVerb(), f.removeFormVerb())
	return cmd
}

func (f *face) listForms(asJSON bool) error {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return err
	}
	all, damage := agent.Forms(home)
	if damage != nil {
		f.say("%s", damage)
		f.hint("the others can be used; mend it there, or with `fob forms add`")
	}
	if asJSON {
		return f.printJSON(all)
	}
	rows := make([][]string, 0, len(all))
	for _, form := range all {
		from, needs := "fob", ""
		switch {
		case form.Template != "":
			from = filepath.Join(home.Config, "forms.json")
		case form.NeedsID:
			needs = "an id_token"
		case form.NeedsAPI:
			needs = "api_base_url, or METHOD URL"
		}
		rows = append(rows, []string{form.Name, form.About, needs, from})
	}
	return f.print(headed([]string{"FORM", "WHAT", "NEEDS", "FROM"}, rows))
}

func (f *face) addFormVerb() *cobra.Command {
	var label string
	cmd := &cobra.Command{
		Use: "add NAME TEMPLATE|-", Short: "Keep a form of your own",
		Long:    "Keeps a template as a form, after it was tried with made-up values; one of that name is replaced. With - it is read from standard input. An error says line and column.",
		Example: "  fob forms add bearer 'Bearer {{.AccessToken}}'\n  fob forms add k6 - --label 'k6 script' < k6.tmpl",
		Args:    words(2, 2), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			home, err := agent.HomeFromEnv()
			if err != nil {
				return err
			}
			text := args[1]
			if text == "-" {
				if text, err = f.readIn(); err != nil {
					return err
				}
			}
			replaced, err := agent.AddForm(home, args[0], label, text)
			if err != nil {
				return misused("see `fob forms --help` for what a template can use; nothing was changed", "%s", err)
			}
			if replaced {
				f.say("replaced the form %s", args[0])
			} else {
				f.say("added the form %s", args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "what menus call it (default: NAME)")
	cmd.RegisterFlagCompletionFunc("label", cobra.NoFileCompletions)
	return cmd
}

func (f *face) removeFormVerb() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a form of your own", Long: "Takes a form of your own out of forms.json. Those that Fob brings along stay.", Example: "  fob forms remove k6",
		Args: words(1, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if home, err := agent.HomeFromEnv(); err == nil && len(args) == 0 {
				all, _ := agent.Forms(home)
				for _, form := range all {
					if form.Template != "" {
						names = append(names, form.Name)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			home, err := agent.HomeFromEnv()
			if err != nil {
				return err
			}
			removed, err := agent.RemoveForm(home, args[0])
			if err == nil && !removed {
				err = misused("`fob forms` lists yours", "there is no form %s of your own", args[0])
			}
			if err == nil {
				f.say("removed the form %s", args[0])
			}
			return err
		},
	}
}
