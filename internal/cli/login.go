package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

type loginAsk struct {
	name      string
	device    bool
	noBrowser bool
	browser   string
	timeout   time.Duration
	json      bool
}

func (f *face) loginVerb() *cobra.Command {
	var ask loginAsk
	cmd := &cobra.Command{
		Use: "login NAME", Short: "Log in with the browser",
		Long: `Opens the profile's login page in your browser, waits for the answer and keeps the tokens. The address is always printed too.

The browser is --browser, else the profile's own, else $BROWSER, else the desktop's. Ctrl-C cancels the login.`,
		Example: `  fob login work
  fob login work --browser "firefox --private-window"
  fob login work --no-browser`,
		Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.name = args[0]
			return f.login(cmd.Context(), ask)
		},
	}
	cmd.Flags().BoolVar(&ask.device, "device", false, "log in with a code on another device (not in this version)")
	cmd.Flags().BoolVar(&ask.noBrowser, "no-browser", false, "only print the address of the login page")
	cmd.Flags().StringVar(&ask.browser, "browser", "", "open the login page with this `command`")
	cmd.Flags().Var((*seconds)(&ask.timeout), "timeout", "give up after this long (default: the profile's, else 5m)")
	cmd.Flags().Lookup("timeout").DefValue = ""
	cmd.Flags().BoolVar(&ask.json, "json", false, "print the profile's new status as JSON")
	return cmd
}

func (f *face) login(ctx context.Context, ask loginAsk) error {
	if ask.device {
		return misused("leave --device out to log in with the browser", "this version of fob cannot log in with a device code")
	}
	if ask.noBrowser && ask.browser != "" {
		return misused("", "--no-browser and --browser exclude each other")
	}
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	status, err := withName(ctx, client, ask.name, func(name string) (agent.Status, error) {
		return client.Login(ctx, name, agent.LoginOptions{Timeout: profiles.Duration(ask.timeout)}, func(ev agent.LoginEvent) {
			switch ev.Kind {
			case "keychain":
				f.say("the keychain waits for an answer on the screen before %s can log in; Ctrl-C cancels", name)
			case "open":
				f.showPage(ctx, name, ev, ask)
			}
		})
	})
	if errors.Is(err, context.Canceled) {
		return failed("cancelled", "", "login of %s cancelled", ask.name)
	}
	if err != nil {
		return err
	}
	who := ""
	if status.Account != "" {
		who = " as " + status.Account
	}
	f.say("logged in to %s%s%s", status.Name, who, comma(timeLeft(status, time.Now())))
	if ask.json {
		return f.printJSON(status)
	}
	return nil
}

// showPage brings the login page to the user. The address is printed whatever happens: a browser that opens on another
// desktop, or not at all, must not end the login.
func (f *face) showPage(ctx context.Context, name string, ev agent.LoginEvent, ask loginAsk) {
	command := ask.browser
	if command == "" {
		command = ev.Browser
	}
	switch {
	case ev.Joined:
		f.say("a login of %s already waits in a browser; finish it there, or open this address", name)
	case ask.noBrowser:
		f.say("open this address in a browser on this computer to log in to %s", name)
	default:
		f.say("opening the login page of %s in the browser; if none appears, open this address", name)
	}
	f.say("login page: %s", ev.URL)
	if port := redirectPort(ev.URL); port != "" && os.Getenv("SSH_CONNECTION") != "" {
		f.hint("over ssh, first forward the port the browser comes back to: ssh -L %s:127.0.0.1:%s %s", port, port, hostname())
	}
	if !ev.Until.IsZero() {
		f.say("waiting for the browser for %s; Ctrl-C cancels", span(time.Until(ev.Until).Round(time.Second)))
	}
	if ev.Joined || ask.noBrowser {
		return
	}
	go func() { // a browser command may run as long as its window; the end of the login does not end it
		if err := openBrowser(context.WithoutCancel(ctx), ev.URL, command); err != nil {
			f.say("%s", err)
			f.hint("open the address above by hand, or name a browser with --browser or BROWSER")
		}
	}()
}

// redirectPort is the loopback port that the browser will be sent back to.
func redirectPort(authorization string) string {
	u, err := url.Parse(authorization)
	if err != nil {
		return ""
	}
	redirect, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		return ""
	}
	return redirect.Port()
}

func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "HOST"
}
