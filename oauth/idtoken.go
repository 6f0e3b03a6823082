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

const (
	// leeway for clocks that differ: computers on NTP agree to a second, those
	// without drift to some tens of seconds before anybody notices.
	leeway = 60 * time.Second
	// oldestIssue: an id_token of a login is seconds old. A day allows for
	// servers that hand out the one of the running session, and still tells a
	// computer with the wrong date.
	oldestIssue = 24 * time.Hour
	// maxSubject: "MUST NOT exceed 255 ASCII characters" (OpenID Connect Core section 2).
	maxSubject = 255
)

// idTokenVerifier validates one id_token (OpenID Connect Core sections
// 3.1.3.7, 3.1.3.8 and, for a refresh, 12.2).
type idTokenVerifier struct {
	client   *Client
	metadata *Metadata
	raw      Secret
	access   Secret
	now      time.Time

	nonce     string // what was sent
	nonceSent bool
	code      Secret
	state     string
	maxAge    *time.Duration
	acrNeeded []string
	acrWished []string
	refreshed bool
	previous  map[string]any // claims of the login, when refreshed

	jwt *JWT
	alg jose.SignatureAlgorithm
}

func (c *Client) idTokenVerifier(m *Metadata, t *Token) *idTokenVerifier {
	return &idTokenVerifier{client: c, metadata: m, raw: t.IDToken, access: t.AccessToken, now: c.clock()}
}

// idTokenCheck is one named check. It returns what it found, and why that is
// not acceptable.
type idTokenCheck struct {
	name, spec string
	run        func(*idTokenVerifier) (detail string, err error)
}

// checks in the order of the specification; signature has no run, because it
// may need the network and therefore comes last.
func (v *idTokenVerifier) checks() []idTokenCheck {
	list := []idTokenCheck{
		{"format", "OIDC Core 2, RFC 8725 3.11", (*idTokenVerifier).checkFormat},
		{"iss", "OIDC Core 3.1.3.7 (2)", (*idTokenVerifier).checkIss},
		{"sub", "OIDC Core 2", (*idTokenVerifier).checkSub},
		{"aud", "OIDC Core 3.1.3.7 (3)", (*idTokenVerifier).checkAud},
		{"azp", "OIDC Core 3.1.3.7 (4, 5)", (*idTokenVerifier).checkAzp},
		{"alg", "OIDC Core 3.1.3.7 (7)", (*idTokenVerifier).checkAlg},
		{"signature", "OIDC Core 3.1.3.7 (6)", nil},
		{"exp", "OIDC Core 3.1.3.7 (9)", (*idTokenVerifier).checkExp},
		{"nbf", "RFC 7519 4.1.5", (*idTokenVerifier).checkNbf},
		{"iat", "OIDC Core 3.1.3.7 (10)", (*idTokenVerifier).checkIat},
		{"nonce", "OIDC Core 3.1.3.7 (11)", (*idTokenVerifier).checkNonce},
		{"acr", "OIDC Core 3.1.3.7 (12)", (*idTokenVerifier).checkACR},
		{"auth_time", "OIDC Core 3.1.3.7 (13)", (*idTokenVerifier).checkAuthTime},
		{"at_hash", "OIDC Core 3.1.3.8", (*idTokenVerifier).checkAtHash},
		{"c_hash", "OIDC Core 3.3.2.11", (*idTokenVerifier).checkCHash},
		{"s_hash", "FAPI 1.0 Advanced 5.1.1", (*idTokenVerifier).checkSHash},
	}
	if v.refreshed {
		// Before the checks that a refresh forgives: an expired id_token of
		// somebody else is somebody else's.
		const afterAzp = 5
		list = slices.Insert(list, afterAzp,
			idTokenCheck{"same login", "OIDC Core 12.2", (*idTokenVerifier).checkSameLogin})
	}
	return list
}

// verify runs the cheap checks in order and the signature last, and returns
// the claims only if all hold. The checks come back also when one fails; those
// after it were not made.
func (v *idTokenVerifier) verify(ctx context.Context) (map[string]any, []Check, error) {
	var done []Check
	signature := -1
	for _, c := range v.checks() {
		check := Check{Name: c.name, Spec: c.spec, Detail: "not reached"}
		if c.run == nil {
			signature = len(done)
			done = append(done, check)
			continue
		}
		var err error
		check.Detail, err = c.run(v)
		check.OK = err == nil
		done = append(done, check)
		if err != nil {
			return nil, done, &CheckError{Check: check, Checks: done, Err: err}
		}
	}
	check := &done[signature]
	var err error
	check.Detail, err = v.checkSignature(ctx)
	check.OK = err == nil
	if err != nil {
		return nil, done, &CheckError{Check: *check, Checks: done, Err: err}
	}
	return v.jwt.Claims, done, nil
}

func (v *idTokenVerifier) claim(name string) string { return text(v.jwt.Claims, name) }

func (v *idTokenVerifier) checkFormat() (string, error) {
	jwt, err := parseJWT(v.raw.Reveal())
	if err != nil {
		return "", err
	}
	v.jwt = jwt
	if jwt.Kind == Encrypted {
		return "encrypted, and there is no key to decrypt it", ErrEncrypted
	}
	// RFC 7515 section 4.1.11: extensions that are not understood. None is.
	if _, critical := jwt.Header["crit"]; critical {
		return "it demands an extension (crit)", ErrMalformed
	}
	// RFC 9068 section 5 and RFC 8725 section 3.11: other kinds of JWT name
	// themselves in typ, and none of them is an id_token.
	typ := strings.TrimPrefix(strings.ToLower(text(jwt.Header, "typ")), "application/")
	switch typ {
	case "":
		return "a JWT without typ", nil
	case "jwt", "id_token", "id_token+jwt":
		return "typ " + typ, nil
	}
	return "typ " + clean(typ, maxCode), &reasoned{ErrMalformed, "it is another kind of JWT"}
}

func (v *idTokenVerifier) checkIss() (string, error) {
	iss := v.claim("iss")
	if iss == "" || iss != v.metadata.Issuer {
		return "expected " + clean(v.metadata.Issuer, maxURI) + ", found " + clean(iss, maxURI), ErrIssuer
	}
	return clean(iss, maxURI), nil
}

func (v *idTokenVerifier) checkSub() (string, error) {
	sub := v.claim("sub")
	if sub == "" {
		return "missing", ErrSubject
	}
	if len(sub) > maxSubject {
		return "longer than 255 characters", ErrSubject
	}
	return clean(sub, maxSubject), nil
}

func (v *idTokenVerifier) checkAud() (string, error) {
	aud := texts(v.jwt.Claims["aud"])
	found := clean(strings.Join(aud, ", "), maxDescription)
	if !slices.Contains(aud, v.client.ID) {
		return "this client is not in: " + found, ErrAudience
	}
	for _, a := range aud {
		if a != v.client.ID && !slices.Contains(v.client.TrustedAudiences, a) {
			return "it also names an audience that is not trusted: " + clean(a, maxURI), ErrAudience
		}
	}
	return found, nil
}

func (v *idTokenVerifier) checkAzp() (string, error) {
	_, present := v.jwt.Claims["azp"]
	azp := v.claim("azp")
	switch {
	case !present && len(texts(v.jwt.Claims["aud"])) > 1:
		return "missing although there are several audiences", ErrAudience
	case !present:
		return "not sent, not needed", nil
	case azp != v.client.ID:
		return "issued to " + clean(azp, maxURI), ErrAudience
	}
	return "this client", nil
}

func (v *idTokenVerifier) checkAlg() (string, error) {
	alg := text(v.jwt.Header, "alg")
	v.alg = jose.SignatureAlgorithm(alg)
	shown := clean(alg, maxCode)
	if v.jwt.Kind != Signed {
		return shown + ": not signed", ErrAlgorithm
	}
	if want := v.client.IDTokenAlg; want != "" && alg != want {
		return "expected " + want + ", found " + shown, ErrAlgorithm
	}
	listed := v.metadata.IDTokenSigningAlgsSupported
	switch v.alg {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
		// "The alg value SHOULD be the default of RS256 or the algorithm"
		// registered; beyond that, what the server announces.
		if !allows(listed, alg) && alg != string(jose.RS256) {
			return shown + " is not among those the server lists", ErrAlgorithm
		}
		return shown, nil
	case jose.HS256, jose.HS384, jose.HS512:
		// Item 8: the key is the client secret. Only where a MAC is expected:
		// otherwise a public key could be passed off as the secret.
		if v.client.Secret == "" || v.client.IDTokenAlg != alg && (listed == nil || !slices.Contains(listed, alg)) {
			return shown + " is not expected here", ErrAlgorithm
		}
		return shown + " with the client secret", nil
	}
	return shown + " is not known", ErrAlgorithm
}

func (v *idTokenVerifier) checkSignature(ctx context.Context) (string, error) {
	// Only the pinned key set counts: jwk, jku and x5u in the header are the
	// sender's own claims (RFC 8725 section 3.10), and are ignored.
	jws, err := jose.ParseSignedCompact(v.raw.Reveal(), []jose.SignatureAlgorithm{v.alg})
	if err != nil {
		return "", ErrMalformed
	}
	if strings.HasPrefix(string(v.alg), "HS") {
		if _, err := jws.Verify([]byte(v.client.Secret.Reveal())); err != nil {
			return "the MAC does not fit the client secret", ErrSignature
		}
		return "MAC with the client secret", nil
	}
	if v.metadata.JWKSURI == "" {
		return "the server publishes no jwks_uri", ErrNoKey
	}
	kid := text(v.jwt.Header, "kid")
	keys, err := v.client.keys().find(ctx, v.client.HTTP, v.client.Timeout, v.metadata.JWKSURI, kid, v.alg)
	if err != nil {
		if errors.Is(err, ErrNoKey) {
			return "key " + clean(kid, maxCode), err
		}
		return "the keys cannot be fetched", err
	}
	for i := range keys {
		if _, err := jws.Verify(&keys[i]); err == nil {
			return fmt.Sprintf("%s, key %s", v.alg, clean(keys[i].KeyID, maxCode)), nil
		}
	}
	return "key " + clean(kid, maxCode), ErrSignature
}
