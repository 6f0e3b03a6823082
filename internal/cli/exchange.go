package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

// exchangeAsk is what `fob exchange` was asked.
type exchangeAsk struct {
	agent.Exchange
	subject, actor string
	json           bool
}

func (f *face) exchangeVerb() *cobra.Command {
	var ask exchangeAsk
	cmd := &cobra.Command{
		Use: "exchange NAME --subject PROFILE|@FILE|-", Short: "Exchange a token for another one",
		Long: `Exchanges a token for another one with the client of profile NAME (RFC 8693) and prints the new access token. It is not kept: for a profile
whose token always comes from another profile's, set grant_type=token-exchange and subject_profile.

The subject is whom the new token is about, the actor who acts for them: each is the name of a profile (its access token is taken, refreshed if need
be; its ID token with the type id_token) or comes from a file or standard input. The type of a given token is guessed when it is not said.`,
		Example: `  fob exchange gateway --subject work --audience orders
  fob exchange gateway --subject @token.txt --subject-type jwt --requested-type access_token
  fob exchange gateway --subject work --actor robot --json`,
		Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.Name = args[0]
			switch {
			case ask.subject == "":
				return misused("name a profile, or give a token as @FILE or -: --subject work", "an exchange needs a --subject")
			case ask.actor == "" && ask.ActorType != "":
				return misused("add --actor", "--actor-type is for an actor")
			case ask.subject == "-" && ask.actor == "-":
				return misused("give one of them as @FILE", "standard input cannot be read for both subject and actor")
			}
			return f.exchange(cmd.Context(), ask)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.subject, "subject", "", "whom the token is about (`PROFILE`, @FILE or -)")
	flags.StringVar(&ask.SubjectType, "subject-type", "", "what kind of token the subject's is (`TYPE`): access_token, id_token, jwt, …")
	flags.StringVar(&ask.actor, "actor", "", "who acts for them (`PROFILE`, @FILE or -)")
	flags.StringVar(&ask.ActorType, "actor-type", "", "what kind of token the actor's is (`TYPE`)")
	flags.StringVar(&ask.RequestedType, "requested-type", "", "what kind of token to get (`TYPE`)")
	flags.StringArrayVar(&ask.Audience, "audience", nil, "the service the token is for, by `name`; repeat for more")
	flags.StringArrayVar(&ask.Resource, "resource", nil, "the API the token is for, by `URI`; repeat for more")
	flags.StringArrayVar(&ask.Scope, "scope", nil, "ask for this `scope`; repeat for more")
	flags.BoolVar(&ask.json, "json", false, "print token, type, expiry and scope as JSON")
	for _, name := range []string{"subject-type", "actor-type", "requested-type"} {
		cmd.RegisterFlagCompletionFunc(name, choicesOf("subject_token_type"))
	}
	for _, name := range []string{"subject", "actor"} {
		cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return f.profileNames(cmd.Context()), cobra.ShellCompDirectiveDefault
		})
	}
	for _, name := range []string{"audience", "resource", "scope"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (f *face) exchange(ctx context.Context, ask exchangeAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if ask.SubjectProfile, ask.SubjectToken, err = f.party(ctx, client, "subject", ask.subject); err != nil {
		return err
	}
	if ask.actor != "" {
		if ask.ActorProfile, ask.ActorToken, err = f.party(ctx, client, "actor", ask.actor); err != nil {
			return err
		}
	}
	handout, err := withName(ctx, client, ask.Name, func(name string) (agent.Handout, error) {
		ask.Name = name
		return client.Exchange(ctx, ask.Exchange)
	})
	switch {
	case err != nil:
		return err
	case ask.json:
		return f.printJSON(handout)
	}
	return f.print(handout.AccessToken + "\n")
}

// party is the subject or the actor of an exchange: a profile's name, or a token from a file or standard input. What is no name is
// not repeated: somebody may have pasted a token.
func (f *face) party(ctx context.Context, client *agent.Client, role, text string) (profile, token string, err error) {
	if text == "-" || strings.HasPrefix(text, "@") {
		if text == "-" {
			token, err = f.readSecret(ctx, "token of the "+role)
		} else if token, err = f.fileValue(role, text); err == nil {
			token = strings.TrimSpace(token) // of SAML, several lines are one token
		}
		if err == nil && token == "" {
			err = misused("", "the token of the %s is empty", role)
		}
		return "", token, err
	}
	all, err := client.Profiles(ctx)
	if err != nil {
		return "", "", err
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if slices.Contains(names, text) {
		return text, "", nil
	}
	if actual := onlyFold(names, text); actual != "" {
		return actual, "", nil
	}
	remedy := "`fob status` lists the profiles; give a token as @FILE or -, never on the command line"
	if near := profiles.Nearest(names, text); len(near) > 0 {
		remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "", "", misused(remedy, "--%s is not the name of a profile", role)
}
