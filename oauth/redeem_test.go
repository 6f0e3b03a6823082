package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestLogin(t *testing.T) {
	f := newFake(t)
	c := f.client()
	tok := f.mustLogin(c)
	if tok.AccessToken.Reveal() != "access-authorization_code" || tok.RefreshToken.Reveal() != "refresh-1" {
		t.Errorf("tokens %q %q", tok.AccessToken.Reveal(), tok.RefreshToken.Reveal())
	}
	if tok.Type != "Bearer" { // case-insensitive
		t.Errorf("type %q", tok.Type)
	}
	if want := openid.Scope; !slices.Equal(tok.Scope, want) || !slices.Equal(tok.GrantScope, want) {
		t.Errorf("scope %q, grant %q", tok.Scope, tok.GrantScope)
	}
	if d := tok.ExpiresAt.Sub(tok.ObtainedAt); d != time.Hour {
		t.Errorf("lives %v", d)
	}
	if tok.Claims["sub"] != "alice" {
		t.Errorf("claims %v", tok.Claims)
	}
	var names []string
	for _, ch := range tok.Checks {
		names = append(names, ch.Name)
		if !ch.OK || ch.Spec == "" {
			t.Errorf("check %+v", ch)
		}
	}
	want := []string{"state", "response iss", "token_type", "format", "iss", "sub", "aud", "azp", "alg", "signature",
		"exp", "nbf", "iat", "nonce", "acr", "auth_time", "at_hash", "c_hash", "s_hash"}
	if !slices.Equal(names, want) {
		t.Errorf("checks %q", names)
	}
	form, auth := f.lastForm()
	//
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": "the-code-0123456789", "redirect_uri": openid.RedirectURI,
		"client_id": "client",
	} {
		if form.Get(name) != want {
			t.Errorf("%s = %q", name, form.Get(name))
		}
	}
	if auth != "" || len(form.Get("code_verifier")) != 43 {
		t.Errorf("auth %q, verifier of %d", auth, len(form.Get("code_verifier")))
	}
}

// what an access token says inside is between the server and the API (RFC 9068 section 6): one that contradicts its
// answer in everything changes nothing.
func TestAccessTokenIsNotRead(t *testing.T) {
	part := func(s string) string { return b64([]byte(s)) }
	f := newFake(t)
	f.token["access_token"] = part(`{"alg":"none","typ":"id_token"}`) + "." +
		part(`{"iss":"https://evil.example","sub":"mallory","aud":"other","exp":1,"scope":"admin","nonce":"x","cnf":{"jkt":"x"}}`) + "."
	tok := f.mustLogin(f.client())
	if tok.ExpiresAt.Sub(tok.ObtainedAt) != time.Hour || tok.Claims["sub"] != "alice" || !slices.Equal(tok.Scope, openid.Scope) || tok.Type != "Bearer" {
		t.Errorf("expires %v, claims %v, scope %q, type %s", tok.ExpiresAt, tok.Claims, tok.Scope, tok.Type)
	}
}

// The response must be this login's.
func TestRedeemRefusesResponse(t *testing.T) { // F-058
	tests := []struct {
		name     string
		change   url.Values // replaces parameters; an empty list removes
		promise  bool       // iss is promised in the metadata
		want     error
		consumed bool // a good response afterwards is refused
	}{
		{"no state", url.Values{"state": nil}, false, ErrState, false},
		{"empty state", url.Values{"state": {""}}, false, ErrState, false},
		{"wrong state", url.Values{"state": {"x"}}, false, ErrState, false},
		{"foreign state on an error", url.Values{"state": {"x"}, "error": {"access_denied"}}, false, ErrState, false},
		{"state twice", url.Values{"state": {"x", "y"}}, false, ErrState, false},
		{"foreign iss", url.Values{"iss": {"https://evil.example"}}, false, ErrIssuer, true},
		{"foreign iss, promised", url.Values{"iss": {"https://evil.example"}}, true, ErrIssuer, true},
		{"foreign iss on an error", url.Values{"iss": {"https://evil.example"}, "error": {"access_denied"}}, true, ErrIssuer, true},
		{"iss missing though promised", nil, true, ErrIssuer, true},
		{"iss twice", url.Values{"iss": {"a", "b"}}, true, ErrIssuer, true},
		{"neither code nor error", url.Values{"code": nil}, false, ErrResponse, true},
		{"code twice", url.Values{"code": {"a", "b"}}, false, ErrResponse, true},
		{"error", url.Values{"error": {"access_denied"}}, false, AccessDenied, true},
		{"error of OpenID Connect", url.Values{"error": {"login_required"}}, false, LoginRequired, true},
		{"tokens instead of a code", url.Values{"code": nil, "access_token": {"x"}, "token_type": {"bearer"}}, false, ErrResponse, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.metadata["authorization_response_iss_parameter_supported"] = tt.promise
			c := f.client()
			a, good := f.authorize(c, openid)
			if tt.promise {
				good.Set("iss", f.URL)
			}
			bad := url.Values{"code": {"c"}, "state": {a.State}}
			for name, values := range tt.change {
				bad[name] = values
			}
			tok, err := a.Redeem(t.Context(), bad)
			if !errors.Is(err, tt.want) || tok != nil {
				t.Fatalf("token %v, err %v, want %v", tok, err, tt.want)
			}
			if n := f.count("/token"); n != 0 {
				t.Errorf("%d token requests", n)
			}
			_, err = a.Redeem(t.Context(), good)
			if tt.consumed && !errors.Is(err, ErrReused) || !tt.consumed && err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestRedeemAcceptsIssuer(t *testing.T) { // F-058
	f := newFake(t)
	a, response := f.authorize(f.client(), openid)
	response.Set("iss", f.URL)
	tok, err := a.Redeem(t.Context(), response)
	if err != nil {
		t.Fatal(err)
	}
	if c := check(t, tok.Checks, "response iss"); c.Detail != "as expected, though the server does not promise to send it" {
		t.Errorf("%+v", c)
	}
}

// A code is sent once, also when two responses race.
func TestRedeemOnce(t *testing.T) {
	f := newFake(t)
	a, response := f.authorize(f.client(), openid)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = a.Redeem(t.Context(), response) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrReused) {
			t.Error(err)
		}
	}
	if won != 1 || f.count("/token") != 1 {
		t.Errorf("%d won, %d requests", won, f.count("/token"))
	}
	if a.verifier != "" {
		t.Error("the verifier is still there")
	}
}

// A code whose exchange broke is not sent again: R-019.
func TestRedeemNotRetried(t *testing.T) {
	f := newFake(t)
	f.routes["/token"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	a, response := f.authorize(f.client(), openid)
	_, err := a.Redeem(t.Context(), response)
	if !Transient(err) {
		t.Errorf("not transient: %v", err)
	}
	if _, err := a.Redeem(t.Context(), response); !errors.Is(err, ErrReused) {
		t.Errorf("second: %v", err)
	}
	if n := f.count("/token"); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// Two logins at two servers never mix.
func TestLoginsDoNotMix(t *testing.T) {
	f, g := newFake(t), newFake(t)
	a, fromF := f.authorize(f.client(), openid)
	b, fromG := g.authorize(g.client(), openid)
	if _, err := a.Redeem(t.Context(), fromG); !errors.Is(err, ErrState) {
		t.Errorf("g's response in f's login: %v", err)
	}
	// Mix-up: the code comes back under f's state, from g.
	fromF.Set("iss", g.URL)
	if _, err := a.Redeem(t.Context(), fromF); !errors.Is(err, ErrIssuer) {
		t.Errorf("mix-up: %v", err)
	}
	if _, err := b.Redeem(t.Context(), fromG); err != nil {
		t.Error(err)
	}
	if f.count("/token") != 0 || g.count("/token") != 1 {
		t.Error("a code went to the other server")
	}
}

// A scope with terminal escapes or bidirectional overrides in it is none; odd
// ones that can be printed are the server's business. R-011
func TestGrantedScopeIsPrintable(t *testing.T) {
	f := newFake(t)
	f.token["scope"] = "api \x1b[2Jx \u202eevil \u00e9t\u00e9 a\\b"
	tok, err := f.login(f.client(), openid)
	if err != nil || !slices.Equal(tok.Scope, []string{"api", "\u00e9t\u00e9", `a\b`}) {
		t.Errorf("%q, %v", tok.Scope, err)
	}
}
