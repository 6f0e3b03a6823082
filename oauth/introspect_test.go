package oauth

import (
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

func introspection(t *testing.T, answer map[string]any) (*fake, *Client, *http.Header) {
	f := newFake(t)
	seen := new(http.Header)
	f.metadata["introspection_endpoint"] = f.URL + "/introspect"
	f.routes["/introspect"] = func(w http.ResponseWriter, r *http.Request) {
		*seen = r.Header
		reply(w, 200, answer)
	}
	c := f.client()
	c.Secret = "the-client-secret"
	return f, c, seen
}

func TestIntrospect(t *testing.T) { // F-171
	f, c, seen := introspection(t, map[string]any{"active": true, "scope": "read", "exp": 1900000000})
	c.Params = map[RequestKind]url.Values{ForIntrospection: {"tenant": {"blue"}}}
	in, err := c.Introspect(t.Context(), "some-access-token", "access_token")
	if err != nil || !in.Active || in.Claims["scope"] != "read" || in.JWT || in.Verified {
		t.Fatal(in, err)
	}
	form, auth := f.lastForm()
	want := url.Values{"token": {"some-access-token"}, "token_type_hint": {"access_token"}, "tenant": {"blue"}}
	if auth == "" || form.Encode() != want.Encode() || seen.Get("Accept") != "application/json" { // authenticated
		t.Errorf("auth %q, form %v, %v", auth, form, seen)
	}
	c.Metadata.IntrospectionEndpoint = "http://plain.example/introspect" // over TLS
	if _, err := c.Introspect(t.Context(), "some-access-token", ""); !errors.Is(err, ErrInsecure) {
		t.Error(err)
	}
	c.Metadata.IntrospectionEndpoint = ""
	if _, err := c.Introspect(t.Context(), "some-access-token", ""); !errors.Is(err, ErrNoEndpoint) {
		t.Error(err)
	}
	if _, err := c.Introspect(t.Context(), "", ""); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// what is said of a token that is not active means nothing, and active
// is the only member that must be there.
func TestIntrospectInactive(t *testing.T) {
	answer := map[string]any{"active": false, "scope": "admin", "sub": "mallory"}
	_, c, _ := introspection(t, answer)
	in, err := c.Introspect(t.Context(), "some-access-token", "")
	if err != nil || in.Active || in.Claims != nil {
		t.Error(in, err)
	}
	for _, bad := range []any{nil, "true", 1} {
		answer["active"] = bad
		if _, err := c.Introspect(t.Context(), "some-access-token", ""); !errors.Is(err, ErrIntrospection) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// signed answers (RFC 9701).
func TestIntrospectJWT(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	sign := func(typ string, claims map[string]any, with any) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: with, KeyID: "i1"}},
			(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const typ = "token-introspection+jwt"
	for _, tc := range []struct {
		name    string
		typ     string
		changes map[string]any
		alg     string
		key     any
		err     error
	}{
		{"good", typ, nil, "ES256", key, nil},
		{"listed", typ, nil, "", key, nil},
		{"another alg", typ, nil, "RS256", key, ErrAlgorithm},
		{"another key", typ, nil, "ES256", ecKey(t, elliptic.P256()), ErrSignature},
		{"an id_token", "JWT", nil, "ES256", key, ErrIntrospection},
		{"another issuer", typ, map[string]any{"iss": "https://evil.example"}, "ES256", key, ErrIssuer},
		{"for somebody else", typ, map[string]any{"aud": "other"}, "ES256", key, ErrIntrospection},
		{"without its claim", typ, map[string]any{"token_introspection": nil}, "ES256", key, ErrIntrospection},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, c, _ := introspection(t, nil)
			f.jwks = jwksOf(jose.JSONWebKey{Key: key.Public(), KeyID: "i1"})
			claims := merged(map[string]any{"iss": f.URL, "aud": "client", "iat": 1900000000,
				"token_introspection": map[string]any{"active": true, "scope": "read"}}, tc.changes)
			var accept string
			f.routes["/introspect"] = func(w http.ResponseWriter, r *http.Request) {
				accept = r.Header.Get("Accept")
				w.Header().Set("Content-Type", "application/token-introspection+jwt")
				_, _ = w.Write([]byte(sign(tc.typ, claims, tc.key)))
			}
			want := "application/token-introspection+jwt"
			if c.IntrospectionSigningAlg = tc.alg; tc.alg == "" {
				c.Metadata.IntrospectionSigningAlgsSupported = []string{"ES256"}
				want += ", application/json;q=0.5"
			}
			in, err := c.Introspect(t.Context(), "some-access-token", "")
			if !errors.Is(err, tc.err) || accept != want {
				t.Fatal(in, err, accept)
			}
			if err == nil && (!in.JWT || !in.Verified || !in.Active || in.Claims["scope"] != "read" || !check(t, in.Checks, "signature").OK) {
				t.Errorf("%+v", in)
			}
			// Without an issuer nothing can be verified, and it says so.
			if tc.err == nil {
				c.Metadata.Issuer = ""
				if in, err := c.Introspect(t.Context(), "some-access-token", ""); err != nil || in.Verified || check(t, in.Checks, "signature").OK {
					t.Error(in, err)
				}
			}
		})
	}
}
