package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

// loginAsk is what `fob login` was asked.
type loginAsk struct {
	name    string
	options agent.LoginOptions
	pages   pageAsk
	json    bool

	passwordStdin bool
	refreshStdin  bool // a refresh token comes from elsewhere

	printURL bool   // begin, for somebody to complete
	pollOnce bool   // ask once, do not wait
	complete string // what the browser brought back

	api apiAsk // start from the URL of an API
}

// pageAsk is how a page is to be brought to the user.
type pageAsk struct {
	noBrowser bool
	browser   string
}

func (f *face) loginVerb() *cobra.Command {
	var ask loginAsk
	var account bool
	var maxAge int
	cmd := &cobra.Command{
		Use: "login [NAME]", Short: "Log in, with the browser or as the profile says",
		Long: `Logs in by the profile's grant and keeps the tokens. Mostly that means: the login page opens in your browser and Fob waits for the
answer. The address is always printed too. A profile with the grant device_code (or --device) shows a code to type on another device, one with
ciba says what to approve on your phone, one with password asks for it. A profile that needs nobody just gets its token.

The browser is --browser, else the profile's own, else $BROWSER, else the desktop's. Ctrl-C cancels the login.

Where no browser can come back to this computer, --print-url prints the address alone and ends; log in with any browser, then give the address
that it ends at to ` + "`fob login --complete -`" + `, in this shell or another, within an hour. The address holds a code that works once and only
with what Fob has kept; still, - (standard input) keeps it out of the shell's history.

With --url the login starts from the address of an API: Fob asks it who its authorization server is, shows every host that it would talk to and
what each would get, and goes on when you say so (--yes says so in a script). It makes a profile, logs in, calls the address and prints the
profile's name.

With --refresh-token-stdin nobody has to log in: a refresh token that another program got for the same client is spent at once, and Fob's own
login goes on from there. Most servers end the old one with that, so the other program has to log in anew.

With --json a login by device code prints first the code and where to type it as one line of JSON; the last thing is the profile's new status.`,
		Example: `  fob login work
  fob login work --browser "firefox --private-window"
  fob login work --device
  until fob login tv --poll-once; do sleep 10; done
  fob login work --account
  fob login work --scope orders:write
  fob login work --print-url
  fob login --complete - < address.txt
  fob login robot --username ana --password-stdin < password.txt
  fob login work --refresh-token-stdin < token.txt
  fob login --url https://mcp.example.com/mcp`,
		Args: words(0, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				ask.name = args[0]
			}
			if cmd.Flags().Changed("max-age") {
				ask.options.MaxAge = &maxAge
			}
			if account {
				ask.options.Prompt = "select_account"
			}
			if err := ask.check(cmd); err != nil {
				return err
			}
			switch {
			case ask.api.url != "":
				return f.loginToAPI(cmd.Context(), ask)
			case ask.printURL:
				return f.beginLogin(cmd.Context(), ask)
			case ask.pollOnce:
				return f.pollLogin(cmd.Context(), ask)
			case ask.complete != "":
				return f.completeLogin(cmd.Context(), ask)
			}
			return f.login(cmd.Context(), ask)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&ask.options.Device, "device", false, "log in with a code that you type on another device")
	ask.pages.flags(cmd, "login page")
	flags.Var((*seconds)(&ask.options.Timeout), "timeout", "give up after this long (default: the profile's, else 5m)")
	flags.Lookup("timeout").DefValue = ""
	flags.StringVar(&ask.options.Prompt, "prompt", "", "what the server shall ask: login, consent, select_account, create or none")
	flags.BoolVar(&account, "account", false, "choose another account: the same as --prompt select_account")
	flags.StringArrayVar(&ask.options.Scope, "scope", nil, "ask for this `scope` beside the profile's; repeat for more")
	flags.StringArrayVar(&ask.options.ACRValues, "acr", nil, "ask for a login of this strength (`value` of acr_values); repeat for more")
	flags.IntVar(&maxAge, "max-age", 0, "ask for a login that is at most this many `seconds` old; 0 is now")
	flags.BoolVar(&ask.printURL, "print-url", false, "print the address of the login page and end; complete it with --complete")
	flags.BoolVar(&ask.pollOnce, "poll-once", false, "ask once whether the code was typed or the login approved, and end: with 0, or with 5 for \"not yet\"; the first time shows the code")
	flags.StringVar(&ask.complete, "complete", "", "end a login with the address the browser came to, its query, or the code that the server showed (`ADDRESS`, or - for standard input)")
	flags.StringVar(&ask.options.Username, "username", "", "who logs in, where the grant is password")
	flags.BoolVar(&ask.passwordStdin, "password-stdin", false, "read the password from standard input, where the grant is password")
	flags.BoolVar(&ask.refreshStdin, "refresh-token-stdin", false, "take over a login from elsewhere: read its refresh token from standard input")
	flags.BoolVar(&ask.json, "json", false, "print the profile's new status as JSON")
	ask.api.flags(cmd)
	cmd.RegisterFlagCompletionFunc("prompt", choicesOf("prompt"))
	for _, name := range []string{"acr", "max-age", "username", "scope", "timeout", "complete"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// flags adds those that say how a page is shown.
func (a *pageAsk) flags(cmd *cobra.Command, page string) {
	cmd.Flags().BoolVar(&a.noBrowser, "no-browser", false, "only print the address of the "+page)
	cmd.Flags().StringVar(&a.browser, "browser", "", "open the "+page+" with this `command`")
}

func (a pageAsk) check() error {
	if a.noBrowser && a.browser != "" {
		return misused("", "--no-browser and --browser exclude each other")
	}
	return nil
}

// check refuses what contradicts itself.
func (ask *loginAsk) check(cmd *cobra.Command) error {
	var ways []string
	for _, name := range []string{"url", "print-url", "complete", "device", "poll-once", "password-stdin", "refresh-token-stdin"} {
		if cmd.Flags().Changed(name) {
			ways = append(ways, "--"+name)
		}
	}
	if ask.pollOnce && ask.options.Device {
		ways = nil // poll once for a device
	}
	switch {
	case len(ways) > 1:
		return misused("", "%s exclude each other", strings.Join(ways, " and "))
	case ask.api.url == "" && ask.api.given(cmd) != "":
		return misused("`fob profile set` changes a profile that is there", "%s goes with --url", ask.api.given(cmd))
	case ask.api.url != "" && ask.name != "":
		return misused("name the profile to make with --name", "--url makes a profile of its own")
	case ask.complete == "" && cmd.Flags().Changed("complete"):
		return misused("paste the address between quotes, or write - and give it on standard input", "--complete is empty")
	case ask.name == "" && ask.api.url == "" && ask.complete == "":
		return misused("run `"+cmd.CommandPath()+" --help` for examples", "usage: %s", strings.Replace(cmd.UseLine(), "[NAME]", "NAME", 1))
	case cmd.Flags().Changed("account") && cmd.Flags().Changed("prompt"):
		return misused("", "--account and --prompt exclude each other")
	case ask.options.MaxAge != nil && *ask.options.MaxAge < 0:
		return misused("0 asks for a login now", "--max-age is negative")
	}
	if ask.api.url != "" {
		if err := checkRequest(http.MethodGet, ask.api.url); err != nil {
			return err
		}
	}
	return ask.pages.check()
}

func (f *face) login(ctx context.Context, ask loginAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if ask.passwordStdin {
		if ask.options.Password, err = f.readSecret(ctx, "password"); err != nil {
			return err
		}
	}
	if ask.refreshStdin {
		if ask.options.RefreshToken, err = f.readSecret(ctx, "refresh token"); err != nil {
			return err
		}
	}
	status, err := f.logIn(ctx, client, ask)
	if err != nil {
		return err
	}
	return f.loggedIn(status, ask.json)
}

// logIn runs one login and shows what the person has to do.
func (f *face) logIn(ctx context.Context, client *agent.Client, ask loginAsk) (agent.Status, error) {
	status, err := withName(ctx, client, ask.name, func(name string) (agent.Status, error) {
		status, err := f.runLogin(ctx, client, name, ask)
		var known *agent.Error
		if !errors.As(err, &known) || known.Code != passwordNeeded {
			if known != nil && known.Code == outOfBand && f.conversing() {
				return f.typeCode(ctx, client, name, ask)
			}
			return status, err
		}
		if ask.options, err = f.askPassword(ctx, client, name, ask.options, known); err != nil {
			return status, err
		}
		return f.runLogin(ctx, client, name, ask)
	})
	if errors.Is(err, context.Canceled) {
		return status, failed("cancelled", "", "login of %s cancelled", ask.name)
	}
	return status, err
}

func (f *face) runLogin(ctx context.Context, client *agent.Client, name string, ask loginAsk) (agent.Status, error) {
	return opening(ctx, f, client, func() (agent.Status, error) { return f.loginOnce(ctx, client, name, ask) })
}

func (f *face) loginOnce(ctx context.Context, client *agent.Client, name string, ask loginAsk) (agent.Status, error) {
	waiting := func() {}
	defer func() { waiting() }()
	return client.Login(ctx, name, ask.options, func(ev agent.LoginEvent) {
		switch ev.Kind {
		case "keychain":
			if client.Greeting().Store == "file" { // opening it takes most of a second: nobody is asked anything
				f.say("the file store is being opened before %s can log in; Ctrl-C cancels", name)
				break
			}
			f.say("the keychain waits for an answer on the screen before %s can log in; Ctrl-C cancels", name)
		case "open":
			f.showPage(ctx, name, ev, ask.pages)
		case "device":
			f.showCode(ctx, name, ev, ask)
			waiting = f.await(ctx, "waiting for the other device", ev.Until)
		case "ciba":
			f.showBackchannel(name, ev)
			waiting = f.await(ctx, "waiting for your approval", ev.Until)
		}
	})
}

// pollLogin asks once whether somebody has approved, and ends with 5 when nobody has yet.
func (f *face) pollLogin(ctx context.Context, ask loginAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ev, err := withName(ctx, client, ask.name, func(name string) (agent.LoginEvent, error) { return client.Poll(ctx, name, ask.options) })
	if err != nil {
		return err
	}
	if ev.Status != nil {
		return f.loggedIn(*ev.Status, ask.json)
	}
	if !ev.Joined || ask.json {
		ask.pages.noBrowser = true
		if ev.Kind == "device" {
			f.showCode(ctx, ask.name, ev, ask)
		} else {
			f.showBackchannel(ask.name, ev)
		}
	}
	return &agent.Error{Kind: agent.TryAgain, Code: "authorization_pending", Sentence: "profile " + ask.name + ": nobody has approved yet",
		Remedy: "ask again in some seconds: fob login --poll-once " + quoted(ask.name)}
}

// loggedIn says how a login ended.
func (f *face) loggedIn(status agent.Status, asJSON bool) error {
	who := ""
	if status.Account != "" {
		who = " as " + status.Account
	}
	f.say("logged in to %s%s%s", status.Name, who, comma(timeLeft(status, time.Now())))
	if asJSON {
		return f.printJSON(status)
	}
	return nil
}

// choicesOf completes the choices of a profile's field.
func choicesOf(key string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		field, _ := profiles.FieldByKey(key)
		var values []string
		for _, choice := range field.Choices {
			if choice.Value != "" {
				values = append(values, cobra.CompletionWithDesc(choice.Value, choice.Label))
			}
		}
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}
