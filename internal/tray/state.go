package tray

import (
	"fmt"

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
	case n.login > 0:
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

// Tooltip is the icon's state in words, for a pointer that rests on it and for screen readers.
func Tooltip(all []agent.Status) string {
	n := count(all)
	switch {
	case locked(all):
		return "Fob is locked"
	case n.login > 0:
		return "Fob: " + many(n.login, "login") + " needed"
	case n.expiring > 0:
		return "Fob: " + many(n.expiring, "token") + " about to expire"
	case n.offline > 0:
		return "Fob: offline"
	case n.well > 0:
		return "Fob: " + many(n.well, "profile") + " logged in"
	}
	return "Fob: nothing logged in"
}

type counts struct{ login, expiring, offline, well int }

func count(all []agent.Status) (n counts) {
	for _, s := range all {
		switch s.State {
		case agent.LoginRequired, agent.Unusable: // both wait for a person
			n.login++
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
