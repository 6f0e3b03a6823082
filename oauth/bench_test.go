package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

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

func benchRefresh(b *testing.B, f *fake) {
	if _, ok := f.token["id_token"].(string); !ok {
		delete(f.token, "id_token")
	}
	if _, err := json.Marshal(f.token); err != nil {
		b.Fatal(err)
	}
	c := &Client{ID: "client", Metadata: &Metadata{Issuer: f.URL, TokenEndpoint: f.URL + "/token", JWKSURI: f.URL + "/jwks"}}
	prev := &Token{RefreshToken: "r", Scope: []string{"openid"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Refresh(b.Context(), prev); err != nil {
			b.Fatal(err)
		}
	}
}
