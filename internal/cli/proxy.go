package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) proxyVerb() *cobra.Command {
	var ask agent.ProxyRequest
	var asJSON, list bool
	var stop string
	cmd := &cobra.Command{
		Use: "proxy NAME | --list | --stop NAME", Short: "Let other programs use the API without the token",
		Long: `Listens on this computer and forwards to the profile's API (api_base_url), with the profile's credential added: bearer, DPoP, OAuth 1.0a or client
certificate. Whatever uses the address that is printed (Postman, a browser, an MCP client, a test suite) is let in at the API and never sees the token.
It ends with Ctrl+C. Each request is a line on standard error.

Who uses it has to know the secret that is in the address, or with --header in a header. Pages in a browser get in from the origins given with --origin
alone. What leaves the API's base URL is refused; redirects are passed on and never followed. The token is refreshed when the API refuses it, and the
request repeated if its body is no larger than 1 MiB. ` + "`fob lock`" + ` cuts what is under way, and answers 423 until it is unlocked.

--list shows the proxies that run, whoever runs them; --stop ends one, by its address, its id, or the name of its profile for all of that one.`,
		Example: `  fob proxy work
  fob proxy work --listen 8000 --origin http://localhost:5173
  fob proxy work --read-only --json
  curl "$URL/me"
  fob proxy --list
  fob proxy --stop work`,
		Args: words(0, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch starts := ask.Listen != "" || ask.Header != "" || ask.Origins != nil || ask.ReadOnly; {
			case (list || stop != "") && (len(args) > 0 || starts || list && stop != "" || stop != "" && asJSON):
				return misused("run them one by one", "--list and --stop start no proxy")
			case list:
				return f.listProxies(cmd.Context(), asJSON)
			case stop != "":
				return f.stopProxy(cmd.Context(), stop)
			case len(args) == 0:
				return misused("run `fob proxy --help` for examples", "usage: %s", cmd.UseLine())
			}
			ask.Name = args[0]
			return f.proxy(cmd.Context(), ask, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.Listen, "listen", "", "listen on this `ADDRESS` of this computer: 8000, 127.0.0.1:8000, [::1]:0, localhost:0 for both (default 127.0.0.1 and any free port)")
	flags.StringVar(&ask.Header, "header", "", "take the secret from the header `NAME` instead of the path")
	flags.StringArrayVar(&ask.Origins, "origin", nil, "let pages of this `ORIGIN` use the proxy; repeat for more")
	flags.BoolVar(&ask.ReadOnly, "read-only", false, "let in GET, HEAD and OPTIONS only")
	flags.BoolVar(&asJSON, "json", false, "print address and header as JSON")
	flags.BoolVar(&list, "list", false, "list the proxies that run; with --json also their addresses with the secret")
	flags.StringVar(&stop, "stop", "", "end the proxies of the profile `NAME`, or the one with this address or id")
	cmd.RegisterFlagCompletionFunc("stop", f.completeNames)
	for _, name := range []string{"listen", "header", "origin"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// proxy runs a proxy until the user ends it.
func (f *face) proxy(ctx context.Context, ask agent.ProxyRequest, asJSON bool) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var unprinted error
	_, err = withName(ctx, client, ask.Name, func(name string) (struct{}, error) {
		ask.Name = name
		return struct{}{}, client.Proxy(ctx, ask, func(ev agent.ProxyEvent) {
			if ev.Listening != nil {
				if unprinted = f.listening(*ev.Listening, asJSON); unprinted != nil {
					stop()
				}
			}
			if ev.Stopped {
				f.say("%s: the proxy was stopped", name)
			}
			f.proxied(ev)
		})
	})
	switch {
	case unprinted != nil:
		return unprinted
	case ctx.Err() != nil:
		return nil // that is how it ends
	}
	return err
}

// listening prints where the proxy is.
func (f *face) listening(p agent.RunningProxy, asJSON bool) error {
	f.say("%s stands for %s, until Ctrl+C", p.Name, p.API)
	if asJSON {
		return f.printJSON(p)
	}
	return f.print(p.Text() + "\n")
}

// listProxies prints those that run. The secret is in JSON alone: a list is for looking.
func (f *face) listProxies(ctx context.Context, asJSON bool) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := client.Proxies(ctx)
	switch {
	case err != nil:
		return err
	case asJSON:
		return f.printJSON(all)
	case len(all) == 0:
		f.say("no proxy runs")
		f.hint("`fob proxy NAME` starts one")
		return nil
	}
	var rows [][]string
	for _, p := range all {
		how := "path"
		if p.Header != nil {
			how = "header " + p.Header.Name
		}
		if p.ReadOnly {
			how += ", read-only"
		}
		rows = append(rows, []string{p.Name, addressOf(p.URL), p.API, p.Since.Local().Format("Jan 2 15:04"), how})
	}
	return f.print(headed([]string{"NAME", "ADDRESS", "API", "SINCE", "SECRET IN"}, rows))
}

// addressOf is where a proxy of that URL listens, without the secret.
func addressOf(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil {
		return ""
	}
	return u.Host
}

// stopProxy ends the proxies that which names.
func (f *face) stopProxy(ctx context.Context, which string) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := client.Proxies(ctx)
	if err != nil {
		return err
	}
	stopped := 0
	for _, p := range all {
		if !strings.EqualFold(p.Name, which) && p.ID != which && addressOf(p.URL) != which && addressOf(p.URL) != addressOf(which) {
			continue
		}
		if err := client.StopProxy(ctx, p.ID); err != nil {
			return err
		}
		stopped++
	}
	if stopped == 0 {
		return misused("see those that run: fob proxy --list", "no proxy of that profile or address runs")
	}
	return nil
}

// proxied logs what the proxy tells.
func (f *face) proxied(ev agent.ProxyEvent) {
	if ev.Missed > 0 {
		f.say("%d more requests, too many at once to log", ev.Missed)
	}
	if ev.Request == nil {
		return
	}
	line := fmt.Sprintf("%s %s %d %.1f ms", ev.Request.Method, ev.Request.Path, ev.Request.Status, float64(ev.Request.Took)/float64(time.Millisecond))
	f.say("%s", strings.Join(strings.Fields(line+" "+ev.Request.Note), " "))
}
