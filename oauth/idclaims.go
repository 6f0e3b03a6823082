package oauth

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// The checks of an id_token's times, of its bond to one login, and of its
// bond to the tokens that came with it.

// when reads a time that may be absent.
func (v *idTokenVerifier) when(name string) (t time.Time, present, ok bool) {
	c, present := v.jwt.Claims[name]
	if !present {
		return t, false, false
	}
	t, ok = NumericDate(c)
	return t, true, ok
}

func (v *idTokenVerifier) checkExp() (string, error) {
	exp, present, ok := v.when("exp")
	switch {
	case !present || !ok: // required: OpenID Connect Core section 2
		return "missing or not a time", ErrExpired
	case !v.now.Before(exp.Add(leeway)):
		return "expired " + ago(v.now.Sub(exp)) + " ago" + v.doubt(), ErrExpired
	}
	return "in " + ago(exp.Sub(v.now)), nil
}

func (v *idTokenVerifier) checkNbf() (string, error) {
	nbf, present, ok := v.when("nbf")
	switch {
	case !present:
		return "not sent, not needed", nil
	case !ok:
		return "not a time", ErrIssuedAt
	case nbf.After(v.now.Add(leeway)):
		return "valid only in " + ago(nbf.Sub(v.now)) + v.doubt(), ErrIssuedAt
	}
	return "reached", nil
}

func (v *idTokenVerifier) checkIat() (string, error) {
	iat, present, ok := v.when("iat")
	switch {
	case !present || !ok: // required: OpenID Connect Core section 2
		return "missing or not a time", ErrIssuedAt
	case iat.After(v.now.Add(leeway)):
		return ago(iat.Sub(v.now)) + " in the future" + v.doubt(), ErrIssuedAt
	case v.now.Sub(iat) > oldestIssue:
		return ago(v.now.Sub(iat)) + " ago" + v.doubt(), ErrIssuedAt
	}
	return ago(v.now.Sub(iat)) + " ago", nil
}

func ago(d time.Duration) string { return d.Round(time.Second).String() }

// doubt blames this computer's clock as far as it can be blamed: where the
// server's is known, times were compared by that one.
func (v *idTokenVerifier) doubt() string {
	switch {
	case v.clock != "":
		return "; " + v.clock + ", which is allowed for already"
	case v.clockSet:
		return " by the server's own clock"
	}
	return "; is this computer's clock right?"
}

// checkClock never refuses: the times are compared by the server's clock. A
// person should hear of a wrong one all the same.
func (v *idTokenVerifier) checkClock() (string, error) { return v.clock + "; allowed for", nil }

func (v *idTokenVerifier) checkNonce() (string, error) {
	got, present := v.jwt.Claims["nonce"]
	switch {
	case v.refreshed:
		// Section 12.2: "SHOULD NOT have a nonce Claim … if present, MUST be the same".
		if old, known := v.previous["nonce"]; present && known && got != old {
			return "another one than at login", ErrNonce
		}
		return "absent, or as at login", nil
	case !v.nonceSent && !present:
		return "not sent, not needed", nil
	case !v.nonceSent:
		return "there is one, though none was sent", ErrNonce
	case !present && !v.front && v.client.Quirks != nil && v.client.Quirks.NoNonce:
		return "missing, as the profile says of this server", nil
	case !present:
		return "missing", ErrNonce
	case got != v.nonce:
		return "another one than was sent", ErrNonce
	}
	return "as sent", nil
}

func (v *idTokenVerifier) checkACR() (string, error) {
	acr := v.claim("acr")
	shown := clean(acr, maxURI)
	switch {
	case len(v.acrNeeded) > 0 && !slices.Contains(v.acrNeeded, acr):
		return "demanded " + clean(strings.Join(v.acrNeeded, " or "), maxDescription) + ", found " + shown, ErrACR
	case len(v.acrNeeded) > 0:
		return shown, nil
	case len(v.acrWished) > 0 && !slices.Contains(v.acrWished, acr):
		// Section 5.5.1.1: acr_values is a voluntary request.
		return "a wish that was not met; found " + shown, nil
	case acr == "":
		return "not sent, not needed", nil
	}
	return shown, nil
}

func (v *idTokenVerifier) checkAuthTime() (string, error) {
	at, present, ok := v.when("auth_time")
	if v.maxAge == nil {
		if !present || !ok {
			return "not sent, not needed", nil
		}
		return "signed in " + ago(v.now.Sub(at)) + " ago", nil
	}
	switch {
	case !present || !ok: // section 2: "when a max_age request is made … REQUIRED"
		return "missing or not a time, although max_age was sent", ErrAuthTime
	case v.now.Sub(at) > *v.maxAge+v.waited+leeway:
		return "signed in " + ago(v.now.Sub(at)) + " ago, allowed " + v.maxAge.String(), ErrAuthTime
	case at.After(v.now.Add(leeway)):
		return "in the future" + v.doubt(), ErrAuthTime
	}
	return "signed in " + ago(v.now.Sub(at)) + " ago", nil
}

// Through the browser the hashes are what binds token and code to the login:
// both are required there (sections 3.2.2.10 and 3.3.2.11).
func (v *idTokenVerifier) checkAtHash() (string, error) {
	return v.checkHash("at_hash", v.access.Reveal(), v.front)
}
func (v *idTokenVerifier) checkCHash() (string, error) {
	return v.checkHash("c_hash", v.code.Reveal(), v.front)
}
func (v *idTokenVerifier) checkSHash() (string, error) { return v.checkHash("s_hash", v.state, false) }

// checkHash: the left half of the hash of the ASCII value, with the hash of
// the signature algorithm (section 3.1.3.6). A refresh has neither code nor
// state, and then there is nothing to compare.
func (v *idTokenVerifier) checkHash(name, value string, required bool) (string, error) {
	claim, present := v.jwt.Claims[name]
	if !present && required && value != "" {
		return "missing", ErrHash
	}
	if !present || value == "" {
		return "not sent, not needed", nil
	}
	var sum []byte
	switch {
	case strings.HasSuffix(string(v.alg), "256"):
		h := sha256.Sum256([]byte(value))
		sum = h[:]
	case strings.HasSuffix(string(v.alg), "384"):
		h := sha512.Sum384([]byte(value))
		sum = h[:]
	default: // …512, and EdDSA: Ed25519 hashes with SHA-512
		h := sha512.Sum512([]byte(value))
		sum = h[:]
	}
	if claim != base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) {
		return "does not fit", ErrHash
	}
	return "fits", nil
}

// checkSameLogin: a refreshed id_token speaks of the same login (section 12.2).
func (v *idTokenVerifier) checkSameLogin() (string, error) {
	old := v.previous
	if old == nil {
		return "there was no id_token before", nil
	}
	if text(old, "iss") != v.claim("iss") {
		return "another issuer than at login", ErrIssuer
	}
	if text(old, "sub") != v.claim("sub") {
		return "another subject than at login", ErrSubject
	}
	aud := texts(v.jwt.Claims["aud"])
	for _, a := range texts(old["aud"]) {
		if !slices.Contains(aud, a) {
			return "an audience of the login is missing", ErrAudience
		}
	}
	if a, b := text(old, "azp"), v.claim("azp"); a != "" && b != "" && a != b {
		return "another azp than at login", ErrAudience
	}
	was, hadTime := NumericDate(old["auth_time"])
	is, hasTime := NumericDate(v.jwt.Claims["auth_time"])
	if hadTime && hasTime && !was.Equal(is) {
		return "another auth_time than at login", ErrAuthTime
	}
	return "iss, sub, aud and auth_time as at login", nil
}
