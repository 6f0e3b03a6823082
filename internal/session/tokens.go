package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"fob/internal/keychain"
	"fob/oauth"
	"fob/profiles"
)

// item is the keychain item of a login: everything that is needed to go on with it. oauth.Secret refuses to be marshalled,
// so each secret is named here by hand, once.
type item struct {
	Version        int            `json:"v"`
	Fingerprint    string         `json:"fp"`
	Generation     int            `json:"gen"` // counts the token sets of this login: the higher one is the newer one
	AccessToken    string         `json:"at"`
	Type           string         `json:"tt,omitempty"`
	RefreshToken   string         `json:"rt,omitempty"`
	IDToken        string         `json:"it,omitempty"`
	Scope          []string       `json:"sc,omitempty"`
	ScopeRequested []string       `json:"sr,omitempty"`
	GrantScope     []string       `json:"sg,omitempty"`
	Resource       []string       `json:"re,omitempty"`
	ObtainedAt     time.Time      `json:"ob"`
	ExpiresAt      time.Time      `json:"ex,omitzero"`
	RefreshExpires time.Time      `json:"rx,omitzero"`
	Extra          map[string]any `json:"x,omitempty"`
}

// tokens is a token set as the engine holds it: the protocol's token and which one of its login it is.
type tokens struct {
	*oauth.Token
	fingerprint string
	generation  int
}

func (t tokens) seal() ([]byte, error) {
	return json.Marshal(item{
		Version: 1, Fingerprint: t.fingerprint, Generation: t.generation,
		AccessToken: t.AccessToken.Reveal(), Type: t.Type, RefreshToken: t.RefreshToken.Reveal(), IDToken: t.IDToken.Reveal(),
		Scope: t.Scope, ScopeRequested: t.ScopeRequested, GrantScope: t.GrantScope, Resource: t.Resource,
		ObtainedAt: t.ObtainedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(), RefreshExpires: t.RefreshExpiresAt.UTC(), Extra: t.Extra,
	})
}

func unseal(text []byte) (tokens, error) {
	var i item
	if err := json.Unmarshal(text, &i); err != nil {
		return tokens{}, errors.New("the keychain item is not one that Fob wrote") // the cause could quote the item
	}
	if i.Version != 1 {
		return tokens{}, fmt.Errorf("the keychain item has version %d, this Fob knows 1: use the newer Fob that wrote it, or log in again", i.Version)
	}
	t := &oauth.Token{
		AccessToken: oauth.Secret(i.AccessToken), Type: i.Type, RefreshToken: oauth.Secret(i.RefreshToken), IDToken: oauth.Secret(i.IDToken),
		Scope: i.Scope, ScopeRequested: i.ScopeRequested, GrantScope: i.GrantScope, Resource: i.Resource,
		ObtainedAt: i.ObtainedAt, ExpiresAt: i.ExpiresAt, RefreshExpiresAt: i.RefreshExpires, Extra: i.Extra,
	}
	if i.IDToken != "" {
		// Validated before it was stored; an encrypted one shows no claims here.
		if jwt, err := oauth.InspectJWT(i.IDToken); err == nil {
			t.Claims = jwt.Claims
		}
	}
	return tokens{Token: t, fingerprint: i.Fingerprint, generation: i.Generation}, nil
}

// itemKey names the keychain item of a login: by profile, authorization server and client, so that a profile that now
// points somewhere else never finds the tokens of before.
func itemKey(p profiles.Profile) string {
	return "token/" + p.Name + "@" + short(authority(p), p.ClientID)
}

// secretKey names the keychain item of a profile's client secret: by profile and authorization server, because a secret
// entered for one server must not be sent to another.
func secretKey(p profiles.Profile) string {
	return "client_secret/" + p.Name + "@" + short(authority(p))
}

func authority(p profiles.Profile) string {
	if p.Issuer != "" {
		return p.Issuer
	}
	return p.TokenEndpoint
}

// fingerprint tells token sets apart that were asked for differently: a token for other scopes or another audience is not
// the one that the profile asks for now.
func fingerprint(p profiles.Profile) string {
	scope := append([]string(nil), p.Scope...)
	sort.Strings(scope)
	return short(authority(p), p.AuthorizationEndpoint, p.TokenEndpoint, p.ClientID, strings.Join(scope, " "), p.Audience, strings.Join(p.Resource, " "))
}

func short(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// account names who logged in, by the first of the usual claims there is. It is for people: iss and sub identify
// (OIDC Core §5.7).
func account(claims map[string]any) string {
	for _, name := range []string{"email", "preferred_username", "upn", "login", "name", "sub"} {
		if text, ok := claims[name].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// load returns the login's tokens: from memory, or from the keychain the first time. Nil means that there are none.
func (e *Engine) load(ctx context.Context, name string) (*tokens, error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, e.unknownProfile(name)
	}
	held, key := l.held, l.rec.Key
	kept, current := l.rec.Kept, l.key
	e.mu.Unlock()
	if held != nil {
		return held, nil
	}
	if !kept || key != current {
		key = current // a record may be lost while the item is not
	}
	text, err := e.store.Get(ctx, key)
	if errors.Is(err, keychain.ErrNotFound) {
		return nil, e.forget(name, key, kept)
	}
	if err != nil && !kept {
		return nil, nil // nothing says that there ever was a login: what keeps one from being kept is said when somebody logs in
	}
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	t, err := unseal(text)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	return e.adopt(name, key, t)
}

// adopt takes a token set as the login's, unless a newer one is already there, and mends the record from it.
func (e *Engine) adopt(name, key string, t tokens) (*tokens, error) {
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return nil, e.unknownProfile(name)
	}
	if l.held != nil && l.held.generation >= t.generation {
		held := l.held
		e.mu.Unlock()
		return held, nil
	}
	l.held = &t
	stale := !l.rec.Kept || l.rec.Key != key || !l.rec.ObtainedAt.Equal(t.ObtainedAt)
	if stale {
		l.rec.describe(key, t)
		l.rec.Ended, l.rec.Failing, l.rec.NextTry, l.rec.Failures, l.rec.Mend = nil, nil, time.Time{}, 0, false
	}
	rec := l.rec
	e.mu.Unlock()
	if stale {
		e.keepRecord(rec)
		e.changed(name)
	}
	return &t, nil
}

// describe copies what is not secret of t into the record.
func (r *record) describe(key string, t tokens) {
	r.Key, r.Fingerprint, r.Kept = key, t.fingerprint, true
	r.ObtainedAt, r.ExpiresAt, r.RefreshExpires = t.ObtainedAt, t.ExpiresAt, t.RefreshExpiresAt
	r.Refreshable, r.HasIDToken = t.RefreshToken != "", t.IDToken != ""
	r.TokenType, r.Scope, r.ScopeRequested = t.Type, t.Scope, t.ScopeRequested
	if who := account(t.Claims); who != "" {
		r.Account = who
	}
	if sub, ok := t.Claims["sub"].(string); ok {
		r.Subject = sub
	}
	if iss, ok := t.Claims["iss"].(string); ok {
		r.Issuer = iss
	}
	if len(t.Checks) > 0 {
		r.Checks = make([]Check, len(t.Checks))
		for i, c := range t.Checks {
			r.Checks[i] = Check{Name: c.Name, Spec: c.Spec, Detail: c.Detail, OK: c.OK}
		}
	}
}

// forget notes that the keychain has nothing for this login any more.
func (e *Engine) forget(name, key string, expected bool) error {
	if !expected {
		return nil
	}
	now := wall()
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok || l.held != nil || l.rec.Key != key {
		e.mu.Unlock()
		return nil
	}
	l.rec.Ended = &Problem{Code: CodeItemGone, Since: now,
		Sentence: "the keychain no longer has the tokens of " + name + ": somebody removed them, or it is another keychain than before",
		Remedy:   "log in again"}
	rec := l.rec
	e.mu.Unlock()
	e.keepRecord(rec)
	e.changed(name)
	return nil
}
