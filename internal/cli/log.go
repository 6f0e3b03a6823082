package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/internal/logbook"
)

// logLines is how many lines `fob log` prints when nobody says how many: about a screen.
const logLines = 50

// logChoice is which lines of the log are wanted.
type logChoice struct {
	lines  int // the last ones; 0 is all
	level  slog.Level
	since  time.Time
	follow bool
	asJSON bool
}

func (f *face) logVerb() *cobra.Command {
	var c logChoice
	var level, since string
	cmd := &cobra.Command{
		Use: "log", Short: "Show the agent's log",
		Long: `Prints the last lines of the agent's log, the times in those of this computer. It reads the files, and needs no agent. No token and no secret is in the log; accounts,
hosts and profile names may be: to show it to others, make a report with ` + "`fob doctor --bundle`" + `.

--since takes a time span (90s, 15m, 2h), a time of day (14:30) or a date (2026-11-29, with T14:30 for a time). With it, all lines since then are printed, else
the last 50. --follow goes on with each new line, until Ctrl-C.

` + "`fob log level debug`" + ` lets the running agent log more at once, and keeps that; FOB_LOG, when the agent starts, overrules it.`,
		Example: "  fob log\n  fob log --follow --level warn\n  fob log --since 2h\n  fob log level debug", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.level, err = logbook.ParseLevel(level); err != nil {
				return misused("use "+strings.Join(logbook.Levels, ", "), "--level %s: there is no such level", level)
			}
			if c.since, err = sinceTime(since, time.Now()); err != nil {
				return err
			}
			if c.lines < 0 {
				return misused("use 0 for all", "--lines %d: that is no number of lines", c.lines)
			}
			if since != "" && !cmd.Flags().Changed("lines") {
				c.lines = 0
			}
			return f.log(cmd.Context(), c)
		},
	}
	cmd.Flags().IntVarP(&c.lines, "lines", "n", logLines, "how many of the last lines; 0 is all")
	cmd.Flags().BoolVarP(&c.follow, "follow", "f", false, "go on with each new line")
	cmd.Flags().StringVar(&level, "level", "debug", "lines of this `LEVEL` and above: debug, info, warn, error")
	cmd.Flags().StringVar(&since, "since", "", "lines since this `TIME`: 15m, 14:30, 2026-11-29")
	cmd.Flags().BoolVar(&c.asJSON, "json", false, "print JSON, an object a line")
	cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions(logbook.Levels, cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(f.logLevelVerb())
	return cmd
}

func (f *face) logLevelVerb() *cobra.Command {
	return &cobra.Command{
		Use: "level [LEVEL]", Short: "Show or set what the agent logs",
		Long: `Prints what the agent logs at least, or sets it for the running agent at once and for those to come: debug, info, warn or error. FOB_LOG, when the agent
starts, overrules it.`,
		Example: "  fob log level\n  fob log level debug", Args: words(0, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return logbook.Levels, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			if len(args) == 0 {
				return f.print(client.Greeting().Log.Level + "\n")
			}
			settings, err := client.Settings(cmd.Context())
			if err != nil {
				return err
			}
			settings.LogLevel = strings.ToLower(args[0])
			if err := client.PutSettings(cmd.Context(), settings); err != nil {
				return err
			}
			if log := client.Greeting().Log; log.Forced {
				f.say("the agent goes on with level %s, for it was started with FOB_LOG", log.Level)
				f.hint("run fob stop, and start it without FOB_LOG")
				return nil
			}
			f.say("the agent logs at level %s from now on", settings.LogLevel)
			return nil
		},
	}
}

// sinceTime reads a span before now, a time of day, or a date with or without a time; "" is since ever.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if span, err := time.ParseDuration(text); err == nil && span >= 0 {
		return now.Add(-span), nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			day := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), 0, now.Location())
			if day.After(now) { // the last time that it was so late
				day = day.AddDate(0, 0, -1)
			}
			return day, nil
		}
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, misused("use a span (15m, 2h), a time of day (14:30) or a date (2026-11-29)", "--since %s: that is no time", text)
}

// log prints the chosen lines of the log, and those that come if they are followed.
func (f *face) log(ctx context.Context, c logChoice) error {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return err
	}
	if home.Elsewhere != "" {
		return misused("run fob log on the machine of that agent, or unset FOB_SOCKET", "FOB_SOCKET names an agent elsewhere: its log is there")
	}
	first := true
	err = logbook.NewReader(home.LogFile()).Follow(ctx, func(all []logbook.Line) error {
		lines := slices.DeleteFunc(all, func(line logbook.Line) bool { return line.Level < c.level || line.Time.Before(c.since) })
		if first && c.lines > 0 {
			lines = lines[max(0, len(lines)-c.lines):]
		}
		if first && len(lines) == 0 && !c.follow {
			f.say("no such lines are in %s", home.LogFile())
		}
		first = false
		if err := f.printLines(lines, c.asJSON); err != nil || c.follow {
			return err
		}
		return errShown
	})
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, errShown), errors.Is(err, context.Canceled): // the user ended it, which is not a failure
		return nil
	case errors.As(err, &pathErr) && strings.HasPrefix(pathErr.Path, home.LogFile()):
		return failed("log", "see that the file is yours", "the log cannot be read: %v", err)
	}
	return err
}

// errShown ends what is not followed.
var errShown = errors.New("shown")

func (f *face) printLines(lines []logbook.Line, asJSON bool) error {
	var all strings.Builder
	for _, line := range lines {
		text, err := clean(line.String())+"\n", error(nil)
		if asJSON {
			text, err = jsonText(line, "")
		}
		if err != nil {
			return err
		}
		all.WriteString(text)
	}
	return f.print(all.String())
}
