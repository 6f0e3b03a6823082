package oauth

import (
	"crypto/elliptic"
	"errors"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Every id_token that must be refused, and by which check,
//
func TestIDTokenRefused(t *testing.T) {
	now := time.Now().Unix()
	hour := time.Hour
	essential := url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"values":["gold"]}}}`}}
	tests := []struct {
		name   string
		claims map[string]any
		header map[string]any
		extra  url.Values
		maxAge *time.Duration
		check  string
		want   error
	}{
		{name: "foreign issuer", claims: map[string]any{"iss": "https://evil.example"}, check: "iss", want: ErrIssuer},
		{name: "issuer with a slash more", claims: map[string]any{"iss": "/"}, check: "iss", want: ErrIssuer},
		{name: "no issuer", claims: map[string]any{"iss": nil}, check: "iss", want: ErrIssuer},
		{name: "no subject", claims: map[string]any{"sub": nil}, check: "sub", want: ErrSubject},
		{name: "wrong audience", claims: map[string]any{"aud": "other"}, check: "aud", want: ErrAudience},
		{name: "no audience", claims: map[string]any{"aud": nil}, check: "aud", want: ErrAudience},
		{name: "audience not trusted", claims: map[string]any{"aud": []string{"client", "other"}, "azp": "client"}, check: "aud", want: ErrAudience},
		{name: "two audiences without azp", claims: map[string]any{"aud": []string{"client", "trusted"}}, check: "azp", want: ErrAudience},
		{name: "azp of another", claims: map[string]any{"azp": "other"}, check: "azp", want: ErrAudience},
		{name: "azp of no type", claims: map[string]any{"azp": 7}, check: "azp", want: ErrAudience},
		{name: "expired", claims: map[string]any{"exp": now - 61}, check: "exp", want: ErrExpired},
		{name: "no exp", claims: map[string]any{"exp": nil}, check: "exp", want: ErrExpired},
		{name: "exp is text", claims: map[string]any{"exp": "soon"}, check: "exp", want: ErrExpired},
		{name: "not yet", claims: map[string]any{"nbf": now + 120}, check: "nbf", want: ErrIssuedAt},
		{name: "from the future", claims: map[string]any{"iat": now + 120}, check: "iat", want: ErrIssuedAt},
		{name: "from long ago", claims: map[string]any{"iat": now - 100_000}, check: "iat", want: ErrIssuedAt},
		{name: "no iat", claims: map[string]any{"iat": nil}, check: "iat", want: ErrIssuedAt},
		{name: "another nonce", claims: map[string]any{"nonce": "x"}, check: "nonce", want: ErrNonce},
		{name: "no nonce", claims: map[string]any{"nonce": nil}, check: "nonce", want: ErrNonce},
		{name: "at_hash of another token", claims: map[string]any{"at_hash": "x"}, check: "at_hash", want: ErrHash},
		{name: "c_hash of another code", claims: map[string]any{"c_hash": "x"}, check: "c_hash", want: ErrHash},
		{name: "s_hash of another state", claims: map[string]any{"s_hash": "x"}, check: "s_hash", want: ErrHash},
		{name: "no auth_time", claims: map[string]any{"auth_time": nil}, maxAge: &hour, check: "auth_time", want: ErrAuthTime},
		{name: "signed in too long ago", claims: map[string]any{"auth_time": now - 3700}, maxAge: &hour, check: "auth_time", want: ErrAuthTime},
		{name: "max_age as extra", claims: map[string]any{"auth_time": now - 3700}, extra: url.Values{"max_age": {"3600"}}, check: "auth_time", want: ErrAuthTime},
		{name: "essential acr missing", extra: essential, check: "acr", want: ErrACR},
		{name: "essential acr not met", claims: map[string]any{"acr": "tin"}, extra: essential, check: "acr", want: ErrACR},
		{name: "an access token", header: map[string]any{"typ": "at+jwt"}, check: "format", want: ErrMalformed},
		{name: "a logout token", header: map[string]any{"typ": "application/logout+jwt"}, check: "format", want: ErrMalformed},
		{name: "critical extension", header: map[string]any{"crit": []string{"b64"}, "b64": true}, check: "format", want: ErrMalformed},
		{name: "unknown kid", header: map[string]any{"kid": "k2"}, check: "signature", want: ErrNoKey},
		{name: "alg of another family", header: map[string]any{"alg": "ES256"}, check: "alg", want: ErrAlgorithm},
		{name: "alg none in capitals", header: map[string]any{"alg": "NONE"}, check: "alg", want: ErrAlgorithm},
		{name: "MAC not expected", header: map[string]any{"alg": "HS256"}, check: "alg", want: ErrAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.metadata["id_token_signing_alg_values_supported"] = []string{"RS256"}
			f.secret = "a-client-secret-of-more-than-32-bytes"
			c := f.client()
			c.TrustedAudiences = []string{"trusted"}
			if tt.claims["iss"] == "/" {
				tt.claims["iss"] = f.URL + "/"
			}
			f.claims, f.header = tt.claims, tt.header
			if f.claims == nil {
				f.claims = map[string]any{}
			}
			r := openid
			r.MaxAge, r.Extra = tt.maxAge, tt.extra
			f.refused(c, r, tt.check, tt.want)
		})
	}
}

// refused runs a login that must fail in one check.
func (f *fake) refused(c *Client, r AuthorizationRequest, name string, want error) {
	f.t.Helper()
	tok, err := f.login(c, r)
	if tok != nil || !errors.Is(err, want) {
		f.t.Fatalf("token %v, err %v, want %v", tok, err, want)
	}
	var refusal *CheckError
	if !errors.As(err, &refusal) || refusal.Check.Name != name {
		f.t.Fatalf("not refused by %s: %v", name, err)
	}
	if check(f.t, refusal.Checks, name).OK || !check(f.t, refusal.Checks, "state").OK {
		f.t.Errorf("checks %+v", refusal.Checks)
	}
	if Transient(err) {
		f.t.Errorf("transient: %v", err)
	}
}

// Signatures that prove nothing.
func TestIDTokenSignatures(t *testing.T) {
	public := func(f *fake) []byte {
		b, _ := jose.JSONWebKey{Key: f.key.Public()}.MarshalJSON()
		return append(b, make([]byte, 64)...)[:64]
	}
	tests := []struct {
		name  string
		sign  func(f *fake) func([]byte) string
		check string
		want  error
	}{
		{"alg none", func(f *fake) func([]byte) string {
			return func(p []byte) string { return b64([]byte(`{"alg":"none"}`)) + "." + b64(p) + "." }
		}, "alg", ErrAlgorithm},
		{"no signature", func(f *fake) func([]byte) string {
			return func(p []byte) string { return b64([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + b64(p) + "." }
		}, "alg", ErrAlgorithm},
		{"key of another issuer", func(f *fake) func([]byte) string {
			return func(p []byte) string {
				return f.rs256(otherKey(), map[string]any{"alg": "RS256", "kid": "k1"}, p)
			}
		}, "signature", ErrSignature},
		{"key of another issuer, brought along", func(f *fake) func([]byte) string {
			return func(p []byte) string {
				jwk := jose.JSONWebKey{Key: otherKey().Public()}
				return f.rs256(otherKey(), map[string]any{"alg": "RS256", "kid": "k1", "jwk": jwk,
					"jku": "https://evil.example/jwks"}, p)
			}
		}, "signature", ErrSignature},
		{"MAC with the public key", func(f *fake) func([]byte) string {
			return signWith(f.t, jose.HS256, public(f), "k1")
		}, "alg", ErrAlgorithm},
		{"changed claims", func(f *fake) func([]byte) string {
			return func(p []byte) string {
				good := f.rs256(f.key, map[string]any{"alg": "RS256", "kid": "k1"}, []byte(`{}`))
				i := len(good) - 1
				for good[i] != '.' {
					i--
				}
				return b64([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + b64(p) + good[i:]
			}
		}, "signature", ErrSignature},
		{"encrypted", func(f *fake) func([]byte) string {
			return func(p []byte) string { return b64([]byte(`{"alg":"dir","enc":"A128GCM"}`)) + "..AA.AA.AA" }
		}, "format", ErrEncrypted},
		{"claims twice", func(f *fake) func([]byte) string {
			return func(p []byte) string {
				p = append([]byte(`{"sub":"mallory",`), p[1:]...)
				return f.rs256(f.key, map[string]any{"alg": "RS256", "kid": "k1"}, p)
			}
		}, "format", ErrMalformed},
		{"not a JWT", func(f *fake) func([]byte) string {
			return func(p []byte) string { return "abc" }
		}, "format", ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.secret = "a-client-secret-of-more-than-32-bytes"
			f.sign = tt.sign(f)
			f.refused(f.client(), openid, tt.check, tt.want)
		})
	}
}

// What must be accepted: other algorithms, hashes that fit, a kid that is not
// there, clocks that differ a little.
func TestIDTokenAccepted(t *testing.T) {
	now := time.Now().Unix()
	secret := "a-client-secret-of-more-than-32-bytes"
	es := ecKey(t, elliptic.P256())
	es384 := ecKey(t, elliptic.P384())
	tests := []struct {
		name   string
		algs   []string
		keys   any
		sign   func([]byte) string
		claims map[string]any
		header map[string]any
	}{
		{name: "ES256", algs: []string{"ES256"}, keys: jwksOf(jose.JSONWebKey{Key: es.Public(), KeyID: "e"}), sign: signWith(t, jose.ES256, es, "e")},
		{name: "ES384, nothing listed", keys: jwksOf(jose.JSONWebKey{Key: es384.Public(), KeyID: "e"}), sign: signWith(t, jose.ES384, es384, "e")},
		{name: "PS256", algs: []string{"PS256"}, keys: jwksOf(jose.JSONWebKey{Key: oneKey().Public(), KeyID: "p"}), sign: signWith(t, jose.PS256, oneKey(), "p")},
		{name: "HS256 where listed", algs: []string{"HS256"}, sign: signWith(t, jose.HS256, []byte(secret), "")},
		{name: "no kid", header: map[string]any{"kid": nil}},
		{name: "a minute behind", claims: map[string]any{"exp": now - 30}},
		{name: "a minute ahead", claims: map[string]any{"iat": now + 30, "nbf": now + 30}},
		{name: "azp and trusted audience", claims: map[string]any{"aud": []string{"client", "trusted"}, "azp": "client"}},
		{name: "at_hash that fits", claims: map[string]any{"at_hash": "jTF_9D0G0a2pqG8EHAXRFg"}},     // of access-authorization_code
		{name: "unknown claims", claims: map[string]any{"deep": map[string]any{"x": []any{1, nil}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.secret = secret
			if tt.algs != nil {
				f.metadata["id_token_signing_alg_values_supported"] = tt.algs
			}
			if tt.keys != nil {
				f.jwks = tt.keys
			}
			f.sign, f.claims, f.header = tt.sign, tt.claims, tt.header
			c := f.client()
			c.TrustedAudiences = []string{"trusted"}
			tok, err := f.login(c, openid)
			if err != nil {
				t.Fatal(err)
			}
			if tok.Claims["sub"] != "alice" {
				t.Error(tok.Claims)
			}
		})
	}
}

func TestNoIDToken(t *testing.T) {
	f := newFake(t)
	f.token["id_token"] = nil
	if _, err := f.login(f.client(), openid); !errors.Is(err, ErrNoIDToken) {
		t.Errorf("err %v", err)
	}
	// Without openid none is due.
	if _, err := f.login(f.client(), AuthorizationRequest{Scope: []string{"api"}}); err != nil {
		t.Error(err)
	}
}

// An id_token that nobody asked for is still checked, or not used.
func TestIDTokenUnasked(t *testing.T) {
	f := newFake(t)
	c := f.client()
	plain := AuthorizationRequest{Scope: []string{"api"}}
	tok, err := f.login(c, plain)
	if err != nil || tok.Claims["sub"] != "alice" {
		t.Errorf("%v, %v", tok, err)
	}
	f.claims["aud"] = "other"
	f.refused(c, plain, "aud", ErrAudience)
	byHand := &Client{ID: "client", Metadata: &Metadata{AuthorizationEndpoint: f.URL + "/a", TokenEndpoint: f.URL + "/token"}}
	tok, err = f.login(byHand, plain)
	if err != nil || tok.IDToken != "" || tok.Claims != nil || check(t, tok.Checks, "id_token").OK {
		t.Errorf("%v, %v", tok, err)
	}
}

// max_age is for the moment of the request (OpenID Connect Core section
// 3.1.2.1): who takes three minutes over password and consent has still just
// signed in. R-222
func TestMaxAgeAndASlowPerson(t *testing.T) {
	f := newFake(t)
	c := f.client()
	at := time.Now()
	c.now = func() time.Time { return at }
	c.Servers = new(Servers)
	fresh := time.Duration(0)
	r := openid
	r.MaxAge = &fresh
	for signedIn, want := range map[time.Duration]error{0: nil, -3 * time.Minute: ErrAuthTime} {
		at = time.Now().Add(-3 * time.Minute)
		f.claims["auth_time"] = at.Add(signedIn).Unix()
		a, response := f.authorize(c, r)
		at = time.Now()
		if _, err := a.Redeem(t.Context(), response); !errors.Is(err, want) {
			t.Errorf("signed in %v after the request: %v", signedIn, err)
		}
	}
}
