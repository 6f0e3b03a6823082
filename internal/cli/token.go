package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// chosenMinTTL lets the agent choose how long a token is good for at least: 60 seconds, one slow request, or half the life of
// tokens that live less than two minutes.
const chosenMinTTL = -1 * time.Second

// tokenAsk is what `fob token` was asked.
type tokenAsk struct {
	query   agent.TokenQuery
	minTTL  time.Duration
	idToken bool
	json    bool
}

func (f *face) tokenVerb() *cobra.Command {
	ask := tokenAsk{minTTL: chosenMinTTL}
	cmd := &cobra.Command{
		Use: "token NAME", Short: "Print the token, always fresh",
		Long: `Prints the profile's access token and a newline. A token that has less than --min-ttl left is refreshed first.

It never opens a browser: when a person has to log in it says so and ends with exit code 3. A profile whose grant needs nobody (client_credentials,
jwt-bearer and their kin) needs no login: its token is got when it is asked for.

With --scope, --resource or --audience it prints another token of the same login: narrower, or for another API, or with a scope that was consented to
at login and not asked for (extra_scope_to_consent). It is kept in the agent's memory for its life.`,
		Example: `  TOKEN=$(fob token work)
  fob token work --min-ttl 10m
  fob token work --json | jq -r .expires_at
  fob token work --scope orders:read
  fob token work --resource https://api.example.com`,
		Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.query.Name = args[0]
			if ask.idToken && ask.second() {
				return misused("leave --id-token out", "--scope, --resource and --audience are about the access token")
			}
			ask.query.IDToken = ask.idToken
			return f.token(cmd.Context(), ask)
		},
	}
	cmd.Flags().Var((*seconds)(&ask.minTTL), "min-ttl", "the token is good for at least this long (default 60s, or half the life of shorter-lived tokens)")
	cmd.Flags().Lookup("min-ttl").DefValue = ""
	cmd.Flags().BoolVar(&ask.idToken, "id-token", false, "print the ID token instead of the access token")
	cmd.Flags().BoolVar(&ask.json, "json", false, "print tokens, type, expiry and scope as JSON")
	cmd.Flags().StringArrayVar(&ask.query.Scope, "scope", nil, "another token with this `scope`; repeat for more")
	cmd.Flags().StringArrayVar(&ask.query.Resource, "resource", nil, "another token for the API with this `URI` (RFC 8707); repeat for more")
	cmd.Flags().StringVar(&ask.query.Audience, "audience", "", "another token for this `audience`")
	for _, name := range []string{"min-ttl", "scope", "resource", "audience"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// second says whether another token than the profile's own is asked for.
func (ask tokenAsk) second() bool {
	return len(ask.query.Scope)+len(ask.query.Resource) > 0 || ask.query.Audience != ""
}

func (f *face) token(ctx context.Context, ask tokenAsk) error {
	handout, err, done := asked(f.hooks.Asked)
	if !done {
		handout, err = f.fetch(ctx, ask.query, ask.minTTL)
	}
	if err != nil {
		return err
	}
	return f.handOut(handout, ask)
}

// asked reads the answer that package quick got and did not print. It is not done when the answer is none, or one that the
// road of every verb can do better: by the nearest name, by another agent, by asking for a passphrase.
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
	return handout, failure.Error, failure.Error.Code != agent.CodeStopping && failure.Error.Kind != agent.Misused && failure.Error.Kind != agent.Unreachable && !needsPassphrase(failure.Error.Code)
}

// fetch gets a token by the road that every verb takes.
func (f *face) fetch(ctx context.Context, q agent.TokenQuery, minTTL time.Duration) (agent.Handout, error) {
	client, err := f.connect(ctx)
	if err != nil {
		return agent.Handout{}, err
	}
	defer client.Close()
	return withName(ctx, client, q.Name, func(name string) (agent.Handout, error) {
		q.Name = name
		return opening(ctx, f, client, func() (agent.Handout, error) {
			defer f.waiting("waiting for a token of " + name)()
			return client.Token(ctx, q, minTTL)
		})
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
			status, err := withName(ctx, client, args[0], func(name string) (agent.Status, error) {
				defer f.waiting("waiting for the server of " + name)()
				return client.Refresh(ctx, name)
			})
			if err != nil {
				return err
			}
			f.say("refreshed %s%s", status.Name, comma(timeLeft(status, time.Now())))
			return nil
		},
	}
}

// comma puts ", " before text that is not empty.
func comma(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}
