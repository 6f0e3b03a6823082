package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fob/internal/agent"
)

// stateWord is a state as a shape and a word: neither needs a colour.
func stateWord(state agent.State) (shape, word string) {
	switch state {
	case agent.LoggedOut:
		return "○", "logged out"
	case agent.LoggingIn:
		return "◌", "logging in"
	case agent.LoggedIn:
		return "●", "logged in"
	case agent.Expiring:
		return "◐", "expiring"
	case agent.Offline:
		return "◇", "offline"
	case agent.LoginRequired:
		return "!", "login needed"
	case agent.Unusable:
		return "✕", "unusable"
	}
	return "?", string(state) // an agent newer than this command
}

// statusWord is the state of a profile. One that needs no login is not logged out: its token is got when it is asked for.
func statusWord(s agent.Status) (shape, word string) {
	if s.State == agent.LoggedOut && unattended(s) {
		return "□", "on demand"
	}
	if s.State == agent.Offline {
		return "◇", s.Away()
	}
	return stateWord(s.State)
}

// unattended says that the profile's token needs nobody.
func unattended(s agent.Status) bool { return s.Grant != "" && !s.Attended }

// timeLeft is how long the profile's token is still good, in words; empty when there is none.
func timeLeft(s agent.Status, now time.Time) string {
	switch {
	case !s.Usable():
		return ""
	case s.ExpiresAt == nil:
		return "no expiry known"
	case s.ExpiresAt.After(now):
		return "expires in " + span(s.ExpiresAt.Sub(now))
	}
	return "expired " + span(now.Sub(*s.ExpiresAt)) + " ago"
}

// relative is t seen from now: "in 5 min", "3 h ago".
func relative(t, now time.Time) string {
	if t.After(now) {
		return "in " + span(t.Sub(now))
	}
	return span(now.Sub(t)) + " ago"
}

// span is a length of time in words, rounded down to what a person would say.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 10*time.Hour && d%time.Hour >= time.Minute:
		return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d < 730*day:
		return fmt.Sprintf("%d days", int(d/day))
	}
	return fmt.Sprintf("%d years", int(d/(365*day)))
}

// moment is a point in time as a person reads it, on this computer's clock.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -07:00") }

// headed is a table with a line of titles; a column without a value has no title either.
func headed(titles []string, rows [][]string) string {
	return columns(append([][]string{titles}, rows...), 1)
}

// table aligns rows in columns, two spaces apart; a column without a value is left out.
func table(rows [][]string) string { return columns(rows, 0) }

// columns aligns rows; a column that is empty below the first `titles` rows is left out.
func columns(rows [][]string, titles int) string {
	var widths []int
	var filled []bool
	for i, row := range rows {
		for column, cell := range row {
			if column == len(widths) {
				widths, filled = append(widths, 0), append(filled, false)
			}
			row[column] = clean(cell)
			widths[column] = max(widths[column], utf8.RuneCountInString(row[column]))
			filled[column] = filled[column] || i >= titles && cell != ""
		}
	}
	var text strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for column, cell := range row {
			if filled[column] {
				line.WriteString(cell + strings.Repeat(" ", widths[column]-utf8.RuneCountInString(cell)+2))
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}
