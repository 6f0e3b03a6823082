package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// What every JWT from the server goes through, be it an id_token, a response
// of the authorization endpoint (JARM) or of userinfo.

// jwtRules say how a kind of JWT may be protected.
type jwtRules struct {
	alg     string   // the one algorithm of the client's registration; "" any listed
	listed  []string // algorithms that the server's metadata lists; nil: none said
	keyAlg  string   // key management of the client's registration; "" none or any
	content string   // content encryption likewise
}

// decrypt takes the encryption off a JWT: what is inside must be a signed one
// (RFC 7519 section 5.2), because anybody can encrypt to a public key. A JWT
// that is not encrypted comes back as it is, unless it should be.
func (c *Client) decrypt(raw Secret, rules jwtRules) (inside Secret, detail string, err error) {
	if strings.Count(raw.Reveal(), ".") != 4 {
		if rules.keyAlg != "" {
			// OpenID Connect Core section 3.1.3.7 (1): "the RP SHOULD reject it".
			return "", "not encrypted, although " + clean(rules.keyAlg, maxCode) + " was agreed on", ErrAlgorithm
		}
		return raw, "", nil
	}
	jwe, err := jose.ParseEncryptedCompact(raw.Reveal(), keyAlgs(), contentAlgs())
	if err != nil {
		return "", "it is encrypted in a way that is not known here", ErrEncrypted
	}
	alg, enc := jwe.Header.Algorithm, fmt.Sprint(jwe.Header.ExtraHeaders["enc"])
	shown := clean(alg, maxCode) + " with " + clean(enc, maxCode)
	if rules.keyAlg != "" && alg != rules.keyAlg || rules.content != "" && enc != rules.content {
		return "", "it is encrypted by " + shown + ", expected " + clean(rules.keyAlg+" "+rules.content, maxCode), ErrAlgorithm
	}
	for _, key := range c.PrivateKeys.decryptionKeys(jwe.Header.KeyID, jose.KeyAlgorithm(alg)) {
		plain, err := jwe.Decrypt(key.Key)
		if err != nil {
			continue
		}
		if strings.Count(string(plain), ".") != 2 {
			return "", "what is encrypted is not a signed JWT", ErrMalformed
		}
		return Secret(plain), shown, nil
	}
	return "", "no private key of the profile opens it (" + shown + ", key " + clean(jwe.Header.KeyID, maxCode) + ")", ErrEncrypted
}

// acceptAlg decides whether a signature algorithm may be used (RFC 8725
// section 3.1), before a key is looked for.
func (c *Client) acceptAlg(jwt *JWT, rules jwtRules) (alg jose.SignatureAlgorithm, detail string, err error) {
	name := text(jwt.Header, "alg")
	alg = jose.SignatureAlgorithm(name)
	shown := clean(name, maxCode)
	if jwt.Kind != Signed {
		return "", shown + ": not signed", ErrAlgorithm
	}
	if rules.alg != "" && name != rules.alg {
		return "", "expected " + clean(rules.alg, maxCode) + ", found " + shown, ErrAlgorithm
	}
	if c.Strict && !strictAlg(name) {
		return "", shown + " is not one of FAPI 2.0 (PS256, ES256, EdDSA)", ErrAlgorithm
	}
	switch alg {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
		// "The alg value SHOULD be the default of RS256 or the algorithm"
		// registered; beyond that, what the server announces.
		if rules.alg == "" && !allows(rules.listed, name) && alg != jose.RS256 {
			return "", shown + " is not among those the server lists", ErrAlgorithm
		}
		return alg, shown, nil
	case jose.HS256, jose.HS384, jose.HS512:
		// A MAC proves something only between two that share a secret, and only
		// where it is expected: otherwise it is the classic way to pass a public
		// key off as one (RFC 8725 section 2.1).
		if c.Secret == "" || rules.alg != name && !slices.Contains(rules.listed, name) {
			return "", shown + " is not expected here", ErrAlgorithm
		}
		return alg, shown + " with the client secret", nil
	}
	return "", shown + " is not known", ErrAlgorithm
}

// checkSignature verifies with the issuer's keys, or the client secret for a
// MAC. Only the pinned key set counts: jwk, jku and x5u in the header are the
// sender's own claims (RFC 8725 section 3.10), and are ignored.
func (c *Client) checkSignature(ctx context.Context, m *Metadata, raw Secret, jwt *JWT, alg jose.SignatureAlgorithm) (detail string, err error) {
	jws, err := jose.ParseSignedCompact(raw.Reveal(), []jose.SignatureAlgorithm{alg})
	if err != nil {
		return "", ErrMalformed
	}
	if strings.HasPrefix(string(alg), "HS") {
		if _, err := jws.Verify(macKey(c.Secret, string(alg))); err != nil {
			return "the MAC does not fit the client secret", ErrSignature
		}
		return "MAC with the client secret", nil
	}
	if m.JWKSURI == "" {
		return "the server publishes no jwks_uri", ErrNoKey
	}
	kid := text(jwt.Header, "kid")
	keys, err := c.keys().findAt(ctx, keyPlace{m.JWKSURI, c.HTTP}, c.http(), c.Timeout, kid, alg)
	if err != nil {
		if errors.Is(err, ErrNoKey) {
			return "key " + clean(kid, maxCode), err
		}
		return "the keys cannot be fetched", err
	}
	for i := range keys {
		if c.Strict && !strictKey(keys[i].Key) {
			continue
		}
		if _, err := jws.Verify(&keys[i]); err == nil {
			return fmt.Sprintf("%s, key %s", alg, clean(keys[i].KeyID, maxCode)), nil
		}
	}
	return "key " + clean(kid, maxCode), ErrSignature
}

// clockAt is the time as the server at an address has it, and what is wrong
// with this computer's clock: "" when nothing worth a word, or nothing known.
func (c *Client) clockAt(endpoint string) (now time.Time, wrong string, known bool) {
	now = c.clock()
	offset, known := c.servers().ClockOffset(endpoint)
	if !known {
		return now, "", false
	}
	return now.Add(offset), ClockWords(offset), true
}

// clockWorth: under it a difference is the network's.
const clockWorth = 5 * time.Second

// ClockWords says what is wrong with this computer's clock, given how far a
// server's is ahead of it: "your clock is 1m33s behind"; "" when it is right to
// within five seconds.
func ClockWords(offset time.Duration) string {
	switch {
	case offset >= clockWorth:
		return "your clock is " + clockAmount(offset) + " behind"
	case offset <= -clockWorth:
		return "your clock is " + clockAmount(-offset) + " ahead"
	}
	return ""
}

// clockAmount: seconds as far as people count in them.
func clockAmount(d time.Duration) string {
	if d < 3*time.Minute {
		return fmt.Sprintf("%d s", int(d/time.Second))
	}
	return ago(d)
}
