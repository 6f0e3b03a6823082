package session

import (
	"context"
	"time"

	"fob/oauth"
)

// Numbers of what follows a wake-up.
const (
	// settleMax is how long a network may take to come up after a resume or a change before failing is called so: WLAN with
	// DHCP takes 5 to 15 s.
	settleMax = 30 * time.Second
	// settleFirst doubles with every try up to settleLast.
	settleFirst = time.Second
	settleLast  = 4 * time.Second
	// wakesApart: changes that come faster than this are one restless network, which gets one time to settle.
	wakesApart = 2 * time.Minute
	// sleptPatience is how long an answer may still come that was under way when the computer fell asleep: what had arrived
	// before is read at once, and the connection is dead.
	sleptPatience = 5 * time.Second
)

// NetworkChanged forgets how long failed refreshes were to wait: what failed for want of a network is tried now, and so is
// what failed by the network's doing (a captive portal's certificate). Only a server's own wish to be left alone stands. For
// a while it lets the network come up: see settling.
func (e *Engine) NetworkChanged() {
	now := wall()
	e.mu.Lock()
	fresh := e.woken.IsZero() || now.Sub(e.woken) > wakesApart || e.woken.After(now)
	e.woken = now
	for _, l := range e.logins {
		if fresh {
			l.settling, l.settlings = time.Time{}, 0
		}
		if l.rec.Failing != nil && !l.rec.Failing.patience && l.rec.NextTry.After(now) {
			l.rec.NextTry = now
		}
	}
	e.allAgainLocked()
	for issuer, b := range e.breakers {
		if !b.problem.patience && b.until.After(now) {
			b.until = now
			e.breakers[issuer] = b
		}
	}
	e.mu.Unlock()
	e.closeIdle() // they lead through the network of before
	e.Poke()
}

// Resumed is NetworkChanged after the computer has slept, or its clock was set: requests that were under way then are given up
// soon, because their connections are dead and nothing would tell.
func (e *Engine) Resumed() {
	e.mu.Lock()
	close(e.resumed)
	e.resumed = make(chan struct{})
	e.woken = time.Time{} // a time to settle of its own
	e.mu.Unlock()
	e.NetworkChanged()
}

// closeIdle closes the connections that nobody uses.
func (e *Engine) closeIdle() {
	oauth.CloseIdleConnections(e.http)
	e.roads.mu.Lock()
	defer e.roads.mu.Unlock()
	for _, r := range e.roads.known {
		oauth.CloseIdleConnections(r.http)
	}
}

// settling says that a failure at now is the network's that is not up yet after a wake-up: it is tried again soon and said to
// nobody. since is when the login first failed so.
func settling(woken, since, now time.Time) bool {
	after := now.Sub(woken)
	return !woken.IsZero() && after >= 0 && after < settleMax && (since.IsZero() || now.Sub(since) < settleMax)
}

// settleLocked notes a failure for want of a network that is not up yet, and says whether it is one; Engine.mu is held.
func (e *Engine) settleLocked(l *login, said *Error, now time.Time) bool {
	if said.Code != CodeNetwork && said.Code != CodePortal || !settling(e.woken, l.settling, now) {
		return false
	}
	if l.settling.IsZero() {
		l.settling = now
	}
	l.rec.NextTry = now.Add(min(settleFirst<<min(l.settlings, 4), settleLast))
	l.settlings++
	return true
}

// settlesAt is when a login is tried again that failed because the network is not up yet; false when that is not why. One that
// was offline before has its answer already.
func (e *Engine) settlesAt(name string) (time.Time, bool) {
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	if l == nil || l.rec.Failing != nil || l.settling.IsZero() || !settling(e.woken, l.settling, now) {
		return time.Time{}, false
	}
	return l.rec.NextTry, true
}

// sleptError is why a request was given up that was under way when the computer fell asleep: its answer is lost, if there was one.
type sleptError struct{}

func (sleptError) Error() string   { return "the computer slept while the answer was awaited" }
func (sleptError) Timeout() bool   { return true }
func (sleptError) Temporary() bool { return true }

// awake makes a request that is given up when the computer slept meanwhile.
func awake[T any](ctx context.Context, e *Engine, request func(context.Context) (T, error)) (T, error) {
	e.mu.Lock()
	resumed := e.resumed
	e.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-resumed:
		}
		select {
		case <-ctx.Done():
		case <-time.After(sleptPatience):
			cancel(sleptError{})
		}
	}()
	return request(ctx)
}
