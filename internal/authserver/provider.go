package authserver

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// newProvider configures go-oidc: code flow alone, PKCE S256 for everybody, iss in the response.
func (s *Server) newProvider() (*provider.Provider, error) {
	o := s.opts
	ids := make([]goidc.Scope, len(scopes))
	for i, scope := range scopes {
		ids[i] = goidc.NewScope(scope.id)
	}
	algs := []goidc.SignatureAlgorithm{}
	if o.wantsRSA() {
		algs = append(algs, goidc.RS256)
	}
	opts := []provider.Option{
		provider.WithAuthCodeGrant(s.store, goidc.ResponseTypeCode),
		provider.WithRefreshTokenGrant(s.store),
		provider.WithRefreshTokenLifetime(seconds(o.RefreshTokenTTL)),
		provider.WithRefreshTokenFunc(newRefreshToken),
		provider.WithRefreshTokenShouldIssue(mayStay),
		provider.WithIDTokenLifetime(seconds(o.IDTokenTTL)),
		provider.WithIDTokenSignatureAlgs(goidc.ES256, algs...),
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
		provider.WithNoneAuthn(),
		provider.WithSecretBasicAuthn(),
		provider.WithSecretPostAuthn(),
		// The registration endpoint is not routed (see endpointOf); what is wanted of DCR is
		// that clients are looked up per request, for redirect URIs of any loopback port.
		provider.WithDCR(registry{s}),
		provider.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true }),
		provider.WithTokenRevocationRevokeGrantOnAccessToken(),
		provider.WithPolicies(goidc.NewPolicy("login", anyRequest, s.authenticate)),
		provider.WithLogout(s.store, s.loggedOut),
		provider.WithLogoutPolicies(goidc.NewLogoutPolicy("logout",
			func(*http.Request, *goidc.LogoutSession) bool { return true }, s.logOut)),
		provider.WithErrorRenderer(s.renderError),
		provider.WithErrorHandler(s.noteError),
		// Nothing here accepts a JWT from a client, so there is no jti to remember; without the
		// option go-oidc prints a warning at every start.
		provider.WithJTIConsumer(func(context.Context, string) error { return nil }),
	}
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
func mayStay(_ context.Context, _ *goidc.Client, g *goidc.Grant) bool {
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

// registry looks clients up for go-oidc.
type registry struct{ *Server }

var errNoRegistration = errors.New("clients cannot be registered here")

// SaveClient refuses: there is no registration.
func (registry) SaveClient(context.Context, *goidc.Client) error { return errNoRegistration }

// DeleteClient refuses: there is no registration.
func (registry) DeleteClient(context.Context, string) error { return errNoRegistration }

// Client returns a registered client. Redirect URIs of the request at hand that differ from a
// registered loopback URI in their port alone are added to it, because go-oidc compares exactly.
func (r registry) Client(ctx context.Context, id string) (*goidc.Client, error) {
	i := slices.IndexFunc(r.opts.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil, goidc.ErrNotFound
	}
	c := r.opts.Clients[i]
	grants := []goidc.GrantType{goidc.GrantAuthorizationCode}
	if !c.NoRefresh {
		grants = append(grants, goidc.GrantRefreshToken)
	}
	form := requestOf(ctx).form
	return &goidc.Client{
		ID:     c.ID,
		Secret: c.Secret,
		ClientMeta: goidc.ClientMeta{
			Name:                   c.Name,
			RedirectURIs:           withAnyPort(c.RedirectURIs, form.Get("redirect_uri")),
			PostLogoutRedirectURIs: withAnyPort(c.PostLogoutRedirectURIs, form.Get("post_logout_redirect_uri")),
			GrantTypes:             grants,
			ResponseTypes:          []goidc.ResponseType{goidc.ResponseTypeCode},
			ScopeIDs:               strings.Join(c.Scopes, " "),
			TokenAuthnMethod:       goidc.AuthnMethod(c.AuthMethod),
			IDTokenSigAlg:          goidc.SignatureAlgorithm(c.IDTokenAlg),
		},
	}, nil
}

// withAnyPort adds asked to the registered URIs if it is one of them but for the port of a
// loopback host (RFC 8252 section 7.3: "MUST allow any port").
func withAnyPort(registered []string, asked string) []string {
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Port() == "" {
		return registered
	}
	switch u.Hostname() {
	case "127.0.0.1", "::1", "localhost":
	default:
		return registered
	}
	portless := strings.Replace(asked, ":"+u.Port(), "", 1)
	if u.Hostname() == "::1" {
		portless = strings.Replace(asked, "]:"+u.Port(), "]", 1)
	}
	if !slices.Contains(registered, portless) {
		return registered
	}
	return append(slices.Clone(registered), asked)
}
