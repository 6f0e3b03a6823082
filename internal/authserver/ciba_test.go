package authserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type cibaAnswer struct {
	ID        string `json:"auth_req_id"`
	ExpiresIn int    `json:"expires_in"`
	Interval  int    `json:"interval"`
	Error     string `json:"error"`
	status    int
}

// bank is a backchannel client's request with a good hint.
func bank(pairs ...string) url.Values {
	return with(url.Values{
		"client_id": {"bank"}, "client_secret": {longSecret}, "scope": {"openid api"}, "login_hint": {"ada"},
	}, pairs...)
}

func (p *person) backchannel(form url.Values) cibaAnswer {
	p.t.Helper()
	r := p.post(p.s.Issuer()+"/bc-authorize", form)
	c := cibaAnswer{status: r.status}
	if err := json.Unmarshal([]byte(r.body), &c); err != nil {
		p.t.Fatalf("%d %s", r.status, r.body)
	}
	return c
}

func cibaPoll(c cibaAnswer) url.Values {
	return url.Values{"grant_type": {cibaGrant}, "client_id": {"bank"}, "client_secret": {longSecret}, "auth_req_id": {c.ID}}
}

func TestCIBA(t *testing.T) {
	m := newMachine(t)
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{
			TrustedIssuers: []TrustedIssuer{{Issuer: "https://idp.example", JWKS: m.jwks}},
			Users:          append(DemoUsers(), User{Login: "careful", Code: "1234"}),
			Clients: []Client{{
				ID: "bank", Secret: longSecret, AuthMethod: "client_secret_post", GrantTypes: []string{cibaGrant, "refresh_token"},
				CIBAUserCode: true, JWKS: m.jwks,
			}},
		})
		c := p.backchannel(bank("binding_message", "W4SCT"))
		if c.status != http.StatusOK || c.Interval != 5 || c.ExpiresIn != 60 {
			t.Fatalf("%+v, %s", c, p.s.Stats().LastError)
		}
		p.wantError(p.token(cibaPoll(c)), 400, "authorization_pending")
		p.wantError(p.token(cibaPoll(c)), 400, "slow_down")
		waiting := p.s.CIBARequests()
		if len(waiting) != 1 || waiting[0].BindingMessage != "W4SCT" || waiting[0].Login != "ada" || waiting[0].ID != c.ID {
			t.Fatalf("%+v", waiting)
		}
		if err := p.s.ApproveCIBA(c.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		tk := p.token(cibaPoll(c))
		if tk.status != http.StatusOK || tk.ID == "" || !strings.Contains(p.whoami(tk.Access).body, "Ada Lovelace") {
			t.Fatalf("%d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
		}
		time.Sleep(20 * time.Second)
		p.wantError(p.token(cibaPoll(c)), 400, "invalid_grant")

		c = p.backchannel(bank("login_hint", "", "id_token_hint", tk.ID))
		if err := p.s.DenyCIBA(""); err != nil {
			t.Fatal(err)
		}
		p.wantError(p.token(cibaPoll(c)), 400, "access_denied")
		c = p.backchannel(bank("login_hint", "grace@demo.example", "requested_expiry", "7"))
		if c.ExpiresIn != 7 {
			t.Errorf("%+v", c)
		}
		time.Sleep(7 * time.Second)
		p.wantError(p.token(cibaPoll(c)), 400, "expired_token")

		hint := func(exp time.Duration, sub string) string {
			return signed(t, "ES256", m.key, map[string]any{"kid": "k1"}, map[string]any{
				"iss": "https://idp.example", "sub": sub, "aud": p.s.Issuer(), "exp": time.Now().Add(exp).Unix(),
			})
		}
		request := func(pairs ...any) string {
			claims := assertion(p, "bank", append([]any{"sub", nil, "nbf", time.Now().Unix(), "scope", "openid", "login_hint", "ada"}, pairs...)...)
			return signed(t, "ES256", m.key, map[string]any{"kid": "k1"}, claims)
		}
		only := url.Values{"client_id": {"bank"}, "client_secret": {longSecret}}
		for name, x := range map[string]struct {
			form url.Values
			want string
		}{
			"login_hint_token":     {bank("login_hint", "", "login_hint_token", hint(time.Minute, "ada")), ""},
			"user_code":            {bank("login_hint", "careful", "user_code", "1234"), ""},
			"signed":               {with(only, "request", request()), ""},
			"expired hint":         {bank("login_hint", "", "login_hint_token", hint(-time.Minute, "ada")), "expired_login_hint_token"},
			"hint at nobody":       {bank("login_hint", "", "login_hint_token", hint(time.Minute, "x")), "unknown_user_id"},
			"unknown user":         {bank("login_hint", "x"), "unknown_user_id"},
			"no hint":              {bank("login_hint", ""), "invalid_request"},
			"two hints":            {bank("login_hint_token", hint(time.Minute, "ada")), "invalid_request"},
			"no user_code":         {bank("login_hint", "careful"), "missing_user_code"},
			"wrong user_code":      {bank("login_hint", "careful", "user_code", "4321"), "invalid_user_code"},
			"long binding_message": {bank("binding_message", strings.Repeat("x", 65)), "invalid_binding_message"},
			"no openid":            {bank("scope", "api"), "invalid_scope"},
			"wrong secret":         {bank("client_secret", "x"), "invalid_client"},
			"signed for another":   {with(only, "request", request("aud", "https://elsewhere.invalid")), "invalid_request"},
			"signed without nbf":   {with(only, "request", request("nbf", nil)), "invalid_request"},
		} {
			if c := p.backchannel(x.form); c.Error != x.want || (c.ID == "") != (x.want != "") {
				t.Errorf("%s: %d %q, %s", name, c.status, c.Error, p.s.Stats().LastError)
			}
		}
	})
}
