package session

import (
	"fmt"
	"time"
)

// Times says since when something is wrong and when Fob tries again, on this computer's clock and from now, the same in every
// face: "since 14:03:10 (25 min ago), next try at 14:31:02 (in 3 min)". It is "" when neither is known.
func (p *Problem) Times(now time.Time) string { return sinceAndNext(p.Since, p.NextTry, now, When) }

// Clocks are Times by the clock alone, for a face that is not drawn again as time goes by: "since 14:03, next try at 14:31".
func (p *Problem) Clocks(now time.Time) string {
	return sinceAndNext(p.Since, p.NextTry, now, func(t, now time.Time) string { return shortClock(t, now, "15:04") })
}

// Times are those of a problem: see [Problem.Times].
func (e *Error) Times(now time.Time) string {
	since := time.Time{}
	if e.Since != nil {
		since = *e.Since
	}
	return sinceAndNext(since, e.NextTry, now, When)
}

func sinceAndNext(since time.Time, next *time.Time, now time.Time, when func(t, now time.Time) string) string {
	words := ""
	if !since.IsZero() {
		words = "since " + when(since, now)
	}
	if next == nil {
		return words
	}
	if words != "" {
		words += ", "
	}
	if !next.After(now) {
		return words + "trying again now"
	}
	return words + "next try at " + when(*next, now)
}

// shortClock is a moment on this computer's clock, as short as the day allows; today is how one of today is written.
func shortClock(t, now time.Time, today string) string {
	t, now = t.Local().Round(0), now.Local().Round(0)
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format(today)
	case t.Year() == now.Year():
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// When is a moment on this computer's clock, as short as the day allows, and from now: "14:03:10 (25 min ago)".
func When(t, now time.Time) string {
	t, now = t.Round(0), now.Round(0)
	clock := shortClock(t, now, time.TimeOnly)
	if t.After(now) {
		return clock + " (in " + span(t.Sub(now)) + ")"
	}
	if now.Sub(t) < time.Second {
		return clock + " (now)"
	}
	return clock + " (" + span(now.Sub(t)) + " ago)"
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
