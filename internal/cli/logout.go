package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) logoutVerb() *cobra.Command {
	var local, endSession bool
	var pages pageAsk
	cmd := &cobra.Command{
		Use: "logout NAME", Short: "Revoke the tokens at the server and forget them",
		Long: `Revokes the tokens at the authorization server when it has a revocation endpoint (RFC 7009), then forgets them.

The browser stays logged in at the server, so that the next login may ask nothing. --end-session opens the server's page that ends that session
too (OpenID Connect RP-Initiated Logout); the page may ask you to confirm it.`,
		Example: "  fob logout work\n  fob logout work --end-session\n  fob logout work --local", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := pages.check(); err != nil {
				return err
			}
			switch {
			case local && endSession:
				return misused("", "--local and --end-session exclude each other")
			case !endSession && (pages.noBrowser || pages.browser != ""):
				return misused("add --end-session", "without --end-session no page is opened")
			}
			return f.logout(cmd.Context(), args[0], local, endSession, pages)
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "forget the tokens without telling the server")
	cmd.Flags().BoolVar(&endSession, "end-session", false, "end the browser's session at the server as well")
	pages.flags(cmd, "page that ends the session")
	return cmd
}

func (f *face) logout(ctx context.Context, name string, local, endSession bool, pages pageAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	page, noBrowser := "", pages.noBrowser
	if endSession { // first: it needs the ID token, which the logout forgets
		if page, err = withName(ctx, client, name, func(name string) (string, error) { return client.EndSession(ctx, name) }); err != nil {
			return err
		}
		if view, err := withName(ctx, client, name, func(name string) (agent.ProfileView, error) { return client.Profile(ctx, name) }); err == nil && pages.browser == "" {
			pages.browser = view.Profile.Browser
		}
	}
	status, err := withName(ctx, client, name, func(name string) (agent.Status, error) {
		defer f.waiting("waiting for the server of " + name)()
		return client.Logout(ctx, name, local)
	})
	if err != nil {
		return err
	}
	f.say("logged out of %s", status.Name)
	if p := status.Problem; p != nil {
		f.say("%s", p.Sentence)
		if p.Remedy != "" {
			f.hint("%s", p.Remedy)
		}
	}
	switch {
	case !endSession:
		return nil
	case page == "":
		return failed("no_end_session", "log out on the server's own page, or set end_session_endpoint in the profile",
			"profile %s: the server has no page that ends its session; the browser stays logged in there", status.Name)
	case noBrowser:
		f.say("open this address in the browser to end the session at the server too")
		return f.print(clean(page) + "\n")
	}
	f.say("opening the page that ends the session at the server; if none appears, open this address")
	f.say("logout page: %s", page)
	return f.openNow(ctx, page, pages.browser)
}
