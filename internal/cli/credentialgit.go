package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) credentialGit() *cobra.Command {
	return helper(&cobra.Command{
		Use: "git [NAME] get|store|erase", Short: "Be git's credential helper",
		Long: `Answers git (gitcredentials(7)). Git calls it as git-credential-fob. Tell git for which host:

  git config --global credential.https://git.example.com.helper fob
  git config --global credential.https://git.example.com.helper "fob work"     with several profiles for the host

The profile names the host in credential_hosts, unless its API is there too. credential_username is the user name that goes with the token: x-access-token
for GitHub, oauth2 (the default) for GitLab, x-token-auth for Bitbucket. When git reports that a token was refused, it is refreshed before
the next one is handed out.`,
		Example: "  printf 'protocol=https\\nhost=git.example.com\\n\\n' | fob credential git get",
		Args:    words(1, 2), ValidArgsFunction: f.completeNames,
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		about, err := gitAttributes(f.In)
		if err != nil {
			return err
		}
		ask := credentialAsk{scheme: about.one("protocol"), host: about.one("host"), user: about.one("username")}
		if len(args) == 2 {
			ask.profile = args[0]
		}
		switch action := args[len(args)-1]; action {
		case "get":
			return f.gitGet(ctx, client, ask, about)
		case "erase":
			return f.refused(ctx, client, ask, about.one("password"))
		case "store", "capability": // what Fob handed out, it has; gitcredentials(7): helpers ignore what they do not know
			return nil
		default:
			return misused("git asks with get, store or erase", "there is no git credential action %s", action)
		}
	})
}

// attributes are what git says of a request: a name may come several times.
type attributes map[string][]string

func (a attributes) one(name string) string {
	if values := a[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// gitAttributes reads lines of name=value up to an empty line or the end (git-credential(1), "Input/Output Format").
func gitAttributes(in io.Reader) (attributes, error) {
	about := attributes{}
	lines := bufio.NewScanner(io.LimitReader(in, 1<<20))
	for lines.Scan() && lines.Text() != "" {
		name, value, found := strings.Cut(lines.Text(), "=")
		if !found {
			return nil, misused("", "git credential: a line is not name=value")
		}
		about[name] = append(about[name], value)
	}
	return about, lines.Err()
}

func (f *face) gitGet(ctx context.Context, client *agent.Client, ask credentialAsk, about attributes) error {
	g, err := f.give(ctx, client, ask)
	if errors.Is(err, errNotOurs) {
		f.say("git credential: %s://%s: %s", ask.scheme, ask.host, err)
		f.hint("add the host: fob profile set NAME credential_hosts=%s", ask.host)
		return nil // git goes on with its next helper
	}
	if err != nil {
		return err
	}
	var text strings.Builder
	if bearerOnly(about) {
		fmt.Fprintf(&text, "capability[]=authtype\nauthtype=Bearer\ncredential=%s\nephemeral=1\n", g.AccessToken)
	} else {
		user := ask.user
		if user == "" {
			user = g.profile.CredentialUser()
		}
		fmt.Fprintf(&text, "username=%s\npassword=%s\n", user, g.AccessToken)
	}
	if g.ExpiresAt != nil {
		fmt.Fprintf(&text, "password_expiry_utc=%d\n", g.ExpiresAt.Unix())
	}
	return f.print(text.String())
}

// bearerOnly says that git can send a bearer token (from 2.46 on) and that the server offers nothing else. With a password
// every server serves that takes both.
func bearerOnly(about attributes) bool {
	offers := func(scheme string) bool {
		return slices.ContainsFunc(about["wwwauth[]"], func(challenge string) bool {
			return len(challenge) >= len(scheme) && strings.EqualFold(challenge[:len(scheme)], scheme)
		})
	}
	return slices.Contains(about["capability[]"], "authtype") && offers("Bearer") && !offers("Basic")
}

// refused refreshes a token that a server did not take, so that the tool's next try has another one.
func (f *face) refused(ctx context.Context, client *agent.Client, ask credentialAsk, token string) error {
	p, err := f.profileFor(ctx, client, ask)
	if err != nil {
		return nil // not ours: git tells every helper
	}
	handout, err := client.Token(ctx, agent.TokenQuery{Name: p.Name}, 0)
	if err != nil || token != "" && handout.AccessToken != token {
		return nil // another one already, or said when somebody asks for it
	}
	if _, err := client.Refresh(ctx, p.Name); err != nil {
		return err
	}
	f.say("%s did not take the token of %s; it was refreshed", ask.host, p.Name)
	return nil
}
