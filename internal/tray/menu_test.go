package tray

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// in is a moment that long after noon.
func in(d time.Duration) *time.Time {
	at := noon.Add(d)
	return &at
}

// Issue 2, "Tray": time left in words, no ticking; and the words change no earlier than said.
func TestLeftSaysItCoarsely(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "no time"}, {0, "no time"}, {time.Second, "under a minute"}, {59 * time.Second, "under a minute"},
		{time.Minute, "1 min"}, {12*time.Minute + 59*time.Second, "12 min"}, {59*time.Minute + 59*time.Second, "59 min"},
		{time.Hour, "1 h"}, {2*time.Hour + 9*time.Minute, "2 h 5 min"}, {9*time.Hour + 59*time.Minute, "9 h 55 min"},
		{10*time.Hour + 59*time.Minute, "10 h"}, {47*time.Hour + 59*time.Minute, "47 h"},
		{48 * time.Hour, "2 days"}, {90 * 24 * time.Hour, "90 days"},
	} {
		words, until := left(c.d)
		if words != c.want {
			t.Errorf("left(%v) = %q, want %q", c.d, words, c.want)
		}
		if until == 0 {
			continue
		}
		if same, _ := left(c.d - until + 2); same != c.want {
			t.Errorf("left(%v): %q changes to %q before %v", c.d, words, same, until)
		}
		if other, _ := left(c.d - until); other == c.want {
			t.Errorf("left(%v): still %q after %v", c.d, words, until)
		}
	}
}

// common are the forms that the menu shows at once.
var common = slices.DeleteFunc(agent.BuiltInForms(), func(f agent.FormInfo) bool { return !f.First })

// Issue 5, "Copy as": the common forms first, the last one taken, the rest in a submenu with the user's own below a line.
func TestMenuKeepsManyFormsInASubmenu(t *testing.T) {
	forms := append(agent.BuiltInForms(), agent.FormInfo{Name: "netrc", Label: "my netrc", Template: "x"}, agent.FormInfo{Name: "k6", Label: "k6", Template: "x"})
	s := agent.Status{Name: "work", State: agent.LoggedIn, LastForm: "postman"}
	want := `Open Fob
--
(● work — no expiry)
Copy token
Copy header
(Copy curl)
Copy Postman environment
Copy as
  (HTTPie)
  (wget)
  (PowerShell)
  (.http file)
  Postman environment
  Insomnia environment
  Bruno environment
  .env line
  export (shell)
  JSON
  (fetch (JavaScript))
  (Python requests)
  (Go)
  --
  my netrc
  k6
--
`
	if got := outline(Menu([]agent.Status{s}, forms, noon)); !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, item := range Menu([]agent.Status{s}, forms, noon) {
		if n := len(item.Items); n > 0 && item.Items[n-1].Command != (Command{Verb: VerbCopy, Profile: "work", Form: "k6"}) {
			t.Errorf("k6 asks for %+v", item.Items[n-1].Command)
		}
	}
	s.State = agent.LoggedOut
	if got := outline(Menu([]agent.Status{s}, forms, noon)); !strings.Contains(got, "(Copy as)\n--") {
		t.Errorf("logged out:\n%s", got)
	}
}

// outline writes a menu as text: submenus indented, disabled entries in parentheses.
func outline(items []Item) string {
	var out strings.Builder
	var write func(items []Item, indent string)
	write = func(items []Item, indent string) {
		for _, item := range items {
			switch {
			case item.Separator:
				fmt.Fprintf(&out, "%s--\n", indent)
			case item.Disabled:
				fmt.Fprintf(&out, "%s(%s)\n", indent, item.Label)
			default:
				fmt.Fprintf(&out, "%s%s\n", indent, item.Label)
			}
			write(item.Items, indent+"  ")
		}
	}
	write(items, "")
	return out.String()
}

// A proxy that runs stands under its profile, with what can be done about it; behind the lock its address is not copied.
func TestMenuShowsProxies(t *testing.T) {
	s := agent.Status{Name: "work", State: agent.LoggedOut, Proxies: []agent.ProxyStatus{{ID: "one", At: "127.0.0.1:45181"}, {ID: "two", At: "127.0.0.1:8000"}}}
	const want = "--\nProxy at 127.0.0.1:45181\n  Copy address\n  Stop\nProxy at 127.0.0.1:8000\n  Copy address\n  Stop\n--\nLock Fob\nQuit\n"
	menu := Menu([]agent.Status{s}, common, noon)
	if got := outline(menu); !strings.HasSuffix(got, want) {
		t.Errorf("got:\n%s\nwant at its end:\n%s", got, want)
	}
	if i := slices.IndexFunc(menu, func(i Item) bool { return i.Label == "Proxy at 127.0.0.1:8000" }); menu[i].Items[1].Command != (Command{Verb: VerbStop, Profile: "work", Proxy: "two"}) {
		t.Errorf("stop means %+v", menu[i].Items[1].Command)
	}
	s.Locked = true
	if got := outline(Menu([]agent.Status{s}, common, noon)); !strings.Contains(got, "Proxy at 127.0.0.1:8000\n  (Copy address)\n  Stop\n") {
		t.Errorf("locked:\n%s", got)
	}
}

// Issue 2, "Tray": by environment in the order of the file, as the window has them, each with state and time left and its actions, Open Fob first, Quit last.
func TestMenuGroupsByEnvironment(t *testing.T) {
	all := []agent.Status{
		{Name: "Keycloak", Environment: "staging", State: agent.LoggedOut},
		{Name: "Acme API", Environment: "production", State: agent.LoggedIn, ExpiresAt: in(42 * time.Minute), Refreshable: true, HasIDToken: true, APIBaseURL: "https://api.example.com"},
		{Name: "GitHub", Environment: "production", State: agent.LoggedIn},
		{Name: "Acme_&_API", Environment: "staging", State: agent.Expiring, ExpiresAt: in(3*time.Minute + time.Second)},
		{Name: "Zitadel", Environment: "production", State: agent.LoginRequired},
		{Name: "plane", State: agent.Offline, ExpiresAt: in(-time.Minute), Refreshable: true},
	}
	want := `Open Fob
--
⊘ plane — offline
  (Copy token)
  (Copy header)
  (Copy curl)
  --
  Refresh now
  Log in again…
  Log out
--
(staging)
◐ Acme_&_API — expires in 3 min
  Copy token
  Copy header
  (Copy curl)
  --
  (Refresh now)
  Log in again…
  Log out
○ Keycloak — log in
  Log in
  --
  (Copy token)
  (Copy header)
  (Copy curl)
  --
  (Refresh now)
  (Log out)
--
(production)
▲ Zitadel — log in again
  Log in again…
  --
  (Copy token)
  (Copy header)
  (Copy curl)
  --
  (Refresh now)
  Log out
● Acme API — expires in 42 min
  Copy token
  Copy header
  Copy curl
  Copy ID token
  --
  Refresh now
  Log in again…
  Log out
● GitHub — no expiry
  Copy token
  Copy header
  (Copy curl)
  --
  (Refresh now)
  Log in again…
  Log out
--
Lock Fob
Quit
`
	before := slices.Clone(all)
	if got := outline(Menu(all, common, noon)); got != want {
		t.Errorf("menu:\n%s\nwant:\n%s", got, want)
	}
	for i := range all {
		if all[i].Name != before[i].Name {
			t.Fatal("Menu reordered its argument")
		}
	}
}

// F-006: a profile that needs nobody has no "Log in", and can be copied from before it has a token.
func TestAnUnattendedProfileNeedsNoLogin(t *testing.T) {
	robot := func(state agent.State) agent.Status {
		return agent.Status{Name: "robot", Grant: "client_credentials", State: state, Refreshable: true}
	}
	tail := "(Copy curl)\n--\nGet a new token\n"
	for state, want := range map[agent.State]string{
		agent.LoggedOut:     "(○ robot — no token yet)\nCopy token\nCopy header\n" + tail + "(Discard token)",
		agent.LoggingIn:     "(◌ robot — getting a token)\n(Copy token)\n(Copy header)\n" + tail + "(Discard token)",
		agent.LoggedIn:      "(● robot — no expiry)\nCopy token\nCopy header\n" + tail + "Discard token",
		agent.LoginRequired: "(▲ robot — no token: the server refused)\nCopy token\nCopy header\n" + tail + "Discard token",
	} {
		menu := Menu([]agent.Status{robot(state)}, common, noon)
		if got := outline(menu); got != "Open Fob\n--\n"+want+"\n--\nLock Fob\nQuit\n" {
			t.Errorf("%s:\n%s", state, got)
		}
		for _, item := range menu {
			want := VerbLogin
			if state == agent.LoggedIn {
				want = VerbRefresh
			}
			if item.Label == "Get a new token" && item.Command.Verb != want {
				t.Errorf("%s: a new token is asked for by %q", state, item.Command.Verb)
			}
		}
	}
	say, _, _ := Reminders([]agent.Status{robot(agent.LoginRequired)}, nil, noon)
	if len(say) != 1 || say[0].Title != "robot: no token" || say[0].Choices[0].Label != "Try again" {
		t.Errorf("the reminder is %+v", say)
	}
}

// A login that no browser shows waits for the person, and what is weak makes no noise in the tray.
func TestTheTrayStaysQuiet(t *testing.T) {
	s := agent.Status{Name: "tv", Grant: "device_code", Attended: true, State: agent.LoggingIn}
	quiet := outline(Menu([]agent.Status{s}, common, noon))
	if !strings.Contains(quiet, "(◌ tv — waiting for you)") {
		t.Errorf("the menu is\n%s", quiet)
	}
	s.Weaknesses = []agent.Weakness{{Key: "allow_http", Sentence: "Plain http is allowed."}}
	if loud := outline(Menu([]agent.Status{s}, common, noon)); loud != quiet {
		t.Errorf("a weak profile's menu is\n%s", loud)
	}
	if say, _, _ := Reminders([]agent.Status{s}, nil, noon); len(say) != 0 {
		t.Errorf("a weak profile is reminded of: %+v", say)
	}
}

func TestMenuOfNoneAndOfOne(t *testing.T) {
	if got, want := outline(Menu(nil, common, noon)), "Open Fob\n--\n(No profiles yet: open Fob to add one)\n--\nQuit\n"; got != want {
		t.Errorf("empty menu:\n%s\nwant:\n%s", got, want)
	}
	got := outline(Menu([]agent.Status{{Name: "Demo", Environment: "demo", State: agent.Unusable}}, common, noon))
	want := "Open Fob\n--\n(✕ Demo — needs mending)\n(Log in)\n--\n(Copy token)\n(Copy header)\n(Copy curl)\n--\n(Refresh now)\n(Log out)\n--\nLock Fob\nQuit\n"
	if got != want {
		t.Errorf("menu of one:\n%s\nwant:\n%s", got, want)
	}
}

// Every entry that can be clicked asks for the profile that it stands under.
func TestMenuEntriesNameTheirProfile(t *testing.T) {
	all := []agent.Status{{Name: "a", State: agent.LoggedIn, HasIDToken: true}, {Name: "b", State: agent.LoggedOut}}
	for _, item := range Menu(all, common, noon) {
		for _, sub := range item.Items {
			if !sub.Separator && (sub.Command.Profile != item.Command.Profile || sub.Command.Verb == "") {
				t.Errorf("%s / %s asks for %+v", item.Label, sub.Label, sub.Command)
			}
			if (sub.Command.Verb == VerbCopy) != (sub.Command.Form != "") {
				t.Errorf("%s / %s: form %q", item.Label, sub.Label, sub.Command.Form)
			}
		}
	}
}

// Issue 2, "Tray", and platform.md: the number of profiles is capped, and what needs a person is never cut off.
func TestMenuIsCappedAndShowsWhatNeedsAttention(t *testing.T) {
	var all []agent.Status
	for i := range 1000 {
		all = append(all, agent.Status{Name: fmt.Sprintf("profile %03d", i), Environment: fmt.Sprintf("env %d", i%3), State: agent.LoggedIn})
	}
	all[997].State = agent.LoginRequired
	items := Menu(all, common, noon)
	text := outline(items)
	profiles := 0
	for _, item := range items {
		if len(item.Items) > 0 {
			profiles++
		}
	}
	if profiles != maxProfiles || !strings.Contains(text, "\n980 more profiles in Fob…\n") {
		t.Errorf("%d profiles in:\n%s", profiles, text)
	}
	if !strings.Contains(text, "(env 1)\n▲ profile 997 — log in again\n") {
		t.Errorf("the profile that needs a login is not first in its environment:\n%s", text)
	}
}

func TestMenuNamesStayOnOneLine(t *testing.T) {
	for name, want := range map[string]string{
		"a\nb\tc":               "a b c",
		"left\u202eright":       "left right",
		strings.Repeat("ä", 41): strings.Repeat("ä", 39) + "…",
		"under_score & co":      "under_score & co",
		strings.Repeat("ß", 40): strings.Repeat("ß", 40),
	} {
		if got := plain(name); got != want {
			t.Errorf("plain(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNextWordsIsTheSoonest(t *testing.T) {
	all := []agent.Status{
		{Name: "a", State: agent.LoggedIn, ExpiresAt: in(90*time.Minute + 20*time.Second)},
		{Name: "b", State: agent.LoggedIn, ExpiresAt: in(5*time.Minute + 30*time.Second)},
		{Name: "c", State: agent.LoggedIn},
	}
	if got := nextWords(all, noon).Sub(noon); got != 20*time.Second+1 {
		t.Errorf("words change in %v, want 20 s", got)
	}
	if got := nextWords(all[2:], noon); !got.IsZero() {
		t.Errorf("without an expiry the words change at %v", got)
	}
}

// Issue 2, "Tray": the icon's states and their order.
func TestIconShowsTheGravest(t *testing.T) {
	for _, c := range []struct {
		states  []agent.State
		icon    State
		tooltip string
	}{
		{nil, "none", "Fob: nothing logged in"},
		{[]agent.State{agent.LoggedOut, agent.LoggingIn}, "none", "Fob: nothing logged in"},
		{[]agent.State{agent.LoggedOut, agent.LoggedIn}, "well", "Fob: 1 profile logged in"},
		{[]agent.State{agent.LoggedIn, agent.Offline}, "offline", "Fob: b: offline"},
		{[]agent.State{agent.Offline, agent.LoggedIn, agent.Offline, agent.Offline}, "offline", "Fob: a: offline (and 2 others)"},
		{[]agent.State{agent.Offline, agent.Expiring, agent.LoggedIn}, "expiring", "Fob: 1 token about to expire"},
		{[]agent.State{agent.Expiring, agent.LoginRequired, agent.LoginRequired}, "login", "Fob: 2 logins needed"},
		{[]agent.State{agent.LoggedIn, agent.Unusable}, "login", "Fob: 1 profile to mend"},
	} {
		var all []agent.Status
		for i, s := range c.states {
			all = append(all, agent.Status{Name: string(rune('a' + i)), State: s})
		}
		if got := Icon(all); got != c.icon {
			t.Errorf("icon of %v: %s, want %s", c.states, got, c.icon)
		}
		if got := Tooltip(all, noon); got != c.tooltip {
			t.Errorf("tooltip of %v: %q, want %q", c.states, got, c.tooltip)
		}
	}
}
