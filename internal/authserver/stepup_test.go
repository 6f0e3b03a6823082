package authserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestACR(t *testing.T) {
	for _, auto := range []string{"", "ada"} {
		p := start(t, Options{AutoApprove: auto, ACRValues: []string{"pwd", "mfa"}})
		acr := func(pairs ...string) any {
			t.Helper()
			tk := p.login(pairs...)
			_, id, err := decodeJWT(tk.ID)
			_, access, err2 := decodeJWT(tk.Access)
			if err != nil || err2 != nil || id["acr"] != access["acr"] || access["auth_time"] != id["auth_time"] {
				t.Errorf("%v %v", id, access)
			}
			return id["acr"]
		}
		if got := acr(); got != "pwd" {
			t.Errorf("acr %v", got)
		}
		if auto == "" {
			if r := p.authorize("acr_values", "pwd"); !strings.Contains(r.body, "wants to act for") {
				t.Error("signed in well enough, and asked again")
			}
			if r := p.authorize("acr_values", "mfa"); !strings.Contains(r.body, "Sign in to continue") {
				t.Error("stepped up without a sign-in")
			}
			if q := p.back(p.authorize("acr_values", "mfa", "prompt", "none")); q.Get("error") != "login_required" {
				t.Errorf("prompt=none: %v", q)
			}
		}
		if got := acr("acr_values", "mfa"); got != "mfa" {
			t.Errorf("acr %v", got)
		}
		if q := p.back(p.authorize("acr_values", "retina")); q.Get("error") != "unmet_authentication_requirements" {
			t.Errorf("unknown acr: %v", q)
		}
		if auto == "" {
			continue
		}
		p.s.Faults().Set(ACRIgnored, 1)
		if got := acr("acr_values", "mfa"); got != "pwd" {
			t.Errorf("ignored: %v", got)
		}
		p.s.Faults().Set(WrongACR, 1)
		if _, id, err := decodeJWT(p.login().ID); err != nil || id["acr"] != "another" {
			t.Errorf("%v %v", id, err)
		}
	}
}

func TestClaimsParameter(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", ACRValues: []string{"pwd", "mfa"}, ClaimsParameter: true})
	tk := p.login("scope", "openid api", "claims",
		`{"id_token":{"email":{"essential":true},"acr":{"essential":true,"values":["mfa"]}},"userinfo":{"name":null}}`)
	_, id, err := decodeJWT(tk.ID)
	if err != nil || id["email"] != "ada@demo.example" || id["name"] != nil || id["acr"] != "mfa" {
		t.Errorf("id_token %v %v", id, err)
	}
	req := p.request(http.MethodGet, p.s.Issuer()+"/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+tk.Access)
	if r := p.do(req); !strings.Contains(r.body, "Ada Lovelace") || strings.Contains(r.body, "@") {
		t.Errorf("userinfo %s", r.body)
	}
}

func TestAuthorizationDetails(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", AuthorizationDetailsTypes: []string{"payment"}, Clients: []Client{
		DemoClient(), ownGrant(Client{ID: "job", Secret: longSecret, AuthMethod: "client_secret_post"}),
	}})
	type answer struct {
		Details []map[string]any `json:"authorization_details"`
		Access  string           `json:"access_token"`
	}
	ask := func(form url.Values) (a answer, r reply) {
		t.Helper()
		r = p.post(p.s.Issuer()+"/token", form)
		if err := json.Unmarshal([]byte(r.body), &a); err != nil {
			t.Fatal(err)
		}
		return a, r
	}
	const want = `[{"type":"payment","actions":["read","pay"],"amount":{"currency":"EUR"}}]`
	a, r := ask(redeem(p.code("authorization_details", want)))
	if len(a.Details) != 1 || a.Details[0]["type"] != "payment" || len(a.Details[0]["actions"].([]any)) != 2 {
		t.Errorf("%s", r.body)
	}
	if _, claims, err := decodeJWT(a.Access); err != nil || claims["authorization_details"] == nil {
		t.Errorf("access token %v %v", claims, err)
	}
	p.s.Faults().Set(FewerDetails, 1)
	if a, r = ask(redeem(p.code("authorization_details", want))); len(a.Details) != 1 || len(a.Details[0]["actions"].([]any)) != 1 {
		t.Errorf("narrowed %s", r.body)
	}
	for _, bad := range []string{`[{"type":"other"}]`, `[{"actions":[]}]`, `{"type":"payment"}`, `x`} {
		if q := p.back(p.authorize("authorization_details", bad)); q.Get("error") != "invalid_authorization_details" {
			t.Errorf("%s: %v", bad, q)
		}
		if _, r := ask(credentials("client_id", "job", "client_secret", longSecret, "authorization_details", bad)); r.status != 400 || !strings.Contains(r.body, "invalid_authorization_details") {
			t.Errorf("%s: %d %s", bad, r.status, r.body)
		}
	}
	if a, r := ask(credentials("client_id", "job", "client_secret", longSecret, "authorization_details", want)); len(a.Details) != 1 {
		t.Errorf("client_credentials: %s", r.body)
	}
}
