package session

import (
	"context"
	"errors"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// logoutTimeout bounds the revocation requests of one logout.
const logoutTimeout = 30 * time.Second

// Logout revokes the tokens at the authorization server (RFC 7009), unless local or the server has no revocation endpoint,
// and forgets them. When the server cannot be reached nothing is forgotten: the tokens are still good, and the person
// should know. Errors are *[Error].
func (e *Engine) Logout(ctx context.Context, name string, local bool) (Status, error) {
	e.reload()
	if err := e.CancelLogin(name); err != nil {
		return Status{}, err
	}
	// Begun, it is finished: half a logout would be worse than a slow one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	release, err := e.turn(ctx, name)
	if err != nil {
		return Status{}, Explain(name, err)
	}
	defer release()
	if _, err := e.takeUp(ctx, name); err != nil && !local {
		return Status{}, Explain(name, err)
	}
	p, t, err := e.newestHeld(ctx, name)
	if err != nil && !local {
		return Status{}, Explain(name, err)
	}
	what := "logged out"
	if t != nil && !local {
		revoked, err := e.revoke(ctx, p, t)
		if err != nil {
			said := Explain(name, err)
			said.Remedy = "try again later, or forget the tokens here without revoking them: fob logout --local " + quoteArg(name)
			return Status{}, said
		}
		if revoked {
			what = "logged out, tokens revoked"
		}
	}
	if err := e.drop(ctx, name, what); err != nil {
		return Status{}, Explain(name, err)
	}
	return e.one(name)
}

// newestHeld returns the profile and the newest tokens of its login, even if they are not stored yet.
func (e *Engine) newestHeld(ctx context.Context, name string) (profiles.Profile, *tokens, error) {
	t, err := e.load(ctx, name)
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	switch {
	case !ok:
		return profiles.Profile{}, nil, e.unknownLocked(name)
	case l.unsaved != nil:
		t, err = l.unsaved, nil
	}
	if t != nil && t.key != l.key {
		t = nil // of another server or client than the profile's: not for this one's eyes
	}
	return *l.profile, t, err
}

// revoke revokes the refresh token, with which servers end the grant, then the access token.
func (e *Engine) revoke(ctx context.Context, p profiles.Profile, t *tokens) (bool, error) {
	client, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return false, err
	}
	if client.Metadata.RevocationEndpoint == "" {
		return false, nil
	}
	done := false
	for _, revoked := range []struct {
		token oauth.Secret
		hint  string
	}{{t.RefreshToken, "refresh_token"}, {t.AccessToken, "access_token"}} {
		if revoked.token == "" {
			continue
		}
		err := client.Revoke(ctx, revoked.token, revoked.hint)
		switch {
		case err == nil:
			done = true
		case errors.Is(err, oauth.UnsupportedTokenType): // the refresh token's end is the grant's end
		case done:
			// The refresh token is gone at the server: keeping the rest would keep a login that is none.
			e.log.Info("revocation", "profile", p.Name, "token", revoked.hint, "problem", err.Error())
		default:
			return false, err
		}
	}
	return true, nil
}

// drop removes the tokens of name from the keychain and from memory. The turn is held.
func (e *Engine) drop(ctx context.Context, name, what string) error {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return e.unknownProfile(name)
	}
	keys := []string{l.key}
	if l.rec.Key != "" && l.rec.Key != keys[0] {
		keys = append(keys, l.rec.Key)
	}
	e.mu.Unlock()
	// An answer that is left for an item that is gone looks like a login that was not stored yet.
	if err := e.journal.Removing(name, true); err != nil {
		return err
	}
	for _, key := range keys {
		if err := e.store.Delete(ctx, key); err != nil {
			return errors.Join(err, e.journal.Removing(name, false))
		}
	}
	e.mu.Lock()
	l.held, l.unsaved, l.left, l.others, l.demand, l.met = nil, nil, nil, nil, nil, nil
	l.rec = record{Name: name, History: l.rec.History}
	if what != "" {
		l.rec.happened(wall(), what)
	}
	e.mu.Unlock()
	e.keepRecord(name)
	e.done(name)
	e.changed(name)
	return nil
}
