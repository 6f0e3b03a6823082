package authserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAudience(t *testing.T) {
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			// Without a grace, a refused request that had spent the refresh token would show.
			p := start(t, Options{AutoApprove: "ada", OpaqueTokens: opaque, RotationGrace: -1})
			tk := p.login()
			if strings.Count(tk.Access, ".") == 2 == opaque {
				t.Errorf("access token of the wrong kind: %d dots", strings.Count(tk.Access, "."))
			}
			if r := p.whoami(tk.Access); r.status != http.StatusOK || !strings.Contains(r.body, p.s.API()) {
				t.Errorf("default audience: %d %s", r.status, r.body)
			}
			tk = p.login("resource", "https://api.example/v1", "audience", "billing")
			if r := p.whoami(tk.Access); r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("a token for somebody else: %d %s", r.status, r.body)
			}
			p.wantError(p.token(refresh(tk.Refresh, "resource", "https://other.example")), 400, "invalid_target")
			narrow := p.token(refresh(tk.Refresh, "resource", "https://api.example/v1"))
			if narrow.status != http.StatusOK {
				t.Fatalf("refused after a refused request: %d %s", narrow.status, narrow.Error)
			}
			if !opaque {
				_, claims, err := decodeJWT(tk.Access)
				if err != nil || strings.Join(stringsIn(claims["aud"]), " ") != "https://api.example/v1 billing" {
					t.Errorf("aud %v %v", claims["aud"], err)
				}
				_, claims, err = decodeJWT(narrow.Access)
				if err != nil || strings.Join(stringsIn(claims["aud"]), " ") != "https://api.example/v1" {
					t.Errorf("narrowed aud %v %v", claims["aud"], err)
				}
			}
			if q := p.back(p.authorize("resource", "no-uri")); q.Get("error") != "invalid_target" {
				t.Errorf("relative resource: %v", q)
			}
		})
	}
}

func TestProtectedAPI(t *testing.T) {
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			p := start(t, Options{AutoApprove: "ada", OpaqueTokens: opaque})
			tk := p.login()
			r := p.get(p.s.API())
			if r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != `Bearer realm="fob-demo"` {
				t.Errorf("without a token: %d %q", r.status, r.header.Get("WWW-Authenticate"))
			}
			for name, token := range map[string]string{
				"garbage": "x.y.z", "id_token": tk.ID, "refresh token": tk.Refresh, "half": tk.Access[:len(tk.Access)-2],
			} {
				if r := p.whoami(token); r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), "invalid_token") {
					t.Errorf("%s: whoami %d", name, r.status)
				}
				req := p.request(http.MethodGet, p.s.Issuer()+"/userinfo", nil)
				req.Header.Set("Authorization", "Bearer "+token)
				if r := p.do(req); r.status != http.StatusUnauthorized {
					t.Errorf("%s: userinfo %d", name, r.status)
				}
			}
			p.s.EndSession("ada")
			if r := p.whoami(tk.Access); r.status != http.StatusUnauthorized {
				t.Errorf("after EndSession: %d", r.status)
			}
			other := start(t, Options{AutoApprove: "ada", OpaqueTokens: opaque})
			if r := p.whoami(other.login().Access); r.status != http.StatusUnauthorized {
				t.Errorf("another issuer's token: %d", r.status)
			}
		})
	}
}

func TestUntickedScopesHaveConsequences(t *testing.T) {
	p := start(t, Options{})
	page := p.submit(p.authorize(), url.Values{"account": {"ada"}})
	tk := p.token(redeem(p.back(p.submit(page, url.Values{"approve": {"yes"}, "scope": {"email"}})).Get("code")))
	if tk.Scope != "openid email" || tk.Refresh != "" {
		t.Errorf("scope %q, refresh token without offline_access %t", tk.Scope, tk.Refresh != "")
	}
	r := p.whoami(tk.Access)
	if r.status != http.StatusForbidden || !strings.Contains(r.header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="api"`) {
		t.Errorf("api without its scope: %d %q", r.status, r.header.Get("WWW-Authenticate"))
	}
	if tk = p.login("scope", "openid"); tk.Refresh == "" {
		t.Error("no refresh token for a client that did not ask for offline_access")
	}
}
