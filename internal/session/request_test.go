package session

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"fob/internal/authserver"
	"fob/profiles"
)

// F-047, F-050, F-052, F-053, F-054, F-060, R-005: what a profile says of the request is what the server is asked, beside what
// Fob makes for each login: F-040, F-045, F-046.
func TestProfileIsWhatIsAsked(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.Scope = profiles.List{"openid", "api"}
	p.Resource = profiles.List{"https://a.example", "https://b.example"}
	p.Audience, p.Prompt, p.LoginHint = "https://api.example", "select_account", "ada"
	p.AuthorizeParams = profiles.Parameters{"access_type": "offline"}
	p.AuthorizationEndpoint = issuer + "/authorize?tenant=7"
	r.put(p)
	ask := func() url.Values {
		t.Helper()
		pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(pending.URL)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query()
	}
	q := ask()
	for name, want := range map[string][]string{
		"scope": {"openid api"}, "resource": {"https://a.example", "https://b.example"}, "audience": {"https://api.example"},
		"prompt": {"select_account"}, "login_hint": {"ada"}, "access_type": {"offline"}, "tenant": {"7"}, "code_challenge_method": {"S256"},
	} {
		if !slices.Equal(q[name], want) {
			t.Errorf("%s: %q, want %q", name, q[name], want)
		}
	}
	again := ask()
	for _, made := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(made)) < 43 || q.Get(made) == again.Get(made) {
			t.Errorf("%s is not made for each login", made)
		}
	}
}

// F-097: a SAML 2.0 client assertion from an identity provider (RFC 7522 §2.2) is kept as the client's secret and sent by the
// custom method.
func TestSAMLClientAssertionOfAProfile(t *testing.T) {
	const assertion, kind = "PHNhbWxwOlJlc3BvbnNlPg", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
	forms := make(chan url.Values, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		forms <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"an-access-token","token_type":"Bearer","expires_in":60}`))
	}))
	t.Cleanup(server.Close)
	r := newRig(t, authserver.Options{})
	r.http = &http.Client{Transport: fork{server.URL, r.server.Transport()}}
	r.reopen()
	p := profiles.Profile{Name: "saml", TokenEndpoint: server.URL + "/token", ClientID: "machine", GrantType: profiles.GrantClientCredentials}
	p.TokenEndpointAuthMethod = "custom"
	p.CustomAuthBody = profiles.Parameters{"client_assertion": "{client_secret}", "client_assertion_type": kind}
	r.put2(p, map[string]string{"client_secret": assertion})
	if r.token("saml").AccessToken != "an-access-token" {
		t.Error("no token")
	}
	if form := <-forms; form.Get("client_assertion") != assertion || form.Get("client_assertion_type") != kind || form.Has("client_secret") {
		t.Errorf("form %v", form)
	}
}
