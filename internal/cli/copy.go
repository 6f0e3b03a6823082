package cli

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// forms are what `fob copy --as` takes, with the words for each.
var forms = map[agent.Form]string{
	agent.FormAccessToken: "the access token",
	agent.FormIDToken:     "the ID token",
	agent.FormHeader:      "the Authorization header",
	agent.FormCurl:        "a curl command",
}

func (f *face) copyVerb() *cobra.Command {
	as := string(agent.FormAccessToken)
	cmd := &cobra.Command{
		Use: "copy NAME", Short: "Copy the token to the clipboard",
		Long:    "Copies the token to the desktop's clipboard, marked as a secret. The agent clears it after a while unless something else was copied.",
		Example: "  fob copy work\n  fob copy work --as header\n  fob copy work --as curl",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			what, ok := forms[agent.Form(as)]
			if !ok {
				return misused("one of access_token, id_token, header, curl", "a token cannot be copied as %s", as)
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			var actual string
			clears, err := withName(ctx, client, args[0], func(name string) (time.Duration, error) {
				actual = name
				return client.Copy(ctx, name, agent.Form(as), desktopEnv())
			})
			if err != nil {
				return err
			}
			after := ""
			if clears > 0 {
				after = "; it is cleared in " + span(clears)
			}
			f.say("copied %s of %s%s", what, actual, after)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", as, "what to copy: access_token, id_token, header or curl")
	cmd.RegisterFlagCompletionFunc("as", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for form, words := range forms {
			names = append(names, cobra.CompletionWithDesc(string(form), words))
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}
