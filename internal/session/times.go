package session

import (
	"fmt"
	"time"
)

// Times says since when something is wrong and when Fob tries again, on this computer's clock and from now, the same in every
// face: "since 14:03:10 (25 min ago), next try at 14:31:02 (in 3 min)". It is "" when neither is known.
func (p *Problem) Times(now time.Time) string {
	words := ""
	if !p.Since.IsZero() {
		words = "since " + When(p.Since, now)
	}
	if p.NextTry == nil {
		return words
	}
	if words != "" {
		words += ", "
	}
	if !p.NextTry.After(now) {
		return words + "trying again now"
	}
	return words + "next try at " + When(*p.NextTry, now)
}

// When is a moment on this computer's clock, as short as the day allows, and from now: "14:03:10 (25 min ago)".
func When(t, now time.Time) string {
	t, now = t.Local().Round(0), now.Local().Round(0)
	form := "2 Jan 2006 15:04"
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		form = "15:04:05"
	case t.Year() == now.Year():
		form = "Mon 2 Jan 15:04"
	}
	if t.After(now) {
		return t.Format(form) + " (in " + span(t.Sub(now)) + ")"
	}
	if now.Sub(t) < time.Second {
		return t.Format(form) + " (now)"
	}
	return t.Format(form) + " (" + span(now.Sub(t)) + " ago)"
}

// span is a length of time, rounded down to what a person would say.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}
