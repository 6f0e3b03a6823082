package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"fob/internal/agent"
)

// showPage brings the login page to the user. The address is printed whatever happens: a browser that opens on another
// desktop, or not at all, must not end the login.
func (f *face) showPage(ctx context.Context, name string, ev agent.LoginEvent, ask pageAsk) {
	switch {
	case ev.Opened:
		f.say("the login page of %s opens in the browser of the machine that the agent runs on; if none appears, open this address there", name)
	case f.shared:
		f.say("open this address in a browser of the machine that the agent runs on to log in to %s", name)
	case ev.Joined:
		f.say("a login of %s already waits in a browser; finish it there, or open this address", name)
	case ask.noBrowser:
		f.say("open this address in a browser on this computer to log in to %s", name)
	default:
		f.say("opening the login page of %s in the browser; if none appears, open this address", name)
	}
	f.say("login page: %s", ev.URL)
	if port := redirectPort(ev.RedirectURI); port != "" && !f.shared && os.Getenv("SSH_CONNECTION") != "" {
		f.hint("over ssh, first forward the port the browser comes back to: ssh -L %s:127.0.0.1:%s %s", port, port, hostname())
		f.hint("or log in with any browser and bring the answer by hand: fob login %s --print-url", quoted(name))
	}
	if !ev.Until.IsZero() {
		f.say("waiting for the browser for %s; Ctrl-C cancels", span(time.Until(ev.Until).Round(time.Second)))
	}
	if ev.Joined || ask.noBrowser || f.shared { // the browser there comes back to the agent; one here would not
		return
	}
	f.open(ctx, ev.URL, ev.Browser, ask)
}

// open shows a page in the browser: the one asked for, else the profile's own, else this shell's.
func (f *face) open(ctx context.Context, address, own string, ask pageAsk) {
	command := ask.browser
	if command == "" {
		command = own
	}
	go f.openNow(ctx, address, command) // what it has to say, it has said
}

// openNow shows a page and says what went wrong. A browser command may run as long as its window: the end of a login does not
// end it.
func (f *face) openNow(ctx context.Context, address, command string) error {
	err := openBrowser(context.WithoutCancel(ctx), address, command)
	if err != nil {
		f.say("%s", err)
		f.hint("open the address above by hand, or name a browser with --browser or BROWSER")
		return exitCode(agent.Failed)
	}
	return nil
}

// deviceCode is a code to type on another device, as --json shows it (RFC 8628 §3.2). The device code itself is a secret of the
// agent's.
type deviceCode struct {
	UserCode                string    `json:"user_code"`
	VerificationURI         string    `json:"verification_uri"`
	VerificationURIComplete string    `json:"verification_uri_complete,omitempty"`
	ExpiresAt               time.Time `json:"expires_at"`
}

// showCode says what to type on another device, and where (RFC 8628 §3.3). The code is shown even when the address holds it: it
// is to be compared with what the page shows (§3.3.1).
func (f *face) showCode(ctx context.Context, name string, ev agent.LoginEvent, ask loginAsk) {
	f.say("to log in to %s, open this address on any device: %s", name, ev.VerificationURI)
	f.say("and type this code: %s", ev.UserCode)
	complete := ev.VerificationURIComplete
	if ask.json {
		text, err := json.Marshal(deviceCode{ev.UserCode, ev.VerificationURI, complete, ev.Until})
		if err == nil {
			err = f.print(string(text) + "\n")
		}
		if err != nil {
			f.say("%s", err)
		}
	}
	if complete == "" {
		complete = ev.VerificationURI
	} else {
		f.say("or open this one, and see that it shows the same code: %s", complete)
	}
	if isTerminal(f.Err) && os.Getenv("TERM") != "dumb" {
		if picture, err := qrText(complete); err == nil {
			f.mu.Lock()
			io.WriteString(f.Err, picture)
			f.mu.Unlock()
		}
	}
	switch {
	case ev.Joined:
	case ask.pages.browser != "":
		f.open(ctx, complete, ev.Browser, ask.pages)
	case !ask.pages.noBrowser && isTerminal(f.In) && isTerminal(f.Err):
		f.say("press Enter to open it in the browser here")
		go func() { // it ends with the program when nobody presses anything
			if _, err := readLine(f.In); err == nil {
				f.open(ctx, complete, ev.Browser, ask.pages)
			}
		}()
	}
}

// showBackchannel says what the person's own device asks (OpenID CIBA Core §7.1).
func (f *face) showBackchannel(name string, ev agent.LoginEvent) {
	if ev.BindingMessage == "" {
		f.say("approve the login of %s on your device", name)
		return
	}
	f.say("approve the login of %s on your device, which shows: %s", name, ev.BindingMessage)
}

// await says how long something is waited for: at a terminal as a countdown, until stop is called.
func (f *face) await(ctx context.Context, what string, until time.Time) (stop func()) {
	if until.IsZero() {
		return func() {}
	}
	left := func() time.Duration { return max(0, time.Until(until).Round(time.Second)) }
	if !isTerminal(f.Err) || os.Getenv("TERM") == "dumb" {
		f.say("%s for %s; Ctrl-C cancels", what, span(left()))
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			d := left()
			f.setLive(fmt.Sprintf("fob: %s, %d:%02d left; Ctrl-C cancels", what, int(d.Minutes()), int(d.Seconds())%60))
			select {
			case <-ctx.Done():
				f.setLive("")
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// wipe returns to the start of a terminal's line and empties it (ECMA-48 §8.3.41, EL).
const wipe = "\r\x1b[K"

// setLive shows a line that the next one overwrites.
func (f *face) setLive(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live = line
	io.WriteString(f.Err, wipe+line)
}

// redirectPort is the loopback port that the browser will be sent back to.
func redirectPort(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return ""
	}
	return u.Port()
}

func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "HOST"
}
