package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// What a grant remembers beside what go-oidc does; strings alone, because they survive JSON.
const (
	keyStep     = "step"      // where the user stands: login or consent
	keyLogin    = "login"     // the user who signed in
	keyAuthTime = "auth_time" // when, in Unix seconds
	keyAudience = "audience"  // audience parameters, one a line
	keyACR      = "acr"       // how the user signed in, or ""
)

// userClaims are the claims for the userinfo endpoint.
func (s *Server) userClaims(_ context.Context, g *goidc.Grant) map[string]any {
	if g.AuthParams.Claims == nil {
		return s.claimsOf(g, nil)
	}
	return s.claimsOf(g, g.AuthParams.Claims.UserInfo)
}

// claimsOf are the claims that the granted scopes open (OpenID Connect Core section 5.4), and those
// that the claims parameter names (section 5.5).
func (s *Server) claimsOf(g *goidc.Grant, asked map[string]goidc.ClaimObjectInfo) map[string]any {
	u, ok := s.opts.bySub(g.Subject)
	claims := map[string]any{}
	if !ok {
		return claims
	}
	all := map[string]struct {
		scope string
		value any
	}{
		"name": {"profile", u.Name}, "preferred_username": {"profile", u.Login},
		"email": {"email", u.Email}, "email_verified": {"email", true},
	}
	for name, claim := range all {
		if _, named := asked[name]; (named || hasScope(g.Scopes, claim.scope)) && (claim.scope != "email" || u.Email != "") {
			claims[name] = claim.value
		}
	}
	return claims
}

// idTokenClaims adds when the user signed in; a refresh says the same again (OpenID Connect Core
// section 12.2).
func (s *Server) idTokenClaims(_ context.Context, g *goidc.Grant) map[string]any {
	var asked map[string]goidc.ClaimObjectInfo
	if g.AuthParams.Claims != nil {
		asked = g.AuthParams.Claims.IDToken
	}
	claims := s.claimsOf(g, asked)
	if acr := asString(g.Store[keyACR]); acr != "" {
		claims["acr"] = acr
	}
	if at, ok := g.Store[keyAuthTime].(string); ok {
		claims["auth_time"], _ = strconv.ParseInt(at, 10, 64)
	}
	return claims
}

// accessTokenClaims says for whom an access token is (RFC 9068 section 2.2 requires aud) and how
// the user signed in (section 2.2.1).
func (s *Server) accessTokenClaims(ctx context.Context, _ *goidc.Token, g *goidc.Grant) map[string]any {
	claims := map[string]any{"aud": s.audience(ctx, g)}
	if act := asString(g.Store[keyActor]); act != "" {
		claims["act"] = json.RawMessage(act)
	}
	if acr := asString(g.Store[keyACR]); acr != "" {
		claims["acr"] = acr
		claims["auth_time"], _ = strconv.ParseInt(asString(g.Store[keyAuthTime]), 10, 64)
	}
	return claims
}

// granted returns the resources and audiences that the authorization was for.
func granted(g *goidc.Grant) []string {
	targets := slices.Clone([]string(g.AuthParams.Resources))
	if a, ok := g.Store[keyAudience].(string); ok && a != "" {
		targets = append(targets, strings.Split(a, "\n")...)
	}
	return targets
}

// audience returns for whom a token is: what the token request names, else what was granted, else
// the demo API.
func (s *Server) audience(ctx context.Context, g *goidc.Grant) []string {
	r := requestOf(ctx)
	if asked := slices.Concat(r.form["resource"], r.form["audience"]); r.endpoint == endpointToken && len(asked) > 0 {
		return asked
	}
	if targets := granted(g); len(targets) > 0 {
		return targets
	}
	return []string{s.issuer + apiPath}
}

// checkTarget refuses a token for something that was not granted (RFC 8707 section 2.2) and notes
// the audience for the store of opaque tokens.
func (s *Server) checkTarget(ctx context.Context, _ *goidc.Token, g *goidc.Grant) error {
	r := requestOf(ctx)
	r.audience = s.audience(ctx, g)
	allowed := granted(g)
	for _, key := range []string{"resource", "audience"} {
		for _, target := range r.form[key] {
			if !s.opts.knownTarget(target, key == "resource") || (len(allowed) > 0 && !slices.Contains(allowed, target)) {
				return goidc.WrapError(goidc.ErrorCodeInvalidTarget, "this "+key+" was not granted", errors.New(key+" not granted"))
			}
		}
	}
	return nil
}

// checkRefreshTarget does the same before a refresh token is spent.
func (s *Server) checkRefreshTarget(ctx context.Context, typ goidc.GrantType, g *goidc.Grant) error {
	if typ != goidc.GrantRefreshToken {
		return nil
	}
	return s.checkTarget(ctx, nil, g)
}
