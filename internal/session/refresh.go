package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/oauth"
)

// refreshTimeout bounds one refresh, retry and storing included. It does not depend on any caller: a refresh token once
// spent is worth waiting for its answer.
const refreshTimeout = 90 * time.Second

// minTTLDefault is what a token handed out has left when the caller does not say: time for a slow request. Tokens that do
// not live twice as long are handed out while half their life is left.
const minTTLDefault = 60 * time.Second

// attemptsApart keeps scripts that ask in a loop from hammering a server that is down.
const attemptsApart = 2 * time.Second

// flight is one refresh under way; everybody who needs it waits for the same one. It outlives an impatient caller.
type flight struct {
	done chan struct{}
	err  error // read after done
}

// urgency says who wants a refresh.
type urgency int

const (
	background urgency = iota // the loop: only if there is a free place now
	wanted                    // somebody waits for it: queues for a place
)

// Token hands out the profile's token with at least minTTL left, refreshed if need be; a negative minTTL chooses. It never
// opens a browser. Errors are *[Error].
func (e *Engine) Token(ctx context.Context, name string, minTTL time.Duration) (Handout, error) {
	e.reload()
	for refreshed := false; ; refreshed = true {
		t, err := e.usable(ctx, name)
		if err != nil {
			return Handout{}, Explain(name, err)
		}
		need, left := minTTL, t.ExpiresAt.Sub(wall())
		life := t.ExpiresAt.Sub(t.ObtainedAt)
		if need < 0 {
			need = min(minTTLDefault, life/2)
		}
		switch {
		case t.ExpiresAt.IsZero() || left >= need && left > 0:
			return handout(name, t), nil
		case t.RefreshToken == "":
			return Handout{}, &Error{Kind: LogInFirst, Code: CodeNotRefreshable,
				Sentence: fmt.Sprintf("profile %s: the token %s, and this login has no refresh token", name, endsIn(left)), Remedy: "log in again: fob login " + quoteArg(name)}
		case life < need || refreshed:
			return Handout{}, &Error{Kind: Failed, Code: CodeMinTTL,
				Sentence: fmt.Sprintf("profile %s: a token with %s left was asked for, but this server's tokens live %s", name, need, life.Round(time.Second)), Remedy: "ask for less with --min-ttl"}
		}
		if err := e.awaitRefresh(ctx, name, false); err != nil {
			return Handout{}, Explain(name, err)
		}
	}
}

func endsIn(left time.Duration) string {
	if left <= 0 {
		return "has ended"
	}
	return "ends in " + left.Round(time.Second).String()
}

// usable returns the tokens of a login that is not over.
func (e *Engine) usable(ctx context.Context, name string) (*tokens, error) {
	t, err := e.load(ctx, name)
	if err != nil {
		return nil, err
	}
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	switch {
	case !ok:
		return nil, e.unknownLocked(name)
	case t == nil && l.rec.Ended == nil:
		return nil, &Error{Kind: LogInFirst, Code: CodeLoggedOut, Sentence: "profile " + name + ": nobody is logged in", Remedy: "log in: fob login " + quoteArg(name)}
	case l.rec.Ended != nil:
		return nil, &Error{Kind: LogInFirst, Code: l.rec.Ended.Code, Sentence: "profile " + name + ": " + l.rec.Ended.Sentence, Remedy: "log in again: fob login " + quoteArg(name)}
	case t.fingerprint != l.wants:
		problem := e.problemLocked(l, LoginRequired, now)
		if problem == nil {
			problem = &Problem{Code: CodeProfileChanged, Sentence: "the profile was changed after the login"}
		}
		return nil, &Error{Kind: LogInFirst, Code: problem.Code, Sentence: "profile " + name + ": " + problem.Sentence, Remedy: "log in again: fob login " + quoteArg(name)}
	}
	return t, nil
}

func handout(name string, t *tokens) Handout {
	return Handout{Name: name, AccessToken: t.AccessToken.Reveal(), IDToken: t.IDToken.Reveal(), TokenType: t.Type, ExpiresAt: some(t.ExpiresAt), Scope: t.Scope}
}

// Refresh spends the refresh token now, whatever the schedule says.
func (e *Engine) Refresh(ctx context.Context, name string) (Status, error) {
	e.reload()
	t, err := e.usable(ctx, name)
	if err == nil && t.RefreshToken == "" {
		err = &Error{Kind: LogInFirst, Code: CodeNotRefreshable, Sentence: "profile " + name + ": this login has no refresh token", Remedy: "log in again: fob login " + quoteArg(name)}
	}
	if err == nil {
		err = e.awaitRefresh(ctx, name, true)
	}
	if err != nil {
		return Status{}, Explain(name, err)
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
func (e *Engine) awaitRefresh(ctx context.Context, name string, forced bool) error {
	now := wall()
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return e.unknownProfile(name)
	}
	if r := &l.rec; !forced && l.refreshing == nil && r.Failing != nil && r.NextTry.After(now) &&
		(now.Sub(r.Failing.lastTry) < attemptsApart || r.Failing.patience || r.Mend) {
		failing := *r.Failing
		e.mu.Unlock()
		return &Error{Kind: failing.kind(r.Mend), Code: failing.Code, Sentence: "profile " + name + ": " + failing.Sentence, Remedy: failing.Remedy}
	}
	e.mu.Unlock()
	f := e.startRefresh(name, wanted)
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startRefresh joins or starts the refresh of name. It returns nil when background work finds no free place.
func (e *Engine) startRefresh(name string, who urgency) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	if !ok {
		f := &flight{done: make(chan struct{}), err: e.unknownLocked(name)}
		close(f.done)
		return f
	}
	if l.refreshing != nil {
		return l.refreshing
	}
	issuer := authority(l.profile)
	placed := e.placeLocked(issuer)
	if !placed && who == background {
		return nil
	}
	f := &flight{done: make(chan struct{})}
	l.refreshing = f
	e.work.Add(1)
	go func() {
		defer e.work.Done()
		ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
		defer cancel()
		if !placed {
			f.err = e.awaitPlace(ctx, issuer)
		}
		if f.err == nil {
			f.err = e.refresh(ctx, name)
			e.leavePlace(issuer)
		}
		e.mu.Lock()
		l.refreshing = nil
		e.mu.Unlock()
		close(f.done)
		e.changed(name)
		e.Poke()
	}()
	return f
}

// placeLocked takes a place for a refresh at issuer if one is free; Engine.mu is held.
func (e *Engine) placeLocked(issuer string) bool {
	if e.active >= atOnce || e.busy[issuer] {
		return false
	}
	e.active++
	e.busy[issuer] = true
	return true
}

func (e *Engine) awaitPlace(ctx context.Context, issuer string) error {
	for {
		e.mu.Lock()
		if e.placeLocked(issuer) {
			e.mu.Unlock()
			return nil
		}
		if e.freed == nil {
			e.freed = make(chan struct{})
		}
		freed := e.freed
		e.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *Engine) leavePlace(issuer string) {
	e.mu.Lock()
	e.active--
	delete(e.busy, issuer)
	if e.freed != nil {
		close(e.freed)
		e.freed = nil
	}
	e.mu.Unlock()
}

// refresh spends the refresh token and stores what comes back, whatever happens to those who wait.
func (e *Engine) refresh(ctx context.Context, name string) error {
	release, err := e.turn(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	e.mu.Lock()
	unsaved := e.logins[name].unsaved
	e.mu.Unlock()
	if unsaved != nil {
		// The token was spent before, only the storing failed: that is what is left to do.
		return e.failed(name, e.commit(ctx, name, unsaved, "stored the token refreshed before"))
	}
	before, err := e.usable(ctx, name)
	if err != nil {
		return err
	}
	if before.RefreshToken == "" {
		return nil
	}
	client, err := e.client(ctx, name)
	if err != nil {
		return e.failed(name, err)
	}
	if err := e.intend(name); err != nil {
		return e.failed(name, err)
	}
	fresh, err := client.Refresh(ctx, before.Token)
	if err != nil && oauth.Transient(err) && !answered(err) {
		// The answer may be lost and the token spent: servers that rotate allow the old one once more for a few
		// seconds, so the retry comes at once or not at all.
		fresh, err = client.Refresh(ctx, before.Token)
	}
	if errors.Is(err, oauth.InvalidGrant) {
		if newer := e.newerStored(ctx, name, before); newer {
			return nil // another agent was faster; its token is ours too
		}
	}
	if err != nil {
		return e.failed(name, err)
	}
	t := &tokens{Token: fresh, fingerprint: before.fingerprint, generation: before.generation + 1}
	return e.failed(name, e.commit(ctx, name, t, "refreshed"))
}

// answered says that the server answered at all: an HTTP status came.
func answered(err error) bool {
	var known *oauth.Error
	return errors.As(err, &known) && known.Status != 0
}

// newerStored re-reads the keychain before an invalid_grant is believed, and adopts what another agent stored meanwhile.
func (e *Engine) newerStored(ctx context.Context, name string, before *tokens) bool {
	e.mu.Lock()
	key := e.logins[name].rec.Key
	e.mu.Unlock()
	text, err := e.store.Get(ctx, key)
	if err != nil {
		return false
	}
	t, err := unseal(text)
	if err != nil || t.generation <= before.generation || t.RefreshToken == before.RefreshToken {
		return false
	}
	_, err = e.adopt(name, key, t)
	return err == nil
}

// intend makes durable that a refresh token is about to be spent.
func (e *Engine) intend(name string) error {
	e.mu.Lock()
	l := e.logins[name]
	l.rec.Spending = wall()
	rec := l.rec
	e.mu.Unlock()
	return e.records.write(rec, true)
}

// commit is the commit: the keychain item first, then what others may see. If the keychain refuses, the token set is kept
// in memory and storing is tried again; nobody sees it before.
func (e *Engine) commit(ctx context.Context, name string, t *tokens, what string) error {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return e.unknownProfile(name)
	}
	key := l.key
	e.mu.Unlock()
	text, err := t.seal()
	if err == nil {
		// What the server has issued is stored whoever gives up waiting.
		err = e.store.Set(context.WithoutCancel(ctx), key, text)
	}
	now := wall()
	e.mu.Lock()
	if err != nil {
		l.unsaved = t
		e.mu.Unlock()
		return &storeError{err}
	}
	l.unsaved, l.held = nil, t
	l.rec.describe(key, *t)
	l.rec.Ended, l.rec.Failing, l.rec.Mend, l.rec.Failures, l.rec.NextTry, l.rec.Spending = nil, nil, false, 0, time.Time{}, time.Time{}
	l.rec.happened(now, what)
	rec := l.rec
	e.mu.Unlock()
	e.keepRecord(rec)
	return nil
}

// storeError is a token set that could not be stored.
type storeError struct{ error }

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
	patience := oauth.RetryAfter(err)
	problem.patience = patience > 0
	problem.said = said.Kind
	if said.Kind == LogInFirst {
		r.Ended, r.Failing, r.NextTry, r.Spending = problem, nil, time.Time{}, time.Time{}
		r.happened(now, "the login ended: "+problem.Sentence)
	} else {
		r.Failures++
		r.Failing, r.Mend = problem, said.Kind == Failed && !storing(err)
		r.NextTry = now.Add(backoff(name, r.Failures, now, patience))
		if r.Mend {
			r.NextTry = now.Add(mendedEvery)
		}
		if first {
			r.happened(now, "refresh: "+problem.Sentence)
		}
	}
	rec := *r
	e.mu.Unlock()
	e.log.Info("refresh", "profile", name, "code", said.Code, "failures", rec.Failures)
	e.keepRecord(rec)
	return err
}

// turn waits until nobody else changes the tokens of name: refresh, login and logout of one profile never overlap.
func (e *Engine) turn(ctx context.Context, name string) (release func(), err error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, e.unknownProfile(name)
	}
	if l.turns == nil {
		l.turns = make(chan struct{}, 1)
	}
	turns := l.turns
	e.mu.Unlock()
	select {
	case turns <- struct{}{}:
		return func() { <-turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
