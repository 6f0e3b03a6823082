package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
)

// Refresh gets a new token for prev's refresh token (RFC 6749 section 6).
// Without scope the new token may do what the login granted; with scope less,
// never more. What the answer leaves out is carried over: refresh token,
// id_token and claims.
//
// The server may have replaced the refresh token, so store the result before
// anything else; RefreshWith can tell of it sooner. For that reason a new id_token costs the token only if it is
// for somebody else or badly signed; when the issuer's keys cannot be fetched,
// or only the clock speaks against it, the previous one stays and the checks
// say why.
//
// Errors: ErrNoRefreshToken, ErrScope, *Error with InvalidGrant when a new
// login is needed, *CheckError.
func (c *Client) Refresh(ctx context.Context, prev *Token, scope ...string) (*Token, error) {
	return c.RefreshWith(ctx, prev, TokenRequest{Scope: scope})
}

// RefreshWith is Refresh for a token of another shape: with less scope, for
// one of the resources of the login (RFC 8707 section 2.2), for another
// audience, or with further parameters. r.ProofKey is not used: the token
// stays bound to the key of the login (RFC 9449 section 5).
func (c *Client) RefreshWith(ctx context.Context, prev *Token, r TokenRequest) (*Token, error) {
	const what = "token endpoint"
	fail := func(err error) (*Token, error) { return nil, &Error{what: what, Err: err} }
	if prev == nil || prev.RefreshToken == "" {
		return fail(ErrNoRefreshToken)
	}
	if c.Metadata == nil {
		return fail(ErrNoEndpoint)
	}
	m := c.Metadata
	granted := prev.GrantScope
	if len(granted) == 0 {
		granted = prev.Scope
	}
	r.Scope = unique(r.Scope)
	for _, s := range r.Scope {
		// "MUST NOT include any scope not originally granted". A grant of
		// unknown extent is the server's to judge.
		if len(granted) > 0 && !slices.Contains(granted, s) {
			return fail(&reasoned{ErrScope, clean(s, maxCode)})
		}
	}
	if err := r.check(); err != nil {
		return fail(err)
	}
	var chosen []string
	for name, values := range map[string][]string{"scope": r.Scope, "resource": r.Resource, "audience": r.Audience} {
		if len(values) > 0 {
			chosen = append(chosen, name)
		}
	}
	if len(r.Resource) == 0 {
		r.Resource = prev.Resource
	}
	for _, s := range r.Resource {
		// "the same or a subset of those originally granted" (RFC 8707
		// section 2.2).
		if len(prev.Resource) > 0 && !slices.Contains(prev.Resource, s) {
			return fail(requestError("the resource " + clean(s, maxURI) + " was not asked for at login; log in again with it"))
		}
	}
	k := c.tokenCall(m, ForRefresh, r.form(c, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {prev.RefreshToken.Reveal()},
	}), prev.ProofKey)
	k.chosen = chosen
	for _, values := range r.Extra {
		k.secrets = append(k.secrets, values...)
	}
	ans, err := c.post(ctx, k)
	if err != nil {
		return nil, err
	}
	asked := r.Scope
	if len(asked) == 0 {
		asked = granted
	}
	t, err := c.readToken(ans, asked, prev.ProofKey)
	if err != nil {
		return nil, err
	}
	if len(r.Scope) == 0 {
		t.ScopeRequested = prev.ScopeRequested
	}
	t.GrantScope, t.Resource = granted, prev.Resource
	if t.AuthorizationDetails == nil {
		t.AuthorizationDetails = prev.AuthorizationDetails
	}
	if t.RefreshToken == "" {
		t.RefreshToken = prev.RefreshToken
	}
	if t.RefreshToken == prev.RefreshToken && t.RefreshExpiresAt.IsZero() {
		t.RefreshExpiresAt, t.RefreshExpiresBy = prev.RefreshExpiresAt, prev.RefreshExpiresBy
	}
	if r.Answered != nil {
		unchecked := *t
		unchecked.IDToken, unchecked.Claims, unchecked.Checks = prev.IDToken, prev.Claims, prev.Checks
		r.Answered(&unchecked)
	}
	return c.refreshIDToken(ctx, m, prev, t)
}

// refreshIDToken validates the id_token of a refresh answer against the one
// before (OpenID Connect Core section 12.2), or carries that one over.
func (c *Client) refreshIDToken(ctx context.Context, m *Metadata, prev, t *Token) (*Token, error) {
	fresh := t.IDToken
	keep := func() { t.IDToken, t.Claims = prev.IDToken, prev.Claims }
	switch {
	case fresh == "":
		keep()
		t.Checks = slices.Clone(prev.Checks)
		return t, nil
	case m.Issuer == "":
		keep()
		t.Checks = append(t.Checks, Check{Name: "id_token", Spec: "OIDC Core 3.1.3.7",
			Detail: "came unasked, and without an issuer it cannot be checked; not used"})
		return t, nil
	}
	v := c.idTokenVerifier(m, t)
	v.previous, v.refreshed = prev.Claims, true
	claims, checks, err := v.verify(ctx)
	t.Checks = append(t.Checks, checks...)
	var unfetched *Error // the keys; whatever is wrong there says nothing of the token, and the one before is spent
	switch {
	case err == nil:
		t.Claims = claims
	case errors.As(err, &unfetched), errors.Is(err, ErrExpired), errors.Is(err, ErrIssuedAt), errors.Is(err, ErrNoKey), Transient(err):
		keep()
	default:
		var refused *CheckError
		if errors.As(err, &refused) {
			refused.Checks = t.Checks
		}
		return nil, err
	}
	return t, nil
}
