package oauth

import (
	"context"
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
	token    *Token // gets the id_token without its encryption
	raw      Secret
	access   Secret
	now      time.Time // by the server's clock, where it is known
	clock    string    // what is wrong with this computer's, "" if nothing
	clockSet bool      // the server's is known

	nonce     string // what was sent
	nonceSent bool
	prefix    string // of the checks' names
	front     bool   // it came through the browser, with what its hashes bind
	code      Secret
	state     string
	maxAge    *time.Duration
	waited    time.Duration // since the request: max_age counts to there
	acrNeeded []string
	acrWished []string
	refreshed bool
	previous  map[string]any // claims of the login, when refreshed

	jwt *JWT
	alg jose.SignatureAlgorithm
}

func (c *Client) idTokenVerifier(m *Metadata, t *Token) *idTokenVerifier {
	v := &idTokenVerifier{client: c, metadata: m, token: t, raw: t.IDToken, access: t.AccessToken}
	endpoint := m.TokenEndpoint
	if endpoint == "" {
		endpoint = m.AuthorizationEndpoint
	}
	v.now, v.clock, v.clockSet = c.clockAt(endpoint)
	return v
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
	if v.clock != "" {
		const beforeExp = 9
		list = slices.Insert(list, len(list)-beforeExp, idTokenCheck{"clock", "RFC 7519 4.1.4", (*idTokenVerifier).checkClock})
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
// after it were not made. The token keeps what was signed, without encryption: a
// later id_token_hint must be that (section 3.1.2.1).
func (v *idTokenVerifier) verify(ctx context.Context) (map[string]any, []Check, error) {
	var done []Check
	signature := -1
	for _, c := range v.checks() {
		check := Check{Name: v.prefix + c.name, Spec: c.spec, Detail: "not reached"}
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
	v.token.IDToken = v.raw
	return v.jwt.Claims, done, nil
}

func (v *idTokenVerifier) claim(name string) string { return text(v.jwt.Claims, name) }

func (v *idTokenVerifier) checkFormat() (string, error) {
	inside, encryption, err := v.client.decrypt(v.raw, v.rules())
	if err != nil {
		return encryption, err
	}
	v.raw = inside
	jwt, err := parseJWT(v.raw.Reveal())
	if err != nil {
		return "", err
	}
	v.jwt = jwt
	// RFC 7515 section 4.1.11: extensions that are not understood. None is.
	if _, critical := jwt.Header["crit"]; critical {
		return "it demands an extension (crit)", ErrMalformed
	}
	// RFC 9068 section 5 and RFC 8725 section 3.11: other kinds of JWT name
	// themselves in typ, and none of them is an id_token.
	typ := strings.TrimPrefix(strings.ToLower(text(jwt.Header, "typ")), "application/")
	switch typ {
	case "":
		return found("a JWT without typ", encryption), nil
	case "jwt", "id_token", "id_token+jwt":
		return found("typ "+typ, encryption), nil
	}
	return "typ " + clean(typ, maxCode), &reasoned{ErrMalformed, "it is another kind of JWT"}
}

func found(what, encryption string) string {
	if encryption == "" {
		return what
	}
	return what + ", encrypted by " + encryption
}

func (v *idTokenVerifier) checkIss() (string, error) {
	iss, want := v.claim("iss"), v.metadata.Issuer
	if v.client.TemplateIssuer {
		want = tenantIssuer(want, v.claim("tid"))
	}
	if iss == "" || iss != want {
		return "expected " + clean(want, maxURI) + ", found " + clean(iss, maxURI), ErrIssuer
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

func (v *idTokenVerifier) checkAlg() (detail string, err error) {
	v.alg, detail, err = v.client.acceptAlg(v.jwt, v.rules())
	return detail, err
}

func (v *idTokenVerifier) rules() jwtRules {
	return jwtRules{
		alg: v.client.IDTokenAlg, listed: v.metadata.IDTokenSigningAlgsSupported,
		keyAlg: v.client.IDTokenEncryptionAlg, content: v.client.IDTokenEncryptionEnc,
	}
}

func (v *idTokenVerifier) checkSignature(ctx context.Context) (string, error) {
	return v.client.checkSignature(ctx, v.metadata, v.raw, v.jwt, v.alg)
}
