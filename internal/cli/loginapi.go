package cli

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// apiAsk is what `fob login --url` was asked.
type apiAsk struct {
	url         string
	name        string
	server      string
	clientID    string
	secretStdin bool
	document    string
	yes         bool
}

// apiFlags are those that go with --url alone.
var apiFlags = []string{"name", "server", "client-id", "client-secret-stdin", "client-document", "yes"}

func (a *apiAsk) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&a.url, "url", "", "make a profile for the API at this `URL`, log in and call it")
	flags.StringVar(&a.name, "name", "", "with --url: call the profile so (default: made from the host)")
	flags.StringVar(&a.server, "server", "", "with --url: log in at this authorization server (`ISSUER`) when the API names several")
	flags.StringVar(&a.clientID, "client-id", "", "with --url: the `ID` of a client that is registered there already")
	flags.BoolVar(&a.secretStdin, "client-secret-stdin", false, "with --url and --client-id: read the client's secret from standard input")
	flags.StringVar(&a.document, "client-document", "", "with --url: the `URL` of your own client ID metadata document")
	flags.BoolVar(&a.yes, "yes", false, "with --url: go on without asking whether the hosts are right")
	for _, name := range []string{"url", "name", "server", "client-id", "client-document"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// given is a flag that goes with --url alone and was given, or "".
func (a *apiAsk) given(cmd *cobra.Command) string {
	for _, name := range apiFlags {
		if cmd.Flags().Changed(name) {
			return "--" + name
		}
	}
	return ""
}

// loginToAPI goes from the URL of an API to a profile, a login and a call (RFC 9728).
func (f *face) loginToAPI(ctx context.Context, ask loginAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := client.Explore(ctx, ask.api.url)
	var known *agent.Error
	if errors.As(err, &known) && known.Kind == agent.TryAgain {
		known.Remedy = "see that the address is right, and try again" // there is no login yet that could be kept
	}
	if err != nil {
		return err
	}
	ask.name = ask.api.name
	if ask.name == "" && ask.api.clientID == "" && len(found.Profiles) > 0 {
		ask.name = found.Profiles[0]
		f.say("the profile %s is for this API already", ask.name)
	} else if ask.name, err = f.adopt(ctx, client, found, ask.api); err != nil {
		return err
	}
	status, err := f.logIn(ctx, client, ask)
	if err != nil {
		f.hint("the profile is kept: fob login %s", quoted(ask.name))
		return err
	}
	if ask.json {
		err = f.loggedIn(status, true)
	} else if err = f.loggedIn(status, false); err == nil {
		err = f.print(clean(status.Name) + "\n")
	}
	if err != nil {
		return err
	}
	return f.callOnce(ctx, client, ask, status)
}

// adopt makes the profile, when the user wants what was found.
func (f *face) adopt(ctx context.Context, client *agent.Client, found agent.Exploration, ask apiAsk) (string, error) {
	f.showChain(found, ask)
	adoption := agent.Adoption{URL: ask.url, Name: ask.name, ClientID: ask.clientID, Document: ask.document}
	for _, host := range found.Hosts { // those that were shown, no other
		adoption.Hosts = append(adoption.Hosts, host.Host)
	}
	var err error
	if adoption.Server, err = f.chooseServer(ctx, found.Servers, ask.server); err != nil {
		return "", err
	}
	if ask.secretStdin {
		if ask.clientID == "" {
			return "", misused("add --client-id ID", "--client-secret-stdin is for a client that has an id")
		}
		if adoption.ClientSecret, err = f.readSecret(ctx, "client_secret"); err != nil {
			return "", err
		}
	}
	if found.Client == "ask" && len(found.Servers) == 1 && ask.clientID == "" && ask.document == "" {
		if adoption.ClientID, err = f.askClientID(ctx, adoption.Server); err != nil {
			return "", err
		}
	}
	if err := f.consent(ctx, ask); err != nil {
		return "", err
	}
	name, err := client.Adopt(ctx, adoption)
	if err == nil {
		f.say("added profile %s", name)
	}
	return name, err
}

// showChain shows every host that the login would talk to, and what each gets (RFC 9728 §7, R-204).
func (f *face) showChain(found agent.Exploration, ask apiAsk) {
	f.say("a login for %s talks to", found.URL)
	var rows [][]string
	last := ""
	for _, host := range found.Hosts {
		name, mark := host.Host, ""
		if host.New {
			mark = "new"
		}
		if name == last { // it stands above
			name, mark = "", ""
		}
		last = host.Host
		rows = append(rows, []string{name, mark, host.Role, "gets " + host.Gets})
	}
	for line := range strings.Lines(indent(table(rows))) {
		f.say("%s", strings.TrimRight(line, "\n"))
	}
	if len(found.Scope) > 0 {
		f.say("and asks for the scope %s", strings.Join(found.Scope, " "))
	}
	for _, note := range found.Notes {
		f.say("note: %s", note)
	}
	if found.Client == "registration" && ask.clientID == "" && ask.document == "" {
		f.say("Fob registers itself there as a client")
	}
}

// chooseServer is the authorization server to log in at. With several the user chooses.
func (f *face) chooseServer(ctx context.Context, servers []string, asked string) (string, error) {
	switch {
	case asked != "" && len(servers) > 0 && !slices.Contains(servers, asked):
		return "", misused("one of "+strings.Join(servers, ", "), "the API does not name the authorization server %s", asked)
	case asked != "":
		return asked, nil
	case len(servers) == 1:
		return servers[0], nil
	case len(servers) == 0:
		return "", failed("no_server", "name it with --server ISSUER, or add a profile by hand: fob profile add", "the API names no authorization server")
	case !f.conversing():
		return "", misused("choose one: --server "+strings.Join(servers, ", or --server "), "the API names %d authorization servers", len(servers))
	}
	for i, server := range servers {
		f.say("%d  %s", i+1, server)
	}
	line, err := f.question(ctx, "log in at which of them? ")
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(servers) {
		return "", misused("", "%s is none of them", line)
	}
	return servers[n-1], nil
}

func (f *face) askClientID(ctx context.Context, server string) (string, error) {
	const remedy = "register a client with the redirect URI http://127.0.0.1/callback there, then give its id: --client-id ID"
	if !f.conversing() {
		return "", misused(remedy, "%s lets no client register by itself", server)
	}
	f.say("%s lets no client register by itself; register one with the redirect URI http://127.0.0.1/callback there", server)
	id, err := f.question(ctx, "its client id: ")
	if err == nil && id == "" {
		err = misused(remedy, "a login needs a client id")
	}
	return id, err
}

// consent asks whether to go on; nothing has been sent yet but questions for public documents.
func (f *face) consent(ctx context.Context, ask apiAsk) error {
	switch {
	case ask.yes:
		return nil
	case !f.conversing():
		return misused("when these are the right hosts, say so with --yes", "nobody is there to ask whether to go on")
	}
	line, err := f.question(ctx, "go on? [y/N] ")
	if err != nil {
		return err
	}
	if !isYes(line) {
		return failed("declined", "", "nothing was done")
	}
	return nil
}

func isYes(line string) bool { return strings.EqualFold(line, "y") || strings.EqualFold(line, "yes") }

// conversing says whether somebody is there to answer.
func (f *face) conversing() bool { return isTerminal(f.In) && isTerminal(f.Err) }

// callOnce calls the API with the new token and says what it answered. When the API asks for a stronger login, one is offered.
func (f *face) callOnce(ctx context.Context, client *agent.Client, ask loginAsk, status agent.Status) error {
	address := ask.api.url
	for again := false; ; again = true {
		answer, err := client.Request(ctx, agent.Request{Name: ask.name, URL: address})
		if err != nil {
			return err
		}
		f.say("GET %s: the API answers %d %s", address, answer.Status, http.StatusText(answer.Status))
		demand := answer.StepUp
		switch {
		case demand == nil && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden):
			return failed("refused", "see what the token says: fob show "+quoted(ask.name), "the API did not let the token in")
		case demand == nil: // other refusals are about the request, not the token
			return nil
		}
		var went bool
		if status, went, err = f.stepUp(ctx, client, ask, status, demand, again); err != nil || !went {
			return err
		}
	}
}

// stepUp says what an API asks for beyond the token, and offers the login that meets it, once. It says whether there was one.
func (f *face) stepUp(ctx context.Context, client *agent.Client, ask loginAsk, status agent.Status, demand *agent.StepUp, again bool) (agent.Status, bool, error) {
	f.say("%s", demand.Reason)
	demand.Options.Scope = slices.DeleteFunc(demand.Options.Scope, func(s string) bool { return slices.Contains(status.ScopeRequested, s) })
	command := "fob login " + quoted(ask.name) + demand.Options.Flags()
	if again || !f.conversing() {
		return status, false, &agent.Error{Kind: agent.LogInFirst, Code: "step_up", Sentence: "the API wants another login than this one", Remedy: command}
	}
	line, err := f.question(ctx, "log in again with"+demand.Options.Flags()+"? [y/N] ")
	if err != nil {
		return status, false, err
	}
	if !isYes(line) {
		f.hint("%s", command)
		return status, false, nil
	}
	ask.options.Scope, ask.options.ACRValues, ask.options.MaxAge = demand.Options.Scope, demand.Options.ACRValues, demand.Options.MaxAge
	if status, err = f.logIn(ctx, client, ask); err != nil {
		return status, false, err
	}
	return status, true, f.loggedIn(status, false)
}
