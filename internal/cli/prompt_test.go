package cli

import (
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// Issue 5, "Shell": short, empty when there is nothing to say, in the colours of the shell that asks.
func TestPromptSegment(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	all := []agent.Status{
		{Name: "work", State: agent.LoggedIn, ExpiresAt: in(42*time.Minute + 5*time.Second)},
		{Name: "100%", State: agent.Expiring, ExpiresAt: in(20 * time.Second)},
		{Name: "sso", State: agent.LoginRequired}, {Name: "broken\x1b[2J", State: agent.Unusable}, {Name: "x", State: agent.LoginRequired}, {Name: "out", State: agent.LoggedOut},
		{Name: "a name that is far too long for a prompt", State: agent.Offline, ExpiresAt: in(-time.Minute)},
	}
	for _, c := range []struct{ name, color, want string }{
		{"work", "", "● work 42m\n"}, {"out", "", "○ out\n"}, {"nobody", "", ""},
		{"a name that is far too long for a prompt", "", "◇ a name that is far too …" + " ended\n"},
		{"", "", "◐ 100% <1m ! sso ✕ broken�[2J +1\n"},
		{"work", "bash", "\x01\x1b[32m\x02● work 42m\x01\x1b[0m\x02\n"},
		{"100%", "zsh", "%{\x1b[33m%}◐ 100%% <1m%{\x1b[0m%}\n"},
		{"sso", "starship", "\x1b[31m! sso\x1b[0m\n"},
	} {
		if got := Prompt(all, agent.PromptRequest{Name: c.name, Color: c.color}, now); got != c.want {
			t.Errorf("%q %s: %q, want %q", c.name, c.color, got, c.want)
		}
	}
	if got := Prompt(all[:1], agent.PromptRequest{}, now); got != "" {
		t.Errorf("all is well, and it says %q", got)
	}
	for d, want := range map[time.Duration]string{47 * time.Hour: "47h", 48 * time.Hour: "2d", 59 * time.Minute: "59m"} {
		if got := shortSpan(d); got != want || strings.Contains(got, " ") {
			t.Errorf("%v: %s", d, got)
		}
	}
}
