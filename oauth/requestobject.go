package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Signed and encrypted authorization requests: the request object of RFC 9101
// (JAR), by value or pushed.

// requestObjectLife: long enough for a slow browser, and FAPI 2.0 Message
// Signing (section 5.3.1) allows an hour.
const requestObjectLife = 5 * time.Minute

// signsRequests says whether logins are signed: when client or server demand
// it, or an algorithm is chosen.
func (c *Client) signsRequests() bool {
	return c.RequireSignedRequestObject || c.RequestObjectSigningAlg != "" || c.RequestObjectEncryptionAlg != "" ||
		c.Metadata.RequireSignedRequestObject
}

// requestObject moves the parameters into a JWT signed with the client's key
// (RFC 9101 section 4), encrypted to the server if that is wanted (section
// 6.1: signed first). It returns what stays outside.
func (a *Authorization) requestObject(ctx context.Context, form url.Values) (url.Values, error) {
	c, m := a.client, a.metadata
	switch {
	case m.Issuer == "":
		return nil, requestError("a signed request needs the issuer as its audience (aud)")
	case strings.EqualFold(c.RequestObjectSigningAlg, "none"):
		return nil, requestError("a request object must be signed, and request_object_signing_alg is none")
	}
	listed := m.RequestObjectSigningAlgsSupported
	if c.Strict {
		listed = strictAlgs(listed)
	}
	key, err := c.PrivateKeys.signer(c.RequestObjectSigningAlg, listed)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(m.AuthorizationEndpoint)
	if err != nil {
		return nil, requestError("the authorization endpoint is not a URL")
	}
	// RFC 9101 section 10.8: an explicit type, so that it is taken for nothing else.
	compact, err := key.sign("oauth-authz-req+jwt", a.requestClaims(form, c.serverTime(u)))
	if err != nil {
		return nil, err
	}
	if c.RequestObjectEncryptionAlg != "" {
		if compact, err = c.encryptTo(ctx, m, compact); err != nil {
			return nil, err
		}
	}
	outside := url.Values{"client_id": {c.ID}, "request": {compact}}
	if !c.pushes() && a.nonce != "" {
		// OpenID Connect Core section 6.1 wants both outside as well; servers of
		// RFC 9101 ignore them. The scopes beyond openid stay inside.
		outside.Set("response_type", form.Get("response_type"))
		outside.Set("scope", "openid")
	}
	return outside, nil
}

// requestClaims: iss is the client, aud the issuer, and every parameter a
// claim. request and request_uri are not among them (RFC 9101 section 4).
func (a *Authorization) requestClaims(form url.Values, now time.Time) map[string]any {
	claims := map[string]any{
		"iss": a.client.ID, "aud": a.metadata.Issuer, "jti": randomText(),
		"iat": now.Unix(), "nbf": now.Add(-beforeNow).Unix(), "exp": now.Add(requestObjectLife).Unix(),
	}
	for name, values := range form {
		if _, taken := claims[name]; taken || name == "request" || name == "request_uri" || name == "sub" {
			continue // sub would make it a client assertion (section 10.8)
		}
		claims[name] = requestClaim(name, values)
	}
	return claims
}

// requestClaim: numbers are JSON numbers, and what is JSON already stays so.
func requestClaim(name string, values []string) any {
	switch name {
	case "max_age":
		if n, err := strconv.ParseInt(values[0], 10, 64); err == nil {
			return n
		}
	case "claims", "authorization_details", "registration":
		if json.Valid([]byte(values[0])) {
			return json.RawMessage(values[0])
		}
	}
	if len(values) > 1 {
		return values
	}
	return values[0]
}

// keyAlgs are the key management algorithms that this package encrypts and
// decrypts with; contentAlgs the content encryption. RSA1_5 is not among them:
// RFC 8725 section 3.2.
func keyAlgs() []jose.KeyAlgorithm {
	return []jose.KeyAlgorithm{
		jose.RSA_OAEP_256, jose.RSA_OAEP, jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A192KW, jose.ECDH_ES_A256KW,
	}
}

func contentAlgs() []jose.ContentEncryption {
	return []jose.ContentEncryption{
		jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512, jose.A128GCM, jose.A192GCM, jose.A256GCM,
	}
}

// encryptTo encrypts a JWT to a key that the server publishes for it.
func (c *Client) encryptTo(ctx context.Context, m *Metadata, compact string) (string, error) {
	alg, enc := jose.KeyAlgorithm(c.RequestObjectEncryptionAlg), jose.ContentEncryption(c.RequestObjectEncryptionEnc)
	if enc == "" {
		enc = jose.A128CBC_HS256 // OpenID Connect Registration section 2
	}
	if !slices.Contains(keyAlgs(), alg) || !slices.Contains(contentAlgs(), enc) {
		return "", requestError("request objects cannot be encrypted with " + clean(string(alg), maxCode) + " and " +
			clean(string(enc), maxCode))
	}
	if m.JWKSURI == "" {
		return "", requestError("the server publishes no keys (jwks_uri) to encrypt the request to")
	}
	ans, err := get(ctx, c.http(), "key set", m.JWKSURI, c.Timeout)
	if err != nil {
		return "", err
	}
	if _, err := ans.object(); err != nil {
		return "", err
	}
	for _, key := range readKeys(ans.body) {
		if !encryptsTo(&key, alg) {
			continue
		}
		opts := (&jose.EncrypterOptions{}).WithType("oauth-authz-req+jwt").WithContentType("JWT")
		e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key.Key, KeyID: key.KeyID}, opts)
		if err != nil {
			continue
		}
		jwe, err := e.Encrypt([]byte(compact))
		if err != nil {
			continue
		}
		return jwe.CompactSerialize()
	}
	return "", &reasoned{ErrNoKey, "none of its keys is for encryption with " + string(alg)}
}

// encryptsTo picks a server's key by use, alg and type.
func encryptsTo(k *jose.JSONWebKey, alg jose.KeyAlgorithm) bool {
	if k.Use != "enc" && (k.Use != "" || k.Algorithm != string(alg)) || k.Algorithm != "" && k.Algorithm != string(alg) {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RSA") && key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return strings.HasPrefix(string(alg), "ECDH")
	}
	return false
}
