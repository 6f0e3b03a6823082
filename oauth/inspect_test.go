package oauth

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// RFC 7515 appendices A.1 (HS256), A.2 (RS256), A.3 (ES256), A.5 (none).
func vectors(t testing.TB) (list []struct {
	Name, Compact, Kind, Alg string
	Key                      json.RawMessage
}) {
	t.Helper()
	raw, err := os.ReadFile("testdata/rfc7515-a.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	return list
}

func TestInspectVectors(t *testing.T) { // F-183
	for _, v := range vectors(t) {
		jwt, err := InspectJWT(" Bearer " + v.Compact + "\n")
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		exp, ok := NumericDate(jwt.Claims["exp"])
		if jwt.Kind != v.Kind || jwt.Header["alg"] != v.Alg || jwt.Claims["iss"] != "joe" || !ok || exp.Unix() != 1300819380 ||
			jwt.Claims["http://example.com/is_root"] != true {
			t.Errorf("%s: %+v", v.Name, jwt)
		}
	}
}

// The verifier agrees with the RFC about what is signed: R-050.
func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t) {
		f := newFake(t)
		tok := &Token{IDToken: Secret(v.Compact), AccessToken: "a"}
		c := &Client{ID: "c", Metadata: &Metadata{Issuer: "joe", JWKSURI: f.URL + "/jwks"}}
		if len(v.Key) > 0 {
			f.jwks = map[string]any{"keys": []json.RawMessage{v.Key}}
		}
		check := c.idTokenVerifier(c.Metadata, tok)
		check.raw = Secret(v.Compact)
		check.jwt, check.alg = must(t, v.Compact), jose.SignatureAlgorithm(v.Alg)
		_, err := check.checkSignature(t.Context())
		switch v.Name {
		case "A.2", "A.3":
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			i := strings.LastIndex(v.Compact, ".")
			check.raw = Secret(v.Compact[:i+1] + "A" + v.Compact[i+2:])
			if _, err := check.checkSignature(t.Context()); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, changed: %v", v.Name, err)
			}
		case "A.1": // the key is a secret that this client does not have
			if err == nil {
				t.Errorf("%s verified without its key", v.Name)
			}
		case "A.5":
			if _, err := check.checkAlg(); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
}

func must(t *testing.T, compact string) *JWT {
	t.Helper()
	jwt, err := parseJWT(compact)
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func TestInspect(t *testing.T) {
	part := func(s string) string { return b64([]byte(s)) }
	tests := []struct {
		name, in string
		kind     string // empty: malformed
	}{
		{"signed", part(`{"alg":"RS256"}`) + "." + part(`{}`) + ".AA", Signed},
		{"none", part(`{"alg":"None"}`) + "." + part(`{}`) + ".AA", Unsecured},
		{"signature missing", part(`{"alg":"RS256"}`) + "." + part(`{}`) + ".", Unsecured},
		{"encrypted", part(`{"alg":"RSA-OAEP","enc":"A128GCM"}`) + ".AA.AA.AA.AA", Encrypted},
		{"empty", "", ""},
		{"opaque", "gho_abcdefgh", ""},
		{"two parts", part(`{}`) + "." + part(`{}`), ""},
		{"four parts", part(`{}`) + "...", ""},
		{"six parts", part(`{}`) + ".....", ""},
		{"not base64", "!!.!!.!!", ""},
		{"padding", "e30=.e30.AA", ""},
		{"header is a list", part(`[]`) + "." + part(`{}`) + ".AA", ""},
		{"claims are text", part(`{}`) + "." + part(`"x"`) + ".AA", ""},
		{"claim twice", part(`{}`) + "." + part(`{"a":1,"a":2}`) + ".AA", ""},
		{"too large", strings.Repeat("A", maxJWT+1), ""},
	}
	for _, tt := range tests {
		jwt, err := InspectJWT(tt.in)
		switch {
		case tt.kind == "" && (!errors.Is(err, ErrMalformed) || jwt != nil):
			t.Errorf("%s: %v, %v", tt.name, jwt, err)
		case tt.kind != "" && (err != nil || jwt.Kind != tt.kind || (jwt.Claims == nil) != (tt.kind == Encrypted)):
			t.Errorf("%s: %+v, %v", tt.name, jwt, err)
		}
	}
}

func TestNumericDate(t *testing.T) {
	want := time.Unix(1300819380, 0)
	for _, v := range []any{json.Number("1300819380"), float64(1300819380), int64(1300819380), 1300819380, json.Number("1.30081938e9")} {
		if got, ok := NumericDate(v); !ok || !got.Equal(want) {
			t.Errorf("%T %v: %v, %v", v, v, got, ok)
		}
	}
	for _, v := range []any{nil, "1300819380", true, json.Number("x"), json.Number("-1"), json.Number("1e300"), []any{}} {
		if got, ok := NumericDate(v); ok {
			t.Errorf("%T %v: %v", v, v, got)
		}
	}
}

// OpenID Connect Core appendix A.4: c_hash.
func TestHashVector(t *testing.T) {
	v := &idTokenVerifier{alg: jose.RS256, jwt: &JWT{Claims: map[string]any{"c_hash": "LDktKdoQak3Pk0cnXxCltA"}}}
	v.code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
	if _, err := v.checkCHash(); err != nil {
		t.Error(err)
	}
	v.code += "x"
	if _, err := v.checkCHash(); !errors.Is(err, ErrHash) {
		t.Error(err)
	}
}
