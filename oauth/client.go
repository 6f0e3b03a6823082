package oauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client is one registration of an application at one authorization server.
// Its fields are set before first use and not changed afterwards; then it may
// be used from several goroutines at once.
type Client struct {
	ID     string // client_id
	Secret Secret // client_secret; empty for a public client
	// AuthMethod is token_endpoint_auth_method: "none", "client_secret_basic"
	// or "client_secret_post". Empty means: see ChosenAuthMethod.
	AuthMethod string
	// Metadata is what the server says about itself: from Discover, or
	// written by hand for a server without discovery.
	Metadata *Metadata
	// HTTP makes the requests; nil means a client with TLS 1.2 or later. It is
	// never modified. Its redirect policy is not used.
	HTTP *http.Client
	// Keys caches the issuers' signing keys; nil means a cache of its own.
	// Share one among clients, so that an issuer is asked once.
	Keys *KeySet
	// TokenParams are further parameters of token requests. They cannot
	// replace those of the protocol.
	TokenParams url.Values
	// Timeout bounds each exchange with the server; 0 means 30 seconds.
	Timeout time.Duration
	// IDTokenAlg is id_token_signed_response_alg: the one algorithm the
	// server signs id_tokens with. Empty means any asymmetric one the
	// metadata lists, and HS256, HS384, HS512 only if listed there.
	IDTokenAlg string
	// TrustedAudiences are audiences that an id_token may name beside this
	// client (OpenID Connect Core section 3.1.3.7, item 3).
	TrustedAudiences []string
	// BearerTypes are further values of token_type to take as "Bearer", for
	// servers that invent their own ("bot", "user"); "" among them accepts
	// an answer without token_type.
	BearerTypes []string

	mu      sync.Mutex // guards ownKeys
	ownKeys *KeySet

	now func() time.Time // nil: the wall clock
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

// Methods of client authentication (RFC 7591 section 2).
const (
	authNone  = "none"
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
)

// ChosenAuthMethod returns the method by which the client authenticates at
// the token endpoint, and why that one.
func (c *Client) ChosenAuthMethod() (method, why string) {
	var listed []string
	if c.Metadata != nil {
		listed = c.Metadata.TokenEndpointAuthMethodsSupported
	}
	return c.chooseAuth(listed)
}

func (c *Client) chooseAuth(listed []string) (method, why string) {
	switch {
	case c.AuthMethod != "":
		return c.AuthMethod, "chosen in the profile"
	case c.Secret == "":
		return authNone, "there is no client secret"
	case listed == nil:
		// RFC 8414 section 2: "If omitted, the default is client_secret_basic".
		return authBasic, "the server lists no methods, and this is the default"
	case slices.Contains(listed, authBasic):
		return authBasic, "the server lists it"
	case slices.Contains(listed, authPost):
		return authPost, "the server lists it and not client_secret_basic"
	}
	return authBasic, "there is a client secret, though the server lists only " +
		clean(strings.Join(listed, ", "), maxDescription)
}

// clientAuth adds the client's credentials to a request. It is the last to
// touch header and form, and exactly one is used (RFC 6749 section 2.3).
type clientAuth func(header http.Header, form url.Values)

func (c *Client) authenticator(listed []string) (clientAuth, error) {
	if c.ID == "" {
		return nil, requestError("the client id is missing")
	}
	method, _ := c.chooseAuth(listed)
	if method != authNone && c.Secret == "" && (method == authBasic || method == authPost) {
		return nil, requestError(method + " needs a client secret")
	}
	switch method {
	case authNone:
		return c.authNone, nil
	case authBasic:
		return c.authBasic, nil
	case authPost:
		return c.authPost, nil
	}
	return nil, requestError("the client authentication method " + clean(method, maxCode) + " is not known")
}

// authNone: "a client MUST send its client_id" when it does not authenticate
// (RFC 6749 sections 3.2.1 and 4.1.3).
func (c *Client) authNone(_ http.Header, form url.Values) {
	form.Set("client_id", c.ID)
	form.Del("client_secret")
}

// authBasic: both halves are form-encoded before they are joined (RFC 6749
// section 2.3.1), or a colon in the id would shift the secret.
func (c *Client) authBasic(header http.Header, form url.Values) {
	form.Del("client_id")
	form.Del("client_secret")
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret.Reveal())
	header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
}

func (c *Client) authPost(_ http.Header, form url.Values) {
	form.Set("client_id", c.ID)
	form.Set("client_secret", c.Secret.Reveal())
}
