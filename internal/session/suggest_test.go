package session

import (
	"slices"
	"strings"
	"testing"

	"fob/internal/authserver"
)

// R-196, F-099: a login says how its client authenticated and why so, and that the server would bind its tokens to a key; one
// that does says nothing.
func TestSuggestionsOfALogin(t *testing.T) {
	r := newRig(t, withClients(authserver.Options{DPoP: &authserver.DPoP{}}, service))
	details := func(name string) Details {
		t.Helper()
		d, err := r.engine.Details(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	dpop := func(s string) bool { return strings.Contains(s, "dpop_bound_access_tokens") }
	if d := details("work"); d.Authentication != "" || d.Suggestions != nil {
		t.Errorf("nobody is logged in: %+v", d)
	}
	r.login("work")
	r.reopen()
	if d := details("work"); d.Authentication != "none: there is no client secret, private key or certificate" || !slices.ContainsFunc(d.Suggestions, dpop) {
		t.Errorf("authentication %q, suggestions %q", d.Authentication, d.Suggestions)
	}
	p := r.profile("work")
	p.DPoPBoundAccessTokens = true
	r.put(p)
	r.login("work")
	if d := details("work"); len(d.Suggestions) > 0 {
		t.Errorf("suggestions %q", d.Suggestions)
	}
	r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
	r.token("svc")
	if d := details("svc"); !strings.HasPrefix(d.Authentication, "client_secret_basic: ") || !slices.ContainsFunc(d.Suggestions, dpop) {
		t.Errorf("authentication %q, suggestions %q", d.Authentication, d.Suggestions)
	}
}
