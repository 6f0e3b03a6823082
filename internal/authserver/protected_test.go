package authserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestResourceMetadata(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", IssuerPath: "/tenant", ResourceMetadata: true, Scopes: []string{"admin"}})
	host := strings.TrimSuffix(p.s.Issuer(), "/tenant")
	where := host + "/.well-known/oauth-protected-resource/tenant/api/whoami"
	if got := p.get(p.s.API()).header.Get("WWW-Authenticate"); got != `Bearer realm="fob-demo", resource_metadata="`+where+`"` {
		t.Errorf("challenge %q", got)
	}
	type document struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
	}
	read := func(u string) (d document) {
		t.Helper()
		if r := p.get(u); r.status != http.StatusOK || json.Unmarshal([]byte(r.body), &d) != nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return d
	}
	if d := read(where); d.Resource != p.s.API() || len(d.Servers) != 1 || d.Servers[0] != p.s.Issuer() || len(d.Scopes) != 2 {
		t.Errorf("%+v", d)
	}
	admin := p.s.Issuer() + "/api/admin"
	if d := read(strings.Replace(where, "whoami", "admin", 1)); d.Resource != admin {
		t.Errorf("%+v", d)
	}
	for _, u := range []string{host + "/.well-known/oauth-protected-resource", strings.Replace(where, "whoami", "strong", 1)} {
		if r := p.get(u); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", u, r.status)
		}
	}
	p.s.Faults().Set(ResourceOther, 1)
	if d := read(where); d.Resource == p.s.API() {
		t.Errorf("%+v", d)
	}
	p.s.Faults().Set(ResourceOtherServer, 1)
	if d := read(where); d.Servers[0] == p.s.Issuer() {
		t.Errorf("%+v", d)
	}
	p.s.Faults().Set(ResourceMetadataDown, 1)
	if r := p.get(where); r.status != http.StatusServiceUnavailable {
		t.Errorf("%d", r.status)
	}
	use := func(u string, tk tokens) reply {
		req := p.request(http.MethodGet, u, nil)
		req.Header.Set("Authorization", "Bearer "+tk.Access)
		return p.do(req)
	}
	r := use(admin, p.login())
	if got := r.header.Get("WWW-Authenticate"); r.status != http.StatusForbidden || !strings.Contains(got, `error="insufficient_scope", scope="admin", resource_metadata="`) {
		t.Errorf("without admin: %d %s", r.status, got)
	}
	tk := p.login("scope", "openid api admin", "resource", admin)
	if r := use(admin, tk); r.status != http.StatusOK {
		t.Errorf("with admin: %d %s", r.status, r.body)
	}
	if r := use(p.s.API(), tk); r.status != http.StatusUnauthorized {
		t.Errorf("a token for another resource: %d", r.status)
	}
	demo := start(t, Options{})
	for _, path := range []string{"/api/admin", "/api/strong", wellKnownResource + "/api/whoami"} {
		if r := demo.get(demo.s.Issuer() + path); r.status != http.StatusNotFound {
			t.Errorf("the demo has %s: %d", path, r.status)
		}
	}
}

func TestStepUpChallenge(t *testing.T) {
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := bubble(t, Options{AutoApprove: "ada", OpaqueTokens: opaque, ACRValues: []string{"pwd", "mfa"}, StrongMaxAge: 2 * time.Minute})
				use := func(tk tokens) reply {
					req := p.request(http.MethodGet, p.s.Issuer()+"/api/strong", nil)
					req.Header.Set("Authorization", "Bearer "+tk.Access)
					return p.do(req)
				}
				want := `error="insufficient_user_authentication", error_description="sign in again", acr_values="mfa", max_age="120"`
				if r := use(p.login()); r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), want) {
					t.Errorf("weak: %d %s", r.status, r.header.Get("WWW-Authenticate"))
				}
				tk := p.login("acr_values", "mfa")
				if r := use(tk); r.status != http.StatusOK {
					t.Errorf("strong: %d %s", r.status, r.body)
				}
				time.Sleep(2*time.Minute + time.Second)
				if r := use(p.token(refresh(tk.Refresh))); r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), want) {
					t.Errorf("too long ago: %d %s", r.status, r.body)
				}
			})
		})
	}
}
