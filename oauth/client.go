package oauth

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Client is one registration of an application at one authorization server.
// Its fields are set before first use and not changed afterwards; then it may
// be used from several goroutines at once.
type Client struct {
	ID     string // client_id
	Secret Secret // client_secret; empty for a public client
	// AuthMethod is token_endpoint_auth_method, one of the Auth constants.
	// Empty means: see ChosenAuthMethod.
	AuthMethod string
	// RevocationAuthMethod is revocation_endpoint_auth_method; empty means
	// the same as at the token endpoint.
	RevocationAuthMethod string
	// AuthSigningAlg is token_endpoint_auth_signing_alg of client_secret_jwt
	// and private_key_jwt; empty means one that key and server share.
	AuthSigningAlg string
	// AssertionAudience is the aud of the client's assertions: "" or "issuer"
	// for the issuer, "token_endpoint" for the endpoint asked, else itself.
	AssertionAudience string
	// AssertionLifetime of the client's assertions; 0 means a minute.
	AssertionLifetime time.Duration
	// RawBasic leaves id and secret as they are in client_secret_basic, for
	// servers that do not decode them as RFC 6749 section 2.3.1 says.
	RawBasic bool
	// CustomAuth is used when AuthMethod is "custom".
	CustomAuth CustomAuth
	// PrivateKeys sign the client's assertions and request objects and decrypt
	// what the server encrypts to it.
	PrivateKeys *PrivateKeys
	// Certificate is the client's TLS certificate (RFC 8705).
	Certificate *tls.Certificate
	// CertificateBound asks for access tokens bound to Certificate
	// (tls_client_certificate_bound_access_tokens).
	CertificateBound bool
	// DPoP asks for access tokens bound to a key of their own
	// (dpop_bound_access_tokens, RFC 9449).
	DPoP bool
	// DPoPAlg is dpop_signing_alg; empty means ES256, or what the server lists.
	DPoPAlg string
	// AllowBearer accepts a Bearer token although DPoP was asked for.
	AllowBearer bool
	// Strict holds the client and the server to FAPI 2.0 Security Profile.
	Strict bool
	// RequirePAR is require_pushed_authorization_requests of the client: it
	// pushes its requests (RFC 9126) or does not ask. A server that has the
	// endpoint gets pushed requests anyway.
	RequirePAR bool
	// RequireSignedRequestObject is require_signed_request_object of the
	// client (RFC 9101 section 10.5); a signing algorithm means it too.
	RequireSignedRequestObject bool
	// RequestObjectSigningAlg is request_object_signing_alg; empty means one
	// that key and server share.
	RequestObjectSigningAlg string
	// RequestObjectEncryptionAlg and RequestObjectEncryptionEnc are
	// request_object_encryption_alg and _enc: request objects are encrypted
	// to a key of the server. An empty alg encrypts nothing; an empty enc is
	// A128CBC-HS256.
	RequestObjectEncryptionAlg, RequestObjectEncryptionEnc string
	// AuthorizationSignedResponseAlg is authorization_signed_response_alg: the
	// one algorithm of JARM responses; empty means as for IDTokenAlg.
	AuthorizationSignedResponseAlg string
	// Metadata is what the server says about itself: from Discover, or
	// written by hand for a server without discovery.
	Metadata *Metadata
	// RefreshEndpoint is for servers that refresh elsewhere than at their
	// token endpoint; empty means there.
	RefreshEndpoint string
	// HTTP makes the requests; nil means a client with TLS 1.2 or later. It is
	// never modified. Its redirect policy is not used.
	HTTP *http.Client
	// Keys caches the issuers' signing keys; nil means a cache of its own.
	// Share one among clients, so that an issuer is asked once.
	Keys *KeySet
	// Servers remembers nonces and clocks; nil means a memory of its own.
	Servers *Servers
	// TokenParams are further parameters of token requests. They cannot
	// replace those of the protocol. A single empty value leaves a default out.
	TokenParams url.Values
	// Params are further parameters by kind of request, as TokenParams.
	Params map[RequestKind]url.Values
	// Headers are further headers by kind of request; those under "" go with
	// every request. They cannot replace those of the protocol.
	Headers map[RequestKind]http.Header
	// Quirks are the server's departures from the specifications; nil: none.
	Quirks *Quirks
	// DeviceGrantType and DeviceCodeParam replace the grant type and the name
	// of the device_code at servers older than RFC 8628; empty means as there.
	DeviceGrantType, DeviceCodeParam string
	// BackchannelSigningAlg is backchannel_authentication_request_signing_alg:
	// requests of CIBA are signed with one of PrivateKeys. Empty: not signed.
	BackchannelSigningAlg string
	// IntrospectionSigningAlg is introspection_signed_response_alg (RFC 9701):
	// introspection answers are asked for as JWTs signed with it.
	IntrospectionSigningAlg string
	// AllowHTTP accepts plain http beyond loopback. Nothing is secret then.
	AllowHTTP bool
	// Timeout bounds each exchange with the server; 0 means 30 seconds.
	Timeout time.Duration
	// IDTokenAlg is id_token_signed_response_alg: the one algorithm the
	// server signs id_tokens with. Empty means any asymmetric one the
	// metadata lists, and HS256, HS384, HS512 only if listed there.
	IDTokenAlg string
	// IDTokenEncryptionAlg and IDTokenEncryptionEnc are
	// id_token_encrypted_response_alg and _enc: the server encrypts id_tokens
	// so, and none other is taken. Empty takes any that PrivateKeys can open,
	// and plain ones.
	IDTokenEncryptionAlg, IDTokenEncryptionEnc string
	// UserInfoSignedResponseAlg is userinfo_signed_response_alg: the answer is
	// a JWT with this algorithm. Empty takes plain answers too.
	UserInfoSignedResponseAlg string
	// TrustedAudiences are audiences that an id_token may name beside this
	// client (OpenID Connect Core section 3.1.3.7, item 3).
	TrustedAudiences []string
	// TemplateIssuer takes {tenantid} in the metadata's issuer for the tid of
	// the id_token; see DiscoverOptions. Without it such an issuer fits nothing.
	TemplateIssuer bool
	// BearerTypes are further values of token_type to take as "Bearer", for
	// servers that invent their own ("bot", "user"); "" among them accepts
	// an answer without token_type.
	BearerTypes []string

	mu           sync.Mutex // guards ownKeys and ownCertified
	ownKeys      *KeySet
	ownCertified *http.Client
	ownServers   Servers

	strictOnce sync.Once
	strictHTTP *http.Client // what Strict makes of HTTP
	strictErr  error

	now func() time.Time // nil: the wall clock
}

// Format writes id and server, whatever the verb: parameters, headers and
// templates may hold secrets that are no Secret.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.describe()) }

// LogValue makes log/slog write id and server only.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.describe()) }

// MarshalJSON writes id and server: encoding/json would spell out the private
// key of Certificate.
func (c *Client) MarshalJSON() ([]byte, error) { return json.Marshal(c.describe()) }

func (c *Client) describe() string {
	switch {
	case c == nil:
		return "no client"
	case c.Metadata == nil:
		return "client " + c.ID
	}
	return "client " + c.ID + " at " + c.Metadata.Issuer
}

// clock returns the time without its monotonic part: tokens expire while a
// computer sleeps, and the monotonic clock does not count that.
func (c *Client) clock() time.Time {
	if c.now != nil {
		return c.now().Round(0)
	}
	return time.Now().Round(0)
}

func (c *Client) keys() *KeySet {
	if c.Keys != nil {
		return c.Keys
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ownKeys == nil {
		c.ownKeys = &KeySet{now: c.now}
	}
	return c.ownKeys
}
