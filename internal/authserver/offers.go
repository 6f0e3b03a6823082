package authserver

import (
	"slices"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// offersGrant reports whether some client may use a grant.
func (o Options) offersGrant(grant goidc.GrantType) bool {
	return slices.ContainsFunc(o.Clients, func(c Client) bool { return slices.Contains(c.GrantTypes, string(grant)) })
}

// offersMethod reports whether some client authenticates so, or may come to.
func (o Options) offersMethod(method goidc.AuthnMethod) bool {
	return slices.Contains(o.AuthMethods, string(method)) ||
		slices.ContainsFunc(o.Clients, func(c Client) bool { return slices.Contains(c.methods(), string(method)) })
}

// wantedAlgs are the algorithms for which the server needs keys of its own, beside ES256.
func (o Options) wantedAlgs() []string {
	var algs []string
	for _, c := range o.Clients {
		algs = append(algs, c.IDTokenAlg)
	}
	slices.Sort(algs)
	return slices.Compact(algs)
}

// clientAlgs are what clients may sign with: assertions, request objects, proofs.
var clientAlgs = []goidc.SignatureAlgorithm{
	goidc.ES256, goidc.ES384, goidc.ES512, goidc.RS256, goidc.RS384, goidc.RS512, goidc.PS256, goidc.PS384, goidc.PS512, "EdDSA",
}

// authentication configures how clients authenticate: as the demo's do, and as the options say.
func (s *Server) authentication() []provider.Option {
	opts := []provider.Option{
		provider.WithNoneAuthn(),
		provider.WithSecretBasicAuthn(),
		provider.WithSecretPostAuthn(),
	}
	if s.opts.offersMethod(goidc.AuthnMethodSecretJWT) {
		opts = append(opts, provider.WithSecretJWTAuthn(goidc.HS256, goidc.HS384, goidc.HS512))
	}
	if s.opts.offersMethod(goidc.AuthnMethodPrivateKeyJWT) {
		opts = append(opts, provider.WithPrivateKeyJWTAuthn(clientAlgs[0], clientAlgs[1:]...))
	}
	if d := s.opts.DPoP; d != nil {
		opts = append(opts, provider.WithDPoP(d.algs()[0], d.algs()[1:]...))
		if d.Required {
			opts = append(opts, provider.WithDPoPRequired(d.algs()[0], d.algs()[1:]...))
		}
	}
	if s.mtlsHost != "" {
		opts = append(opts, provider.WithMTLS(s.mutualIssuer(), s.clientCertificate), provider.WithTLSTokenBinding())
	}
	if s.opts.offersMethod(goidc.AuthnMethodTLS) {
		opts = append(opts, provider.WithTLSAuthn())
	}
	if s.opts.offersMethod(goidc.AuthnMethodSelfSignedTLS) {
		opts = append(opts, provider.WithSelfSignedTLSAuthn())
	}
	return opts
}

// grants configures the grants beyond code and refresh that some client may use.
func (s *Server) grants() []provider.Option {
	var opts []provider.Option
	if s.opts.offersGrant(goidc.GrantClientCredentials) {
		opts = append(opts, provider.WithClientCredentialsGrant())
	}
	return opts
}
