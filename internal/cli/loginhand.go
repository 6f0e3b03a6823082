package cli

import (
	"context"
	"strings"

	"fob/internal/agent"
)

// beginLogin prints the address of a login page and leaves the login to be completed by hand.
func (f *face) beginLogin(ctx context.Context, ask loginAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	pending, err := withName(ctx, client, ask.name, func(name string) (agent.Pending, error) { return client.Begin(ctx, name, ask.options) })
	if err != nil {
		return err
	}
	if ask.json {
		err = f.printJSON(pending)
	} else {
		err = f.print(clean(pending.URL) + "\n")
	}
	if err != nil {
		return err
	}
	f.say("open this address in any browser and log in to %s, before %s", pending.Name, moment(pending.Until))
	if pending.OutOfBand {
		f.hint("the page shows a code at the end: fob login %s --complete CODE", quoted(pending.Name))
		return nil
	}
	f.hint("the browser ends at a page that it cannot open; copy the address of that page, then give it to: fob login --complete -")
	return nil
}

// outOfBand is the code of the agent's error for a login whose server shows a code instead of redirecting (RFC 5849 §2.1).
const outOfBand = "out_of_band"

// typeCode runs such a login: the page, then the code that it shows.
func (f *face) typeCode(ctx context.Context, client *agent.Client, name string, ask loginAsk) (agent.Status, error) {
	pending, err := client.Begin(ctx, name, ask.options)
	if err != nil {
		return agent.Status{}, err
	}
	view, err := client.Profile(ctx, name)
	if err != nil {
		return agent.Status{}, err
	}
	f.showPage(ctx, name, agent.LoginEvent{URL: pending.URL, Browser: view.Profile.Browser}, ask.pages)
	code, err := f.question(ctx, "the code that the page shows at the end: ")
	if err != nil {
		return agent.Status{}, err
	}
	return client.Complete(ctx, name, code)
}

// completeLogin ends a login with what the browser brought back.
func (f *face) completeLogin(ctx context.Context, ask loginAsk) error {
	answer := ask.complete
	if answer == "-" {
		if isTerminal(f.In) {
			f.hint("paste the address, then Enter")
		}
		line, err := f.lineIn(ctx)
		if err != nil {
			return err
		}
		answer = line
	}
	if answer = strings.TrimSpace(answer); answer == "" {
		return misused("paste the address that the browser came to", "standard input is empty")
	}
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	complete := func(name string) (agent.Status, error) { return client.Complete(ctx, name, answer) }
	var status agent.Status
	if ask.name == "" { // the answer says whose it is
		status, err = complete("")
	} else {
		status, err = withName(ctx, client, ask.name, complete)
	}
	if err != nil {
		return err
	}
	return f.loggedIn(status, ask.json)
}
