package session

import (
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
