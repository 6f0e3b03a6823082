package cli

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// execAsk is what `fob exec` was asked.
type execAsk struct {
	name    string
	vars    []string // VAR or VAR=FORM
	command []string
	minTTL  time.Duration
}

// The exit codes of a command that could not be started, as env(1) and every shell have them.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

func (f *face) execVerb() *cobra.Command {
	ask := execAsk{minTTL: chosenMinTTL}
	cmd := &cobra.Command{
		Use: "exec NAME [--env VAR[=FORM]]… -- COMMAND [ARG]…", Short: "Run a command with the token in its environment",
		Long: `Runs a command with the token in the environment of that command, and of nothing else. This is the one place where Fob puts a secret into an environment: whoever may read the
process's environment (you, and root) can read it there, and it is as long-lived as the command.

Without --env the variables are FOB_TOKEN, FOB_TOKEN_TYPE, FOB_TOKEN_EXPIRES_AT (RFC 3339, when the server said it) and FOB_API (api_base_url). --env VAR puts the access token into
VAR, --env VAR=FORM any form of ` + "`fob forms`" + ` (id_token, header, json, your own, …); then no others are set. Tokens that are used with a proof for each request (DPoP, OAuth 1.0a) are
of no use to a command without their key: they are refused unless --env names a form.

The command takes the place of this process (on Windows it is waited for), so input, output, signals and the exit code are its own. A command that is not there ends with 127, one that cannot be
executed with 126, as with env(1).`,
		Example: `  fob exec work -- ./deploy.sh
  fob exec work --env GITHUB_TOKEN -- gh repo list
  fob exec work --env API_TOKEN --env ID=id_token --env AUTH=header -- make e2e`,
		Args: func(cmd *cobra.Command, args []string) error {
			at := cmd.ArgsLenAtDash()
			if at < 0 {
				return misused("write -- before the command: fob exec NAME -- COMMAND", "usage: %s", cmd.UseLine())
			}
			if at != 1 || len(args) < 2 {
				return misused("name one profile before -- and the command after it", "usage: %s", cmd.UseLine())
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return f.completeNames(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.name, ask.command = args[0], args[1:]
			return f.exec(cmd.Context(), ask)
		},
	}
	cmd.Flags().StringArrayVar(&ask.vars, "env", nil, "put the access token into the variable `VAR`, or another form of it: VAR=FORM; repeat for more")
	cmd.Flags().Var((*seconds)(&ask.minTTL), "min-ttl", "the token is good for at least this long when the command starts")
	cmd.Flags().Lookup("min-ttl").DefValue = ""
	cmd.RegisterFlagCompletionFunc("min-ttl", cobra.NoFileCompletions)
	cmd.RegisterFlagCompletionFunc("env", func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		name, _, found := strings.Cut(typed, "=")
		if !found {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, directive := completeForms(cmd, args, "")
		for i := range names {
			names[i] = name + "=" + names[i]
		}
		return names, directive
	})
	return cmd
}

func (f *face) exec(ctx context.Context, ask execAsk) error {
	path, err := exec.LookPath(ask.command[0])
	if err != nil {
		f.say("%s: %s", ask.command[0], strings.TrimPrefix(err.Error(), "exec: \""+ask.command[0]+"\": "))
		if os.IsPermission(err) || strings.Contains(err.Error(), "permission denied") {
			return exitCode(exitNotExecutable)
		}
		return exitCode(exitNotFound)
	}
	vars, err := f.execVars(ctx, ask)
	if err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool { // the last of two counts, but not for everybody
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(vars, func(v [2]string) bool { return v[0] == name })
	})
	for _, v := range vars {
		env = append(env, v[0]+"="+v[1])
	}
	return become(path, ask.command, env)
}

// execVars are the variables of the command and their values.
func (f *face) execVars(ctx context.Context, ask execAsk) (vars [][2]string, err error) {
	client, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	// First, so that every form below is of a token that is good for that long.
	handout, err := withName(ctx, client, ask.name, func(name string) (agent.Handout, error) {
		return client.Token(ctx, agent.TokenQuery{Name: name}, ask.minTTL)
	})
	if err != nil {
		return nil, err
	}
	if len(ask.vars) == 0 {
		return f.usualVars(ctx, client, handout)
	}
	for _, word := range ask.vars {
		name, form, found := strings.Cut(word, "=")
		if !found {
			form = string(agent.FormAccessToken)
		}
		if name == "" || strings.ContainsRune(name, 0) {
			return nil, misused("write it as --env VAR or --env VAR=FORM", "%q names no variable", word)
		}
		if _, err := findForm(form); err != nil {
			return nil, err
		}
		filled, err := client.Fill(ctx, agent.FormRequest{Name: handout.Name, Form: agent.Form(form)})
		if err != nil {
			return nil, err
		}
		f.note(filled.Note)
		vars = append(vars, [2]string{name, filled.Text})
	}
	return vars, nil
}

// usualVars are the variables that a command gets when nobody says which.
func (f *face) usualVars(ctx context.Context, client *agent.Client, handout agent.Handout) ([][2]string, error) {
	if bound := handout.TokenType; bound == "DPoP" || bound == "OAuth" {
		return nil, failed("needs_request", "let Fob make the requests: fob request, fob curl; or name a form: --env VAR=FORM",
			"profile %s: a %s token is used with a proof made for each request, which a command cannot make", handout.Name, bound)
	}
	vars := [][2]string{{"FOB_TOKEN", handout.AccessToken}, {"FOB_TOKEN_TYPE", handout.TokenType}}
	if handout.ExpiresAt != nil {
		vars = append(vars, [2]string{"FOB_TOKEN_EXPIRES_AT", handout.ExpiresAt.UTC().Format(time.RFC3339)})
	}
	status, err := client.Status(ctx, handout.Name)
	if err != nil {
		return nil, err
	}
	if len(status) == 1 && status[0].APIBaseURL != "" {
		vars = append(vars, [2]string{"FOB_API", status[0].APIBaseURL})
	}
	return vars, nil
}
