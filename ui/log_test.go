package ui

import (
	"archive/zip"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

func logged(level slog.Level, message string, about ...string) agent.LogLine {
	line := agent.LogLine{Time: noon, Level: level, Message: message, Text: message}
	for i := 0; i < len(about); i += 2 {
		line.Attrs = append(line.Attrs, agent.LogAttr{Key: about[i], Value: about[i+1]})
	}
	return line
}

// The log is a page of the settings: the newest first, by level, and it goes on until the page is left.
func TestLogIsFollowed(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.openSettings()
		s.settle()
		s.picture("settings-log")
		s.tap(s.page.about.(*settingsView).log)
		v := s.page.about.(*logView)
		s.sees("Nothing is logged yet.")
		s.picture("log-empty")
		s.agent.log <- []agent.LogLine{
			logged(slog.LevelInfo, "agent", "version", "1.2.3", "store", "keychain"),
			logged(slog.LevelDebug, "exchange", "profile", "Acme API", "what", "token endpoint", "method", "POST", "url", "https://login.acme.example/realms/staging/protocol/openid-connect/token", "status", "200", "took", "31ms"),
			logged(slog.LevelWarn, "refresh", "profile", "Acme API", "code", "invalid_grant"),
		}
		s.settle()
		s.agent.log <- []agent.LogLine{logged(slog.LevelError, "crash", "trace", "crash.log.1")}
		s.settle()
		if len(v.rows.Objects) != 4 {
			t.Fatalf("%d lines are shown", len(v.rows.Objects))
		}
		s.sees("crash  trace=crash.log.1")
		s.picture("log")
		v.level.SetSelected("Warnings")
		if len(v.rows.Objects) != 2 {
			t.Errorf("%d lines are warnings or worse", len(v.rows.Objects))
		}
		var many []agent.LogLine
		for i := range 5000 {
			line := logged(slog.LevelWarn, "refresh", "number", fmt.Sprint(i))
			line.Time = noon.Add(-48*time.Hour + time.Duration(i)*time.Second)
			many = append(many, line)
		}
		s.agent.log <- many
		s.settle()
		if len(v.rows.Objects) != logShown || len(v.lines) > 10*logShown {
			t.Errorf("%d rows of %d lines", len(v.rows.Objects), len(v.lines))
		}
		s.picture("log-crowded")
		s.key(fyne.KeyEscape)
		if _, settings := s.page.about.(*settingsView); !settings {
			t.Error("Escape does not lead back to the settings")
		}
		s.agent.log <- many // nobody looks any more: the reader ends
		s.settle()
		select {
		case s.agent.log <- many:
			t.Error("the log is still followed")
		default:
		}
	})
}

func TestLogThatCannotBeRead(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.refuse["log"] = &agent.Error{Sentence: "agent.log cannot be read"}
		s.openLog()
		s.settle()
		s.sees("agent.log cannot be read.")
	})
}

// What the agent logs is chosen here, unless FOB_LOG decides.
func TestLogLevelSetting(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.openSettings()
		s.settle()
		v := s.page.about.(*settingsView)
		if v.level.Selected != "What is done" {
			t.Errorf("the level is %q", v.level.Selected)
		}
		v.level.SetSelected("Everything")
		s.settle()
		if s.agent.prefs.LogLevel != "debug" {
			t.Errorf("the setting is %q", s.agent.prefs.LogLevel)
		}
		s.agent.hello.Log = agent.LogState{Level: "warn", Forced: true}
		s.openSettings()
		s.settle()
		v = s.page.about.(*settingsView)
		if !v.level.Disabled() {
			t.Error("a level can be chosen that does not count")
		}
		s.sees("FOB_LOG decides: warn")
		s.picture("settings-log-forced")
	})
}

// A report is read before it is saved.
func TestReportIsReadFirst(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.openReport()
		if v := s.page.about.(*reportView); !v.save.Disabled() {
			t.Error("nothing can be saved yet")
		}
		s.agent.report = agent.BugReport{Legend: map[string]string{"profile-1": "Acme API", "profile-2": "Umbrella", "profile-10": "Globex"}}
		for _, name := range []string{"READ-ME-FIRST.txt", "doctor.json", "agent.log"} {
			s.agent.report.Files = append(s.agent.report.Files, agent.ReportFile{Name: name, About: "what is in " + name, Text: "the text of " + name + "\nin two lines\n", Taken: len(s.agent.report.Files)})
		}
		s.page.leave()
		s.openReport()
		s.settle()
		v := s.page.about.(*reportView)
		s.sees("What is in READ-ME-FIRST.txt.")
		s.sees("profile-1 is Acme API, which the report does not say")
		v.files.SetSelected("agent.log")
		s.sees("What is in agent.log; 2 places taken out.")
		if v.text.Text != "the text of agent.log\nin two lines\n" {
			t.Errorf("the text is %q", v.text.Text)
		}
		s.picture("report")
		if v.save.Disabled() {
			t.Error("it cannot be saved")
		}
		s.page.accept()
		s.settle()
		s.sees("fob-report-")
	})
}

// presses presses a button of Fyne's own dialog.
func (s *stage) presses(label string) {
	s.t.Helper()
	for _, o := range test.LaidOutObjects(s.window.Canvas().Overlays().Top()) {
		if b, is := o.(*widget.Button); is && b.Text == label {
			s.tap(b)
			return
		}
	}
	s.t.Fatalf("no %q in the dialog", label)
}

// A report is saved where somebody chooses. Cancelled or refused, it stays to be saved elsewhere; a page that has come since is left alone.
func TestReportIsSaved(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		dir := t.TempDir()
		t.Setenv("HOME", dir) // where the dialog begins
		s.agent.report = agent.BugReport{Files: []agent.ReportFile{{Name: "READ-ME-FIRST.txt", Text: "the text"}}}
		saved := func() []string {
			t.Helper()
			found, err := filepath.Glob(filepath.Join(dir, "fob-report-*.zip"))
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		s.openReport()
		s.settle()
		report := s.page
		v := report.about.(*reportView)
		s.tap(v.save)
		s.presses("Cancel")
		if s.page != report || v.wrong.Visible() || v.save.Disabled() || len(saved()) != 0 {
			t.Error("cancelled is not as before")
		}

		s.tap(v.save)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		s.presses("Save")
		if s.page != report || !v.wrong.Visible() {
			t.Error("nobody hears that it was not saved")
		}
		s.sees("no such file")
		s.picture("report-refused")

		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		s.tap(v.save)
		s.presses("Save")
		if _, settings := s.page.about.(*settingsView); !settings || len(saved()) != 1 {
			t.Fatalf("saved are %q", saved())
		}
		if _, err := zip.OpenReader(saved()[0]); err != nil {
			t.Error(err)
		}

		// Saved when the page is left already, it leaves no other.
		for _, leave := range []func(){func() { s.page.leave() }, s.back} {
			if err := os.Remove(saved()[0]); err != nil {
				t.Fatal(err)
			}
			s.openReport()
			s.settle()
			s.tap(s.page.about.(*reportView).save)
			leave()
			left := s.page
			s.presses("Save")
			if s.page != left || len(saved()) != 1 {
				t.Errorf("another page is left, or saved are %q", saved())
			}
		}
	})
}
