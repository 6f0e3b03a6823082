package cli

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// formAsk is what `fob copy` and `fob print` were asked.
type formAsk struct {
	as      string
	headers []string
	request agent.FormRequest
}

const formsLong = `
The forms are those of ` + "`fob forms`" + `, your own among them. Those that are a request (curl, httpie, wget, powershell, http, fetch, python, go) are for METHOD and URL; the default
is GET of the profile's api_base_url, and a URL may be a path below it. A DPoP token and OAuth 1.0a are carried with a proof or a signature made for that request: it is good once and
for about a minute, which standard error says. Forms that have no place for a proof (postman, insomnia, bruno, env, export) are refused for such tokens.`

func (f *face) copyVerb() *cobra.Command {
	ask := formAsk{as: string(agent.FormAccessToken)}
	cmd := &cobra.Command{
		Use: "copy NAME [METHOD URL]", Short: "Copy the token to the clipboard, in any form",
		Long:    "Copies the token to the desktop's clipboard, marked as a secret. The agent clears it after a while unless something else was copied.\n" + formsLong,
		Example: "  fob copy work\n  fob copy work --as header\n  fob copy work --as curl\n  fob copy work POST /orders --as http -d '{\"id\":1}' -H 'Content-Type: application/json'",
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := ask.read(f, args)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			copied, err := withName(ctx, client, args[0], func(name string) (agent.Copied, error) {
				ask.request.Name = name
				return client.Copy(ctx, ask.request, desktopEnv())
			})
			if err != nil {
				return err
			}
			after := ""
			if copied.ClearsAfter > 0 {
				after = "; it is cleared in " + span(time.Duration(copied.ClearsAfter))
			}
			what := form.About
			if form.Template != "" {
				what = "the form " + form.Name
			}
			f.say("copied %s of %s%s", what, ask.request.Name, after)
			f.note(copied.Note)
			return nil
		},
	}
	return ask.prepare(f, cmd)
}

func (f *face) printVerb() *cobra.Command {
	ask := formAsk{as: string(agent.FormAccessToken)}
	cmd := &cobra.Command{
		Use: "print NAME [METHOD URL]", Short: "Print the token in any form",
		Long:    "Prints what `fob copy` would put on the clipboard.\n" + formsLong,
		Example: "  fob print work --as env --var API_TOKEN >> .env\n  eval \"$(fob print work --as export)\"\n  fob print work GET /me --as python > me.py\n  fob print work --as postman > work.postman_environment.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := ask.read(f, args); err != nil {
				return err
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			filled, err := withName(ctx, client, args[0], func(name string) (agent.Filled, error) {
				ask.request.Name = name
				return client.Fill(ctx, ask.request)
			})
			if err != nil {
				return err
			}
			f.note(filled.Note)
			return f.print(strings.TrimSuffix(filled.Text, "\n") + "\n")
		},
	}
	return ask.prepare(f, cmd)
}

// note says what has to be said beside a result.
func (f *face) note(text string) {
	if text != "" {
		f.say("%s", text)
	}
}

// prepare gives a verb the arguments and flags of both.
func (ask *formAsk) prepare(f *face, cmd *cobra.Command) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = requestWords, f.completeRequest
	flags := cmd.Flags()
	flags.StringVar(&ask.as, "as", ask.as, "in which `FORM`: access_token, header, curl, http, postman, … (see fob forms)")
	flags.StringVar(&ask.request.Var, "var", "", "call the variable `NAME` (env, export; default FOB_TOKEN)")
	flags.StringArrayVarP(&ask.headers, "header", "H", nil, "add this `HEADER` to the request; repeat for more")
	flags.StringVarP(&ask.request.Body, "data", "d", "", "the request's `BODY`; then METHOD is POST unless it is named")
	cmd.RegisterFlagCompletionFunc("as", completeForms)
	for _, name := range []string{"var", "header", "data"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// read makes the question of the words.
func (ask *formAsk) read(f *face, args []string) (agent.FormInfo, error) {
	form, err := findForm(ask.as)
	if err != nil {
		return form, err
	}
	r := &ask.request
	r.Form = agent.Form(ask.as)
	if len(args) == 3 {
		r.Method, r.URL = args[1], args[2]
		if err := checkMethod(r.Method); err != nil {
			return form, err
		}
		if strings.Contains(r.URL, "://") {
			if err := checkRequest(r.Method, r.URL); err != nil {
				return form, err
			}
		}
	}
	r.Header, err = headerFields(ask.headers)
	return form, err
}

// findForm looks a form up, here and not in the agent: a mistake is then said before anything is asked.
func findForm(name string) (agent.FormInfo, error) {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return agent.FormInfo{}, err
	}
	all, damage := agent.Forms(home)
	if i := slices.IndexFunc(all, func(form agent.FormInfo) bool { return form.Name == name }); i >= 0 {
		return all[i], nil
	}
	if damage != nil {
		return agent.FormInfo{}, misused("mend it with `fob forms add`", "a token has no form %s: %s", name, damage)
	}
	return agent.FormInfo{}, misused("`fob forms` lists those that there are", "a token has no form %s", name)
}

// headerFields reads "Name: value" words.
func headerFields(words []string) ([]agent.HeaderField, error) {
	var all []agent.HeaderField
	for _, word := range words {
		name, value, found := strings.Cut(word, ":")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, misused("write it as -H 'Name: value'", "%q is not a header", word)
		}
		all = append(all, agent.HeaderField{Name: name, Value: strings.TrimSpace(value)})
	}
	return all, nil
}

// requestWords are NAME, or NAME METHOD URL.
func requestWords(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return misused("add the URL: `"+cmd.CommandPath()+" NAME METHOD URL`", "usage: %s", cmd.UseLine())
	}
	return words(1, 3)(cmd, args)
}

// completeRequest completes NAME METHOD URL.
func (f *face) completeRequest(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}, cobra.ShellCompDirectiveNoFileComp
	}
	return f.completeNames(cmd, args, typed)
}

// completeForms completes the name of a form; it reads forms.json and asks nobody.
func completeForms(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := agent.Forms(home) // what cannot be used is not offered
	names := make([]string, 0, len(all))
	for _, form := range all {
		names = append(names, cobra.CompletionWithDesc(form.Name, form.About))
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}
