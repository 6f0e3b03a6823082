package ui

import (
	"testing"
	"time"

	"fob/internal/agent"
)

func TestTimesAreShortAndRoundedDown(t *testing.T) {
	for _, c := range []struct {
		left             time.Duration
		roughly, exactly string
	}{
		{3*24*time.Hour + 5*time.Hour, "3 days", "3 days"},
		{47 * time.Hour, "47 h", "47 h"},
		{2*time.Hour + 5*time.Minute + 50*time.Second, "2 h 5 min", "2 h 5 min"},
		{42*time.Minute + 59*time.Second, "42 min", "42 min"},
		{2 * time.Minute, "2 min", "2 min"},
		{119 * time.Second, "1 min", "1 min 59 s"},
		{61 * time.Second, "1 min", "1 min 01 s"},
		{59500 * time.Millisecond, "under 1 min", "1 min 00 s"},
		{40 * time.Second, "under 1 min", "40 s"},
		{200 * time.Millisecond, "under 1 min", "1 s"},
	} {
		if got := roughly(c.left); got != c.roughly {
			t.Errorf("roughly(%s) = %q, want %q", c.left, got, c.roughly)
		}
		if got := exactly(c.left); got != c.exactly {
			t.Errorf("exactly(%s) = %q, want %q", c.left, got, c.exactly)
		}
	}
}

func TestCountdown(t *testing.T) { // F-131
	for _, c := range []struct {
		name   string
		status agent.Status
		words  string
		part   float64
		list   string
	}{
		{"half gone", agent.Status{State: agent.LoggedIn, ObtainedAt: at(-30 * time.Minute), ExpiresAt: at(30 * time.Minute)}, "expires in 30 min", 0.5, "30 min"},
		{"no expiry", agent.Status{State: agent.LoggedIn}, "no expiry known", 1, "no expiry"},
		{"no start", agent.Status{State: agent.LoggedIn, ExpiresAt: at(time.Hour)}, "expires in 1 h", 1, "1 h"},
		{"over", agent.Status{State: agent.Offline, ObtainedAt: at(-2 * time.Hour), ExpiresAt: at(-5 * time.Minute)}, "expired 5 min ago", 0, "expired"},
		{"clock ahead", agent.Status{State: agent.LoggedIn, ObtainedAt: at(time.Minute), ExpiresAt: at(2 * time.Minute)}, "expires in 2 min", 1, "2 min"},
		{"out", agent.Status{State: agent.LoggedOut}, "no token to use", 0, "log in"},
		{"needed", agent.Status{State: agent.LoginRequired, ExpiresAt: at(-time.Hour)}, "no token to use", 0, "log in"},
		{"unusable", agent.Status{State: agent.Unusable}, "no token to use", 0, "fix"},
	} {
		if words, part := countdown(c.status, noon); words != c.words || part != c.part {
			t.Errorf("%s: countdown says %q and %g, want %q and %g", c.name, words, part, c.words, c.part)
		}
		if got := listTime(c.status, noon); got != c.list {
			t.Errorf("%s: the list says %q, want %q", c.name, got, c.list)
		}
	}
}

func TestClaimsSayTheirTime(t *testing.T) {
	when := noon.Add(time.Hour)
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"exp", float64(when.Unix()), "1795179600  " + when.Local().Format("Mon 2 Jan 2006 15:04:05") + ", in 1 h"},
		{"count", float64(1795179600), "1795179600"}, // a number that is no time by its name
		{"exp", float64(12), "12"}, // and one that is none by its value
		{"aud", []any{"a", "b"}, "a\nb"},
		{"email_verified", true, "true"},
		{"address", map[string]any{"country": "<NL>"}, "{\n  \"country\": \"<NL>\"\n}"},
	} {
		if got := claimText(c.name, c.value, noon); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	long := make([]any, 2000)
	for i := range long {
		long[i] = "group"
	}
	if got := claimText("groups", long, noon); len(got) > claimMost+40 {
		t.Errorf("a claim of 2,000 groups is shown with %d bytes", len(got))
	}
}

func TestSentences(t *testing.T) {
	for given, want := range map[string]string{
		"log in again":                      "Log in again.",
		"login.example.com does not answer": "login.example.com does not answer.",
		"client_id is missing":              "client_id is missing.",
		"refresh: the server is down (503)": "Refresh: the server is down (503).",
		"https://a.example: no answer!":     "https://a.example: no answer!",
		" über alles ":                      "Über alles.",
		"":                                  "",
	} {
		if got := sentence(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestScopesAreComparedWithWhatWasAsked(t *testing.T) {
	marks := compareScopes(agent.Status{State: agent.LoggedIn, ScopeRequested: []string{"a", "b"}, Scope: []string{"a", "c"}})
	want := []struct{ scope, word string }{{"a", "granted"}, {"b", "not granted"}, {"c", "granted unasked"}}
	if len(marks) != len(want) {
		t.Fatalf("%d marks, want %d", len(marks), len(want))
	}
	for i, w := range want {
		if marks[i].scope != w.scope || marks[i].word != w.word {
			t.Errorf("mark %d is %s %s, want %s %s", i, marks[i].scope, marks[i].word, w.scope, w.word)
		}
	}
}
