package session

import (
	"errors"
	"net"
	"time"

	"fob/oauth"
)

// Numbers of the breaker.
const (
	// breakerOpens: one failure may be a connection that got lost; so many in a row, of whichever profiles, are the issuer's
	// or the network's.
	breakerOpens = 3
	// letGoApart spreads those who waited for an issuer that answers again, one after the other, letGoMost all of them.
	letGoApart = 200 * time.Millisecond
	letGoMost  = 30 * time.Second
)

// States of a breaker, as `fob status --json` says them.
const (
	breakerOpen     = "open"      // nobody asks the issuer by itself before next_try
	breakerHalfOpen = "half_open" // the next one to ask finds out whether it answers again
)

// breaker is what is known of an issuer that does not answer, so that its profiles do not find out one by one. It is a value:
// what it decides is a function of it and the time.
type breaker struct {
	failures int       // in a row, of all its profiles, for want of an answer
	opened   bool      // so many, or one with Retry-After
	last     time.Time // when the last one was
	until    time.Time // when the next one may find out
	problem  Problem   // what was met last, since the first in the row
}

// failed is b after one more failure of a profile that has failed own times in a row itself.
func (b breaker) failed(problem Problem, own int, patience time.Duration, seed string, now time.Time) breaker {
	if b.failures > 0 {
		problem.Since = b.problem.Since
	}
	problem.patience = patience > 0 || b.problem.patience && b.until.After(now)
	b.failures++
	b.opened = b.opened || b.failures >= breakerOpens || patience > 0
	until := now.Add(backoff(seed, max(own, b.failures-breakerOpens+1), now, patience))
	if !problem.patience || until.After(b.until) { // who was asked anyhow said nothing against what was wished before
		b.until = until
	}
	b.last, b.problem = now, problem
	return b
}

// holds says that who does not ask now. Somebody who waits for a token finds out himself what the loop would find out later,
// but no sooner than others just did, and not while the server asked for patience; a person who asks for the refresh itself is
// never kept.
func (b breaker) holds(who urgency, now time.Time) bool {
	since := now.Sub(b.last)
	if !b.opened || since < -clockSlack || b.until.Sub(now) > retryAfterMax+clockSlack { // see clockPutBack
		return false
	}
	switch who {
	case background, pursuing: // one rule for both: what the agenda finds due must not be held back, else it is found again at once
		return now.Before(b.until)
	case wanted:
		return since < attemptsApart || b.problem.patience && now.Before(b.until)
	}
	return false
}

// state is b in a word, "" while it does not matter.
func (b breaker) state(now time.Time) string {
	switch {
	case !b.opened:
		return ""
	case b.holds(background, now):
		return breakerOpen
	}
	return breakerHalfOpen
}

// unreached says that an issuer did not answer, or was too busy to: the kind of failure that another of its profiles would meet
// too. What it decided about one profile, and what the keychain or another profile did not give, is not.
func unreached(said *Error, err error) bool {
	var derived *fromSource
	return said.Kind == TryAgain && !errors.As(err, &derived) && !storing(err)
}

// unreachedLocked counts a failure of l's issuer and returns what is known of it now; Engine.mu is held.
func (e *Engine) unreachedLocked(l *login, problem Problem, patience time.Duration, now time.Time) breaker {
	before := e.breakers[l.issuer]
	b := before.failed(problem, l.rec.Failures, patience, e.seed+l.issuer, now)
	e.breakers[l.issuer] = b
	if b.opened && !before.opened {
		e.issuerAgainLocked(l.issuer)
	}
	return b
}

// answeredLocked notes that an issuer answers: those who failed for want of it go now, spread out; Engine.mu is held.
func (e *Engine) answeredLocked(issuer string, now time.Time) {
	if e.breakers[issuer].failures == 0 {
		return
	}
	delete(e.breakers, issuer)
	e.issuerAgainLocked(issuer)
	var waiting []*record
	for _, l := range e.logins {
		r := &l.rec
		if r.Failing != nil && !r.Mend && !r.Failing.patience && r.Failing.kind(false) == TryAgain && !r.Failing.store() && r.NextTry.After(now) && l.issuer == issuer {
			waiting = append(waiting, r)
		}
	}
	width := min(time.Duration(len(waiting))*letGoApart, letGoMost)
	for _, r := range waiting {
		r.NextTry = minTime(r.NextTry, now.Add(spread(e.seed, r.Name, now, width)))
	}
}

// issuerAgainLocked is againLocked for all logins of an issuer.
func (e *Engine) issuerAgainLocked(issuer string) {
	for _, l := range e.logins {
		if l.issuer == issuer {
			e.againLocked(l)
		}
	}
}

// issuerAnswered is answeredLocked for those who do not hold the lock.
func (e *Engine) issuerAnswered(issuer string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answeredLocked(issuer, wall())
}

// pursuit is how long a login whose refresh token may be spent is tried whatever others found out: after that its pauses are as
// long as theirs. See doubtFirst.
const pursuit = 2 * time.Minute

// breakerLocked is the breaker that l's refresh goes by; Engine.mu is held. Storing asks nobody, and a lost answer is pursued
// while the server's grace lasts.
func (e *Engine) breakerLocked(l *login, now time.Time) breaker {
	if since := now.Sub(l.rec.Interrupted); l.unfinished() || !l.rec.Interrupted.IsZero() && since >= 0 && since < pursuit {
		return breaker{}
	}
	return e.breakers[l.issuer]
}

// unsent says that a request never left this computer: nothing was spent, and a repetition would meet the same.
func unsent(err error) bool {
	var known *oauth.Error
	var dial *net.OpError
	var name *net.DNSError
	return errors.As(err, &known) && known.Unsent || errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &name)
}

// heldBack is the answer to who asks for a refresh of name while its issuer does not answer; nil when it is to be tried.
func (e *Engine) heldBack(name string, who urgency) error {
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	if l == nil {
		return nil
	}
	b := e.breakerLocked(l, now)
	if !b.holds(who, now) {
		return nil
	}
	return &Error{Kind: TryAgain, Code: b.problem.Code, Sentence: "profile " + name + ": " + b.problem.Sentence, Remedy: b.problem.Remedy}
}

// outageLocked is the problem of a login that is to be refreshed and whose issuer does not answer, found out by others;
// Engine.mu is held.
func (e *Engine) outageLocked(l *login, now time.Time) *Problem {
	b := e.breakers[l.issuer]
	if !b.opened || l.rec.Failing != nil || l.unfinished() {
		return nil
	}
	if at, ok := dueAt(&l.rec, time.Duration(l.profile.RefreshBefore), e.seed); !ok || at.After(now) {
		return nil
	}
	problem := b.problem
	problem.NextTry = some(b.until)
	return b.tell(&problem, now)
}

// tell writes into a problem what is known of the issuer.
func (b breaker) tell(p *Problem, now time.Time) *Problem {
	if p == nil || !b.opened {
		return p
	}
	p.Breaker = b.state(now)
	p.Since = minTime(p.Since, b.problem.Since) // others knew it before
	if p.NextTry != nil && p.NextTry.Before(b.until) {
		p.NextTry = some(b.until)
	}
	return p
}
