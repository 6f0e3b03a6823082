package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/keychain"
	"fob/profiles"
)

// minTTLDefault is what a token handed out has left when the caller does not say: time for a slow request. Tokens that do
// not live twice as long are handed out while half their life is left.
const minTTLDefault = 60 * time.Second

// Token hands out the profile's token with at least minTTL left, refreshed if need be; a negative minTTL chooses. It never
// opens a browser. Errors are *[Error].
func (e *Engine) Token(ctx context.Context, name string, minTTL time.Duration) (Handout, error) {
	e.reload()
	t, _, err := e.fresh(ctx, name, minTTL)
	if err != nil {
		return Handout{}, err
	}
	return handout(name, t), nil
}

// fresh returns the tokens that [Engine.Token] hands out, and the profile that they are for.
func (e *Engine) fresh(ctx context.Context, name string, minTTL time.Duration) (*tokens, profiles.Profile, error) {
	none := profiles.Profile{}
	if err := e.refusal(ctx); err != nil {
		return nil, none, err
	}
	for rounds := 0; ; rounds++ {
		t, p, err := e.usable(ctx, name)
		if (errors.Is(err, errUnsaved) || e.unattendedMissing(name, err)) && rounds == 0 {
			if err = e.awaitRefresh(ctx, name, wanted); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, none, e.explainNow(name, err)
		}
		now := wall()
		ends := t.ends()
		need, left, life := minTTL, ends.Sub(now), ends.Sub(t.ObtainedAt)
		if t.renewable() && e.doubtful(name, t, now) {
			left = 0 // see clockPutBack
		}
		if need < 0 {
			need = min(minTTLDefault, life/2)
		}
		switch {
		case ends.IsZero() || left >= need && left > 0:
			return t, p, nil
		case !t.renewable():
			return nil, none, &Error{Kind: LogInFirst, Code: CodeNotRefreshable,
				Sentence: fmt.Sprintf("profile %s: the token %s, and this login has no refresh token", name, endsIn(left)), Remedy: "log in again: fob login " + quoteArg(name)}
		case life < need || rounds > 1: // another agent may have made the first one needless
			return nil, none, &Error{Kind: Failed, Code: CodeMinTTL,
				Sentence: fmt.Sprintf("profile %s: a token with %s left was asked for, but this server's tokens live %s", name, need, life.Round(time.Second)), Remedy: "ask for less with --min-ttl"}
		}
		if err := e.awaitRefresh(ctx, name, wanted); err != nil {
			return nil, none, e.explainNow(name, err)
		}
	}
}

// renewable says that another token can be had without a person.
func (t *tokens) renewable() bool { return t.RefreshToken != "" || t.unattended }

// unsaidLife is how long a token serves whose end nobody says, where another can be had without a person.
const unsaidLife = time.Hour

// ends is when the token ends, zero when it does not, as far as anybody knows.
func (t *tokens) ends() time.Time {
	if t.ExpiresAt.IsZero() && t.unattended {
		return t.ObtainedAt.Add(unsaidLife)
	}
	return t.ExpiresAt
}

func endsIn(left time.Duration) string {
	if left <= 0 {
		return "has ended"
	}
	return "ends in " + left.Round(time.Second).String()
}

// errUnsaved: there are tokens, but the keychain has refused them so far, and nobody sees them before.
var errUnsaved = errors.New("the tokens are not stored yet")

// usable returns the tokens of a login that is not over, and the profile that they are for. While Fob is locked there are none,
// except for its own refreshes.
func (e *Engine) usable(ctx context.Context, name string) (*tokens, profiles.Profile, error) {
	if err := e.refusal(ctx); err != nil {
		return nil, profiles.Profile{}, err
	}
	t, err := e.load(ctx, name)
	if errors.Is(err, keychain.ErrDamaged) && e.answerLeft(name) {
		err = errUnsaved // it takes the place of what is damaged
	}
	if err != nil {
		return nil, profiles.Profile{}, err
	}
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	if !ok {
		return nil, profiles.Profile{}, e.unknownLocked(name)
	}
	if l.held != nil && l.held.key == l.key {
		t = l.held // a login that was stored meanwhile may be another account's
	}
	return t, *l.profile, e.uselessLocked(l, t, now)
}

// uselessLocked says why the tokens of l cannot be used, if they cannot.
func (e *Engine) uselessLocked(l *login, t *tokens, now time.Time) error {
	name := l.profile.Name
	switch {
	case t == nil && l.unsaved != nil, l.answered():
		return errUnsaved
	case t == nil && l.rec.Ended == nil:
		return &Error{Kind: LogInFirst, Code: CodeLoggedOut, Sentence: "profile " + name + ": nobody is logged in", Remedy: "log in: fob login " + quoteArg(name)}
	case l.rec.Ended != nil:
		return &Error{Kind: LogInFirst, Code: l.rec.Ended.Code, Sentence: "profile " + name + ": " + l.rec.Ended.Sentence, Remedy: "log in again: fob login " + quoteArg(name)}
	case t.fingerprint != l.wants || t.key != l.key || l.foreign():
		problem := e.problemLocked(l, LoginRequired, now)
		if problem == nil {
			problem = &Problem{Code: CodeProfileChanged, Sentence: "the profile was changed after the login"}
		}
		if problem.Code == CodeOtherAccount {
			return &Error{Kind: LogInFirst, Code: problem.Code, Sentence: "profile " + name + ": " + problem.Sentence, Remedy: problem.Remedy}
		}
		return &Error{Kind: LogInFirst, Code: problem.Code, Sentence: "profile " + name + ": " + problem.Sentence, Remedy: "log in again: fob login " + quoteArg(name)}
	}
	return nil
}

func handout(name string, t *tokens) Handout {
	return Handout{Name: name, AccessToken: t.AccessToken.Reveal(), IDToken: t.IDToken.Reveal(), TokenType: t.Type, ExpiresAt: some(t.ExpiresAt), Scope: t.Scope}
}
