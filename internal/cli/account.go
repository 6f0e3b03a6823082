package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) profilePin() *cobra.Command {
	return &cobra.Command{
		Use: "pin NAME", Short: "Keep a profile to the account that it is logged in to",
		Long: `Writes down which account the profile is logged in to, by issuer and subject: a login as another one is refused from then on, with both
names, and the login of before stays. ` + "`fob profile unpin`" + ` lets the profile take any account again.

The next login tells the server whom it expects (login_hint). Where there is no ID token, the server's answer at the profile's
userinfo_endpoint identifies the account, by sub, id or the like, or by account_id_member; where there is neither, Fob says so.`,
		Example: "  fob login work && fob profile pin work", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				status, err := client.Pin(cmd.Context(), view.Profile.Name)
				if err != nil {
					return err
				}
				f.say("profile %s is always %s from now on", status.Name, status.Expected)
				return nil
			})
		},
	}
}

func (f *face) profileUnpin() *cobra.Command {
	return &cobra.Command{
		Use: "unpin NAME", Short: "Let a profile take any account",
		Long:    "Undoes `fob profile pin`. The login that there is stays.",
		Example: "  fob profile unpin work", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				status, err := client.Unpin(cmd.Context(), view.Profile.Name)
				if err != nil {
					return err
				}
				f.say("profile %s takes any account from now on", status.Name)
				return nil
			})
		},
	}
}

func (f *face) profileAnother() *cobra.Command {
	var ask loginAsk
	var login bool
	cmd := &cobra.Command{
		Use: "another NAME [NEW]", Short: "Add another account: the same settings, a login of its own",
		Long: `Adds a profile with the settings and the client's secrets of another one, for a login as another account beside it, and prints its name.
The secrets go from one item of the keychain to the other and are shown to nobody. What says which account it is (login_hint and the
expected_… keys) stays behind.

With --login it logs in at once; the server is asked to let you choose the account (prompt=select_account).`,
		Example: "  fob profile another work --login\n  fob profile another work work-admin && fob login --account work-admin",
		Args:    words(1, 2), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted := ""
			if len(args) == 2 {
				wanted = args[1]
			}
			if err := ask.pages.check(); err != nil {
				return err
			}
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				name, err := client.Another(cmd.Context(), view.Profile.Name, wanted)
				if err != nil {
					return err
				}
				if err := f.print(name + "\n"); err != nil {
					return err
				}
				f.say("added profile %s, with the settings of %s", name, view.Profile.Name)
				how, chooses := "", view.Profile.ChoosesAccount()
				if chooses {
					how = "--account "
				}
				if !login {
					f.hint("log in as the other account: fob login %s%s", how, quoted(name))
					return nil
				}
				ask.name = name
				if chooses {
					ask.options.Prompt = "select_account"
				}
				status, err := f.logIn(cmd.Context(), client, ask)
				if err != nil {
					return err
				}
				if err := f.loggedIn(status, false); err != nil {
					return err
				}
				return f.sameAccount(cmd.Context(), client, status)
			})
		},
	}
	cmd.Flags().BoolVar(&login, "login", false, "log in at once, choosing the account")
	ask.pages.flags(cmd, "login page")
	return cmd
}

// sameAccount says which other profiles hold the account that was just logged in to: it was to be another one.
func (f *face) sameAccount(ctx context.Context, client *agent.Client, status agent.Status) error {
	all, err := client.Status(ctx)
	if err != nil {
		return err
	}
	var same []string
	for i := range all {
		if status.SameAccount(&all[i]) {
			same = append(same, all[i].Name)
		}
	}
	if len(same) > 0 {
		f.say("profile %s holds the same account", strings.Join(same, ", "))
		f.hint("choose another one: fob login --account %s", quoted(status.Name))
	}
	return nil
}
