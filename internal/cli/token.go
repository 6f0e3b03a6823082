package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// chosenMinTTL lets the agent choose how long a token is good for at least: 60 seconds, one slow request, or half the life of
// tokens that live less than two minutes.
const chosenMinTTL = -1 * time.Second

// tokenAsk is what `fob token` was asked.
type tokenAsk struct {
	name    string
	minTTL  time.Duration
	idToken bool
	json    bool
}

func (f *face) tokenVerb() *cobra.Command {
	ask := tokenAsk{minTTL: chosenMinTTL}
	cmd := &cobra.Command{
		Use: "token NAME", Short: "Print the token, always fresh",
		Long: `Prints the profile's access token and a newline. A token that has less than --min-ttl left is refreshed first.

It never opens a browser: when a person has to log in it says so and ends with exit code 3.`,
		Example: `  TOKEN=$(fob token work)
  fob token work --min-ttl 10m
  fob token work --json | jq -r .expires_at`,
		Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.name = args[0]
			return f.token(cmd.Context(), ask)
		},
	}
	cmd.Flags().Var((*seconds)(&ask.minTTL), "min-ttl", "the token is good for at least this long (default 60s, or half the life of shorter-lived tokens)")
	cmd.Flags().Lookup("min-ttl").DefValue = ""
	cmd.Flags().BoolVar(&ask.idToken, "id-token", false, "print the ID token instead of the access token")
	cmd.Flags().BoolVar(&ask.json, "json", false, "print tokens, type, expiry and scope as JSON")
	return cmd
}

func (f *face) token(ctx context.Context, ask tokenAsk) error {
	handout, err, done := asked(f.hooks.Asked)
	if !done {
		handout, err = f.fetch(ctx, ask.name, ask.minTTL)
	}
	if err != nil {
		return err
	}
	return f.handOut(handout, ask)
}

// asked reads the answer that package quick got and did not print. It is not done when the answer is none, or one that the
// road of every verb can do better: by the nearest name, by another agent.
func asked(answer []byte) (handout agent.Handout, err error, done bool) {
	head, body, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || len(head) < len("HTTP/1.x 200") {
		return handout, nil, false
	}
	if string(head[9:12]) == "200" {
		err := json.Unmarshal(body, &handout)
		return handout, nil, err == nil && handout.AccessToken != ""
	}
	var failure struct {
		Error *agent.Error `json:"error"`
	}
	if json.Unmarshal(body, &failure) != nil || failure.Error == nil {
		return handout, nil, false
	}
	return handout, failure.Error, failure.Error.Kind != agent.Misused && failure.Error.Kind != agent.Unreachable
}

// fetch gets a token by the road that every verb takes.
func (f *face) fetch(ctx context.Context, name string, minTTL time.Duration) (agent.Handout, error) {
	client, err := f.connect(ctx)
	if err != nil {
		return agent.Handout{}, err
	}
	defer client.Close()
	return withName(ctx, client, name, func(name string) (agent.Handout, error) {
		return client.Token(ctx, agent.TokenQuery{Name: name}, minTTL)
	})
}

// handOut prints the token that was asked for.
func (f *face) handOut(handout agent.Handout, ask tokenAsk) error {
	switch {
	case ask.json:
		return f.printJSON(handout)
	case ask.idToken && handout.IDToken == "":
		return failed("no_id_token", "add openid to the profile's scope and log in again", "profile %s: the server gave no ID token", handout.Name)
	case ask.idToken:
		return f.print(handout.IDToken + "\n")
	}
	return f.print(handout.AccessToken + "\n")
}

func (f *face) headerVerb() *cobra.Command {
	return &cobra.Command{
		Use: "header NAME [METHOD URL]", Short: "Print the Authorization header",
		Long: `Prints the header that carries the profile's token: one line, as curl -H takes it. METHOD and URL name the request it is
for; a bearer token's header is the same for every request, but is refused for one that would travel unencrypted.`,
		Example: `  fob header work | curl -H @- https://api.example.com/me
  fob header work POST https://api.example.com/items`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return misused("add the URL: `fob header NAME METHOD URL`", "usage: %s", cmd.UseLine())
			}
			return words(1, 3)(cmd, args)
		},
		ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 3 {
				if err := checkRequest(args[1], args[2]); err != nil {
					return err
				}
			}
			handout, err := f.fetch(cmd.Context(), args[0], chosenMinTTL)
			if err != nil {
				return err
			}
			// RFC 6749 §7.1: a client must not use a token of a type it does not understand.
			if !strings.EqualFold(handout.TokenType, "bearer") {
				return failed("token_type", "`fob token` prints the token itself", "profile %s: a %s token needs more than a header", handout.Name, handout.TokenType)
			}
			return f.print("Authorization: Bearer " + handout.AccessToken + "\n")
		},
	}
}

// checkRequest refuses a request that would show the token to the network: bearer tokens travel over TLS (RFC 6750 §5.3),
// except to this computer.
func checkRequest(method, address string) error {
	if method == "" || strings.ContainsFunc(method, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
		return misused("write METHOD as GET, POST, …", "%q is not an HTTP method", method)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return misused("write URL as https://host/path", "the request's URL is not an absolute http or https URL")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return misused("use https", "%s would carry the token unencrypted", u.Host)
	}
	return nil
}

func (f *face) refreshVerb() *cobra.Command {
	return &cobra.Command{
		Use: "refresh NAME", Short: "Refresh the token now",
		Long:    "Spends the refresh token now, whatever is left of the access token. Fob does it by itself before a token ends.",
		Example: "  fob refresh work", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			status, err := withName(ctx, client, args[0], func(name string) (agent.Status, error) { return client.Refresh(ctx, name) })
			if err != nil {
				return err
			}
			f.say("refreshed %s%s", status.Name, comma(timeLeft(status, time.Now())))
			return nil
		},
	}
}

func (f *face) logoutVerb() *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use: "logout NAME", Short: "Revoke the tokens at the server and forget them",
		Long:    "Revokes the tokens at the authorization server when it has a revocation endpoint (RFC 7009), then forgets them.",
		Example: "  fob logout work\n  fob logout work --local", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			status, err := withName(ctx, client, args[0], func(name string) (agent.Status, error) { return client.Logout(ctx, name, local) })
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
			return nil
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "forget the tokens without telling the server")
	return cmd
}

// comma puts ", " before text that is not empty.
func comma(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}
