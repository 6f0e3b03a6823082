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

// push pushes an authorization request and returns the URL for the browser.
func (p *person) push(form url.Values) string {
	p.t.Helper()
	var pushed struct {
		URI       string `json:"request_uri"`
		ExpiresIn int    `json:"expires_in"`
	}
	r := p.post(p.s.Issuer()+"/par", form)
	if r.status != http.StatusCreated || json.Unmarshal([]byte(r.body), &pushed) != nil || pushed.ExpiresIn == 0 {
		p.t.Fatalf("PAR %d %s", r.status, r.body)
	}
	return p.s.Issuer() + "/authorize?" + url.Values{"client_id": {form.Get("client_id")}, "request_uri": {pushed.URI}}.Encode()
}

func TestPAR(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", PAR: &PAR{Required: true, TTL: 30 * time.Second}, Clients: []Client{
			DemoClient(), {ID: "secret", Secret: longSecret, AuthMethod: "client_secret_post", RedirectURIs: []string{redirectURI}},
		}})
		u := p.push(authParams("audience", "billing"))
		q := p.back(p.get(u))
		if q.Get("state") != "the-state" || q.Get("code") == "" {
			t.Fatalf("%v", q)
		}
		tk := p.token(redeem(q.Get("code")))
		if _, claims, err := decodeJWT(tk.Access); err != nil || strings.Join(stringsIn(claims["aud"]), " ") != "billing" {
			t.Errorf("aud %v %v", claims["aud"], err)
		}
		if r := p.get(u); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("request_uri twice: %d", r.status)
		}
		u = p.push(authParams())
		time.Sleep(30 * time.Second)
		if r := p.get(u); r.status != http.StatusBadRequest {
			t.Errorf("after its time: %d", r.status)
		}
		p.s.Faults().Set(PARExpired, 1)
		if r := p.get(p.push(authParams())); r.status != http.StatusBadRequest {
			t.Errorf("expired at once: %d", r.status)
		}
		if r := p.authorize(); r.status != http.StatusBadRequest {
			t.Errorf("not pushed: %d %s", r.status, r.header.Get("Location"))
		}
		secret := authParams("client_id", "secret", "client_secret", longSecret)
		if r := p.get(strings.Replace(p.push(secret), "secret", DemoClientID, 1)); r.header.Get("Location") != "" {
			t.Errorf("another client's request_uri: %d", r.status)
		}
		for name, c := range map[string]struct {
			form url.Values
			want int
		}{
			"no secret":        {with(secret, "client_secret", ""), 401},
			"foreign redirect": {authParams("redirect_uri", "http://elsewhere.invalid/"), 400},
			"request_uri":      {authParams("request_uri", "urn:x"), 400},
			"unknown scope":    {authParams("scope", "admin"), 400},
		} {
			if r := p.post(p.s.Issuer()+"/par", c.form); r.status != c.want {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
	})
	shown := start(t, Options{PAR: &PAR{}})
	u := shown.push(authParams())
	if r := shown.get(u); !strings.Contains(r.body, "Sign in to continue") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := shown.get(u); r.status != http.StatusBadRequest {
		t.Errorf("request_uri again while its login is pending: %d", r.status)
	}
	if r := start(t, Options{}); r.post(r.s.Issuer()+"/par", authParams()).status != http.StatusNotFound {
		t.Error("the demo offers PAR")
	}
}
