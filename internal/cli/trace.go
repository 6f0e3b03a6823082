package cli

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// operations are what is recorded, with the words for each.
var operations = []string{"login", "refresh"}

func (f *face) traceVerb() *cobra.Command {
	var asJSON, curl bool
	var last string
	cmd := &cobra.Command{
		Use: "trace NAME", Short: "Show what the last login and refresh said to the server",
		Long: `Shows the last login and the last refresh of the profile as they went over the wire: each request and answer in order, and what it is for.
Secrets are masked before they are recorded.

With --curl it prints the same requests as curl commands for a shell, with variables in place of the secrets.`,
		Example: "  fob trace work\n  fob trace work --last refresh\n  fob trace work --curl > replay.sh\n  fob trace work --json | jq '.[0].steps[].url'",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if last != "" && !slices.Contains(operations, last) {
				return misused("one of "+strings.Join(operations, ", "), "nothing called %s is recorded", last)
			}
			if asJSON && curl {
				return misused("", "--json and --curl exclude each other")
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			runs, err := withName(ctx, client, args[0], func(name string) ([]agent.TraceRun, error) { return client.Trace(ctx, name) })
			if err != nil {
				return err
			}
			if last != "" {
				runs = slices.DeleteFunc(runs, func(run agent.TraceRun) bool { return run.Operation != last })
			}
			switch {
			case asJSON:
				if runs == nil {
					runs = []agent.TraceRun{}
				}
				return f.printJSON(runs)
			case len(runs) == 0:
				f.say("nothing is recorded of %s yet", args[0])
				f.hint("a login or a refresh is: fob login %s", quoted(args[0]))
				return nil
			}
			slices.Reverse(runs) // the newest last, where a terminal leaves the eye
			var text strings.Builder
			for i, run := range runs {
				if i > 0 {
					text.WriteString("\n")
				}
				if curl {
					text.WriteString(curlText(run))
				} else {
					text.WriteString(runText(run))
				}
			}
			return f.print(text.String())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, the newest first")
	cmd.Flags().BoolVar(&curl, "curl", false, "print curl commands that say the same")
	cmd.Flags().StringVar(&last, "last", "", "only the last `login` or refresh")
	cmd.RegisterFlagCompletionFunc("last", cobra.FixedCompletions(operations, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runText is one operation for people.
func runText(run agent.TraceRun) string {
	var text strings.Builder
	text.WriteString(run.Operation + ", " + moment(run.At) + "\n")
	for i, step := range run.Steps {
		text.WriteString("\n" + strconv.Itoa(i+1) + "  " + clean(stepTitle(step)) + "\n")
		var rows [][]string
		add := func(sign, value string) {
			if value != "" {
				rows = append(rows, []string{sign, value})
			}
		}
		add("", step.Explanation)
		for _, member := range step.Header {
			add(">", member.Name+": "+member.Value)
		}
		for _, member := range step.Form {
			add(">", member.Name+"="+member.Value)
		}
		for _, member := range step.AnswerHeader {
			add("<", member.Name+": "+member.Value)
		}
		for line := range strings.Lines(step.Answer) {
			add("<", strings.TrimRight(line, "\r\n"))
		}
		for _, note := range step.Notes {
			add("·", note)
		}
		add("!", step.Problem)
		for _, row := range rows {
			text.WriteString("   " + strings.TrimSpace(row[0]+" "+clean(row[1])) + "\n")
		}
	}
	if run.Problem != "" {
		text.WriteString("\nit failed: " + clean(run.Problem) + "\n")
	}
	return text.String()
}

// stepTitle is the line of a step: what was asked of whom, and what came of it.
func stepTitle(step agent.TraceStep) string {
	title := step.Method + " " + step.URL
	if step.What != "" {
		title = step.What + ": " + title
	}
	switch {
	case step.Status != 0:
		title += " → " + strconv.Itoa(step.Status) + " " + http.StatusText(step.Status)
	case step.Problem != "":
		title += " → no answer"
	}
	if step.Took > 0 {
		title += ", " + step.Took.Round(time.Millisecond).String()
	}
	return title
}

// curlText is one operation as a shell script.
func curlText(run agent.TraceRun) string {
	var text strings.Builder
	text.WriteString("# " + run.Operation + ", " + moment(run.At) + "\n")
	for i, step := range run.Steps {
		text.WriteString("\n# " + strconv.Itoa(i+1) + "  " + clean(strings.TrimPrefix(step.What+": "+step.Explanation, ": ")) + "\n")
		if step.Curl == "" {
			text.WriteString("# in the browser: " + clean(step.Method+" "+step.URL) + "\n")
			continue
		}
		for line := range strings.Lines(step.Curl) {
			text.WriteString(clean(strings.TrimRight(line, "\n")) + "\n")
		}
	}
	return text.String()
}
