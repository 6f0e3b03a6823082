package oauth1

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fob/oauth"
)

// Client is one registration of an application at one server. Its fields are
// set before first use and not changed afterwards; then it may be used from
// several goroutines at once. A copy may be given other settings.
type Client struct {
	ConsumerKey    string       // oauth_consumer_key: the client's identifier
	ConsumerSecret oauth.Secret // its shared secret; the RSA methods do not use it
	// PrivateKey signs with the RSA methods. It must be an RSA key.
	PrivateKey crypto.Signer `json:"-"`
	// SignatureMethod is one of the constants; empty means HMAC-SHA1.
	SignatureMethod string
	// Placement says where the protocol parameters travel; empty means InHeader.
	Placement Placement
	// Realm is the realm of the Authorization header; it is not signed.
	Realm string
	// BodyHash adds oauth_body_hash (draft-eaton-oauth-bodyhash), which makes
	// the signature cover bodies that are no forms.
	BodyHash bool
	// OmitVersion leaves out oauth_version, which RFC 5849 section 3.1 makes
	// optional and some servers demand.
	OmitVersion bool
	// AllowHTTP lets requests to an API be signed for plain http beyond
	// loopback: everybody on the way reads them, though nobody can change
	// what is signed. PLAINTEXT, and the requests that obtain a token, stay
	// with https.
	AllowHTTP bool

	TemporaryCredentialEndpoint string // "request token URL"
	AuthorizationEndpoint       string // "authorize URL"
	TokenEndpoint               string // "access token URL"
	// Further parameters of the three legs. They cannot replace those of the
	// protocol. The values in AccessTokenParams and RequestTokenParams are
	// sent as a form, and signed; names that begin with "oauth_" travel with
	// the protocol parameters.
	RequestTokenParams, AuthorizeParams, AccessTokenParams url.Values

	// HTTP makes the requests; nil means a client with TLS 1.2 or later. It is
	// never modified. Its redirect policy is not used.
	HTTP *http.Client `json:"-"`
	// Timeout bounds each exchange with the server; 0 means 30 seconds.
	Timeout time.Duration
	// ClockOffset is added to this computer's clock, for a server whose clock
	// is wrong (RFC 5849 section 3.3).
	ClockOffset time.Duration

	now   func() time.Time // nil: the wall clock
	nonce func() string    // nil: random
}

// Placement is where the protocol parameters of a request are put: exactly
// one place (RFC 5849 section 3.5).
type Placement string

// The places of RFC 5849 section 3.5.
const (
	InHeader Placement = "header" // the Authorization header
	InQuery  Placement = "query"  // the URL; with PLAINTEXT the secrets too, for every log on the way
	InBody   Placement = "body"   // the form that is the body
)

// The signature methods: those of RFC 5849 section 3.4, and their younger
// kin with SHA-2.
const (
	HMACSHA1   = "HMAC-SHA1"
	HMACSHA256 = "HMAC-SHA256"
	HMACSHA512 = "HMAC-SHA512"
	RSASHA1    = "RSA-SHA1"
	RSASHA256  = "RSA-SHA256"
	RSASHA512  = "RSA-SHA512"
	Plaintext  = "PLAINTEXT"
)

// Format writes the consumer key, whatever the verb: fmt would print a
// private key that is no pointer.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client "+c.ConsumerKey) }

// LogValue makes log/slog write the consumer key only.
func (c Client) LogValue() slog.Value { return slog.StringValue("client " + c.ConsumerKey) }

// check refuses what no request can be made with.
func (c *Client) check() error {
	if c.ConsumerKey == "" {
		return requestError("the consumer key is missing")
	}
	switch c.placement() {
	case InHeader, InQuery, InBody:
	default:
		return requestError("the placement " + clean(string(c.Placement), maxCode) + " is not one of header, query, body")
	}
	m, known := methodNamed(c.method())
	if !known {
		return requestError("the signature method " + clean(c.SignatureMethod, maxCode) + " is not known; choose one of HMAC-SHA1, " +
			"HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256, RSA-SHA512, PLAINTEXT")
	}
	if !m.rsa {
		return nil
	}
	if c.PrivateKey == nil {
		return requestError(c.method() + " needs a private key")
	}
	if _, ok := c.PrivateKey.Public().(*rsa.PublicKey); !ok {
		return requestError(c.method() + " needs an RSA key, and the private key is of another kind")
	}
	return nil
}

func (c *Client) method() string {
	if c.SignatureMethod == "" {
		return HMACSHA1
	}
	return c.SignatureMethod
}

func (c *Client) placement() Placement {
	if c.Placement == "" {
		return InHeader
	}
	return c.Placement
}

func (c *Client) clock() time.Time {
	if c.now != nil {
		return c.now().Round(0)
	}
	return time.Now().Round(0)
}

// timestamp: "MUST be a positive integer" (RFC 5849 section 3.3).
func (c *Client) timestamp() (string, error) {
	seconds := c.clock().Add(c.ClockOffset).Unix()
	if seconds <= 0 {
		return "", requestError("the timestamp is not positive: set this computer's clock, or the clock offset")
	}
	return strconv.FormatInt(seconds, 10), nil
}

// newNonce is unique among all requests, and so among those of one timestamp
// (RFC 5849 section 3.3): 26 letters and digits, over 128 random bits. Some
// servers accept no other characters.
func (c *Client) newNonce() string {
	if c.nonce != nil {
		return c.nonce()
	}
	return rand.Text()
}
