package oauth

import (
	"net/url"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Client authentication with a JWT (RFC 7523 section 2.2, OpenID Connect Core
// section 9).

const (
	// clientAssertionLife: it is used at once; a minute is for slow networks.
	clientAssertionLife = time.Minute
	// beforeNow: a server whose clock is a little behind must not find an
	// assertion from the future. FAPI 2.0 has servers forgive ten seconds;
	// this is for those that forgive none.
	beforeNow = 10 * time.Second

	assertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// authAssertion sends the JWT and nothing else that authenticates (RFC 7521
// section 4.2: client_id is optional, and "MUST identify the same client").
// It is made anew for every request: "jti" works once.
func (c *Client) authAssertion(o *outgoing, key signingKey) error {
	jwt, err := key.sign("JWT", c.assertionClaims(o.endpoint))
	if err != nil {
		return err
	}
	o.form.Del("client_secret")
	o.form.Set("client_id", c.ID)
	o.form.Set("client_assertion_type", assertionTypeJWT)
	o.form.Set("client_assertion", jwt)
	return nil
}

func (c *Client) assertionClaims(endpoint *url.URL) map[string]any {
	now := c.serverTime(endpoint)
	life := c.AssertionLifetime
	if life <= 0 {
		life = clientAssertionLife
	}
	return map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": c.assertionAudience(endpoint), "jti": randomText(),
		"iat": now.Unix(), "nbf": now.Add(-beforeNow).Unix(), "exp": now.Add(life).Unix(),
	}
}

// assertionAudience: "The issuer identifier … SHALL be the only value"
// (draft-ietf-oauth-rfc7523bis section 4): an assertion for one server's
// endpoint cannot be used at another server that names the same one.
func (c *Client) assertionAudience(endpoint *url.URL) string {
	issuer := ""
	if c.Metadata != nil {
		issuer = c.Metadata.Issuer
	}
	switch aud := c.AssertionAudience; {
	case issuer != "" && (aud == "" || aud == "issuer"):
		return issuer
	case aud != "" && aud != "issuer" && aud != "token_endpoint":
		return aud
	}
	return endpoint.String()
}

func (c *Client) authPrivateKeyJWT(o *outgoing) error {
	listed := c.authAlgs()
	if c.Strict { // FAPI 2.0 Security Profile section 5.4.1
		if listed == nil {
			listed = []string{"PS256", "ES256", "EdDSA"}
		}
		listed = slices.DeleteFunc(slices.Clone(listed), func(alg string) bool { return !strictAlg(alg) })
	}
	key, err := c.PrivateKeys.signer(c.AuthSigningAlg, listed)
	if err != nil {
		return err
	}
	return c.authAssertion(o, key)
}

// authSecretJWT signs with the client secret (OpenID Connect Core section 9:
// "an HMAC SHA algorithm, such as HMAC SHA-256").
func (c *Client) authSecretJWT(o *outgoing) error {
	alg := c.AuthSigningAlg
	if alg == "" {
		alg = "HS256"
		if listed := c.authAlgs(); listed != nil && !slices.Contains(listed, alg) {
			for _, other := range [...]string{"HS384", "HS512"} {
				if slices.Contains(listed, other) {
					alg = other
					break
				}
			}
		}
	}
	if alg != "HS256" && alg != "HS384" && alg != "HS512" {
		return requestError("client_secret_jwt is signed with HS256, HS384 or HS512, not with " + clean(alg, maxCode))
	}
	return c.authAssertion(o, signingKey{alg: alg, jwk: jose.JSONWebKey{Key: macKey(c.Secret, alg)}})
}

func (c *Client) authAlgs() []string {
	if c.Metadata == nil {
		return nil
	}
	return c.Metadata.TokenEndpointAuthSigningAlgsSupported
}

// authTLS: the certificate speaks for the client, and "the client_id
// parameter" tells which (RFC 8705 section 2).
func (c *Client) authTLS(o *outgoing) error {
	if err := c.showCertificate(o); err != nil {
		return err
	}
	return c.authNone(o)
}

// showCertificate has the request made with the client's certificate.
func (c *Client) showCertificate(o *outgoing) error {
	if o.endpoint.Scheme != "https" {
		return requestError("a client certificate needs https, and this endpoint has none")
	}
	if leaf := c.Certificate.Leaf; leaf != nil && c.clock().After(leaf.NotAfter) {
		return requestError("the client certificate expired on " + leaf.NotAfter.UTC().Format(time.DateOnly) + "; get a new one")
	}
	o.certificate = true
	return nil
}

// authCustom fills the profile's templates. What they hold may be secret even
// where the client secret is not in it.
func (c *Client) authCustom(o *outgoing) error {
	o.form.Del("client_id")
	o.form.Del("client_secret")
	fill := func(template string) string {
		value := c.fillIn(template, "")
		if template != "{client_id}" {
			o.secrets = append(o.secrets, value)
		}
		return value
	}
	for name, template := range c.CustomAuth.Query {
		o.query.Set(name, fill(template))
	}
	for name, template := range c.CustomAuth.Body {
		if !mayOmit(name) && !strings.HasPrefix(name, "client_") {
			return requestError("custom client authentication cannot set " + clean(name, maxCode))
		}
		o.form.Set(name, fill(template))
	}
	for name, template := range c.CustomAuth.Header {
		o.header.Set(name, fill(template))
	}
	return nil
}
