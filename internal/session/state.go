package session

import (
	"context"
	"slices"
	"time"

	"fob/oauth"
)

// stateLocked is the state of l; Engine.mu is held.
func (e *Engine) stateLocked(l *login, now time.Time) State {
	if l.attempt != nil {
		return LoggingIn
	}
	if l.mistake != nil {
		return Unusable
	}
	if l.outdated() {
		if !l.attended {
			return LoggedOut // the next one who asks gets a token that fits; nobody has to do anything
		}
		return LoginRequired
	}
	state := stateAt(&l.rec, l.reminder, now)
	if state == LoggedIn && e.outageLocked(l, now) != nil {
		return Offline
	}
	return state
}

// Status returns the named profiles, or all in the order of the file.
func (e *Engine) Status(names ...string) ([]Status, error) {
	e.reload()
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(names) == 0 {
		names = e.order
	}
	all := make([]Status, 0, len(names))
	for _, name := range names {
		l, ok := e.logins[name]
		if !ok {
			return nil, e.unknownLocked(name)
		}
		all = append(all, e.statusLocked(l, now))
	}
	return all, nil
}

func (e *Engine) statusLocked(l *login, now time.Time) Status {
	r, p := &l.rec, l.profile
	s := Status{
		Name: p.Name, Environment: p.Environment, Color: p.Color, State: e.stateLocked(l, now), Issuer: p.Issuer,
		ScopeRequested: p.Scope, APIBaseURL: p.APIBaseURL, Grant: p.Grant(), Attended: p.Attended(), Weaknesses: l.weak, LastForm: l.copied, Locked: e.lock != nil,
		Proxies: e.proxiesLocked(p.Name),
	}
	if w := pin(p); w.Subject != "" {
		s.Expected = &Account{w.Issuer, w.Subject, w.Name}
	}
	if !r.Kept {
		if s.Problem = l.mistake; s.Problem == nil && l.unfinished() {
			s.Problem = r.failing()
		}
		return s
	}
	s.Clock = r.Clock.told(now)
	s.Account, s.Subject, s.Refreshable, s.HasIDToken = r.Account, r.Subject, r.Refreshable, r.HasIDToken
	s.ObtainedAt, s.ExpiresAt, s.RefreshExpires = some(r.ObtainedAt), some(r.ExpiresAt), some(r.RefreshExpires)
	s.Scope = r.Scope
	if r.Issuer != "" {
		s.Issuer = r.Issuer
	}
	if at, ok := dueAt(r, time.Duration(p.RefreshBefore), e.seed); ok && s.State != LoginRequired {
		if b := e.breakers[l.issuer]; b.holds(background, now) && at.Before(b.until) {
			at = b.until
		}
		s.RefreshDueAt = &at
	}
	s.Problem = e.problemLocked(l, s.State, now)
	s.LoggedInAt = some(r.LoggedInAt)
	if s.State != LoginRequired && p.Attended() {
		s.Forecast = forecast(r, e.lifetimes.of(l), p.MaxAge, now)
		s.EndsSoon = e.endsSoonLocked(l, now)
	}
	return s
}

// problemLocked is what is wrong with l.
func (e *Engine) problemLocked(l *login, state State, now time.Time) *Problem {
	r := &l.rec
	if l.mistake != nil {
		return l.mistake
	}
	if l.outdated() {
		if !l.attended {
			return r.failing()
		}
		if r.Fingerprint == l.wants && r.Key == l.key {
			other := &otherAccount{want: pin(l.profile), got: r.whose(l.profile)}
			return &Problem{Code: CodeOtherAccount, Since: r.ObtainedAt, Sentence: "this profile is always " + other.expected() + ", and the login kept is that of " + other.found(),
				Remedy: "log in as " + other.expected() + ", or let the profile take any account: fob profile unpin " + quoteArg(l.profile.Name)}
		}
		return &Problem{Code: CodeProfileChanged, Since: r.ObtainedAt,
			Sentence: "the profile was changed after the login: the token kept is not the one it asks for now", Remedy: "log in again, or undo the change"}
	}
	switch {
	case r.Ended != nil:
		ended := *r.Ended
		return &ended
	case r.Failing != nil:
		return e.breakers[l.issuer].tell(r.failing(), now)
	case state == Offline:
		return e.outageLocked(l, now)
	case state == LoginRequired:
		return &Problem{Code: CodeTokenEnded, Since: r.ExpiresAt,
			Sentence: "the token has ended, and this login has no refresh token", Remedy: "log in again" + offlineAccessHint(l)}
	case state == Expiring:
		since := r.ExpiresAt.Add(-l.reminder)
		if since.Before(r.ObtainedAt) {
			since = r.ObtainedAt // a token that lives for less than that
		}
		return &Problem{Code: CodeNotRefreshable, Since: since,
			Sentence: "the token ends soon, and this login has no refresh token", Remedy: "log in again before it ends" + offlineAccessHint(l)}
	}
	return nil
}

// explainNow is [Explain] for a login that may be kept: an outage then says since when it lasts and when Fob tries again.
func (e *Engine) explainNow(name string, err error) *Error {
	said := Explain(name, err)
	if said.Kind != TryAgain {
		return said
	}
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	if l == nil || !l.rec.Kept {
		return said
	}
	p := e.problemLocked(l, e.stateLocked(l, now), now)
	if p == nil || p.Code != said.Code {
		return said
	}
	timed := *said
	timed.Since, timed.NextTry = some(p.Since), p.NextTry
	return &timed
}

// offlineAccessHint names the usual reason why an OpenID provider gave no refresh token (OIDC Core §11).
func offlineAccessHint(l *login) string {
	openid := false
	for _, s := range l.profile.Scope {
		if s == "offline_access" {
			return ""
		}
		openid = openid || s == "openid"
	}
	if !openid {
		return ""
	}
	return "; many servers give a refresh token when the scope offline_access is asked for"
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// History is what happened to a profile's login, newest first.
func (e *Engine) History(name string) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.logins[name]; l != nil {
		return slices.Clone(l.rec.History)
	}
	return nil
}

// Details returns one profile in depth. It reads the keychain when a token is kept.
func (e *Engine) Details(ctx context.Context, name string) (Details, error) {
	all, err := e.Status(name)
	if err != nil {
		return Details{}, err
	}
	d := Details{Status: all[0]}
	e.mu.Lock()
	if l := e.logins[name]; l != nil {
		d.History, d.TokenType = append([]Event(nil), l.rec.History...), l.rec.TokenType
		if l.rec.HasIDToken {
			d.Checks = append([]Check(nil), l.rec.Checks...)
		}
		if d.State != LoggedOut {
			d.Authentication, d.Suggestions = l.rec.Authentication, append([]string(nil), l.rec.Suggestions...)
		}
	}
	e.mu.Unlock()
	if d.State == LoggedOut || d.Locked { // claims are most of a token
		return d, nil
	}
	t, err := e.load(ctx, name)
	if err != nil {
		return d, Explain(name, err)
	}
	if t == nil {
		return d, nil
	}
	d.IDClaims, d.AuthorizationDetails = t.Claims, t.AuthorizationDetails
	if jwt, err := oauth.InspectJWT(t.AccessToken.Reveal()); err == nil {
		d.AccessClaims = jwt.Claims
	}
	return d, nil
}
