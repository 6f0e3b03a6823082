package tray

import (
	"fmt"
	"time"

	"fob/assets"
	"fob/internal/agent"
)

// State is what the icon says about all profiles together.
type State = assets.State

// Icon is the state of the icon: the gravest that any profile gives cause for, a person needed before a token that ends, that
// before a missing connection.
func Icon(all []agent.Status) State {
	n := count(all)
	switch {
	case n.login > 0, n.mend > 0:
		return assets.LoginNeeded
	case n.expiring > 0:
		return assets.Expiring
	case n.offline > 0:
		return assets.Offline
	case n.well > 0:
		return assets.Well
	}
	return assets.None
}

// Tooltip is the icon's state in words, for a pointer that rests on it and for screen readers: of an outage why, since when, and
// when Fob tries again.
func Tooltip(all []agent.Status, now time.Time) string {
	n := count(all)
	switch {
	case locked(all):
		return "Fob is locked"
	case n.login > 0:
		return "Fob: " + many(n.login, "login") + " needed"
	case n.mend > 0:
		return "Fob: " + many(n.mend, "profile") + " to mend"
	case n.expiring > 0:
		return "Fob: " + many(n.expiring, "token") + " about to expire"
	case n.offline > 0:
		return "Fob: " + outage(all, n.offline, now)
	case n.well > 0:
		return "Fob: " + many(n.well, "profile") + " logged in"
	}
	return "Fob: nothing logged in"
}

// outage tells of the outage that lasts longest.
func outage(all []agent.Status, offline int, now time.Time) string {
	var first agent.Status
	for _, s := range all {
		if s.State == agent.Offline && (first.Name == "" || s.Problem != nil && first.Problem != nil && s.Problem.Since.Before(first.Problem.Since)) {
			first = s
		}
	}
	words := plain(first.Name) + ": " + first.Away()
	if offline > 1 {
		words += " (and " + many(offline-1, "other") + ")"
	}
	for _, line := range why(first, now) {
		words += "\n" + line
	}
	return words
}

// why says in two lines what is wrong with a profile: what, and since when and until when. None where nothing is.
func why(s agent.Status, now time.Time) (lines []string) {
	if s.Problem == nil {
		return nil
	}
	for _, line := range []string{s.Problem.Sentence, s.Problem.Clocks(now)} {
		if line = short(line, maxReason); line != "" {
			lines = append(lines, asSentence(line))
		}
	}
	return lines
}

type counts struct{ login, mend, expiring, offline, well int }

func count(all []agent.Status) (n counts) {
	for _, s := range all {
		switch s.State {
		case agent.LoginRequired:
			n.login++
		case agent.Unusable: // a login would not help
			n.mend++
		case agent.Expiring:
			n.expiring++
		case agent.Offline:
			n.offline++
		case agent.LoggedIn:
			n.well++
		}
	}
	return n
}

// many is a number of things: "1 login", "3 logins".
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
