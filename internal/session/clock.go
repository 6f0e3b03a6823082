package session

import (
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"
)

// clockTold is the difference from which on a clock is called wrong: servers refuse what is dated a minute off.
const clockTold = time.Minute

// clockAge: what a server's Date said longer ago says nothing about the clock now.
const clockAge = 24 * time.Hour

// clockSeen is how far the clock of a login's server was ahead of this computer's. It rests with the login, so that the first
// assertion after a restart is dated right.
type clockSeen struct {
	Server string        `json:"server"` // address of the endpoint that told
	Ahead  time.Duration `json:"ahead"`  // negative: behind
	At     time.Time     `json:"at"`
}

// Clock is how this computer's clock differs from that of a profile's server, where it matters.
type Clock struct {
	Server  string `json:"server"`        // its host
	Seconds int    `json:"ahead_seconds"` // of this computer's clock; negative: it is behind
	// Sentence and Remedy are the same in every face: "your clock is 93 s ahead of login.example.com".
	Sentence string `json:"sentence"`
	Remedy   string `json:"remedy"`
}

// told is what is worth saying about a clock; nil when it is right, or when nobody knows any more.
func (c *clockSeen) told(now time.Time) *Clock {
	if c == nil || c.Ahead.Abs() < clockTold || now.Sub(c.At).Abs() > clockAge {
		return nil
	}
	host, ours := hostOf(c.Server), -c.Ahead
	way := "ahead of "
	if ours < 0 {
		way = "behind "
	}
	return &Clock{Server: host, Seconds: int(ours / time.Second), Sentence: "your clock is " + span(ours.Abs()) + " " + way + host, Remedy: clockRemedy(runtime.GOOS)}
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return address
}

// clockRemedy says how a clock is set.
func clockRemedy(system string) string {
	how := map[string]string{
		"linux": "timedatectl set-ntp true", "darwin": "System Settings, General, Date & Time, Set time and date automatically",
		"windows": "Settings, Time & language, Date & time, Sync now",
	}[system]
	if how != "" {
		how = ": " + how
	}
	return "set it by the network" + how + " (Fob allows for the difference)"
}

// noteClock keeps what the last answer told of the server's clock.
func (e *Engine) noteClock(name string, c *client) {
	if c.Metadata == nil || c.Servers == nil {
		return
	}
	ahead, at, known := c.Servers.Clock(c.Metadata.TokenEndpoint)
	if !known {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.logins[name]; l != nil {
		l.rec.Clock = &clockSeen{c.Metadata.TokenEndpoint, ahead, at}
	}
}

// rememberClock gives what a record has of a server's clock to the road that leads there.
func (e *Engine) rememberClock(l *login) {
	seen := l.rec.Clock
	if seen == nil || seen.Ahead.Abs() < time.Second || wall().Sub(seen.At).Abs() > clockAge {
		return
	}
	if way, err := e.roadFor(*l.profile); err == nil {
		way.servers.SetClock(seen.Server, seen.Ahead, seen.At)
	}
}

// Clocks are those of the servers that were asked in the last day, one a host: how far this computer's clock is ahead.
func (e *Engine) Clocks() map[string]time.Duration {
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	all, latest := map[string]time.Duration{}, map[string]time.Time{}
	for _, l := range e.logins {
		c := l.rec.Clock
		if c == nil || now.Sub(c.At).Abs() > clockAge {
			continue
		}
		if host := hostOf(c.Server); latest[host].Before(c.At) {
			all[host], latest[host] = -c.Ahead, c.At
		}
	}
	return all
}

// ClockFinding says in words what Clocks tell: whether it is this computer's clock that is wrong, or a server's.
func ClockFinding(all map[string]time.Duration) (ok bool, detail, remedy string) {
	var right, wrong []string
	for host, ahead := range all {
		if ahead.Abs() < clockTold {
			right = append(right, host)
		} else {
			wrong = append(wrong, host)
		}
	}
	slices.Sort(right)
	slices.Sort(wrong)
	if len(all) == 0 {
		return true, "not compared with a server's in the last day", ""
	}
	if len(wrong) == 0 {
		return true, "agrees with " + strings.Join(right, ", "), ""
	}
	seen := clockSeen{Server: "//" + wrong[0], Ahead: -all[wrong[0]]}
	said := seen.told(time.Time{})
	if len(right) > len(wrong) {
		return true, said.Sentence + ", and right by " + strings.Join(right, ", ") + ": it is the server's that is wrong, which Fob allows for", ""
	}
	detail = said.Sentence
	if len(wrong) > 1 {
		detail += ", and off from " + strings.Join(wrong[1:], ", ")
	}
	return false, detail, said.Remedy
}

// clockSetBy is how much the wall clock gained on the other one between two moments: it was set, or the computer slept.
func clockSetBy(before, now time.Time) time.Duration {
	return now.Round(0).Sub(before.Round(0)) - now.Sub(before)
}

// clockMoved makes good what a clock that was put back would do to what was noted by it. A token that was obtained before then
// seems to have more time left than it has, so it is got anew; pauses would be longer than they were meant to be. A clock that
// went forward cannot be told from a sleep, and does no harm: whatever it makes due is looked after.
func (e *Engine) clockMoved(by time.Duration) {
	if by > -clockSlack {
		return
	}
	now := wall()
	e.log.Info("the clock was put back", "by", (-by).Round(time.Second).String())
	e.memory.ClockMoved(by)
	e.roads.mu.Lock()
	for _, r := range e.roads.known {
		r.servers.ClockMoved(by)
	}
	e.roads.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.logins {
		l.moved(by, e.seed, now)
	}
	e.allAgainLocked()
	for issuer, b := range e.breakers {
		b.last, b.until, b.problem.Since = b.last.Add(by), b.until.Add(by), b.problem.Since.Add(by)
		e.breakers[issuer] = b
	}
	e.woken = time.Time{}
}

// moved is clockMoved for one login; Engine.mu is held.
func (l *login) moved(by time.Duration, seed string, now time.Time) {
	r := &l.rec
	if r.Clock != nil {
		r.Clock = &clockSeen{r.Clock.Server, r.Clock.Ahead - by, r.Clock.At.Add(by)}
	}
	l.settling = time.Time{}
	if r.Failing != nil {
		failing := *r.Failing
		failing.Since, failing.lastTry = failing.Since.Add(by), failing.lastTry.Add(by)
		r.Failing = &failing
	}
	if !r.NextTry.IsZero() {
		r.NextTry = r.NextTry.Add(by)
	} else if r.Kept && r.Refreshable && r.Ended == nil && !r.ExpiresAt.IsZero() {
		r.NextTry = now.Add(spread(seed, r.Name, now, doubtMost))
	}
	l.doubt = r.ObtainedAt
}

// doubtMost spreads the refreshes after a clock was put back; with the loop's own pace, each comes within 30 s.
const doubtMost = 20 * time.Second

// doubtful says that the times of t were noted by a clock that has been put back since.
func (e *Engine) doubtful(name string, t *tokens, now time.Time) bool {
	if fromTheFuture(t.ObtainedAt, now) {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	return l != nil && !l.doubt.IsZero() && l.doubt.Equal(t.ObtainedAt)
}
