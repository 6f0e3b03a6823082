package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fob/internal/agent"
	"fob/profiles"
)

// stateWord is the state in the words of the list and the header. Every state has a word, a shape and a colour: none of
// them stands alone.
func stateWord(s agent.State) string {
	switch s {
	case agent.LoggedIn:
		return "Logged in"
	case agent.Expiring:
		return "Expires soon"
	case agent.Offline:
		return "Offline"
	case agent.LoggingIn:
		return "Logging in"
	case agent.LoginRequired:
		return "Login needed"
	case agent.Unusable:
		return "Needs fixing"
	default:
		return "Logged out"
	}
}

// stateOf is the state in words that fit how the profile gets its token: nobody logs in where nobody is asked.
func stateOf(s agent.Status) string {
	if unattended(s) {
		switch s.State {
		case agent.LoggedIn:
			return "Has a token"
		case agent.LoggedOut:
			return "No token"
		case agent.LoggingIn:
			return "Getting a token"
		case agent.LoginRequired:
			return "Token refused"
		}
	}
	if s.State == agent.Offline {
		return upperFirst(s.Away())
	}
	return stateWord(s.State)
}

// waitingWords say what a login waits for.
func waitingWords(s scene) string {
	kind := ""
	if s.waiting != nil {
		kind = s.waiting.kind
	}
	switch {
	case kind == "keychain":
		return "Waiting for the keychain"
	case kind == "device", kind == "" && s.status.Grant == profiles.GrantDeviceCode:
		return "Waiting for the code to be entered"
	case kind == "ciba", kind == "" && s.status.Grant == profiles.GrantCIBA:
		return "Waiting for your approval"
	case kind == "open", kind == "" && browses(s.status):
		return "Waiting for the browser"
	}
	return "Asking the server"
}

// weakWords are one line about what is weak.
func weakWords(all []agent.Weakness) string {
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0].Sentence
	}
	var names []string
	for _, w := range all {
		field, _ := profiles.FieldByKey(w.Key)
		names = append(names, field.Label)
	}
	return fmt.Sprintf("%d settings are weak: %s", len(all), strings.Join(names, ", "))
}

// grantWords say in words how a profile gets its token.
func grantWords(grant string) string {
	field, _ := profiles.FieldByKey("grant_type")
	for _, c := range field.Choices {
		if c.Value == grant {
			return c.Label
		}
	}
	return grant
}

// stateSentence is the header's line: the state and who it is.
func stateSentence(s agent.Status) string {
	word := stateOf(s)
	if s.Account == "" {
		return word
	}
	switch s.State {
	case agent.LoggedIn:
		return word + " as " + s.Account
	case agent.LoggedOut, agent.LoggingIn, agent.LoginRequired, agent.Unusable:
		return word + " · last as " + s.Account
	default:
		return word + " · " + s.Account
	}
}

// needsPerson says whether the profile waits for somebody: the window opens on the first that does.
func needsPerson(s agent.Status) bool {
	return s.State == agent.LoginRequired || s.State == agent.Unusable || s.State == agent.Expiring
}

// listTime is the right column of the list: the time left, or what there is to do.
func listTime(s agent.Status, now time.Time) string {
	switch s.State {
	case agent.LoggedOut, agent.LoginRequired:
		if unattended(s) {
			return "get token"
		}
		return "log in"
	case agent.LoggingIn:
		return "waiting"
	case agent.Unusable:
		return "fix"
	}
	if s.ExpiresAt == nil {
		return "no expiry"
	}
	if ended(s, now) {
		return "expired"
	}
	return roughly(s.ExpiresAt.Sub(now))
}

// ended says that the token in hand has ended.
func ended(s agent.Status, now time.Time) bool { return s.ExpiresAt != nil && !s.ExpiresAt.After(now) }

// roughly is a time left in at most two words, rounded down: "3 days", "2 h 5 min", "42 min", "under 1 min".
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= time.Hour:
		h, m := int(d/time.Hour), int(d%time.Hour/time.Minute)
		if m == 0 {
			return fmt.Sprintf("%d h", h)
		}
		return fmt.Sprintf("%d h %d min", h, m)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	default:
		return "under 1 min"
	}
}

// exactly is like roughly, with seconds in the last two minutes: for the one countdown that is looked at.
func exactly(d time.Duration) string {
	if d >= 2*time.Minute {
		return roughly(d)
	}
	s := int((d + time.Second - 1) / time.Second)
	if s >= 60 {
		return fmt.Sprintf("1 min %02d s", s-60)
	}
	return fmt.Sprintf("%d s", s)
}

// countdown is the sentence under the bar, and how much of the token's life is left (0 to 1; 1 when it is not known).
func countdown(s agent.Status, now time.Time) (string, float64) {
	if !s.Usable() {
		return "no token to use", 0
	}
	if s.ExpiresAt == nil {
		return "no expiry known", 1
	}
	left := s.ExpiresAt.Sub(now)
	if left <= 0 {
		return "expired " + ago(-left), 0
	}
	words, part := "expires in "+exactly(left), 1.0
	if s.ObtainedAt != nil {
		if life := s.ExpiresAt.Sub(*s.ObtainedAt); life > 0 {
			part = min(1, float64(left)/float64(life))
		}
	}
	return words, part
}

// renewal is what Fob will do by itself, if anything.
func renewal(s agent.Status, now time.Time) string {
	switch {
	case !s.Usable() || s.State == agent.Offline:
		return ""
	case !s.Refreshable && s.ExpiresAt != nil:
		return "cannot be refreshed"
	case s.RefreshDueAt != nil && s.RefreshDueAt.After(now):
		return "refreshes by itself in " + roughly(s.RefreshDueAt.Sub(now))
	case s.Refreshable && s.ExpiresAt != nil:
		return "refreshes by itself"
	}
	return ""
}

// ago is how long something is past: "just now", "5 min ago".
func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return roughly(d) + " ago"
}

// until is a moment as words and a clock: "in 42 min · 18:33:10".
func until(t, now time.Time) string {
	if d := t.Sub(now); d > 0 {
		return "in " + roughly(d) + " · " + clock(t, now)
	}
	return ago(now.Sub(t)) + " · " + clock(t, now)
}

// clock is a moment in local time, as short as the day allows.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("Mon 2 Jan 15:04")
	default:
		return t.Format("2 Jan 2006 15:04")
	}
}

// copied is the confirmation after a copy of the form with that label.
func copied(label string, done agent.Copied) string {
	what := "Copied."
	if label != "" && label != "Access token" {
		what = label + " copied."
	}
	if done.Note != "" {
		what += " " + sentence(done.Note)
	}
	if done.ClearsAfter <= 0 {
		return what
	}
	return fmt.Sprintf("%s Clears in %d s.", what, int(time.Duration(done.ClearsAfter).Round(time.Second)/time.Second))
}

// about strips what the window says anyway, the profile's name, from a sentence about it.
func about(name, sentence string) string { return strings.TrimPrefix(sentence, "profile "+name+": ") }

// sentence makes the first letter of an error's sentence upper case and ends it, for a banner. A name stays as it is written:
// a host, a key, an address.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	word, _, _ := strings.Cut(s, " ")
	if !strings.ContainsAny(strings.TrimRight(word, ".:,;"), "._/:=") {
		s = upperFirst(s)
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

func upperFirst(s string) string {
	if s == "" { // or a replacement character would stand for it
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
