package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) doctorVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Examine what Fob stands on",
		Long: `Examines the directories, the agent, the keychain, the clipboard and the tray, and says what to do about what is wrong. It works when
the agent cannot start. Exit code 0: all is well; 1: something is not; 4: the agent cannot be reached.`,
		Example: "  fob doctor\n  fob doctor --json", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, reached := f.examine(cmd.Context())
			var err error
			if asJSON {
				err = f.printJSON(findings)
			} else {
				err = f.print(findingsText(findings))
			}
			switch {
			case err != nil:
				return err
			case !reached:
				return exitCode(agent.Unreachable)
			case slices.ContainsFunc(findings, func(one agent.Finding) bool { return !one.OK }):
				return exitCode(agent.Failed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// examine looks at what can be seen without an agent, then asks the agent if it can be reached.
func (f *face) examine(ctx context.Context) (findings []agent.Finding, reached bool) {
	findings = []agent.Finding{{Subject: "fob", OK: true, Detail: fmt.Sprintf("version %s, %s %s/%s", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)}}
	home, err := agent.HomeFromEnv()
	if err != nil {
		return append(findings, agent.Finding{Subject: "home", Detail: err.Error(), Remedy: "set FOB_HOME to a directory of your own"}), false
	}
	findings = append(findings, homeFinding(home), windowFinding())
	client, err := f.connect(ctx)
	if err != nil {
		return append(findings, agentFinding(err)), false
	}
	defer client.Close()
	hello, err := client.Hello(ctx)
	if err != nil {
		return append(findings, agentFinding(err)), false
	}
	running := agent.Finding{Subject: "agent", OK: true, Detail: fmt.Sprintf("version %s, process %d, store %s", hello.Version, hello.PID, hello.Store)}
	if hello.Version != Version() {
		running.OK, running.Remedy = false, "run `fob stop`; the next command starts the agent of this version"
	}
	findings = append(findings, running)
	if hello.Lock != nil {
		findings = append(findings, agent.Finding{Subject: "lock", OK: true, Detail: "Fob is " + hello.Lock.Words() + ": it hands out nothing", Remedy: "unlock it: fob unlock"})
	}
	more, err := client.Doctor(ctx)
	if err != nil {
		return append(findings, agentFinding(err)), false
	}
	return append(findings, more...), true
}

func agentFinding(err error) agent.Finding {
	var known *agent.Error
	if errors.As(err, &known) {
		return agent.Finding{Subject: "agent", Detail: known.Sentence, Remedy: known.Remedy}
	}
	return agent.Finding{Subject: "agent", Detail: err.Error()}
}

// homeFinding says where things are and whether others could read them.
func homeFinding(home agent.Home) agent.Finding {
	finding := agent.Finding{Subject: "home", OK: true, Detail: fmt.Sprintf("profiles in %s, data in %s, socket %s", home.ProfilesFile(), home.Data, home.Socket())}
	if runtime.GOOS == "windows" {
		return finding // directories are private by their access lists there, which mode bits do not show
	}
	if info, err := os.Lstat(home.Runtime); err == nil && (!info.IsDir() || info.Mode().Perm()&0o077 != 0) {
		finding.OK, finding.Remedy = false, "chmod 700 "+home.Runtime
		finding.Detail = home.Runtime + " is open to others"
	}
	return finding
}

// windowFinding is never a complaint: a machine without a display is well.
func windowFinding() agent.Finding {
	app, err := windowProgram()
	if err == nil {
		err = needDisplay()
	}
	if err != nil {
		return agent.Finding{Subject: "window", OK: true, Detail: "none here: " + err.Error()}
	}
	return agent.Finding{Subject: "window", OK: true, Detail: app}
}

func findingsText(findings []agent.Finding) string {
	var rows [][]string
	for _, finding := range findings {
		mark := "ok"
		if !finding.OK {
			mark = "problem"
		}
		rows = append(rows, []string{mark, finding.Subject, finding.Detail})
		if finding.Remedy != "" {
			rows = append(rows, []string{"", "", "→ " + finding.Remedy})
		}
	}
	return table(rows)
}
