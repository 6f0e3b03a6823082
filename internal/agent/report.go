package agent

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fob/internal/logbook"
	"fob/internal/report"
	"fob/profiles"
)

// A report about Fob, to be attached to a bug, is made by the agent, which knows most, and by the face alone where no agent can be
// reached. It is a value with the text of each file: a person reads it before it is written anywhere.

type (
	// BugReport is what a person reads before they attach it to a bug.
	BugReport = report.Report
	// ReportFile is one file of it.
	ReportFile = report.File
	// Fact is one line of what is known of program and machine.
	Fact = report.Fact
)

// LogLine is one line of the agent's log.
type LogLine = logbook.Line

// LogAttr is a key of it with its value.
type LogAttr = logbook.Attr

// LogLevels are the names of the levels, from the one that says most.
var LogLevels = logbook.Levels

// FollowLog calls show with the lines of the log there are, then with what comes, and now and then with nothing, until ctx ends or show
// fails. It reads the files: no agent is asked.
func (c *Client) FollowLog(ctx context.Context, show func([]LogLine) error) error {
	return logbook.NewReader(c.home.LogFile()).Follow(ctx, show)
}

// ReportRequest is what the face that asks for a report adds: what only it can see.
type ReportRequest struct {
	Facts    []Fact    `json:"facts,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// Report makes a report without anything private. The keychain is not read for it.
func (c *Client) Report(ctx context.Context, r ReportRequest) (BugReport, error) {
	var made BugReport
	err := c.call(ctx, http.MethodPost, "report", r, &made)
	return made, err
}

// ReportWithout makes a report where no agent can be reached, of the files that there are; why says why it cannot.
func ReportWithout(home Home, r ReportRequest, why error) (BugReport, error) {
	s := reportSources(home, r)
	s.Missing = why.Error()
	s.Settings = StoredSettings(home)
	if info, err := os.Stat(home.CrashFile()); err == nil && info.Size() > 0 {
		s.Crash = home.CrashFile() // no agent has started since, to move it aside
	}
	file, err := profiles.OpenFile(home.ProfilesFile())
	if file != nil {
		s.Profiles = file.All()
	}
	if err != nil {
		s.Findings = append(s.Findings, report.Finding{Subject: "profiles", Detail: err.Error()})
	}
	return report.Make(s)
}

// reportSources are what both kinds of report have.
func reportSources(home Home, r ReportRequest) report.Sources {
	s := report.Sources{At: time.Now(), Facts: append([]Fact{{Name: "system", Value: runtime.GOOS + "/" + runtime.GOARCH}}, r.Facts...),
		Log: home.LogFile(), Crash: home.CrashFile() + ".1",
		Paths: map[string]string{"FOB_CONFIG": home.Config, "FOB_DATA": home.Data, "FOB_RUN": home.Runtime, "FOB_SOCKET": home.Elsewhere}}
	for _, f := range r.Findings {
		s.Findings = append(s.Findings, report.Finding(f))
	}
	return s
}

func (s *Server) report(ctx context.Context, q ReportRequest) (any, error) {
	sources := reportSources(s.home, q)
	hello := s.hello()
	sources.Facts = append(sources.Facts,
		Fact{Name: "agent", Value: fmt.Sprintf("version %s, since %s, store %s", hello.Version, hello.Since.Format(time.RFC3339), hello.Store)},
		Fact{Name: "go", Value: runtime.Version()},
		Fact{Name: "log", Value: "level " + hello.Log.Level},
		Fact{Name: "tray", Value: strconv.FormatBool(hello.Tray)},
		Fact{Name: "locked", Value: strconv.FormatBool(hello.Lock != nil)},
		Fact{Name: "proxies", Value: strconv.Itoa(len(s.proxies.list()))})
	if view, err := s.options.Store.Show(ctx); err == nil {
		sources.Facts = append(sources.Facts, Fact{Name: "keychain", Value: view.Owner},
			Fact{Name: "item limit", Value: fmt.Sprintf("%d bytes; %s; %s", view.ItemLimit, view.Holds(), view.Survives())})
	}
	for _, f := range s.findings(ctx) {
		sources.Findings = append(sources.Findings, report.Finding(f))
	}
	sources.Settings, sources.Profiles = s.settings.get(), s.engine.Profiles()
	all, err := s.engine.Status()
	if err != nil {
		return nil, err
	}
	for _, status := range all {
		sources.Statuses = append(sources.Statuses, s.reportStatus(ctx, status))
	}
	return report.Make(sources)
}

// reportHistory is how much of what happened to each profile a report tells.
const reportHistory = 10

// reportStatus picks of a status what helps to find a bug.
func (s *Server) reportStatus(ctx context.Context, status Status) report.Status {
	time := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.UTC().Format("2006-01-02T15:04:05Z")
	}
	out := report.Status{Name: status.Name, State: string(status.State), Grant: status.Grant, Account: status.Account, Subject: status.Subject, Issuer: status.Issuer}
	out.Facts = []Fact{
		{Name: "attended", Value: strconv.FormatBool(status.Attended)}, {Name: "refreshable", Value: strconv.FormatBool(status.Refreshable)},
		{Name: "has_id_token", Value: strconv.FormatBool(status.HasIDToken)},
		{Name: "logged_in_at", Value: time(status.LoggedInAt)}, {Name: "obtained_at", Value: time(status.ObtainedAt)}, {Name: "expires_at", Value: time(status.ExpiresAt)},
		{Name: "refresh_due_at", Value: time(status.RefreshDueAt)}, {Name: "refresh_expires_at", Value: time(status.RefreshExpires)},
	}
	var weak []string
	for _, w := range status.Weaknesses {
		weak = append(weak, w.Key)
	}
	out.Facts = append(out.Facts, Fact{Name: "weaknesses", Value: strings.Join(weak, " ")})
	for _, end := range status.Forecast {
		out.Facts = append(out.Facts, Fact{Name: "end of " + end.What, Value: fmt.Sprintf("%s, known: %s", time(end.At), end.Known)})
	}
	if p := status.Problem; p != nil {
		out.Facts = append(out.Facts, Fact{Name: "since", Value: time(&p.Since)}, Fact{Name: "next_try", Value: time(p.NextTry)},
			Fact{Name: "failures", Value: strconv.Itoa(p.Failures)}, Fact{Name: "breaker", Value: p.Breaker})
		out.Said = append(out.Said, Fact{Name: "problem", Value: p.Code}, Fact{Name: "sentence", Value: p.Sentence}, Fact{Name: "remedy", Value: p.Remedy})
	}
	if c := status.Clock; c != nil {
		out.Said = append(out.Said, Fact{Name: "clock", Value: c.Sentence})
	}
	for i, event := range s.engine.History(status.Name) {
		if i < reportHistory {
			out.Said = append(out.Said, Fact{Name: time(&event.At), Value: event.What})
		}
	}
	return out
}
