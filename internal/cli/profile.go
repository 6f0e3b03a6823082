package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

func (f *face) profileVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile", Short: "Add, change and list profiles",
		Long: `A profile says which authorization server, which client and which scopes: one login. Its keys are the registered names of the OAuth
and OpenID Connect specifications; ` + "`fob profile fields`" + ` lists them. Profiles hold no secret: a client secret rests in the keychain and
is read from a file or standard input, never from the command line.`,
		Args: noSuchVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(f.profileAdd(), f.profileList(), f.profileShow(), f.profileEdit(), f.profileSet(), f.profileRemove(),
		f.profileCopy(), f.profileAnother(), f.profilePin(), f.profileUnpin(), f.profileExport(), f.profileImport(), f.profileRegister(), f.profilePresets(), f.profileFields(),
		f.profileSchema())
	return cmd
}

// withProfile gets the profile that the user calls name and hands it to work.
func (f *face) withProfile(ctx context.Context, name string, work func(*agent.Client, agent.ProfileView) error) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	view, err := withName(ctx, client, name, func(name string) (agent.ProfileView, error) { return client.Profile(ctx, name) })
	if err != nil {
		return err
	}
	return work(client, view)
}

func (f *face) profileList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the profiles", Long: "Lists the profiles in the order of profiles.json. `fob status` lists their logins.",
		Example: "  fob profile list\n  fob profile list --json", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			all, err := client.Profiles(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON && all == nil:
				return f.print("[]\n")
			case asJSON:
				return f.printJSON(all)
			case len(all) == 0:
				f.say("there are no profiles yet")
				f.hint("`fob demo` makes one to try, `fob profile add` one of your own")
				return nil
			}
			var rows [][]string
			for _, p := range all {
				server := p.Issuer
				if server == "" {
					server = p.TokenEndpoint
				}
				grant := p.Grant()
				if grant == profiles.DefaultGrantType { // what most are needs no word
					grant = ""
				}
				rows = append(rows, []string{p.Name, p.Environment, grant, server, p.ClientID})
			}
			return f.print(headed([]string{"NAME", "ENVIRONMENT", "GRANT", "SERVER", "CLIENT ID"}, rows))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (f *face) profileShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a profile's settings",
		Long:    "Shows what is set in the profile, and which secrets the keychain holds for it. `fob show` shows its login.",
		Example: "  fob profile show work\n  fob profile show work --json", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(_ *agent.Client, view agent.ProfileView) error {
				if asJSON {
					return f.printJSON(view)
				}
				return f.print(profileText(view))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: profile, secrets (their names), problems")
	return cmd
}

func profileText(view agent.ProfileView) string {
	var rows [][]string
	for _, field := range profiles.Fields() {
		key := field.Key
		values := view.Profile.Get(key)
		if field.Kind == profiles.KindSecret {
			values = nil
			for _, kept := range view.Secrets {
				if kept == key {
					values = []string{"kept, not shown"}
				}
			}
		}
		for _, value := range values {
			for line := range strings.Lines(value) { // a certificate has several
				rows = append(rows, []string{key, strings.TrimRight(line, "\n")})
				key = ""
			}
		}
	}
	for _, problem := range view.Invalid {
		rows = append(rows, []string{"problem", problem.Error()})
	}
	return table(rows)
}

func (f *face) profileSet() *cobra.Command {
	return &cobra.Command{
		Use: "set NAME KEY=VALUE…", Short: "Change a profile's settings",
		Long: `Sets keys of the profile. Repeat a key for a list; an empty value brings back the default; name=NEW renames. A secret is given as
KEY=@FILE or KEY=- (standard input), and so can be what has several lines: certificates, JSON. A login survives unless server, client or scope change.`,
		Example: `  fob profile set work scope="openid profile" environment=staging
  fob profile set work authorize_params.access_type=offline
  fob profile set work client_secret=- < secret.txt
  fob profile set work token_endpoint_auth_method=private_key_jwt private_key=@key.p12 private_key_password=@password.txt`,
		Args: words(2, -1), ValidArgsFunction: f.completeSettings,
		RunE: func(cmd *cobra.Command, args []string) error {
			var c changes
			if err := f.takePairs(cmd.Context(), &c, args[1:]); err != nil {
				return err
			}
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				edit := agent.ProfileEdit{Profile: view.Profile.Clone(), Secrets: c.secrets}
				if err := c.apply(&edit.Profile); err != nil {
					return err
				}
				if edit.Profile.Name != view.Profile.Name {
					edit.Rename = view.Profile.Name
				}
				if err := f.validate(edit.Profile); err != nil {
					return err
				}
				if err := client.PutProfile(cmd.Context(), edit); err != nil {
					return err
				}
				f.say("changed profile %s", edit.Profile.Name)
				return nil
			})
		},
	}
}

func (f *face) profileRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a profile, its tokens and its secrets",
		Long:    "Removes the profile and forgets its tokens and secrets. To revoke the tokens at the server as well, log out first.\nThe name must be exact here.",
		Example: "  fob logout work && fob profile remove work", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				if view.Profile.Name != args[0] { // nothing else is lost for good by a name that is nearly right
					return unknownName([]string{view.Profile.Name}, args[0])
				}
				if err := client.RemoveProfile(cmd.Context(), view.Profile.Name); err != nil {
					return err
				}
				f.say("removed profile %s", view.Profile.Name)
				return nil
			})
		},
	}
}

func (f *face) profileCopy() *cobra.Command {
	return &cobra.Command{
		Use: "copy NAME NEW", Short: "Make a profile like another one",
		Long: "Adds a profile with the settings of another one, to be changed. Login and secrets are not copied; for a login as another account with the same\n" +
			"client, secrets included, there is `fob profile another`.",
		Example: "  fob profile copy work work-staging && fob profile set work-staging environment=staging",
		Args:    words(2, 2), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				p := view.Profile.Clone()
				if err := p.Set("name", args[1]); err != nil {
					return misused("", "%s", err)
				}
				if err := client.PutProfile(cmd.Context(), agent.ProfileEdit{Profile: p, Create: true}); err != nil {
					return err
				}
				f.say("added profile %s", p.Name)
				for _, key := range view.Secrets {
					f.hint("its %s is not copied; set it with `fob profile set %s %s=-`", key, p.Name, key)
				}
				return nil
			})
		},
	}
}

// completeKeys completes the key of a field.
func completeKeys(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return keyWords(""), cobra.ShellCompDirectiveNoFileComp
}

// completeSettings completes NAME, then KEY=.
func (f *face) completeSettings(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return f.completeNames(cmd, args, typed)
	}
	return completePair(typed)
}

// completePair completes KEY=, then the choices of its value.
func completePair(typed string) ([]string, cobra.ShellCompDirective) {
	key, _, atValue := strings.Cut(typed, "=")
	if !atValue {
		return keyWords("="), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	var values []string
	if field, known := profiles.FieldByKey(key); known {
		for _, choice := range field.Choices {
			if choice.Value != "" {
				values = append(values, cobra.CompletionWithDesc(key+"="+choice.Value, choice.Label))
			}
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp
}

func keyWords(suffix string) []string {
	var keys []string
	for _, field := range profiles.Fields() {
		keys = append(keys, cobra.CompletionWithDesc(field.Key+suffix, field.Label))
	}
	return keys
}

// invalid is err with every problem of a profile in it as a usage error.
func invalid(err error) error {
	var bad *profiles.InvalidError
	if errors.As(err, &bad) {
		return misused("`fob profile fields` lists the keys and what they take", "%s", bad)
	}
	return misused("", "%s", err)
}
