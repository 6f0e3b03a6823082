package authserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestQuirks(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	for fault, want := range map[Fault]func(reply, map[string]any) bool{
		QuirkForm: func(r reply, _ map[string]any) bool {
			form, err := url.ParseQuery(r.body)
			return err == nil && form.Get("access_token") != "" && form.Get("expires_in") == "300" &&
				strings.HasPrefix(r.header.Get("Content-Type"), "application/x-www-form-urlencoded")
		},
		QuirkNested: func(_ reply, m map[string]any) bool {
			inner, _ := m["authed_user"].(map[string]any)
			return m["ok"] == true && m["access_token"] == nil && inner["access_token"] != nil
		},
		QuirkRenamed:      func(_ reply, m map[string]any) bool { return m["access_token"] == nil && m["accessToken"] != nil },
		QuirkStringExpiry: func(_ reply, m map[string]any) bool { return m["expires_in"] == "300" },
		QuirkNoTokenType:  func(_ reply, m map[string]any) bool { return m["token_type"] == nil && m["access_token"] != nil },
		QuirkCommaScope:   func(_ reply, m map[string]any) bool { return m["scope"] == "openid,profile,email,offline_access,api" },
		OtherScope:        func(_ reply, m map[string]any) bool { return m["scope"] == "another_scope" },
		NoScope:           func(_ reply, m map[string]any) bool { return m["scope"] == nil && m["access_token"] != nil },
	} {
		form := redeem(p.code())
		p.s.Faults().Set(fault, 1)
		r := p.post(p.s.Issuer()+"/token", form)
		var m map[string]any
		_ = json.Unmarshal([]byte(r.body), &m) // a form is none
		if r.status != http.StatusOK || !want(r, m) || p.s.Faults().Applied(fault) != 1 {
			t.Errorf("%s: %d %s", fault, r.status, r.body)
		}
	}
	p.s.Faults().Set(QuirkErrorOK, 1)
	if r := p.post(p.s.Issuer()+"/token", redeem("unknown")); r.status != http.StatusOK || !strings.Contains(r.body, `"error":"invalid_grant"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	p.s.Faults().Set(QuirkErrorOK, 1)
	p.s.Faults().Set(QuirkForm, 1)
	if r := p.post(p.s.Issuer()+"/token", redeem("unknown")); r.status != http.StatusOK || !strings.Contains(r.body, "error=invalid_grant") {
		t.Errorf("%d %s", r.status, r.body)
	}
	p.s.Faults().Clear()

	if r := p.get(p.s.Issuer() + "/token?" + redeem(p.code()).Encode()); r.status < 400 {
		t.Errorf("GET: %d", r.status)
	}
	p.s.Faults().Set(QuirkGET, 2)
	if r := p.post(p.s.Issuer()+"/token", redeem(p.code())); r.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.status)
	}
	if r := p.get(p.s.Issuer() + "/token?" + redeem(p.code()).Encode()); r.status != http.StatusOK {
		t.Errorf("GET: %d %s", r.status, r.body)
	}
}

func TestRequiredQuery(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", TokenQuery: url.Values{"api-version": {"2"}}})
	for query, want := range map[string]int{"": 400, "?api-version=1": 400, "?api-version=2&x=1": 400, "?api-version=2": 200} {
		if r := p.post(p.s.Issuer()+"/token"+query, redeem(p.code())); r.status != want {
			t.Errorf("%q: %d %s", query, r.status, r.body)
		}
	}
}
