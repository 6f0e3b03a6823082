package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// refreshTimeout bounds what leads to a request of a refresh: its place, its turn, the keychain, what is to be known of the server.
// The request bounds itself, and so does the keychain that is asked about what came of it: a refresh token once spent is worth
// waiting for its answer, however long its turn took to come, and whoever asked.
const refreshTimeout = 90 * time.Second

// attemptsApart keeps scripts that ask in a loop from hammering a server that is down; mendedApart one that refuses until
// somebody mends something.
const (
	attemptsApart = 2 * time.Second
	mendedApart   = time.Minute
)

// flight is one refresh under way; everybody who needs it waits for the same one. It outlives an impatient caller.
type flight struct {
	done chan struct{}
	err  error // read after done
}

// urgency says who wants a refresh.
type urgency int

const (
	background urgency = iota // the loop: only if there is a free place now
	pursuing                  // the loop, while a server's grace is short: queues for a place
	wanted                    // somebody waits for a token: queues for a place
	forced                    // somebody wants the refresh itself
)

// Refresh spends the refresh token now, whatever the schedule says.
func (e *Engine) Refresh(ctx context.Context, name string) (Status, error) {
	e.reload()
	t, _, err := e.usable(ctx, name)
	if errors.Is(err, errUnsaved) {
		err = nil // to be stored, that is
	} else if e.unattendedMissing(name, err) {
		err = nil // to be had now, that is
	} else if err == nil && t.RefreshToken == "" && !t.unattended {
		err = &Error{Kind: LogInFirst, Code: CodeNotRefreshable, Sentence: "profile " + name + ": this login has no refresh token", Remedy: "log in again: fob login " + quoteArg(name)}
	}
	if err == nil {
		err = e.awaitRefresh(ctx, name, forced)
	}
	if err != nil {
		return Status{}, e.explainNow(name, err)
	}
	return e.one(name)
}

func (e *Engine) one(name string) (Status, error) {
	all, err := e.Status(name)
	if err != nil {
		return Status{}, err
	}
	return all[0], nil
}

// awaitRefresh waits for a refresh of name, starting one if none is under way. Unless forced, a failure of a moment ago, or
// one after which the server asked for patience, is the answer.
func (e *Engine) awaitRefresh(ctx context.Context, name string, who urgency) error {
	now := wall()
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return e.unknownProfile(name)
	}
	if r := &l.rec; who != forced && l.refreshing == nil && r.Failing != nil && r.NextTry.After(now) && r.tooSoon(now) {
		failing := *r.Failing
		e.mu.Unlock()
		return &Error{Kind: failing.kind(r.Mend), Code: failing.Code, Sentence: "profile " + name + ": " + failing.Sentence, Remedy: failing.Remedy}
	}
	joins := l.refreshing != nil
	e.mu.Unlock()
	for {
		if !joins {
			if err := e.heldBack(name, who); err != nil {
				return err
			}
		}
		f := e.startRefresh(name, who)
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		again, settles := e.settlesAt(name)
		if f.err == nil || !settles || Explain(name, f.err).Kind != TryAgain {
			return f.err
		}
		joins = false
		select {
		case <-time.After(again.Sub(wall())):
		case <-e.life.Done():
			return f.err
		case <-ctx.Done():
			return f.err
		}
	}
}

// tooSoon says that the failure of before is the answer still.
func (r *record) tooSoon(now time.Time) bool {
	apart := attemptsApart
	if r.Mend {
		apart = mendedApart
	}
	since := now.Sub(r.Failing.lastTry)
	return since >= 0 && !clockPutBack(r, now) && (since < apart || r.Failing.patience)
}

// landed is a flight that is over.
func landed(err error) *flight {
	f := &flight{done: make(chan struct{}), err: err}
	close(f.done)
	return f
}

// startRefresh joins or starts the refresh of name. It returns nil when background work finds no free place.
func (e *Engine) startRefresh(name string, who urgency) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	if !ok {
		return landed(e.unknownLocked(name))
	}
	if l.refreshing != nil {
		return l.refreshing
	}
	if e.life.Err() != nil {
		return landed(errStopping)
	}
	where := &place{issuer: l.issuer}
	e.takePlaceLocked(where)
	if !where.taken && who == background {
		return nil
	}
	f := &flight{done: make(chan struct{})}
	l.refreshing = f
	l.leaveAgenda()
	e.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), placeKey{}, where), refreshTimeout)
		defer cancel()
		if f.err = e.awaitPlace(ctx, where); f.err == nil {
			f.err = e.heldBack(name, who) // others may have found out while it queued
		}
		if f.err == nil {
			f.err = e.refresh(ctx, name, who)
		}
		e.leavePlace(where)
		e.mu.Lock()
		l.refreshing = nil
		e.mu.Unlock()
		close(f.done)
		e.at(StepShown)
		e.changed(name)
		e.Poke()
	})
	return f
}

// place is a refresh's place among those under way.
type place struct {
	issuer string
	taken  bool          // guarded by Engine.mu
	given  chan struct{} // closed when who waits for it has it; nil while nobody waits
}

// placeKey finds the place of the refresh that a context is for.
type placeKey struct{}

// freeLocked says that there is a place for a refresh at issuer; Engine.mu is held.
func (e *Engine) freeLocked(issuer string) bool { return e.active < atOnce && !e.busy[issuer] }

// takePlaceLocked takes a place if one is free; Engine.mu is held. Nobody overtakes those who queue: what they could take they have.
func (e *Engine) takePlaceLocked(p *place) {
	if p.taken || !e.freeLocked(p.issuer) {
		return
	}
	e.active++
	e.busy[p.issuer], p.taken = true, true
}

// awaitPlace queues for a place.
func (e *Engine) awaitPlace(ctx context.Context, p *place) (err error) {
	e.mu.Lock()
	e.takePlaceLocked(p)
	if p.taken {
		e.mu.Unlock()
		return nil
	}
	p.given = make(chan struct{})
	e.queue = append(e.queue, p)
	e.mu.Unlock()
	select {
	case <-p.given:
		return nil
	case <-e.life.Done():
		err = errStopping
	case <-ctx.Done():
		err = turnless(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = slices.DeleteFunc(e.queue, func(other *place) bool { return other == p })
	return err
}

// leavePlace gives a place back, if p has one, to who has queued for it longest.
func (e *Engine) leavePlace(p *place) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !p.taken {
		return
	}
	e.active--
	delete(e.busy, p.issuer)
	p.taken = false
	if waiting := e.overdue[p.issuer]; waiting != nil {
		waiting.from = wall().Add(refreshesApart)
	}
	e.queue = slices.DeleteFunc(e.queue, func(next *place) bool {
		e.takePlaceLocked(next)
		if next.taken {
			close(next.given)
		}
		return next.taken
	})
}

// refresh spends the refresh token and stores what comes back, whatever happens to those who wait.
func (e *Engine) refresh(ctx context.Context, name string, who urgency) (err error) {
	release, err := e.turn(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	already, err := e.takeUp(ctx, name)
	if already && who != forced {
		return nil
	}
	stored, lost := false, time.Time{}
	if err == nil {
		stored, lost, err = e.finishLast(ctx, name)
	}
	if stored || err != nil {
		// The token was spent before, only the storing was left to do.
		return e.failed(name, err)
	}
	before, p, news, err := e.look(ctx, name)
	// The loop keeps what there is alive; after a logout it gets nothing new unasked.
	missing := who != background && e.unattendedMissing(name, err)
	if !p.Attended() && (err == nil || missing) && e.life.Err() == nil && (who == forced || !news) {
		return e.askAgain(ctx, p)
	}
	var said *Error
	switch {
	case errors.As(err, &said):
		return err // nothing was tried
	case err != nil:
		return e.failed(name, err)
	case before.RefreshToken == "" || news && who != forced && lost.IsZero():
		return nil
	case e.life.Err() != nil:
		return errStopping
	}
	e.at(StepLooked)
	ctx, done := e.traced(ctx, name, operationRefresh)
	defer func() { done(err) }()
	client, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return e.failed(name, err)
	}
	began := wall()
	if err := e.intend(ctx, name, before, lost); err != nil {
		return e.failed(name, err)
	}
	e.at(StepSpending)
	ctx = context.WithoutCancel(ctx)
	var arrived *tokens
	want := oauth.TokenRequest{Answered: func(t *oauth.Token) { arrived = e.answered(ctx, name, e.successor(name, before, t)) }}
	fresh, lost, err := spend(began, lost, func() (*oauth.Token, error) {
		return awake(ctx, e, func(ctx context.Context) (*oauth.Token, error) { return client.RefreshWith(ctx, before.Token, want) })
	})
	e.noteClock(name, client)
	if errors.Is(err, oauth.InvalidGrant) && e.overtaken(ctx, name, before) != nil {
		e.done(name)
		return nil // another agent was faster; its token is ours too
	}
	if err != nil {
		return e.failed(name, e.refused(name, before, arrived, lost, err))
	}
	e.issuerAnswered(authority(p))
	t := e.successor(name, before, fresh)
	t.journaled = arrived.journaled
	return e.failed(name, e.commit(ctx, name, t, "refreshed"))
}

// successor is the token set that takes before's place. It outranks also what this home knew and the keychain has forgotten.
func (e *Engine) successor(name string, before *tokens, fresh *oauth.Token) *tokens {
	t := &tokens{Token: fresh, who: before.who, key: before.key, fingerprint: before.fingerprint, generation: before.generation + 1, unattended: before.unattended}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.logins[name]; l != nil && l.rec.Key == t.key {
		t.generation = max(t.generation, l.rec.Generation+1)
	}
	return t
}

// overtaken returns the tokens that another agent on the same keychain has stored since before; nil when none has.
func (e *Engine) overtaken(ctx context.Context, name string, before *tokens) *tokens {
	if t, err := e.reread(ctx, name); err == nil && t != nil && t.generation > before.generation {
		return t
	}
	return nil
}

// unattendedMissing says that err is the want of a token that needs no person to be had.
func (e *Engine) unattendedMissing(name string, err error) bool {
	var said *Error
	return errors.As(err, &said) && said.Kind == LogInFirst && said.Code != CodeLocked && !e.attended(name)
}

// askAgain gets a token that needs no person (client credentials, assertions, exchange); the turn is held.
func (e *Engine) askAgain(ctx context.Context, p profiles.Profile) (err error) {
	ctx, done := e.traced(ctx, p.Name, operationRefresh)
	defer func() { done(err) }()
	if err := e.ready(ctx, false); err != nil {
		return e.failed(p.Name, err)
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return e.failed(p.Name, err)
	}
	token, err := e.unattended(ctx, c, c.request(LoginOptions{}))
	e.noteClock(p.Name, c) // also of a refusal
	if err != nil {
		return e.failed(p.Name, err)
	}
	if err := e.keepTurn(ctx, p, token, who{}, "got a new token"); err != nil {
		return err
	}
	e.noteClient(p.Name, c)
	return nil
}

// look returns the newest tokens of a login and the profile that they are for; news says that another agent on the same
// keychain had stored newer ones than were known here, or that a crash had kept ours from being noted.
func (e *Engine) look(ctx context.Context, name string) (t *tokens, p profiles.Profile, news bool, err error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, p, false, e.unknownProfile(name)
	}
	known := l.rec.ObtainedAt
	e.mu.Unlock()
	if _, err := e.reread(ctx, name); err != nil {
		return nil, e.profileOf(name), false, err
	}
	if t, p, err = e.usable(ctx, name); err != nil {
		return nil, e.profileOf(name), false, err
	}
	return t, p, !t.ObtainedAt.Equal(known), nil
}

// profileOf is the profile as the engine has it.
func (e *Engine) profileOf(name string) profiles.Profile {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.logins[name]; l != nil {
		return *l.profile
	}
	return profiles.Profile{}
}

// answered says that the server answered at all: an HTTP status came.
func answered(err error) bool {
	var known *oauth.Error
	return errors.As(err, &known) && known.Status != 0
}

// commit is the commit: the journal and the keychain item first, then what others may see. If the keychain refuses, the token
// set stays in the journal and in memory and storing is tried again; nobody sees it before. A profile that is gone meanwhile finds it when it comes back.
func (e *Engine) commit(ctx context.Context, name string, t *tokens, what string) error {
	text, err := t.seal()
	if err == nil {
		e.sealAnswer(context.WithoutCancel(ctx), name, t, text)
		// What the server has issued is stored whoever gives up waiting.
		err = e.store.Set(context.WithoutCancel(ctx), t.key, text)
	}
	if err == nil {
		e.at(StepStored)
	}
	now := wall()
	e.mu.Lock()
	l, ok := e.logins[name]
	switch {
	case !ok:
		defer e.mu.Unlock()
		return e.unknownLocked(name)
	case err != nil:
		l.unsaved = t
		e.againLocked(l)
		e.mu.Unlock()
		return &storeError{err, t.journaled}
	}
	l.unsaved, l.left, l.held = nil, nil, t
	l.settling, l.settlings = time.Time{}, 0
	l.rec.describe(*t)
	l.rec.well()
	l.rec.happened(now, what)
	if t.first {
		e.deriveAgainLocked(name, now)
	}
	e.mu.Unlock()
	e.keepRecord(name)
	e.at(StepNoted)
	e.done(name)
	return nil
}

// deriveAgainLocked lets the loop get anew what is derived from a login that is another one now; Engine.mu is held.
func (e *Engine) deriveAgainLocked(name string, now time.Time) {
	for _, l := range e.logins {
		if slices.Contains(sources(l.profile), name) && l.rec.Kept {
			l.rec.NextTry = now
			e.againLocked(l)
		}
	}
}

// storeError is a token set that could not be stored.
type storeError struct {
	error
	journaled bool // it waits in the journal, else in memory alone
}

func (s *storeError) Unwrap() error { return s.error }

// failed notes what a failed refresh means for the login, and returns err.
func (e *Engine) failed(name string, err error) error {
	if err == nil {
		return nil
	}
	said := Explain(name, err)
	now := wall()
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return err
	}
	r := &l.rec
	problem := &Problem{Code: said.Code, Sentence: trimName(said.Sentence, name), Remedy: said.Remedy, Since: now, lastTry: now}
	first := r.Failing == nil || r.Failing.Code != problem.Code
	if r.Failing != nil {
		problem.Since = r.Failing.Since
	}
	if r.Failing == nil && !l.settling.IsZero() {
		problem.Since = l.settling // it was not said then
	}
	patience := oauth.RetryAfter(err)
	problem.patience = patience > 0
	problem.said = said.Kind
	var derived *fromSource
	if errors.As(err, &derived) {
		problem.lastTry = time.Time{} // it is not for us to wait: somebody may have mended that profile by now
	} else if said.Kind == LogInFirst && !l.attended {
		// Nobody can log in here: something in the profile, or at the server, has to be mended.
		said = &Error{Kind: Failed, Code: said.Code, Sentence: said.Sentence, Remedy: "see the profile's client and secrets: fob profile show " + quoteArg(name), cause: err}
		problem.Remedy = said.Remedy
		problem.said = said.Kind
		err = said
	}
	if said.Kind == LogInFirst && l.attended {
		// What is held is let go, not the item: another agent may log in, and its item is found when somebody asks.
		l.held, l.settling, l.settlings = nil, time.Time{}, 0
		e.learnLocked(l, said, now)
		r.well()
		r.Ended = problem
		r.happened(now, "the login ended: "+problem.Sentence)
	} else if unreached(said, err) && e.settleLocked(l, said, now) {
		e.log.Info("refresh", "profile", name, "waits", "for the network")
	} else {
		r.Failures++
		r.Failing, r.Mend = problem, said.Kind != TryAgain && !storing(err)
		r.NextTry = now.Add(backoff(e.seed+name, r.Failures, now, patience))
		if unreached(said, err) {
			if b := e.unreachedLocked(l, *problem, patience, now); b.opened {
				r.NextTry = b.until
			}
		}
		if r.Mend {
			r.NextTry = now.Add(mendedEvery)
		}
		if !r.Interrupted.IsZero() {
			// The answer may have been lost. Servers take the old refresh token again, but not for long.
			r.NextTry = minTime(r.NextTry, now.Add(max(doubtFirst, now.Sub(r.Interrupted)/4, min(patience, retryAfterMax))))
		}
		if first {
			r.happened(now, "refresh: "+problem.Sentence)
		}
	}
	if said.Kind != TryAgain && answered(err) {
		e.answeredLocked(l.issuer, now)
	}
	failures := r.Failures
	e.againLocked(l)
	e.mu.Unlock()
	level := slog.LevelInfo
	if said.Kind == LogInFirst {
		level = slog.LevelWarn // the login is over
	}
	e.log.Log(context.Background(), level, "refresh", "profile", name, "code", said.Code, "failures", failures)
	e.keepRecord(name)
	return err
}

// errTurn: those before took longer than anybody waits.
var errTurn = errors.New("others come first, and its turn did not come in time: the server is slow, or another Fob is at it")

// turnless is why who waits for a turn gives up.
func turnless(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errTurn
	}
	return ctx.Err()
}

// turn waits until nobody else changes the tokens of name, here or in another agent: refresh, login and logout of one profile
// never overlap.
func (e *Engine) turn(ctx context.Context, name string) (release func(), err error) {
	e.mu.Lock()
	l := e.logins[name]
	if l == nil {
		defer e.mu.Unlock()
		return nil, e.unknownLocked(name)
	}
	key, alone := l.key, !l.attended // what needs no person is spent by nobody, and may wait for another profile's turn
	turns := e.turns[name]
	if turns == nil {
		turns = make(chan struct{}, 1)
		e.turns[name] = turns
	}
	e.mu.Unlock()
	select {
	case turns <- struct{}{}:
	case <-ctx.Done():
		return nil, turnless(ctx)
	}
	if alone {
		return func() { <-turns }, nil
	}
	unlock, err := e.spenders.take(ctx, key)
	if err != nil {
		<-turns
		return nil, err
	}
	return func() {
		unlock()
		<-turns
	}, nil
}
