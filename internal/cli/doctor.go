package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) doctorVerb() *cobra.Command {
	var asJSON, bundle bool
	cmd := &cobra.Command{
		Use: "doctor [--bundle [FILE]]", Short: "Examine what Fob stands on, or make a report for a bug",
		Long: `Examines the directories, the agent, the keychain, the clipboard and the tray, and says what to do about what is wrong. It works when
the agent cannot start. Exit code 0: all is well; 1: something is not; 4: the agent cannot be reached.

With --bundle it makes a report to attach to a bug: a zip file with version and system, the doctor's answers, the settings, which fields the profiles have, the state of
each with the reasons, and the end of the agent's log. No token, no secret, no account, no login hint is in it, nor your name, your home directory, your client ids, or
hosts that are not a public provider's: stand-ins are there (profile-1, host-2), the same everywhere. All of it is text: read it before you send it. Standard error says what
is in it and how often something was taken out; standard output is the file's name. FILE may be a folder, or - for standard output.`,
		Example: "  fob doctor\n  fob doctor --json\n  fob doctor --bundle report.zip", Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if bundle {
				if asJSON && len(args) > 0 {
					return misused("leave --json out to write the report there, or the name to see its text as JSON", "--json writes no %s: it prints", args[0])
				}
				return f.bundle(cmd.Context(), strings.Join(args, ""), asJSON)
			}
			if len(args) > 0 {
				return misused("add --bundle to write a report there", "doctor takes no %s", args[0])
			}
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
	cmd.Flags().BoolVar(&bundle, "bundle", false, "make a report to attach to a bug, with nothing private in it")
	return cmd
}

// bundle makes a report and writes it to a file that is not there yet.
func (f *face) bundle(ctx context.Context, to string, asJSON bool) error {
	report, err := f.makeReport(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	if asJSON { // the same, to be read by programs
		return f.printJSON(report.Files)
	}
	packed, err := report.Zip(now)
	if err != nil {
		return err
	}
	if to != "-" {
		if info, err := os.Stat(to); to == "" || err == nil && info.IsDir() {
			to = filepath.Join(to, "fob-report-"+now.Format("20060102-150405")+".zip")
		}
		if err := writeNew(to, packed); err != nil {
			return err
		}
	}
	for _, file := range report.Files {
		taken := ""
		if file.Taken > 0 {
			taken = fmt.Sprintf(" (%d places taken out)", file.Taken)
		}
		f.say("%s: %s%s", file.Name, file.About, taken)
	}
	for _, stand := range report.Stands() {
		f.say("%s is %s; the report does not say so", stand, report.Legend[stand])
	}
	if to == "-" {
		return f.print(string(packed))
	}
	f.hint("read it before you attach it: all of it is text")
	return f.print(to + "\n")
}

// writeNew writes a file for this user alone, and none that is there.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return failed("exists", "give another name, or remove it", "%s is there already", path)
	}
	if err == nil {
		_, err = file.Write(content)
		if err = errors.Join(err, file.Close()); err != nil {
			os.Remove(path) // half a report
		}
	}
	if err != nil {
		return failed("write", "give another name: fob doctor --bundle FILE", "the report was not written: %v", err)
	}
	return nil
}

// makeReport lets the agent make a report, and makes it here where there is none.
func (f *face) makeReport(ctx context.Context) (agent.BugReport, error) {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return agent.BugReport{}, err
	}
	request := agent.ReportRequest{Facts: []agent.Fact{{Name: "fob", Value: Version()}}, Findings: []agent.Finding{homeFinding(home), windowFinding()}}
	for _, name := range []string{"XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "LANG", "FOB_STORE", "FOB_LOG"} {
		if value := os.Getenv(name); value != "" {
			request.Facts = append(request.Facts, agent.Fact{Name: name, Value: value})
		}
	}
	client, err := f.connect(ctx)
	if err == nil {
		defer client.Close()
		var report agent.BugReport
		if report, err = client.Report(ctx, request); err == nil {
			return report, nil
		}
	}
	if ctx.Err() != nil {
		return agent.BugReport{}, err
	}
	finding := agentFinding(err)
	f.say("%s; the report is made of the files that there are", finding.Detail)
	request.Findings = append(request.Findings, finding)
	return agent.ReportWithout(home, request, err)
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
