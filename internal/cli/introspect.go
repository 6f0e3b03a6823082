package cli

import (
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) introspectVerb() *cobra.Command {
	var asJSON, refresh bool
	cmd := &cobra.Command{
		Use: "introspect NAME", Short: "Ask the server what the token is worth",
		Long: `Asks the authorization server's introspection endpoint about the profile's access token, as it is now and without refreshing it (RFC 7662).
The exit code is 0 for a token that is active and 1 for one that is not.`,
		Example: "  fob introspect work\n  fob introspect work --refresh-token\n  fob introspect work --json | jq .claims.scope",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			which := "access_token"
			if refresh {
				which = "refresh_token"
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			said, err := withName(ctx, client, args[0], func(name string) (agent.Introspection, error) {
				defer f.waiting("waiting for the server of " + name)()
				return client.Introspect(ctx, name, which)
			})
			if err != nil {
				return err
			}
			if asJSON {
				err = f.printJSON(said)
			} else {
				err = f.print(introspectionText(said, time.Now()))
			}
			if err == nil && !said.Active {
				return failed("not_active", "get another: fob refresh "+quoted(args[0])+", or fob login "+quoted(args[0]), "the server says that the token is not active: it has ended, was revoked, or is not of this server")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&refresh, "refresh-token", false, "ask about the refresh token")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: active, claims, verified")
	return cmd
}

func introspectionText(said agent.Introspection, now time.Time) string {
	active := "no"
	if said.Active {
		active = "yes"
	}
	rows := [][]string{{"active", active}}
	if said.Verified {
		rows = append(rows, []string{"answer", "signed by the server; the signature holds"})
	}
	delete(said.Claims, "active")
	return table(rows) + claimsText("what the server says", said.Claims, now)
}

func (f *face) whoamiVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "whoami NAME", Short: "Ask the server who is logged in",
		Long: `Asks the server's UserInfo endpoint who is logged in, with the profile's access token (OpenID Connect Core §5.3). ` + "`fob show`" + ` shows what
the ID token said at login without asking anybody.`,
		Example: "  fob whoami work\n  fob whoami work --json | jq -r .email",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			claims, err := withName(ctx, client, args[0], func(name string) (map[string]any, error) {
				defer f.waiting("waiting for the server of " + name)()
				return client.UserInfo(ctx, name)
			})
			switch {
			case err != nil:
				return err
			case asJSON:
				return f.printJSON(claims)
			}
			return f.print(table(claimRows(claims, time.Now())))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the claims as JSON")
	return cmd
}
