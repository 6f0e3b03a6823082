package oauth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// benchFake serves a constant answer: the client is measured, not the server.
func benchFake(b *testing.B) *fake {
	b.Helper()
	f := &fake{key: oneKey(), token: map[string]any{"access_token": "a", "token_type": "bearer", "expires_in": 3600,
		"refresh_token": "r"}}
	f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1"})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jwks" {
			reply(w, 200, f.jwks)
			return
		}
		reply(w, 200, f.token)
	}))
	b.Cleanup(f.Close)
	return f
}

func BenchmarkRefresh(b *testing.B) {
	b.Run("without id_token", func(b *testing.B) { benchRefresh(b, benchFake(b)) })
	b.Run("with id_token", func(b *testing.B) {
		f := benchFake(b)
		now := time.Now().Unix()
		f.token["id_token"] = f.rs256(f.key, map[string]any{"alg": "RS256", "kid": "k1"}, fmt.Appendf(nil,
			`{"iss":%q,"sub":"alice","aud":"client","iat":%d,"exp":%d}`, f.URL, now, now+3600))
		benchRefresh(b, f)
	})
}

func benchRefresh(b *testing.B, f *fake) {
	c := &Client{ID: "client", Metadata: &Metadata{Issuer: f.URL, TokenEndpoint: f.URL + "/token", JWKSURI: f.URL + "/jwks"}}
	prev := &Token{RefreshToken: "r", Scope: []string{"openid"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Refresh(b.Context(), prev); err != nil {
			b.Fatal(err)
		}
	}
}
