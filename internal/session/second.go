package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"fob/oauth"
)

// TokenFor hands out an access token as q asks for it: the profile's own, or another one of the same login.
func (e *Engine) TokenFor(ctx context.Context, q TokenQuery, minTTL time.Duration) (Handout, error) {
	switch {
	case q.IDToken:
		return e.freshIDToken(ctx, q.Name, minTTL)
	case len(q.Scope)+len(q.Resource) == 0 && q.Audience == "":
		return e.Token(ctx, q.Name, minTTL)
	}
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return Handout{}, err
	}
	t, err := e.second(ctx, q, minTTL)
	if err != nil {
		return Handout{}, Explain(q.Name, err)
	}
	return handout(q.Name, &tokens{Token: t}), nil
}

// second returns another access token of a login: narrower, for another resource, or with a scope that was consented to at login
// but not asked for (RFC 6749 §6, RFC 8707 §2.2). It is kept in memory for its life: it can always be had again.
func (e *Engine) second(ctx context.Context, q TokenQuery, minTTL time.Duration) (*oauth.Token, error) {
	release, err := e.turn(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	tell := false
	defer func() {
		release()
		if tell { // watchers, and the loop: an answer that was lost is asked for again soon
			e.changed(q.Name)
			e.Poke()
		}
	}()
	stored, _, err := e.finishLast(ctx, q.Name)
	tell = stored || err != nil
	if err != nil {
		return nil, e.failed(q.Name, err) // the newest refresh token must not be passed by
	}
	key := strings.Join([]string{strings.Join(slices.Sorted(slices.Values(q.Scope)), " "), strings.Join(q.Resource, " "), q.Audience}, "\x00")
	before, p, _, err := e.look(ctx, q.Name)
	if err != nil && p.Attended() || before == nil && e.attended(q.Name) {
		return nil, err
	}
	e.mu.Lock()
	l := e.logins[q.Name]
	if l == nil {
		defer e.mu.Unlock()
		return nil, e.unknownLocked(q.Name)
	}
	p = *l.profile
	wants := l.wants
	if t := l.others[key]; t != nil && goodFor(t, wall(), minTTL) {
		e.mu.Unlock()
		return t, nil
	}
	e.mu.Unlock()
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return nil, err
	}
	want := oauth.TokenRequest{Scope: q.Scope, Resource: q.Resource}
	if q.Audience != "" {
		want.Audience = []string{q.Audience}
	}
	if !p.Attended() {
		base := c.request(LoginOptions{})
		if len(want.Scope) == 0 {
			want.Scope = base.Scope
		}
		if len(want.Resource) == 0 {
			want.Resource = base.Resource
		}
		t, err := e.unattended(ctx, c, want)
		if err == nil {
			e.keepSecond(q.Name, key, wants, t)
		}
		return t, err
	}
	if before.RefreshToken == "" {
		return nil, &Error{Kind: LogInFirst, Code: CodeNotRefreshable, Sentence: "profile " + q.Name + ": another token of this login needs its refresh token, and the server gave none",
			Remedy: "put the scope into the profile and log in again"}
	}
	e.mu.Lock()
	lost := l.rec.Interrupted
	e.mu.Unlock()
	tell = true
	// The token is spent whatever happens to who asked: an answer that nobody waits for is still the newest refresh token.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	// Nobody may see the new token before the refresh token that came with it is stored.
	began := wall()
	if err := e.intend(ctx, q.Name, before, lost); err != nil {
		return nil, e.failed(q.Name, err)
	}
	e.at(StepSpending)
	ctx = context.WithoutCancel(ctx) // see refreshTimeout
	// The login's own token stays what it is, but for what the next one is got with.
	became := func(t *oauth.Token) *tokens {
		kept := *before.Token
		kept.RefreshToken, kept.RefreshExpiresAt, kept.RefreshExpiresBy = t.RefreshToken, t.RefreshExpiresAt, t.RefreshExpiresBy
		return e.successor(q.Name, before, &kept)
	}
	var arrived *tokens
	want.Answered = func(t *oauth.Token) { arrived = e.answered(ctx, q.Name, became(t)) }
	ask := func() (*oauth.Token, error) {
		return awake(ctx, e, func(ctx context.Context) (*oauth.Token, error) { return c.RefreshWith(ctx, before.Token, want) })
	}
	fresh, lost, err := spend(began, lost, ask)
	if errors.Is(err, oauth.InvalidGrant) {
		if newer := e.overtaken(ctx, q.Name, before); newer != nil && newer.RefreshToken != "" {
			before = newer // another agent was faster
			if err := e.intend(ctx, q.Name, before, time.Time{}); err != nil {
				return nil, e.failed(q.Name, err)
			}
			fresh, lost, err = spend(began, time.Time{}, ask)
		}
	}
	if err != nil {
		if errors.Is(err, oauth.InvalidScope) || errors.Is(err, oauth.InvalidTarget) || errors.Is(err, oauth.ErrScope) || errors.Is(err, oauth.ErrRequest) {
			return nil, e.refused(q.Name, before, arrived, lost, err) // what was asked for is wrong, not the login
		}
		return nil, e.failed(q.Name, e.refused(q.Name, before, arrived, lost, err))
	}
	t := became(fresh)
	t.journaled = arrived.journaled
	if err := e.failed(q.Name, e.commit(ctx, q.Name, t, "got another token of this login")); err != nil {
		return nil, err
	}
	e.keepSecond(q.Name, key, wants, fresh)
	return fresh, nil
}

// attended says whether the profile's login needs a person.
func (e *Engine) attended(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	return l == nil || l.attended
}

// keepSecond keeps another token of a login, unless the profile asks for something else by now.
func (e *Engine) keepSecond(name, key, wants string, t *oauth.Token) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	if l == nil || l.wants != wants {
		return
	}
	const most = 20 // of a profile; a script that asks for ever new scopes fills no memory
	if l.others == nil || len(l.others) >= most {
		l.others = map[string]*oauth.Token{}
	}
	l.others[key] = t
}

// goodFor says that t has at least minTTL left; negative chooses, as in [Engine.Token].
func goodFor(t *oauth.Token, now time.Time, minTTL time.Duration) bool {
	if t.ExpiresAt.IsZero() {
		return !fromTheFuture(t.ObtainedAt, now) && now.Sub(t.ObtainedAt) < unsaidLife
	}
	left := t.ExpiresAt.Sub(now)
	if minTTL < 0 {
		minTTL = min(minTTLDefault, t.ExpiresAt.Sub(t.ObtainedAt)/2)
	}
	return left > 0 && left >= minTTL && !fromTheFuture(t.ObtainedAt, now)
}
