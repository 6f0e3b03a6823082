package oauth

import (
	"maps"
	"net/url"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	// assertionLifetime: long enough for clocks that differ, short enough
	// that a lost one is worth nothing ("a reasonable … lifetime", RFC 7523
	// section 3, item 4).
	assertionLifetime = 5 * time.Minute
	// maxAssertionLifetime: Google refuses more than an hour.
	maxAssertionLifetime = time.Hour
)

// AssertionClaims is what an assertion says (RFC 7523 section 3).
type AssertionClaims struct {
	Issuer  string // iss; of a client for itself: its client_id
	Subject string // sub: whom the token will be for
	// OmitSubject leaves sub out, against RFC 7523: Google takes it for a
	// person to act for.
	OmitSubject bool
	Audience    string        // aud: the issuer of the authorization server
	Lifetime    time.Duration // until exp; 0 means five minutes, an hour is the most
	IssuedAt    time.Time     // iat; zero means now
	Extra       map[string]any
	KeyID       string // kid: which of the keys; empty means the first that fits
	Alg         string // empty means what fits the key
}

// MakeAssertion signs an assertion for [Client.JWTBearer] with one of keys.
// Each has a jti of its own; make a new one for every request.
func MakeAssertion(keys *PrivateKeys, a AssertionClaims) (Secret, error) {
	claims, err := a.claims()
	if err != nil {
		return "", err
	}
	key, err := keys.WithKeyID(a.KeyID).signer(a.Alg, nil)
	if err != nil {
		return "", err
	}
	if a.KeyID != "" && key.jwk.KeyID != a.KeyID {
		return "", requestError("the key " + clean(a.KeyID, maxCode) + " does not sign with " + clean(a.Alg, maxCode))
	}
	compact, err := key.sign("JWT", claims)
	return Secret(compact), err
}

// MakeAssertion makes an assertion in the client's name: what a leaves out is
// the client (Issuer, Subject), its server (Audience, see
// AssertionAudience), and the time by the server's clock. HS256 and its kin
// use the client secret as the key.
func (c *Client) MakeAssertion(a AssertionClaims) (Secret, error) {
	if a.Issuer == "" {
		a.Issuer = c.ID
	}
	if a.Subject == "" && !a.OmitSubject {
		a.Subject = a.Issuer
	}
	var endpoint string
	if c.Metadata != nil {
		endpoint = c.Metadata.TokenEndpoint
	}
	if a.Audience == "" {
		// The issuer, as one string: an assertion for one server must be
		// worthless at another.
		switch a.Audience = c.AssertionAudience; a.Audience {
		case "", "issuer":
			if a.Audience = endpoint; c.Metadata != nil && c.Metadata.Issuer != "" {
				a.Audience = c.Metadata.Issuer
			}
		case "token_endpoint":
			a.Audience = endpoint
		}
	}
	if a.IssuedAt.IsZero() {
		a.IssuedAt = c.clock()
		if u, err := url.Parse(endpoint); err == nil {
			a.IssuedAt = c.serverTime(u)
		}
	}
	if slices.Contains([]string{"HS256", "HS384", "HS512"}, a.Alg) {
		claims, err := a.claims()
		if err != nil {
			return "", err
		}
		if c.Secret == "" {
			return "", requestError(a.Alg + " needs a client secret")
		}
		compact, err := signingKey{alg: a.Alg, jwk: jose.JSONWebKey{Key: macKey(c.Secret, a.Alg), KeyID: a.KeyID}}.sign("JWT", claims)
		return Secret(compact), err
	}
	return MakeAssertion(c.PrivateKeys, a)
}

// claims are the fields, and of Extra what they leave open.
func (a AssertionClaims) claims() (map[string]any, error) {
	switch {
	case a.Issuer == "":
		return nil, requestError("the assertion has no issuer (iss)")
	case a.Subject == "" && !a.OmitSubject:
		return nil, requestError("the assertion has no subject (sub)")
	case a.Audience == "":
		return nil, requestError("the assertion has no audience (aud)")
	case a.Lifetime < 0 || a.Lifetime > maxAssertionLifetime:
		return nil, requestError("the assertion may live an hour at most")
	}
	now, life := a.IssuedAt, a.Lifetime
	if now.IsZero() {
		now = time.Now()
	}
	if life == 0 {
		life = assertionLifetime
	}
	claims := maps.Clone(a.Extra)
	if claims == nil {
		claims = make(map[string]any, 6)
	}
	claims["iss"], claims["aud"], claims["jti"] = a.Issuer, a.Audience, randomText()
	claims["iat"], claims["exp"] = now.Unix(), now.Add(life).Unix()
	if delete(claims, "sub"); a.Subject != "" {
		claims["sub"] = a.Subject
	}
	return claims, nil
}
