package authserver

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Client is a registered client.
type Client struct {
	// ID is the client_id. One that authenticates with client_secret_basic may not hold a colon,
	// which go-oidc could not tell from the separator.
	ID string
	// Name is shown on the consent page; "" shows the ID.
	Name string
	// Secret makes the client a confidential one; "" is a public client unless AuthMethod says
	// otherwise. For client_secret_jwt it has 32 bytes or more (RFC 7518 section 3.2).
	Secret string
	// AuthMethod is none, client_secret_basic, client_secret_post, client_secret_jwt (HS256,
	// HS384, HS512), private_key_jwt (ES*, RS*, PS*, EdDSA; keys in JWKS), tls_client_auth
	// (TLSSubjectDN) or self_signed_tls_client_auth (the certificate in JWKS); "" is none without
	// and client_secret_basic with a secret. The last two want Options.MutualTLS.
	AuthMethod string
	// RevocationAuthMethod is the method at the revocation endpoint; "" is AuthMethod.
	RevocationAuthMethod string
	// GrantTypes are the grants that the client may use, by their grant_type; nil is
	// authorization_code and, unless NoRefresh, refresh_token. A grant is offered when some
	// client may use it.
	GrantTypes []string
	// JWKS are the client's public keys, a JSON Web Key Set as text: for client assertions,
	// request objects and what is encrypted to the client. Keys should have kid, alg and use.
	JWKS string
	// TLSSubjectDN is the subject of the certificate for tls_client_auth, such as "CN=machine".
	TLSSubjectDN string
	// CertificateBoundTokens binds the client's tokens to its certificate (RFC 8705 section 3)
	// and refuses token requests without one.
	CertificateBoundTokens bool
	// DPoPBoundTokens refuses token requests without a proof (RFC 9449 section 5.2).
	DPoPBoundTokens bool
	// RequirePAR refuses authorization requests that were not pushed (RFC 9126 section 6).
	RequirePAR bool
	// CIBAUserCode lets the client send a user_code with backchannel requests.
	CIBAUserCode bool
	// RedirectURIs are compared exactly, but for the port of an http URI on 127.0.0.1, [::1] or
	// localhost that is registered without one (RFC 8252 section 7.3).
	RedirectURIs []string
	// PostLogoutRedirectURIs are compared as RedirectURIs are.
	PostLogoutRedirectURIs []string
	// Scopes may be asked for; nil allows all that the server knows.
	Scopes []string
	// NoRefresh withholds refresh tokens.
	NoRefresh bool
	// ResponseTypes are those that the client may ask for; nil is code alone. Any other of
	// OpenID Connect and RFC 6749 can be added: token, id_token, "code id_token", "code token",
	// "id_token token", "code id_token token".
	ResponseTypes []string
	// RequireJAR refuses authorization requests without a request object.
	RequireJAR bool
	// IDTokenAlg signs the client's id_tokens: ES256 (also ""), ES384, ES512, RS*, PS*, EdDSA, or
	// HS* with the client's secret. Keys are made, and published, only if some client wants them.
	IDTokenAlg string
	// IDTokenEncryption encrypts the client's id_tokens.
	IDTokenEncryption Encryption
	// UserinfoAlg signs what the userinfo endpoint answers; "" is plain JSON, unless
	// UserinfoEncryption encrypts it. The same goes for introspection, whose JWT is signed with
	// ES256 by default.
	UserinfoAlg             string
	UserinfoEncryption      Encryption
	IntrospectionAlg        string
	IntrospectionEncryption Encryption
	// ResponseAlg and ResponseEncryption are how authorization responses are signed and encrypted
	// for a *.jwt response mode (JARM); ResponseAlg "" is ES256.
	ResponseAlg        string
	ResponseEncryption Encryption
}

// complete fills a client's defaults and refuses what could not work.
func (c *Client) complete(scopeIDs []string) error {
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.AuthMethod == "" {
		c.AuthMethod = string(goidc.AuthnMethodNone)
		if c.Secret != "" {
			c.AuthMethod = string(goidc.AuthnMethodSecretBasic)
		}
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = string(goidc.ES256)
	}
	if c.Scopes == nil {
		c.Scopes = scopeIDs
	}
	if c.GrantTypes == nil {
		c.GrantTypes = []string{string(goidc.GrantAuthorizationCode)}
		if !c.NoRefresh {
			c.GrantTypes = append(c.GrantTypes, string(goidc.GrantRefreshToken))
		}
	}
	wantsSecret := false
	for _, method := range c.methods() {
		if !slices.Contains(knownMethods, goidc.AuthnMethod(method)) {
			return fmt.Errorf("client %q: authentication method %q is not offered", c.ID, method)
		}
		if method == string(goidc.AuthnMethodSecretBasic) && strings.Contains(c.ID, ":") {
			return fmt.Errorf("client %q: a colon in the id does not go with client_secret_basic here", c.ID)
		}
		wantsSecret = wantsSecret || strings.HasPrefix(method, "client_secret_")
	}
	if (c.Secret != "") != wantsSecret {
		return fmt.Errorf("client %q: a secret and the method %q contradict each other", c.ID, c.AuthMethod)
	}
	for _, alg := range c.algs() {
		if hmac := strings.HasPrefix(alg, "HS"); hmac && len(c.Secret) < 32 || !hmac && alg != "" && !slices.Contains(clientAlgs, goidc.SignatureAlgorithm(alg)) {
			return fmt.Errorf("client %q: nothing can be signed with %q", c.ID, alg)
		}
	}
	if c.ResponseTypes == nil {
		c.ResponseTypes = []string{string(goidc.ResponseTypeCode)}
	}
	_, err := c.keys()
	return err
}

// knownMethods are the client authentication methods that can be offered.
var knownMethods = []goidc.AuthnMethod{
	goidc.AuthnMethodNone, goidc.AuthnMethodSecretBasic, goidc.AuthnMethodSecretPost, goidc.AuthnMethodSecretJWT,
	goidc.AuthnMethodPrivateKeyJWT, goidc.AuthnMethodTLS, goidc.AuthnMethodSelfSignedTLS,
}

// algs are the algorithms with which something is signed for the client.
func (c *Client) algs() []string {
	return []string{c.IDTokenAlg, c.ResponseAlg, c.UserinfoAlg, c.IntrospectionAlg}
}

// methods are the authentication methods that the client uses anywhere.
func (c *Client) methods() []string {
	if c.RevocationAuthMethod == "" {
		return []string{c.AuthMethod}
	}
	return []string{c.AuthMethod, c.RevocationAuthMethod}
}

// keys reads JWKS; nil without one. go-oidc knows a self-signed certificate by its thumbprint, so
// one that is registered as x5c (RFC 8705 section 2.2) gets it here.
func (c *Client) keys() (*goidc.JSONWebKeySet, error) {
	if c.JWKS == "" {
		return nil, nil
	}
	var set goidc.JSONWebKeySet
	if err := json.Unmarshal([]byte(c.JWKS), &set); err != nil {
		return nil, fmt.Errorf("client %q: JWKS: %w", c.ID, err)
	}
	for i, key := range set.Keys {
		if !key.IsPublic() {
			return nil, fmt.Errorf("client %q: JWKS holds a private key", c.ID)
		}
		if len(key.Certificates) > 0 && len(key.CertificateThumbprintSHA256) == 0 {
			sum := sha256.Sum256(key.Certificates[0].Raw)
			set.Keys[i].CertificateThumbprintSHA256 = sum[:]
		}
	}
	return &set, nil
}

// record is what go-oidc knows of a client.
func (c *Client) record() *goidc.Client {
	keys, _ := c.keys() // read once before, in complete
	var grants []goidc.GrantType
	for _, g := range c.GrantTypes {
		grants = append(grants, goidc.GrantType(g))
	}
	var types []goidc.ResponseType
	for _, t := range c.ResponseTypes {
		types = append(types, goidc.ResponseType(t))
	}
	if slices.ContainsFunc(types, goidc.ResponseType.IsImplicit) {
		grants = append(grants, goidc.GrantImplicit)
	}
	return &goidc.Client{
		ID:     c.ID,
		Secret: c.Secret,
		ClientMeta: goidc.ClientMeta{
			Name:                        c.Name,
			RedirectURIs:                c.RedirectURIs,
			PostLogoutRedirectURIs:      c.PostLogoutRedirectURIs,
			GrantTypes:                  grants,
			ResponseTypes:               types,
			JWKS:                        keys,
			ScopeIDs:                    strings.Join(c.Scopes, " "),
			TokenAuthnMethod:            goidc.AuthnMethod(c.AuthMethod),
			TokenRevocationAuthnMethod:  goidc.AuthnMethod(c.RevocationAuthMethod),
			TLSSubjectDistinguishedName: c.TLSSubjectDN,
			TLSTokenBindingIsRequired:   c.CertificateBoundTokens,
			DPoPTokenBindingIsRequired:  c.DPoPBoundTokens,
			CIBATokenDeliveryMode:       goidc.CIBADeliveryModePoll,
			CIBAUserCodeIsEnabled:       c.CIBAUserCode,
			PARIsRequired:               c.RequirePAR,
			JARIsRequired:               c.RequireJAR,
		},
	}
}
