package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// TestClean holds that nothing a server says can steer a terminal or turn text around.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                      "plain",
		"größe ● 日本":                 "größe ● 日本",
		"\x1b[31mred\x07":            "�[31mred�",
		"a\u009b31mb":                "a�31mb",
		"two\nlines\tand\ta tab":     "two lines and a tab",
		"\u202eevil\u2066":           "�evil�",
		"bad \xff utf-8":             "bad � utf-8",
		"del \x7f":                   "del �",
		"line\u2028separator\r":      "line�separator�",
		"fob: hint: run rm\nfob: ok": "fob: hint: run rm fob: ok",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestJSONText(t *testing.T) {
	in := map[string]string{"a": "x\u009by\x7f\u202e<&>\x1b\n"}
	text, err := jsonText(in, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"x\u009by\u007f\u202e<&>\u001b\n"}` + "\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(text), &back); err != nil || back["a"] != in["a"] {
		t.Errorf("it reads back as %q (%v)", back, err)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 59*time.Second: "59 min",
		time.Hour: "1 h", 61 * time.Minute: "1 h 1 min", 9*time.Hour + 59*time.Minute: "9 h 59 min",
		11*time.Hour + 30*time.Minute: "11 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days", 729 * 24 * time.Hour: "729 days",
		15 * 365 * 24 * time.Hour: "15 years",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestTimeLeft(t *testing.T) { // F-131
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	for _, c := range []struct {
		status agent.Status
		want   string
	}{
		{agent.Status{State: agent.LoggedOut, ExpiresAt: at(time.Hour)}, ""},
		{agent.Status{State: agent.LoggedIn}, "no expiry known"},
		{agent.Status{State: agent.LoggedIn, ExpiresAt: at(12 * time.Minute)}, "expires in 12 min"},
		{agent.Status{State: agent.Offline, ExpiresAt: at(-3 * time.Minute)}, "expired 3 min ago"},
	} {
		if got := timeLeft(c.status, now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.status, got, c.want)
		}
	}
}

// TestStateWords holds that each state has its own shape and word: neither a colour nor good eyes are needed.
func TestStateWords(t *testing.T) { // F-132
	seen := map[string]agent.State{}
	for _, state := range []agent.State{agent.LoggedOut, agent.LoggingIn, agent.LoggedIn, agent.Expiring, agent.Offline, agent.LoginRequired, agent.Unusable} {
		shape, word := stateWord(state)
		for _, sign := range []string{shape, word} {
			if other, twice := seen[sign]; twice || sign == "?" {
				t.Errorf("%s and %s both show %q", state, other, sign)
			}
			seen[sign] = state
		}
	}
}

func TestHeaded(t *testing.T) {
	got := headed([]string{"NAME", "ENVIRONMENT", "STATE"}, [][]string{{"größe", "", "● in"}, {"b", "", "\x1bx"}})
	if want := "NAME   STATE\ngröße  ● in\nb      �x\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOnlyFold(t *testing.T) {
	if got := onlyFold([]string{"work", "home"}, "WORK"); got != "work" {
		t.Errorf("%q, want work", got)
	}
	if got := onlyFold([]string{"work", "Work"}, "WORK"); got != "" {
		t.Errorf("%q for two that fit, want none", got)
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "0": 0} {
		var s seconds
		if err := s.Set(text); err != nil || time.Duration(s) != want {
			t.Errorf("%q: %v %v, want %v", text, s, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-5s", "-5", "99999999999999"} {
		var s seconds
		if s.Set(text) == nil {
			t.Errorf("%q is taken as %v", text, s)
		}
	}
}

func TestClaimWords(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"sub", "x<y", "x<y"},
		{"n", json.Number("1800000000"), "1800000000"},
		{"aud", []any{"a", "b<"}, `["a","b<"]`},
		{"exp", json.Number("1e300"), "1e300"},
		{"exp", "soon", "soon"},
		{"ok", true, "true"},
		{"n", 1800000000.0, "1800000000"},
	} {
		if got := claimWords(c.name, c.value, now); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.name, c.value, got, c.want)
		}
	}
	if got := claimWords("exp", json.Number("1800000600"), now); !strings.HasSuffix(got, ", in 10 min") {
		t.Errorf("exp: %q", got)
	}
}

// TestReport holds the exit code and the words of every kind of error.
func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		said string
	}{
		{nil, 0, ""},
		{&agent.Error{Kind: agent.LogInFirst, Sentence: "profile w: \x1b over", Remedy: "log in"}, 3, "fob: profile w: � over\nfob: hint: log in\n"},
		{&agent.Error{Kind: agent.TryAgain, Sentence: "down"}, 5, "fob: down\n"},
		{&agent.Error{Kind: agent.Unreachable, Sentence: "gone"}, 4, "fob: gone\n"},
		{errors.New("other"), 1, "fob: other\n"},
		{exitCode(4), 4, ""},
	} {
		var said bytes.Buffer
		f := &face{Streams: Streams{Err: &said}, entered: true}
		if got := f.report(c.err); got != c.want || said.String() != c.said {
			t.Errorf("%v: %d %q, want %d %q", c.err, got, &said, c.want, c.said)
		}
	}
}

func TestQuoted(t *testing.T) {
	for name, want := range map[string]string{"work": "work", "Acme API": "'Acme API'", "it's": `'it'\''s'`, "größe": "größe", "$(x)": "'$(x)'", "": "''"} {
		if got := quoted(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestRedirectPort(t *testing.T) {
	if got := redirectPort("http://127.0.0.1:4321/callback"); got != "4321" {
		t.Errorf("port %q, want 4321", got)
	}
}

// The end of a login that needs a person is said where people look before it comes, with when, how that is known and what to do, whoever
// knows it.
func TestStatusForeseesTheEnd(t *testing.T) {
	now := time.Date(2026, 11, 29, 8, 0, 0, 0, time.Local)
	at := now.Add(25 * time.Minute)
	for name, test := range map[string]struct {
		end  *agent.End
		want string
	}{
		"nothing ends": {nil, ""},
		"said":         {&agent.End{What: "refresh_token", At: &at, Note: "the server said so (refresh_expires_in); log in again before"}, "the login ends 08:25:00 (in 25 min), the server said so (refresh_expires_in); log in again before"},
		"learned":      {&agent.End{What: "refresh_token", At: &at, Note: "learned: this server ended the last login after 8 h"}, "the login ends 08:25:00 (in 25 min), learned: this server ended the last login after 8 h"},
	} {
		row := statusRow(agent.Status{Name: "work", State: agent.LoggedIn, EndsSoon: test.end}, now)
		if note := row[len(row)-1]; note != test.want {
			t.Errorf("%s: %q, want %q", name, note, test.want)
		}
	}
}
