package authserver

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// offersGrant reports whether some client may use a grant.
func (o Options) offersGrant(grant goidc.GrantType) bool {
	return slices.Contains(o.GrantTypes, string(grant)) ||
		slices.ContainsFunc(o.Clients, func(c Client) bool { return slices.Contains(c.GrantTypes, string(grant)) })
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
		for _, alg := range c.algs() {
			if alg != "" && !strings.HasPrefix(alg, "HS") {
				algs = append(algs, alg)
			}
		}
	}
	if o.JAR != nil && o.JAR.Encrypted {
		algs = append(algs, string(goidc.RSA_OAEP_256), string(jose.ECDH_ES))
	}
	slices.Sort(algs)
	return slices.Compact(algs)
}

// responseTypes are what some client may ask for, and code.
func (o Options) responseTypes() []goidc.ResponseType {
	all := []goidc.ResponseType{goidc.ResponseTypeCode}
	for _, c := range append([]Client{{ResponseTypes: o.ResponseTypes}}, o.Clients...) {
		for _, t := range c.ResponseTypes {
			if !slices.Contains(all, goidc.ResponseType(t)) {
				all = append(all, goidc.ResponseType(t))
			}
		}
	}
	return all
}

// jwtSecured configures request objects and response JWTs, the claims parameter and acr_values.
func (s *Server) jwtSecured() []provider.Option {
	var opts []provider.Option
	if j := s.opts.JAR; j != nil {
		opts = append(opts, provider.WithJAR(clientAlgs[0], clientAlgs[1:]...))
		if j.Required {
			opts = append(opts, provider.WithJARRequired(clientAlgs[0], clientAlgs[1:]...))
		}
		if j.Encrypted {
			opts = append(opts, provider.WithJAREncryption(goidc.RSA_OAEP_256, jose.ECDH_ES),
				provider.WithJARContentEncryptionAlgs(contentAlgs[0], contentAlgs[1:]...))
		}
	}
	if s.opts.JARM {
		algs := s.keys.algs()
		opts = append(opts, provider.WithJARM(goidc.ES256, algs...))
	}
	if s.opts.ClaimsParameter {
		opts = append(opts, provider.WithClaimsParameter())
	}
	if a := s.opts.ACRValues; len(a) > 0 {
		acrs := make([]goidc.ACR, len(a))
		for i := range a {
			acrs[i] = goidc.ACR(a[i])
		}
		opts = append(opts, provider.WithACRs(acrs[0], acrs[1:]...))
	}
	return opts
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
	if s.opts.offersGrant(goidc.GrantDeviceCode) {
		opts = append(opts, s.device())
	}
	if s.opts.offersGrant(goidc.GrantTokenExchange) {
		opts = append(opts, provider.WithTokenExchangeGrant(s.exchange), provider.WithTokenExchangeClientAuthnRequired())
	}
	if s.opts.offersGrant(goidc.GrantCIBA) {
		opts = append(opts, s.ciba()...)
	}
	return opts
}
