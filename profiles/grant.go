package profiles

import "slices"

// The grants that Fob knows, as a profile names them. Any absolute URI is a grant too (RFC 6749 §4.5).
const (
	GrantAuthorizationCode = "authorization_code"
	GrantClientCredentials = "client_credentials"
	GrantDeviceCode        = "device_code"
	GrantPassword          = "password"
	GrantJWTBearer         = "jwt-bearer"
	GrantSAML2Bearer       = "saml2-bearer"
	GrantTokenExchange     = "token-exchange"
	GrantCIBA              = "ciba"
	GrantImplicit          = "implicit"
	GrantOAuth1            = "oauth1" // RFC 5849: no grant, another protocol
)

// grantURIs are the grants that have a registered URI, which a profile may name as well.
var grantURIs = [...]struct{ short, uri string }{
	{GrantDeviceCode, "urn:ietf:params:oauth:grant-type:device_code"},       // RFC 8628 §3.4
	{GrantJWTBearer, "urn:ietf:params:oauth:grant-type:jwt-bearer"},         // RFC 7523 §2.1
	{GrantSAML2Bearer, "urn:ietf:params:oauth:grant-type:saml2-bearer"},     // RFC 7522 §2.1
	{GrantTokenExchange, "urn:ietf:params:oauth:grant-type:token-exchange"}, // RFC 8693 §2.1
	{GrantCIBA, "urn:openid:params:grant-type:ciba"},                        // OpenID CIBA Core 1.0 §10.1
}

// Grant is the grant type, with the default applied and in its short form: "device_code" also for its URN.
func (p Profile) Grant() string {
	if p.GrantType == "" {
		return DefaultGrantType
	}
	for _, g := range grantURIs {
		if g.uri == p.GrantType {
			return g.short
		}
	}
	return p.GrantType
}

// GrantURI is the grant type as it is sent: the URN of "device_code" and its kin, any other as it is.
func GrantURI(grant string) string {
	for _, g := range grantURIs {
		if g.short == grant {
			return g.uri
		}
	}
	return grant
}

// CustomGrant says whether the grant is one that Fob only sends, with the parameters the profile has for it.
func (p Profile) CustomGrant() bool { return !slices.Contains(knownGrants, p.Grant()) }

var knownGrants = []string{GrantAuthorizationCode, GrantClientCredentials, GrantDeviceCode, GrantPassword, GrantJWTBearer,
	GrantSAML2Bearer, GrantTokenExchange, GrantCIBA, GrantImplicit, GrantOAuth1}

// Attended says whether a login needs a person: at a browser, at another device, or to type a password.
func (p Profile) Attended() bool {
	switch p.Grant() {
	case GrantAuthorizationCode, GrantImplicit, GrantOAuth1, GrantDeviceCode, GrantCIBA, GrantPassword:
		return true
	}
	return false
}

// UsesBrowser says whether a login sends a browser of this machine to the server and waits for its return.
func (p Profile) UsesBrowser() bool {
	switch p.Grant() {
	case GrantAuthorizationCode, GrantImplicit, GrantOAuth1:
		return true
	}
	return false
}

// Response is the response_type to ask for, with the grant's default applied; "" for a grant without one.
func (p Profile) Response() string {
	switch {
	case p.Grant() != GrantAuthorizationCode && p.Grant() != GrantImplicit:
		return ""
	case p.ResponseType != "":
		return p.ResponseType
	case p.Grant() == GrantAuthorizationCode:
		return "code"
	case p.OpenID():
		return "id_token token" // OpenID Connect Core §3.2.2.1
	}
	return "token" // RFC 6749 §4.2.1
}

// tokenTypes are the short names of the token types of RFC 8693 §3.
var tokenTypes = [...]string{"access_token", "id_token", "refresh_token", "saml1", "saml2", "jwt"}

// TokenTypeURI is a token type as it is sent: "access_token" and its kin become the URIs of RFC 8693 §3.
func TokenTypeURI(name string) string {
	if slices.Contains(tokenTypes[:], name) {
		return "urn:ietf:params:oauth:token-type:" + name
	}
	return name
}

// The conditions under which fields are shown.

func usesAuthorization(p Profile) bool {
	return p.Grant() == GrantAuthorizationCode || p.Grant() == GrantImplicit
}

func usesCode(p Profile) bool { return p.Grant() == GrantAuthorizationCode }

func usesBrowser(p Profile) bool { return p.UsesBrowser() }

func isOAuth1(p Profile) bool { return p.Grant() == GrantOAuth1 }

func isOAuth2(p Profile) bool { return p.Grant() != GrantOAuth1 }

func isCIBA(p Profile) bool { return p.Grant() == GrantCIBA }

func isDevice(p Profile) bool { return p.Grant() == GrantDeviceCode }

func isExchange(p Profile) bool { return p.Grant() == GrantTokenExchange }

func isJWTBearer(p Profile) bool { return p.Grant() == GrantJWTBearer }

// asksPerson says whether the server is told whom to ask and how: in the browser or at another device.
func asksPerson(p Profile) bool { return usesAuthorization(p) || isCIBA(p) }

func usesAssertion(p Profile) bool { return isJWTBearer(p) || p.Grant() == GrantSAML2Bearer }

func usesSecret(p Profile) bool {
	for _, method := range [...]string{p.TokenEndpointAuthMethod, p.RevocationEndpointAuthMethod} {
		switch method {
		case "client_secret_basic", "client_secret_post", "client_secret_jwt", "custom":
			return true
		}
	}
	return p.TokenEndpointAuthMethod == ""
}

func authenticatesBy(p Profile, methods ...string) bool {
	return slices.Contains(methods, p.TokenEndpointAuthMethod) || slices.Contains(methods, p.RevocationEndpointAuthMethod)
}

func usesClientAssertion(p Profile) bool {
	return authenticatesBy(p, "client_secret_jwt", "private_key_jwt")
}

func usesBasic(p Profile) bool {
	return p.TokenEndpointAuthMethod == "" || authenticatesBy(p, "client_secret_basic")
}

func usesCustomAuth(p Profile) bool { return authenticatesBy(p, "custom") }

func usesCertificate(p Profile) bool {
	return p.TLSClientCertificateBoundAccessTokens || p.TLSClientCertificate != "" || authenticatesBy(p, "tls_client_auth", "self_signed_tls_client_auth")
}

// usesKey says whether something is signed or decrypted with the client's own key.
func usesKey(p Profile) bool {
	return authenticatesBy(p, "private_key_jwt") || isJWTBearer(p) || p.RequireSignedRequestObject ||
		p.RequestObjectSigningAlg != "" || p.BackchannelAuthenticationRequestSigningAlg != "" ||
		p.AuthorizationEncryptedResponseAlg != "" || p.IDTokenEncryptedResponseAlg != "" || p.UserinfoEncryptedResponseAlg != "" ||
		isOAuth1(p) && len(p.OAuthSignatureMethod) > 3 && p.OAuthSignatureMethod[:3] == "RSA"
}

func usesDPoP(p Profile) bool { return p.DPoPBoundAccessTokens }
