package oauth

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func testKeys(t *testing.T) *PrivateKeys {
	t.Helper()
	return &PrivateKeys{keys: []jose.JSONWebKey{
		{Key: oneKey(), KeyID: "rsa-1", Use: "sig"},
		{Key: ecKey(t, elliptic.P256()), KeyID: "ec-1", Algorithm: "ES256"},
	}}
}

// opened verifies a JWT with one of our own keys.
func opened(t *testing.T, keys *PrivateKeys, compact Secret) *JWT {
	t.Helper()
	jwt, err := InspectJWT(compact.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.keys {
		if k.KeyID != text(jwt.Header, "kid") {
			continue
		}
		jws, err := jose.ParseSignedCompact(compact.Reveal(), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(text(jwt.Header, "alg"))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jws.Verify(k.Public()); err != nil {
			t.Fatal(err)
		}
		return jwt
	}
	t.Fatalf("no key %v", jwt.Header)
	return nil
}

func TestMakeAssertion(t *testing.T) { // F-022
	_, c := plain(t)
	c.PrivateKeys = testKeys(t)
	now := time.Now().Add(-time.Minute)
	a := AssertionClaims{
		Issuer: "me", Subject: "alice", Audience: "https://as.example", Lifetime: 90 * time.Second, IssuedAt: now,
		Extra: map[string]any{"role": "admin", "iss": "not this"}, KeyID: "ec-1", Alg: "ES256",
	}
	one, err := MakeAssertion(c.PrivateKeys, a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := MakeAssertion(c.PrivateKeys, a)
	if err != nil {
		t.Fatal(err)
	}
	jwt := opened(t, c.PrivateKeys, one)
	exp, _ := NumericDate(jwt.Claims["exp"])
	iat, _ := NumericDate(jwt.Claims["iat"])
	// the members, the algorithm and the kid.
	if jwt.Claims["iss"] != "me" || jwt.Claims["sub"] != "alice" || jwt.Claims["aud"] != "https://as.example" ||
		jwt.Claims["role"] != "admin" || jwt.Header["alg"] != "ES256" || jwt.Header["kid"] != "ec-1" ||
		exp.Sub(iat) != 90*time.Second || iat.Unix() != now.Unix() {
		t.Errorf("%v %v", jwt.Header, jwt.Claims)
	}
	// unique and short.
	if jti := jwt.Claims["jti"]; jti == "" || jti == nil || jti == opened(t, c.PrivateKeys, two).Claims["jti"] {
		t.Errorf("jti %v", jti)
	}
	// the client's defaults: aud is the issuer as one string.
	mine, err := c.MakeAssertion(AssertionClaims{})
	if err != nil {
		t.Fatal(err)
	}
	jwt = opened(t, c.PrivateKeys, mine)
	if jwt.Claims["iss"] != "client" || jwt.Claims["sub"] != "client" || jwt.Claims["aud"] != c.Metadata.Issuer || jwt.Header["alg"] != "RS256" {
		t.Errorf("%v %v", jwt.Header, jwt.Claims)
	}
	c.AssertionAudience = "token_endpoint"
	if mine, err = c.MakeAssertion(AssertionClaims{}); err != nil || opened(t, c.PrivateKeys, mine).Claims["aud"] != c.Metadata.TokenEndpoint {
		t.Errorf("audience: %v", err)
	}
	c.Secret = "0123456789abcdef0123456789abcdef"
	mac, err := c.MakeAssertion(AssertionClaims{Alg: "HS256"})
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(mac.Reveal(), []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify([]byte(c.Secret)); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]AssertionClaims{
		"no issuer": {Subject: "s", Audience: "a"}, "no subject": {Issuer: "i", Audience: "a"}, "no audience": {Issuer: "i", Subject: "s"},
		"a day": {Issuer: "i", Subject: "s", Audience: "a", Lifetime: 24 * time.Hour}, "none": {Issuer: "i", Subject: "s", Audience: "a", Alg: "none"},
		"a kid that cannot": {Issuer: "i", Subject: "s", Audience: "a", KeyID: "ec-1", Alg: "RS256"},
	} {
		if _, err := MakeAssertion(c.PrivateKeys, bad); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := MakeAssertion(nil, a); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

func TestJWTBearer(t *testing.T) { // F-019
	f, c := plain(t)
	c.PrivateKeys = testKeys(t)
	assertion, err := c.MakeAssertion(AssertionClaims{Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.JWTBearer(t.Context(), " "+assertion+"\n", TokenRequest{Scope: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || form.Get("assertion") != assertion.Reveal() || form.Get("scope") != "read" {
		t.Errorf("form %v", form)
	}
	unsigned := Secret(b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"iss":"x"}`)) + ".")
	for _, bad := range []Secret{"", "opaque", unsigned} {
		if _, err := c.JWTBearer(t.Context(), bad, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != 1 {
			t.Errorf("%v", err)
		}
	}
}

const saml = `<?xml version="1.0"?>
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="x>y?~ÿ"><saml:Issuer>idp</saml:Issuer></saml:Assertion>`

func TestSAMLBearer(t *testing.T) { // F-020, F-021
	f, c := plain(t)
	wrapped := strings.Join(strings.SplitAfter(base64.StdEncoding.EncodeToString([]byte(saml)), "Y"), "\r\n")
	for name, in := range map[string][]byte{
		"XML": []byte(saml), "base64 with line breaks": []byte(wrapped + "\n"),
		"base64url": []byte(base64.URLEncoding.EncodeToString([]byte(saml))), "without padding": []byte(b64([]byte(saml))),
	} {
		if _, err := c.SAMLBearer(t.Context(), in, TokenRequest{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		form, _ := f.lastForm()
		got := form.Get("assertion")
		raw, err := base64.RawURLEncoding.DecodeString(got)
		// base64url, no padding, no line breaks; R-060: the URN.
		if err != nil || string(raw) != saml || strings.ContainsAny(got, "=\r\n+/") || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:saml2-bearer" {
			t.Errorf("%s: %v, %q", name, err, raw)
		}
	}
	n := f.count("/token")
	for _, bad := range []string{"", "!!", "<samlp:Response/>", "<unfinished", b64([]byte("no xml"))} {
		if _, err := c.SAMLBearer(t.Context(), []byte(bad), TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != n {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestServiceAccount(t *testing.T) { // F-023
	f, c := plain(t)
	der, err := x509.MarshalPKCS8PrivateKey(oneKey())
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	file := map[string]any{
		"type": "service_account", "project_id": "p-1", "private_key_id": "rsa-1", "private_key": string(key),
		"client_email": "robot@p-1.iam.example", "client_id": "1234", "token_uri": f.URL + "/token",
	}
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseServiceAccount(data)
	if err != nil || s.ClientEmail != "robot@p-1.iam.example" || s.TokenURI != f.URL+"/token" || s.KeyID != "rsa-1" ||
		s.ProjectID != "p-1" || !bytes.Equal([]byte(s.PrivateKey.Reveal()), key) {
		t.Fatalf("%+v, %v", s, err)
	}
	c.ID, c.Metadata = "", &Metadata{TokenEndpoint: s.TokenURI}
	keys, err := ParsePrivateKeys([]byte(s.PrivateKey.Reveal()), "")
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := MakeAssertion(keys, s.Claims([]string{"a", "b"}, ""))
	if err != nil {
		t.Fatal(err)
	}
	jwt := opened(t, testKeys(t), assertion)
	if _, sub := jwt.Claims["sub"]; sub || jwt.Claims["iss"] != s.ClientEmail || jwt.Claims["aud"] != s.TokenURI ||
		jwt.Claims["scope"] != "a b" || jwt.Header["alg"] != "RS256" || jwt.Header["kid"] != "rsa-1" {
		t.Errorf("%v %v", jwt.Header, jwt.Claims)
	}
	if s.Claims(nil, "alice@p-1.example").Subject != "alice@p-1.example" {
		t.Error("the person to act for is lost")
	}
	if _, err := c.JWTBearer(t.Context(), assertion, TokenRequest{}); err != nil {
		t.Fatal(err)
	}
	want := url.Values{"grant_type": {GrantJWTBearer}, "assertion": {assertion.Reveal()}}
	if form, auth := f.lastForm(); form.Encode() != want.Encode() || auth != "" {
		t.Errorf("form %v, auth %q", form, auth)
	}
	for _, change := range []map[string]any{{"type": "authorized_user"}, {"private_key": nil}, {"client_email": nil}, {"token_uri": "http://elsewhere.example"}} {
		data, err := json.Marshal(merged(file, change))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseServiceAccount(data); err == nil {
			t.Errorf("%v was accepted", change)
		} else {
			noSecret(t, err.Error(), string(key), "PRIVATE KEY")
		}
	}
	if _, err := ParseServiceAccount([]byte("[]")); err == nil {
		t.Error("a list was accepted")
	}
}
