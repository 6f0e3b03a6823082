package tray

import (
	"strconv"
	"time"

	"fob/internal/agent"
)

// left says how long d is, coarsely and never too long: "under a minute", "12 min", "2 h 5 min", "14 h", "3 days". The second
// result is how much time passes until the words change (zero when they never will).
func left(d time.Duration) (words string, until time.Duration) {
	step := time.Minute
	switch {
	case d <= 0:
		return "no time", 0
	case d < time.Minute:
		return "under a minute", d
	case d < time.Hour:
	case d < 10*time.Hour:
		step = 5 * time.Minute
	case d < 48*time.Hour:
		step = time.Hour
	default:
		step = 24 * time.Hour
	}
	whole := d.Truncate(step)
	hours, minutes := int(whole/time.Hour), int(whole%time.Hour/time.Minute)
	switch {
	case step == 24*time.Hour:
		words = strconv.Itoa(hours/24) + " days"
	case hours == 0:
		words = strconv.Itoa(minutes) + " min"
	case minutes == 0:
		words = strconv.Itoa(hours) + " h"
	default:
		words = strconv.Itoa(hours) + " h " + strconv.Itoa(minutes) + " min"
	}
	return words, d - whole + 1 // a nanosecond later the words are the next ones
}

// saying is what the menu says of a profile after its name, the shape of its state, and how long that stays true (zero: until
// the status changes).
func saying(s agent.Status, now time.Time) (shape, words string, until time.Duration) {
	if unattended(s) {
		switch s.State {
		case agent.LoggingIn:
			return "◌", "getting a token", 0
		case agent.LoginRequired:
			return "▲", "no token: the server refused", 0
		case agent.LoggedOut:
			return "○", "no token yet", 0
		}
	}
	switch s.State {
	case agent.LoggedIn:
		shape = "●"
	case agent.Expiring:
		shape = "◐"
	case agent.Offline:
		shape = "⊘"
		if s.ExpiresAt == nil || !s.ExpiresAt.After(now) {
			return shape, s.Away(), 0
		}
	case agent.LoggingIn:
		if elsewhere(s) {
			return "◌", "waiting for you", 0
		}
		return "◌", "waiting for the browser", 0
	case agent.LoginRequired:
		return "▲", "log in again", 0
	case agent.LoggedOut:
		return "○", "log in", 0
	default: // Unusable, and what a newer agent may know
		return "✕", "needs mending", 0
	}
	if s.ExpiresAt == nil {
		return shape, "no expiry", 0
	}
	time, until := left(s.ExpiresAt.Round(0).Sub(now.Round(0))) // on the wall clock: decision 7 of design.md
	words = "expires in " + time
	if until == 0 {
		words = "expired"
	}
	if s.State == agent.Offline {
		words = s.Away() + ", " + words
	}
	return shape, words, until
}

// unattended says whether a profile gets its token without a person. A profile that cannot be read has no grant, and is none.
func unattended(s agent.Status) bool { return s.Grant != "" && !s.Attended }

// elsewhere says whether a profile's login happens on another device, or by a password: in the window, not in a browser.
func elsewhere(s agent.Status) bool {
	switch s.Grant {
	case "device_code", "ciba", "password":
		return true
	}
	return false
}
