package authserver

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// newProvider configures go-oidc: code flow, PKCE S256 for everybody, iss in the response, and
// what the options and the clients add.
func (s *Server) newProvider() (*provider.Provider, error) {
	o := s.opts
	var ids []goidc.Scope
	for _, id := range o.scopeIDs() {
		ids = append(ids, goidc.NewScope(id))
	}
	opts := []provider.Option{
		provider.WithAuthCodeGrant(s.store, o.responseTypes()...),
		provider.WithRefreshTokenGrant(s.store),
		provider.WithRefreshTokenLifetime(seconds(o.RefreshTokenTTL)),
		provider.WithRefreshTokenFunc(newRefreshToken),
		provider.WithRefreshTokenShouldIssue(mayStay),
		provider.WithIDTokenLifetime(seconds(o.IDTokenTTL)),
		provider.WithIDTokenSignatureAlgs(goidc.ES256, s.keys.algs()...),
		provider.WithIDTokenClaims(s.idTokenClaims),
		provider.WithUserInfoClaims(s.userClaims),
		provider.WithClaims("sub", "name", "preferred_username", "email", "email_verified", "auth_time"),
		provider.WithTokenOptions(s.tokenOptions),
		provider.WithTokenClaims(s.accessTokenClaims),
		provider.WithTokenHandler(s.checkTarget),
		provider.WithGrantHandler(s.checkRefreshTarget),
		provider.WithPKCERequired(goidc.CodeChallengeMethodSHA256),
		provider.WithIssuerResponseParameter(),
		provider.WithFormPostResponseMode(),
		provider.WithScopes(ids...),
		// Without Options.Registration its endpoint is not routed (see endpointOf); what is wanted of
		// DCR then is that clients are looked up per request, for redirect URIs of any loopback port.
		provider.WithDCR(registry{s}),
		provider.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true }),
		provider.WithTokenRevocationRevokeGrantOnAccessToken(),
		provider.WithPolicies(goidc.NewPolicy("login", anyRequest, s.authenticate)),
		provider.WithLogout(s.store, s.loggedOut),
		provider.WithLogoutPolicies(goidc.NewLogoutPolicy("logout",
			func(*http.Request, *goidc.LogoutSession) bool { return true }, s.logOut)),
		provider.WithErrorRenderer(s.renderError),
		provider.WithErrorHandler(s.noteError),
		provider.WithHTTPClientFunc(func(context.Context) *http.Client { return o.client() }),
		provider.WithJTIConsumer(s.replays.consume),
	}
	opts = append(opts, s.authentication()...)
	opts = append(opts, s.grants()...)
	opts = append(opts, s.par()...)
	opts = append(opts, s.assertions()...)
	opts = append(opts, s.registration()...)
	opts = append(opts, s.introspection()...)
	opts = append(opts, s.rar()...)
	opts = append(opts, s.jwtSecured()...)
	if s.store.rotates {
		opts = append(opts, provider.WithRefreshTokenRotation())
	}
	if o.OpaqueTokens {
		opts = append(opts, provider.WithOpaqueTokens(s.store))
	}
	return provider.New(s.issuer, s.store, s.keys.jwks, opts...)
}

func anyRequest(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true }

// newRefreshToken makes a refresh token, or keeps the old one where a fault asks for no rotation.
func newRefreshToken(ctx context.Context) string {
	if r := requestOf(ctx); r.keepRefresh {
		return r.form.Get("refresh_token")
	}
	return "rt_" + random(32)
}

// mayStay withholds the refresh token from a client that asked for offline_access and was denied it.
// One that never asked gets a refresh token all the same, as most servers have it.
func mayStay(ctx context.Context, _ *goidc.Client, g *goidc.Grant) bool {
	switch r := requestOf(ctx); {
	case r.grant == goidc.GrantJWTBearer, r.grant == grantSAML:
		return false // RFC 7521 section 4.1: "SHOULD NOT be issued"
	case r.grant == goidc.GrantTokenExchange:
		return r.form.Get("requested_token_type") == string(goidc.TokenTypeIdentifierRefreshToken)
	case r.endpoint == endpointAuthorize && g.AuthCode == "":
		return false // RFC 6749 section 4.2.2: never through the browser
	}
	const scope = "offline_access"
	return hasScope(g.Scopes, scope) || !hasScope(g.AuthParams.Scopes, scope)
}

func hasScope(scopes, scope string) bool { return slices.Contains(strings.Fields(scopes), scope) }

func (s *Server) tokenOptions(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
	if s.opts.OpaqueTokens {
		return goidc.NewOpaqueTokenOptions(seconds(s.opts.AccessTokenTTL))
	}
	return goidc.NewJWTTokenOptions(goidc.ES256, seconds(s.opts.AccessTokenTTL))
}

// noteError keeps go-oidc's reason, which it does not tell the client, for Stats.
func (s *Server) noteError(_ context.Context, err error) {
	s.counts.add(func(st *Stats) { st.LastError = err.Error() })
}
