package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) statusVerb() *cobra.Command {
	var asJSON, watch, prompt bool
	var color string
	cmd := &cobra.Command{
		Use: "status [NAME]", Short: "List the profiles and their state",
		Long: `Lists every profile, or the one named, with its state, its account and how long its token is good. The exit code is 0 whatever
the state is: ` + "`fob token`" + ` is the one that asks for a login with exit code 3. A profile whose grant needs nobody is "on demand" until its token is
asked for. The note says what is wrong, when a login ends that Fob cannot renew, and which settings make a profile weak (` + "`fob show`" + ` says why).

With --watch it goes on with a line for each change, until Ctrl-C; with --json each line is then one JSON object.

With --prompt it prints a segment for a shell's prompt: of NAME the state and how long its token is good ("● work 42m"), or without NAME what waits for a person ("! work"). It starts no agent, never
complains, takes a few milliseconds, and prints nothing when there is nothing to say. --color adds colours as bash, zsh, fish or starship want them.`,
		Example: "  fob status\n  fob status work --json\n  fob status --watch\n  PS1='$(fob status --prompt work --color bash) \\w \\$ '",
		Args:    words(0, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if prompt {
				if asJSON || watch {
					return misused("", "--prompt goes with neither --json nor --watch")
				}
				if err := checkColor(color); err != nil {
					return err
				}
				return f.prompt(cmd.Context(), strings.Join(args, ""), color)
			}
			if color != "" {
				return misused("add --prompt", "--color is for --prompt")
			}
			client, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			if !watch { // which says it with everything
				f.sayLock(client)
			}
			all, err := statuses(cmd.Context(), client, args)
			if err == nil && !watch {
				f.sayProxies(all)
			}
			switch {
			case err != nil:
				return err
			case watch:
				for i := range args {
					args[i] = all[i].Name
				}
				return f.watch(cmd.Context(), client, args, asJSON)
			case asJSON && len(args) == 1:
				return f.printJSON(all[0])
			case asJSON:
				return f.printJSON(all)
			case len(all) == 0:
				f.say("there are no profiles yet")
				f.hint("`fob demo` makes one to try, `fob profile add` one of your own")
				return nil
			}
			return f.print(statusTable(all, time.Now()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: one object with NAME, else an array")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on with a line for each change")
	cmd.Flags().BoolVar(&prompt, "prompt", false, "print a short segment for a shell's prompt; starts no agent")
	cmd.Flags().StringVar(&color, "color", "", "with --prompt: colours for this `SHELL`: bash, zsh, fish, starship or ansi")
	cmd.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(promptShells, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// statuses returns the status of the profiles the user named, or of all.
func statuses(ctx context.Context, client *agent.Client, names []string) ([]agent.Status, error) {
	if len(names) == 0 {
		all, err := client.Status(ctx)
		if all == nil {
			all = []agent.Status{} // an empty list is [] in JSON
		}
		return all, err
	}
	return withName(ctx, client, names[0], func(name string) ([]agent.Status, error) {
		found, err := client.Status(ctx, name)
		if err == nil && len(found) != 1 {
			err = unknownName(nil, name)
		}
		return found, err
	})
}

// sayProxies says that programs use profiles through proxies.
func (f *face) sayProxies(all []agent.Status) {
	for _, s := range all {
		for _, p := range s.Proxies {
			f.say("%s: a proxy runs at %s (fob proxy --list)", s.Name, p.At)
		}
	}
}

func statusTable(all []agent.Status, now time.Time) string {
	var rows [][]string
	for _, s := range all {
		rows = append(rows, statusRow(s, now))
	}
	return headed([]string{"NAME", "ENVIRONMENT", "STATE", "ACCOUNT", "TOKEN", "NOTE"}, rows)
}

func statusRow(s agent.Status, now time.Time) []string {
	shape, word := statusWord(s)
	var notes []string
	if s.Problem != nil {
		notes = append(notes, s.Problem.Sentence)
		if words := s.Problem.Times(now); words != "" {
			notes = append(notes, words)
		}
	}
	if s.EndsSoon != nil {
		notes = append(notes, "the login ends "+s.EndsSoon.Words(now))
	}
	if s.Clock != nil {
		notes = append(notes, s.Clock.Sentence)
	}
	if len(s.Weaknesses) > 0 {
		var keys []string
		for _, weak := range s.Weaknesses {
			if !slices.Contains(keys, weak.Key) {
				keys = append(keys, weak.Key)
			}
		}
		notes = append(notes, "weak: "+strings.Join(keys, ", "))
	}
	return []string{s.Name, s.Environment, shape + " " + word, s.Account, timeLeft(s, now), strings.Join(notes, "; ")}
}

// watch prints what changes until the user ends it, which is not a failure.
func (f *face) watch(ctx context.Context, client *agent.Client, names []string, asJSON bool) error {
	var lost error
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	show := func(update agent.Update) {
		if len(names) > 0 {
			update.Profiles = slices.DeleteFunc(update.Profiles, func(s agent.Status) bool { return s.Name != names[0] })
			update.Removed = slices.DeleteFunc(update.Removed, func(name string) bool { return name != names[0] })
		}
		if lost = f.printUpdate(update, asJSON); lost != nil {
			stop(lost)
		}
	}
	err := client.Watch(ctx, show)
	for known := (*agent.Error)(nil); errors.As(err, &known) && known.Code == agent.CodeHandedOver; { // the new one listens already
		err = client.Watch(ctx, show)
	}
	switch {
	case lost != nil:
		return lost
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

func (f *face) printUpdate(update agent.Update, asJSON bool) error {
	if len(update.Profiles) == 0 && len(update.Removed) == 0 && !update.Full {
		return nil
	}
	if asJSON {
		text, err := jsonText(update, "")
		if err != nil {
			return err
		}
		return f.print(text)
	}
	now := time.Now()
	if update.Full {
		if update.Lock != nil {
			f.say("Fob is %s: it hands out nothing", update.Lock.Words())
		}
		return f.print(statusTable(update.Profiles, now))
	}
	text := ""
	for _, s := range update.Profiles {
		row := append([]string{now.Format(time.TimeOnly)}, statusRow(s, now)...)
		text += table([][]string{row})
	}
	for _, name := range update.Removed {
		text += now.Format(time.TimeOnly) + "  " + clean(name) + "  removed\n"
	}
	return f.print(text)
}
