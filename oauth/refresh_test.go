package oauth

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"
)

func TestRefreshRotates(t *testing.T) {
	f := newFake(t)
	c := f.client()
	first := f.mustLogin(c)
	f.nonce = ""
	second, err := c.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "refresh-1" || form.Has("scope") || form.Get("client_id") != "client" {
		t.Errorf("form %v", form)
	}
	if second.RefreshToken.Reveal() != "refresh-2" || second.AccessToken.Reveal() != "access-refresh_token" {
		t.Errorf("tokens %q %q", second.RefreshToken.Reveal(), second.AccessToken.Reveal())
	}
	if !slices.Equal(second.Scope, openid.Scope) || !slices.Equal(second.ScopeRequested, openid.Scope) {
		t.Errorf("scope %q of %q", second.Scope, second.ScopeRequested)
	}
	if !check(t, second.Checks, "same login").OK || second.IDToken == first.IDToken {
		t.Errorf("%+v", second.Checks)
	}
	if first.RefreshToken.Reveal() != "refresh-1" {
		t.Error("the token before was changed")
	}
}

// What an answer leaves out stays: R-012.
func TestRefreshKeeps(t *testing.T) { // F-140
	f := newFake(t)
	c := f.client()
	f.token["refresh_expires_in"] = "86400"
	first := f.mustLogin(c)
	f.token = map[string]any{"refresh_token": nil, "id_token": nil, "expires_in": nil}
	second, err := c.Refresh(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken != first.RefreshToken || second.IDToken != first.IDToken || second.Claims["sub"] != "alice" {
		t.Errorf("lost: %q %q %v", second.RefreshToken.Reveal(), second.IDToken.Reveal(), second.Claims)
	}
	if first.RefreshExpiresAt.IsZero() || !second.RefreshExpiresAt.Equal(first.RefreshExpiresAt) || !second.ExpiresAt.IsZero() {
		t.Errorf("expiry %v, %v, %v", first.RefreshExpiresAt, second.RefreshExpiresAt, second.ExpiresAt)
	}
	if !check(t, second.Checks, "signature").OK {
		t.Error("the checks of the id_token are gone")
	}
}

func TestRefreshScope(t *testing.T) {
	f := newFake(t)
	c := f.client()
	first := f.mustLogin(c)
	f.nonce = ""
	narrow, err := c.Refresh(t.Context(), first, "api")
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if form.Get("scope") != "api" || !slices.Equal(narrow.Scope, []string{"api"}) || !slices.Equal(narrow.GrantScope, openid.Scope) {
		t.Errorf("form %v, scope %q, grant %q", form, narrow.Scope, narrow.GrantScope)
	}
	if _, err := c.Refresh(t.Context(), narrow, "openid"); err != nil {
		t.Errorf("what the login granted is out of reach: %v", err)
	}
	n := f.count("/token")
	if _, err := c.Refresh(t.Context(), first, "api", "admin"); !errors.Is(err, ErrScope) || f.count("/token") != n {
		t.Errorf("err %v", err)
	}
	f.token["scope"] = "openid"
	less, err := c.Refresh(t.Context(), first)
	if err != nil || !slices.Equal(less.Scope, []string{"openid"}) || !slices.Equal(less.GrantScope, openid.Scope) {
		t.Errorf("%v, %v", less, err)
	}
}

// A refreshed id_token must speak of the same login: R-224.
func TestRefreshedIDTokenRefused(t *testing.T) {
	now := time.Now().Unix()
	tests := []struct {
		name   string
		claims map[string]any
		check  string
		want   error
	}{
		{"another subject", map[string]any{"sub": "mallory"}, "same login", ErrSubject},
		{"another subject, expired", map[string]any{"sub": "mallory", "exp": now - 100}, "same login", ErrSubject},
		{"another issuer", map[string]any{"iss": "https://evil.example"}, "iss", ErrIssuer},
		{"another audience", map[string]any{"aud": "other"}, "aud", ErrAudience},
		{"an audience less", map[string]any{"aud": "client"}, "same login", ErrAudience},
		{"another azp", map[string]any{"azp": "other"}, "azp", ErrAudience},
		{"another auth_time", map[string]any{"auth_time": now - 1000}, "same login", ErrAuthTime},
		{"another nonce", map[string]any{"nonce": "x"}, "nonce", ErrNonce},
		{"at_hash of another token", map[string]any{"at_hash": "x"}, "at_hash", ErrHash},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			c.TrustedAudiences = []string{"trusted"}
			f.claims = map[string]any{"aud": []string{"client", "trusted"}, "azp": "client", "auth_time": now - 5}
			first := f.mustLogin(c)
			f.nonce = ""
			if _, err := c.Refresh(t.Context(), first); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			for name, v := range tt.claims {
				f.claims[name] = v
			}
			tok, err := c.Refresh(t.Context(), first)
			var refusal *CheckError
			if tok != nil || !errors.Is(err, tt.want) || !errors.As(err, &refusal) || refusal.Check.Name != tt.check {
				t.Errorf("token %v, err %v", tok, err)
			}
		})
	}
}

// A rotated refresh token survives an id_token that only the clock or an
// unreachable key set speaks against; that id_token is not used.
func TestRefreshSurvives(t *testing.T) {
	now := time.Now().Unix()
	tests := []struct {
		name  string
		spoil func(*fake, *Client)
		check string
	}{
		{"expired", func(f *fake, _ *Client) { f.claims["exp"] = now - 100 }, "exp"},
		{"from the future", func(f *fake, _ *Client) { f.claims["iat"] = now + 900 }, "iat"},
		{"keys away", func(f *fake, c *Client) {
			c.Keys = new(KeySet)
			f.routes["/jwks"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "signature"},
		{"keys gone", func(f *fake, c *Client) {
			c.Keys = new(KeySet)
			f.routes["/jwks"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
		}, "signature"},
		{"keys spoilt", func(f *fake, c *Client) {
			c.Keys = new(KeySet)
			f.routes["/jwks"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }
		}, "signature"},
		{"keys behind another's certificate", func(f *fake, c *Client) {
			c.Keys = new(KeySet)
			other := httptest.NewUnstartedServer(http.NotFoundHandler())
			other.Config.ErrorLog = log.New(io.Discard, "", 0)
			other.StartTLS()
			f.t.Cleanup(other.Close)
			c.Metadata.JWKSURI = other.URL
		}, "signature"},
		{"unknown key", func(f *fake, _ *Client) { f.header["kid"] = "k9" }, "signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			first := f.mustLogin(c)
			f.nonce = ""
			tt.spoil(f, c)
			second, err := c.Refresh(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			if second.RefreshToken.Reveal() != "refresh-2" || second.IDToken != first.IDToken || second.Claims["sub"] != "alice" {
				t.Errorf("%q %v", second.RefreshToken.Reveal(), second.IDToken == first.IDToken)
			}
			if check(t, second.Checks, tt.check).OK {
				t.Errorf("%s is said to hold", tt.check)
			}
		})
	}
}

func TestRefreshErrors(t *testing.T) {
	f := newFake(t)
	c := f.client()
	if _, err := c.Refresh(t.Context(), &Token{AccessToken: "a"}); !errors.Is(err, ErrNoRefreshToken) {
		t.Error(err)
	}
	if _, err := c.Refresh(t.Context(), nil); !errors.Is(err, ErrNoRefreshToken) {
		t.Error(err)
	}
	first := f.mustLogin(c)
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_uri": "https://id.example/why",
			"error_description": "unknown refresh-1"})
	}
	_, err := c.Refresh(t.Context(), first)
	var e *Error
	if !errors.Is(err, InvalidGrant) || Transient(err) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Status != 400 || e.URI != "https://id.example/why" || e.Endpoint != f.URL+"/token" || e.Description != "unknown [secret]" {
		t.Errorf("%+v", *e)
	}
}

func TestRevoke(t *testing.T) { // F-170
	f := newFake(t)
	c := f.client()
	if err := c.Revoke(t.Context(), "some-token", "refresh_token"); err != nil { // whatever the body
		t.Error(err)
	}
	form, _ := f.lastForm()
	if form.Get("token") != "some-token" || form.Get("token_type_hint") != "refresh_token" || form.Get("client_id") != "client" {
		t.Errorf("form %v", form)
	}
	f.routes["/revoke"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "unsupported_token_type"})
	}
	if err := c.Revoke(t.Context(), "t", ""); !errors.Is(err, UnsupportedTokenType) {
		t.Error(err)
	}
	f.routes["/revoke"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
	if err := c.Revoke(t.Context(), "t", ""); !Transient(err) {
		t.Error(err)
	}
	c.Metadata.RevocationEndpoint = ""
	if err := c.Revoke(t.Context(), "t", ""); !errors.Is(err, ErrNoEndpoint) {
		t.Error(err)
	}
	c.Metadata.RevocationEndpoint = "http://id.example/revoke"
	if err := c.Revoke(t.Context(), "t", ""); !errors.Is(err, ErrInsecure) {
		t.Error(err)
	}
}

func TestUserInfo(t *testing.T) {
	f := newFake(t)
	c := f.client()
	tok := f.mustLogin(c)
	got, err := c.UserInfo(t.Context(), tok)
	if err != nil || got["email"] != "alice@example.com" {
		t.Errorf("%v, %v", got, err)
	}
	answer := func(v map[string]any) {
		f.routes["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer access-authorization_code" {
				t.Error("no token")
			}
			reply(w, 200, v)
		}
	}
	for _, v := range []map[string]any{{"sub": "mallory"}, {"email": "alice@example.com"}, {"sub": 7}} {
		answer(v)
		if got, err := c.UserInfo(t.Context(), tok); !errors.Is(err, ErrSubject) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
	f.routes["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("WWW-Authenticate", `Basic realm="a, b"`)
		w.Header().Add("WWW-Authenticate", `Bearer realm="x", error="invalid_token", error_description="ended <b>access-authorization_code</b>"`)
		w.WriteHeader(401)
	}
	_, err = c.UserInfo(t.Context(), tok)
	if !errors.Is(err, InvalidToken) {
		t.Error(err)
	}
	noSecret(t, fmt.Sprint(err), "access-authorization_code", "<b>")
	c.Metadata.UserinfoEndpoint = ""
	if _, err := c.UserInfo(t.Context(), tok); !errors.Is(err, ErrNoEndpoint) {
		t.Error(err)
	}
}

func TestTokenAnswer(t *testing.T) { // F-130, F-131
	f := newFake(t)
	c := f.client()
	plain := AuthorizationRequest{Scope: []string{"a", "b"}}
	tests := []struct {
		name          string
		answer        map[string]any
		life, refresh time.Duration
		scope         []string
	}{
		{"number", map[string]any{"expires_in": 60}, time.Minute, 0, nil},
		{"numeric string", map[string]any{"expires_in": "60"}, time.Minute, 0, nil},
		{"fraction", map[string]any{"expires_in": 1.5}, 1500 * time.Millisecond, 0, nil},
		{"absent", map[string]any{"expires_in": nil}, 0, 0, nil},
		{"zero", map[string]any{"expires_in": 0}, 0, 0, nil},
		{"negative", map[string]any{"expires_in": -1}, 0, 0, nil},
		{"a date", map[string]any{"expires_in": 1.8e9}, 0, 0, nil},
		{"huge", map[string]any{"expires_in": "1e400"}, 0, 0, nil},
		{"text", map[string]any{"expires_in": "soon"}, 0, 0, nil},
		{"list", map[string]any{"expires_in": []int{1}}, 0, 0, nil},
		{"Keycloak", map[string]any{"expires_in": 60, "refresh_expires_in": 1800}, time.Minute, 30 * time.Minute, nil},
		{"Keycloak offline", map[string]any{"expires_in": 60, "refresh_expires_in": 0}, time.Minute, 0, nil},
		{"GitHub", map[string]any{"expires_in": 60, "refresh_token_expires_in": "1800", "scope": "a,b,c"}, time.Minute, 30 * time.Minute, []string{"a", "b", "c"}},
		{"less scope", map[string]any{"expires_in": 60, "scope": " a  a "}, time.Minute, 0, []string{"a"}},
		{"empty scope", map[string]any{"expires_in": 60, "scope": ""}, time.Minute, 0, nil},
		{"scope as list", map[string]any{"expires_in": 60, "scope": []string{"x"}}, time.Minute, 0, []string{"x"}},
	}
	for _, tt := range tests {
		f.token = tt.answer
		f.token["odd"] = "kept"
		tok, err := f.login(c, plain)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.scope == nil {
			tt.scope = plain.Scope
		}
		if !slices.Equal(tok.Scope, tt.scope) || !slices.Equal(tok.ScopeRequested, plain.Scope) {
			t.Errorf("%s: scope %q", tt.name, tok.Scope)
		}
		for what, at := range map[time.Duration]time.Time{tt.life: tok.ExpiresAt, tt.refresh: tok.RefreshExpiresAt} {
			if what == 0 && !at.IsZero() || what != 0 && at.Sub(tok.ObtainedAt) != what {
				t.Errorf("%s: %v, want %v", tt.name, at, what)
			}
		}
		if tok.Extra["odd"] != "kept" || tok.Extra["access_token"] != nil {
			t.Errorf("%s: extra %v", tt.name, tok.Extra)
		}
	}
	// Servers with a token_type of their own need to be named.
	f.token = map[string]any{"token_type": "bot"}
	c.BearerTypes = []string{"Bot"}
	if tok, err := f.login(c, plain); err != nil || tok.Type != "Bearer" {
		t.Errorf("%v, %v", tok, err)
	}
}

// Times are on the wall clock: a monotonic reading lies after a suspend.
func TestWallClock(t *testing.T) {
	f := newFake(t)
	tok := f.mustLogin(f.client())
	for _, at := range []time.Time{tok.ObtainedAt, tok.ExpiresAt} {
		if at != at.Round(0) {
			t.Errorf("%v has a monotonic reading", at)
		}
	}
}

// the same resource at refresh, or one of several; never another.
func TestRefreshWith(t *testing.T) { // F-053, F-054
	f, c := plain(t)
	prev := &Token{RefreshToken: "refresh-1", GrantScope: []string{"a", "b"}, Resource: []string{"https://a.example", "https://b.example"}}
	tok, err := c.RefreshWith(t.Context(), prev, TokenRequest{
		Scope: []string{"b"}, Resource: []string{"https://b.example"}, Audience: []string{"api"}, Extra: url.Values{"vendor": {"1"}, "refresh_token": {"other"}},
	})
	if err != nil || !slices.Equal(tok.Resource, prev.Resource) || !slices.Equal(tok.GrantScope, prev.GrantScope) || !slices.Equal(tok.Scope, []string{"b"}) {
		t.Fatal(tok, err)
	}
	form, _ := f.lastForm()
	want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-1"}, "scope": {"b"}, "client_id": {"client"},
		"resource": {"https://b.example"}, "audience": {"api"}, "vendor": {"1"}} // F-008, F-110
	if form.Encode() != want.Encode() {
		t.Errorf("form %v", form)
	}
	// What the narrower token left out can be had again.
	if _, err := c.RefreshWith(t.Context(), tok, TokenRequest{Scope: []string{"a"}}); err != nil {
		t.Error(err)
	}
	if form, _ := f.lastForm(); !slices.Equal(form["resource"], prev.Resource) {
		t.Errorf("form %v", form)
	}
	n := f.count("/token")
	if _, err := c.RefreshWith(t.Context(), prev, TokenRequest{Resource: []string{"https://c.example"}}); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	if _, err := c.RefreshWith(t.Context(), prev, TokenRequest{Resource: []string{"relative"}}); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	if _, err := c.RefreshWith(t.Context(), prev, TokenRequest{Scope: []string{"c"}}); !errors.Is(err, ErrScope) {
		t.Error(err)
	}
	if f.count("/token") != n {
		t.Error("something was sent")
	}
	// where the profile leaves the resources out, a token for one of them can still be asked for.
	c.Params = map[RequestKind]url.Values{ForRefresh: {"resource": {""}}}
	for resource, want := range map[string][]string{"": nil, "https://b.example": {"https://b.example"}} {
		r := TokenRequest{}
		if resource != "" {
			r.Resource = []string{resource}
		}
		if _, err := c.RefreshWith(t.Context(), prev, r); err != nil {
			t.Error(err)
		}
		if form, _ := f.lastForm(); !slices.Equal(form["resource"], want) {
			t.Errorf("asked for %q, sent %q", resource, form["resource"])
		}
	}
}
