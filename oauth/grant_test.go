package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// direct calls a handler without a network, so that a synctest bubble can
// tell waiting from working.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	d.ServeHTTP(rec, in)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

// plain is a fake whose token answers have no id_token.
func plain(t *testing.T) (*fake, *Client) {
	t.Helper()
	f := newFake(t)
	f.token["id_token"] = nil
	return f, f.client()
}

func TestClientCredentials(t *testing.T) { // F-006 F-054
	f, c := plain(t)
	r := TokenRequest{
		Scope: []string{"read", "write"}, Resource: []string{"https://a.example", "https://b.example"},
		Audience: []string{"api1", "api2"}, Extra: url.Values{"tenant": {"blue"}, "grant_type": {"other"}},
	}
	// only with client authentication, and nothing is sent before.
	if _, err := c.ClientCredentials(t.Context(), r); !errors.Is(err, ErrRequest) || f.count("/token") != 0 {
		t.Fatalf("a public client: %v", err)
	}
	c.Secret = "the-client-secret"
	f.token["scope"] = "read"
	tok, err := c.ClientCredentials(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	form, auth := f.lastForm()
	want := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"read write"}, "resource": r.Resource, "audience": r.Audience,
		"tenant": {"blue"},
	}
	if auth == "" || form.Encode() != want.Encode() {
		t.Errorf("auth %q, form %v", auth, form)
	}
	if !slices.Equal(tok.GrantScope, []string{"read"}) || !slices.Equal(tok.ScopeRequested, r.Scope) || !slices.Equal(tok.Resource, r.Resource) {
		t.Errorf("%+v %q %q", tok.GrantScope, tok.ScopeRequested, tok.Resource)
	}
	if _, err := c.ClientCredentials(t.Context(), r); err != nil || f.count("/token") != 2 { // F-135: asked again
		t.Errorf("again: %v", err)
	}
	for _, bad := range []TokenRequest{
		{Scope: []string{"two words"}}, {Resource: []string{"/relative"}}, {Resource: []string{"https://a.example#x"}},
	} {
		if _, err := c.ClientCredentials(t.Context(), bad); !errors.Is(err, ErrRequest) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestPassword(t *testing.T) { // F-010
	f, c := plain(t)
	const password = "correct horse battery"
	tok, err := c.Password(t.Context(), "alice", password, TokenRequest{Scope: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	want := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {password}, "scope": {"read"}, "client_id": {"client"}}
	if form.Encode() != want.Encode() {
		t.Errorf("form %v", form)
	}
	// nothing keeps it, and an error does not repeat it.
	noSecret(t, fmt.Sprintf("%#v %#v %v", *tok, c.TokenParams, tok.Extra), password)
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "wrong: " + password})
	}
	_, err = c.Password(t.Context(), "alice", password, TokenRequest{})
	if !errors.Is(err, InvalidGrant) {
		t.Fatal(err)
	}
	noSecret(t, err.Error(), password)
	n := f.count("/token")
	if _, err = c.Password(t.Context(), "alice", "", TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != n {
		t.Errorf("no password: %v", err)
	}
}

func TestCustomGrant(t *testing.T) { // F-031
	f, c := plain(t)
	params := url.Values{"fb_exchange_token": {"short-lived-token"}, "grant_type": {"other"}}
	if _, err := c.Grant(t.Context(), "fb_exchange_token", params, TokenRequest{Scope: []string{"read"}}); err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if form.Get("grant_type") != "fb_exchange_token" || form.Get("fb_exchange_token") != "short-lived-token" ||
		form.Get("client_id") != "client" || form.Get("scope") != "read" || params.Get("grant_type") != "other" {
		t.Errorf("form %v", form)
	}
	// A foreign grant's parameters are as secret as ours.
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "bad", "error_description": "no short-lived-token"})
	}
	_, err := c.Grant(t.Context(), "fb_exchange_token", params, TokenRequest{})
	noSecret(t, err.Error(), "short-lived-token")
	if _, err := c.Grant(t.Context(), "", nil, TokenRequest{}); !errors.Is(err, ErrRequest) {
		t.Errorf("no grant type: %v", err)
	}
	// A client without an id is nobody, where the grant allows nobody.
	delete(f.routes, "/token")
	c.ID = ""
	if _, err := c.Grant(t.Context(), "urn:example:grant", nil, TokenRequest{}); err != nil {
		t.Error(err)
	}
	if form, auth := f.lastForm(); form.Has("client_id") || auth != "" {
		t.Errorf("form %v, auth %q", form, auth)
	}
	if _, err := c.Password(t.Context(), "a", "b", TokenRequest{}); !errors.Is(err, ErrRequest) {
		t.Errorf("password without client id: %v", err)
	}
}

// F-004: a code that came without a request of ours, with what it was asked for.
func TestBareCode(t *testing.T) {
	f, c := plain(t)
	params := url.Values{"code": {"the-bare-code"}, "code_verifier": {strings.Repeat("v", 43)}, "redirect_uri": {"http://127.0.0.1:7/cb"}}
	tok, err := c.Grant(t.Context(), "authorization_code", params, TokenRequest{})
	if err != nil || tok.RefreshToken == "" {
		t.Fatalf("%v, %v", tok, err)
	}
	form, _ := f.lastForm()
	params.Set("grant_type", "authorization_code")
	params.Set("client_id", "client")
	if form.Encode() != params.Encode() {
		t.Errorf("form %v", form)
	}
}

// An id_token that comes with another grant than the code: no nonce, all the
// other checks.
func TestGrantIDToken(t *testing.T) {
	f := newFake(t)
	c := f.client()
	asked, unasked := TokenRequest{Scope: []string{"openid"}}, TokenRequest{Scope: []string{"read"}}
	tok, err := c.Password(t.Context(), "alice", "pass-word", asked)
	if err != nil || tok.Claims["sub"] != "alice" || !check(t, tok.Checks, "signature").OK {
		t.Fatalf("%v, %v", err, tok)
	}
	if tok, err = c.Password(t.Context(), "alice", "pass-word", unasked); err != nil || tok.IDToken == "" || tok.Claims["sub"] != "alice" {
		t.Errorf("%v, %v", err, tok)
	}
	f.claims["aud"] = "somebody else"
	if _, err = c.Password(t.Context(), "alice", "pass-word", asked); !errors.Is(err, ErrAudience) {
		t.Errorf("a foreign id_token: %v", err)
	}
	if tok, err = c.Password(t.Context(), "alice", "pass-word", unasked); err != nil || tok.IDToken != "" || tok.Claims != nil || check(t, tok.Checks, "id_token").OK {
		t.Errorf("a foreign id_token that nobody asked for: %v, %v", err, tok)
	}
	f.claims = map[string]any{"nonce": "of another login"}
	if _, err = c.Password(t.Context(), "alice", "pass-word", asked); !errors.Is(err, ErrNonce) {
		t.Errorf("a nonce: %v", err)
	}
	c.Metadata.Issuer = ""
	if tok, err = c.Password(t.Context(), "alice", "pass-word", asked); err != nil || tok.IDToken != "" || check(t, tok.Checks, "id_token").OK {
		t.Errorf("without an issuer: %v, %v", err, tok)
	}
}
