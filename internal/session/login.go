package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// attempt is one login under way. Faces join it; when the last one leaves, it is cancelled.
type attempt struct {
	name    string
	options LoginOptions
	until   time.Time
	cancel  context.CancelCauseFunc
	asking  chan struct{} // closed when the keychain takes its time: it asks the person something
	done    chan struct{} // closed when status and err are set
	status  Status
	err     error

	faces    int          // that wait; guarded by Engine.mu
	ending   bool         // cancelled, not ended yet: nobody joins it any more; guarded by Engine.mu
	strays   atomic.Int32 // answers that came to the listener and were of no login of ours
	answered atomic.Bool  // the browser has brought the answer: the person was in time, and the rest bounds itself
	over     atomic.Bool  // the person's time is

	mu     sync.Mutex    // guards what follows
	prompt LoginEvent    // what the person has to do
	shown  int           // how often prompt was set: twice, where the server had forgotten the client
	more   chan struct{} // closed when it is set again
}

// Login runs one login, or joins the one under way for the same profile. It tells event the URL to open, waits for the
// answer, and returns when the tokens are stored. When ctx ends and nobody else waits, the login is cancelled. Errors are
// *[Error], or ctx's.
func (e *Engine) Login(ctx context.Context, name string, o LoginOptions, event func(LoginEvent)) (Status, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Status{}, err
	}
	a, joined, err := e.join(name, o)
	for err == nil && a.ending { // its port may be the one that is needed
		select {
		case <-a.done:
		case <-ctx.Done():
			return Status{}, ctx.Err()
		}
		a, joined, err = e.join(name, o)
	}
	if err != nil {
		return Status{}, Explain(name, err)
	}
	defer e.leave(a)
	asking, seen := a.asking, 0
	for ended := false; !ended; {
		prompt, shown, more := a.prompted()
		if shown > seen {
			seen = shown
			prompt.Joined = joined
			if prompt.Until.IsZero() {
				prompt.Until = a.until
			}
			event(prompt)
		}
		select {
		case <-asking:
			asking = nil
			event(LoginEvent{Kind: "keychain", Until: a.until})
		case <-more:
		case <-a.done:
			ended = true
		case <-ctx.Done():
			return Status{}, ctx.Err()
		}
	}
	if a.err != nil {
		said := explainLogin(e.profileOf(name), name, a.err)
		if said.Code == string(oauth.InvalidRequest) && a.options.Prompt == "select_account" {
			unasked := *said
			unasked.Remedy = "the server may not know how to ask for the account (prompt=select_account): fob login --prompt login " + quoteArg(name) + ", or sign out there in the browser first"
			said = &unasked
		}
		return Status{}, said
	}
	return a.status, nil
}

// CancelLogin ends the waiting login of name for every face. Where none waits there is nothing to do.
func (e *Engine) CancelLogin(name string) error {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		defer e.mu.Unlock()
		return e.unknownLocked(name)
	}
	a := l.attempt
	if a != nil {
		a.ending = true
	}
	e.mu.Unlock()
	if a != nil {
		a.cancel(errCancelled)
		<-a.done
	}
	return nil
}

// join finds the login of name that is under way, or starts one. One that is ending is returned to be waited for, not joined.
func (e *Engine) join(name string, o LoginOptions) (a *attempt, joined bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	if !ok {
		return nil, false, e.unknownLocked(name)
	}
	if a := l.attempt; a != nil {
		if !a.ending {
			a.faces++
		}
		return a, true, nil
	}
	timeout := time.Duration(o.Timeout)
	if timeout <= 0 {
		timeout = l.profile.Timeout()
	}
	a = &attempt{name: name, options: o, until: wall().Add(timeout), asking: make(chan struct{}), more: make(chan struct{}), done: make(chan struct{}), faces: 1}
	ctx, cancel := context.WithCancelCause(e.life)
	a.cancel = cancel
	p := *l.profile
	err = e.beginLocked(func() {
		defer time.AfterFunc(timeout, a.late).Stop()
		err := e.logIn(ctx, p, a)
		if cause := context.Cause(ctx); err != nil && cause != nil && errors.Is(err, ctx.Err()) {
			err = cause
		}
		if errors.Is(err, errLoginTimeout) && a.strays.Load() > 0 {
			err = errStrayAnswer
		}
		e.finish(a, err)
	})
	if err != nil {
		cancel(err)
		return nil, false, err
	}
	l.attempt = a
	go e.changed(name)
	return a, false, nil
}

func (e *Engine) leave(a *attempt) {
	e.mu.Lock()
	a.faces--
	last := a.faces == 0
	a.ending = a.ending || last
	e.mu.Unlock()
	if last {
		a.cancel(errCancelled) // after the end this does nothing
	}
}

func (e *Engine) finish(a *attempt, err error) {
	a.err = err
	e.mu.Lock()
	if l := e.logins[a.name]; l != nil && l.attempt == a {
		l.attempt = nil
		if err != nil && !errors.Is(err, errCancelled) {
			l.rec.happened(wall(), "login: "+trimName(explainLogin(*l.profile, a.name, err).Sentence, a.name))
		}
		a.status = e.statusLocked(l, wall())
	}
	e.mu.Unlock()
	e.keepRecord(a.name)
	a.cancel(nil)
	close(a.done)
	e.changed(a.name)
	e.Poke()
}

// askingAfter is how long a keychain may take before faces say that it waits for somebody; one that is unlocked answers in
// milliseconds.
const askingAfter = 500 * time.Millisecond

var (
	errLoginTimeout = errors.New("nobody finished the login in time")
	// errStrayAnswer: an answer came, but with a state that is not this login's (RFC 6749 §10.12).
	errStrayAnswer = errors.New("an answer came to the redirect URI, but not this login's")
)

// logIn is one login from the first check to the stored token.
func (e *Engine) logIn(ctx context.Context, p profiles.Profile, a *attempt) error {
	// Nobody should log in for nothing: what would keep the token from being kept is said first.
	asks := time.AfterFunc(askingAfter, func() { close(a.asking) })
	err := e.ready(ctx, true)
	if err == nil {
		err = e.prepare(ctx)
	}
	asks.Stop()
	if err != nil {
		return err
	}
	ctx, done := e.traced(ctx, p.Name, operationLogin)
	if p, err = e.settle(ctx, p); err == nil {
		err = e.logInOnce(ctx, p, a)
	}
	if err != nil && e.forgotten(ctx, p, err) {
		// The server has forgotten the client that was registered there for this profile: once more with a new one.
		if p, err = e.registerAgain(ctx, p); err == nil {
			err = e.logInOnce(ctx, p, a)
		}
	}
	done(err)
	return err
}

func (e *Engine) logInOnce(ctx context.Context, p profiles.Profile, a *attempt) error {
	client, err := e.clientFor(ctx, p, atLogin)
	if err != nil {
		return err
	}
	token, err := e.obtain(ctx, client, a)
	if err != nil {
		return err
	}
	if err := e.keep(ctx, client, token); err != nil {
		return err
	}
	e.met(p.Name, a.options.stepsUp())
	e.confirm(ctx, client)
	e.nameAccount(ctx, p.Name, client, token)
	return nil
}

// met notes that a login was for what the API had asked for.
func (e *Engine) met(name string, steppedUp bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.logins[name]; l != nil {
		l.met = nil
		if steppedUp {
			l.met = l.demand
		}
		l.demand = nil
	}
}

// stepsUp says that the login is for what an API asked for.
func (o LoginOptions) stepsUp() bool { return len(o.Scope)+len(o.ACRValues) > 0 || o.MaxAge != nil }

// late ends an attempt whose time is over while the person has not answered.
func (a *attempt) late() {
	a.over.Store(true)
	if !a.answered.Load() {
		a.cancel(errLoginTimeout)
	}
}

// show tells the faces what the person has to do; again, where a second try asks for it anew.
func (a *attempt) show(prompt LoginEvent) {
	a.answered.Store(false)
	if a.over.Load() {
		a.cancel(errLoginTimeout)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prompt = prompt
	a.shown++
	close(a.more)
	a.more = make(chan struct{})
}

// prompted is what show said last, how often it spoke, and what tells when it speaks again.
func (a *attempt) prompted() (LoginEvent, int, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.prompt, a.shown, a.more
}

// keep stores a new login's tokens, unless they are another account's than the profile is for. They are stored even if the face gave
// up meanwhile: the server has issued them.
func (e *Engine) keep(ctx context.Context, c *client, token *oauth.Token) error {
	ctx = context.WithoutCancel(ctx)
	if err := e.vouch(ctx, c, token); err != nil {
		return err
	}
	p := c.profile
	release, err := e.turn(ctx, p.Name)
	if err != nil {
		return err
	}
	defer release()
	what := "logged in"
	if !p.Attended() {
		what = "got a token"
	}
	if who := account(token.Claims); who != "" {
		what += " as " + who
	}
	e.mu.Lock()
	if l := e.logins[p.Name]; l != nil && l.rec.Subject != "" && token.Claims["sub"] != nil && !l.rec.whose(&p).is(who{Issuer: textAt(token.Claims, "iss"), Subject: textAt(token.Claims, "sub")}) {
		what += ", another account than before"
	}
	e.mu.Unlock()
	return e.keepTurn(ctx, p, token, c.who, what)
}

// keepTurn is keep while the turn is held.
func (e *Engine) keepTurn(ctx context.Context, p profiles.Profile, token *oauth.Token, w who, what string) error {
	e.issuerAnswered(authority(p))
	// It begins at the second of the login, so that it outranks the login before also where nobody here knows that one's. What the
	// keychain has may be of a clock that was ahead then.
	generation := wall().Unix()
	if kept, err := e.keptGeneration(ctx, itemKey(p)); err == nil {
		generation = max(generation, kept+1)
	}
	e.mu.Lock()
	l, ok := e.logins[p.Name]
	if !ok {
		defer e.mu.Unlock()
		return e.unknownLocked(p.Name)
	}
	if l.held != nil {
		generation = max(generation, l.held.generation+1)
	}
	if l.rec.Key == itemKey(p) {
		generation = max(generation, l.rec.Generation+1)
	}
	l.others = nil // tokens of the login before
	e.mu.Unlock()
	t := &tokens{Token: token, who: w, key: itemKey(p), fingerprint: fingerprint(p), generation: generation, first: true, unattended: !p.Attended()}
	return e.failed(p.Name, e.commit(ctx, p.Name, t, what))
}

// nameAccount completes what is shown of a login: it asks the server who logged in when the ID token did not say it in words.
func (e *Engine) nameAccount(ctx context.Context, name string, client *client, token *oauth.Token) {
	e.noteClient(name, client)
	if client.vouched == token {
		return // it was asked before
	}
	w, err := e.whose(ctx, client, token)
	if err != nil {
		e.log.Info("userinfo", "profile", name, "problem", err.Error())
		return
	}
	e.mu.Lock()
	if l := e.logins[name]; l != nil && l.held != nil && l.held.Token == token {
		l.rec.account(w)
	}
	e.mu.Unlock()
	e.keepRecord(name)
}
