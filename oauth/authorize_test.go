package oauth

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

func TestChallengeVector(t *testing.T) { // R-081, RFC 7636 appendix B
	raw, err := os.ReadFile("testdata/rfc7636-b.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Verifier, Challenge string }
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if got := challengeS256(Secret(v.Verifier)); got != v.Challenge || v.Challenge == "" {
		t.Errorf("got %s, want %s", got, v.Challenge)
	}
}

func TestAuthorizeURL(t *testing.T) { // F-040, F-045, F-046, F-053, F-060
	age := 90 * time.Second
	c := &Client{ID: "my client", Metadata: &Metadata{Issuer: "https://id.example",
		AuthorizationEndpoint: "https://id.example/authorize?tenant=7&prompt=none", TokenEndpoint: "https://id.example/token"}}
	a, err := c.Authorize(t.Context(), AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:7/cb?x=1", Scope: []string{"openid", "a", "openid"}, Audience: "api",
		Resource: []string{"https://a.example/", "https://b.example/"}, ResponseMode: "form_post", Prompt: "login",
		LoginHint: "user@example.com", ACRValues: []string{"gold", "tin"}, MaxAge: &age,
		Extra: url.Values{"access_type": {"offline"}, "audience": {"other"}, "empty": {""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string][]string{
		"tenant": {"7"}, "prompt": {"login"},
		"response_type": {"code"}, "client_id": {"my client"}, "redirect_uri": {"http://127.0.0.1:7/cb?x=1"},
		"scope": {"openid a"}, "audience": {"other"}, "resource": {"https://a.example/", "https://b.example/"},
		"response_mode": {"form_post"}, "login_hint": {"user@example.com"}, "acr_values": {"gold tin"}, "max_age": {"90"},
		"access_type": {"offline"}, "empty": nil, "state": {a.State}, "nonce": {a.nonce},
		"code_challenge": {challengeS256(a.verifier)}, "code_challenge_method": {"S256"},
	} {
		if !slices.Equal(q[name], want) {
			t.Errorf("%s = %q, want %q", name, q[name], want)
		}
	}
	unreserved := regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	for _, s := range []string{a.State, a.nonce, a.verifier.Reveal()} {
		if !unreserved.MatchString(s) {
			t.Errorf("%q", s)
		}
	}
	b, err := c.Authorize(t.Context(), AuthorizationRequest{Scope: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if b.State == a.State || b.verifier == a.verifier || b.nonce != "" {
		t.Error("not fresh, or a nonce without openid")
	}
	noSecret(t, a.URL, a.verifier.Reveal())
}

// What cannot work is refused before a browser opens.
func TestAuthorizeRefuses(t *testing.T) {
	negative := -time.Second
	tests := []struct {
		name   string
		change func(*Client, *AuthorizationRequest)
		want   error
	}{
		{"no client id", func(c *Client, _ *AuthorizationRequest) { c.ID = "" }, ErrRequest},
		{"no metadata", func(c *Client, _ *AuthorizationRequest) { c.Metadata = nil }, ErrNoEndpoint},
		{"no authorization endpoint", func(c *Client, _ *AuthorizationRequest) { c.Metadata.AuthorizationEndpoint = "" }, ErrNoEndpoint},
		{"no token endpoint", func(c *Client, _ *AuthorizationRequest) { c.Metadata.TokenEndpoint = "" }, ErrNoEndpoint},
		{"plain http", func(c *Client, _ *AuthorizationRequest) { c.Metadata.AuthorizationEndpoint = "http://id.example/a" }, ErrInsecure},
		{"plain http token endpoint", func(c *Client, _ *AuthorizationRequest) { c.Metadata.TokenEndpoint = "http://id.example/a" }, ErrInsecure},
		{"fragment", func(c *Client, _ *AuthorizationRequest) { c.Metadata.AuthorizationEndpoint += "#x" }, ErrNoEndpoint},
		{"grant not listed", func(c *Client, _ *AuthorizationRequest) { c.Metadata.GrantTypesSupported = []string{"implicit"} }, ErrRequest},
		{"response type not listed", func(c *Client, _ *AuthorizationRequest) { c.Metadata.ResponseTypesSupported = []string{"token"} }, ErrRequest},
		{"response mode not listed", func(c *Client, r *AuthorizationRequest) {
			c.Metadata.ResponseModesSupported, r.ResponseMode = []string{"query"}, "form_post"
		}, ErrRequest},
		{"pushed requests required", func(c *Client, _ *AuthorizationRequest) { c.Metadata.RequirePushedAuthorizationRequests = true }, ErrRequest},
		{"openid without issuer", func(c *Client, _ *AuthorizationRequest) { c.Metadata.Issuer = "" }, ErrRequest},
		{"state as extra", func(_ *Client, r *AuthorizationRequest) { r.Extra = url.Values{"state": {"x"}} }, ErrRequest},
		{"plain PKCE as extra", func(_ *Client, r *AuthorizationRequest) {
			r.Extra = url.Values{"code_challenge_method": {"plain"}}
		}, ErrRequest},
		{"implicit as extra", func(_ *Client, r *AuthorizationRequest) { r.Extra = url.Values{"response_type": {"token"}} }, ErrRequest},
		{"request object as extra", func(_ *Client, r *AuthorizationRequest) { r.Extra = url.Values{"request": {"x"}} }, ErrRequest},
		{"parameter twice", func(_ *Client, r *AuthorizationRequest) { r.Extra = url.Values{"x": {"1", "2"}} }, ErrRequest},
		{"scope with space", func(_ *Client, r *AuthorizationRequest) { r.Scope = []string{"a b"} }, ErrRequest},
		{"relative resource", func(_ *Client, r *AuthorizationRequest) { r.Resource = []string{"api"} }, ErrRequest},
		{"resource with fragment", func(_ *Client, r *AuthorizationRequest) { r.Resource = []string{"https://a.example/#x"} }, ErrRequest},
		{"negative max_age", func(_ *Client, r *AuthorizationRequest) { r.MaxAge = &negative }, ErrRequest},
	}
	for _, tt := range tests {
		c := &Client{ID: "c", Metadata: &Metadata{Issuer: "https://id.example",
			AuthorizationEndpoint: "https://id.example/a", TokenEndpoint: "https://id.example/t"}}
		r := AuthorizationRequest{Scope: []string{"openid"}}
		if _, err := c.Authorize(t.Context(), r); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		tt.change(c, &r)
		if _, err := c.Authorize(t.Context(), r); !errors.Is(err, tt.want) || Transient(err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The claims parameter's essential acr is enforced and can be met: R-222.
func TestEssentialACR(t *testing.T) {
	f := newFake(t)
	f.claims["acr"] = "gold"
	r := openid
	r.Extra = url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"gold"}}}`}}
	tok, err := f.login(f.client(), r)
	if err != nil || check(t, tok.Checks, "acr").Detail != "gold" {
		t.Errorf("%v, %v", tok, err)
	}
	r.Extra, r.ACRValues = nil, []string{"platinum"} // a wish only
	tok, err = f.login(f.client(), r)
	if err != nil || check(t, tok.Checks, "acr").Detail != "a wish that was not met; found gold" {
		t.Errorf("%v, %v", tok, err)
	}
}
