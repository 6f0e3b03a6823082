package authserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sendJSON sends JSON with a bearer token.
func (p *person) sendJSON(method, u, token string, body any) (reply, map[string]any) {
	p.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, u, strings.NewReader(string(data)))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	r := p.do(req)
	var doc map[string]any
	_ = json.Unmarshal([]byte(r.body), &doc) // 204 has none
	return r, doc
}

func registration(pairs ...any) map[string]any {
	m := map[string]any{
		"client_name": "Fob", "redirect_uris": []string{"http://127.0.0.1/callback"}, "application_type": "native",
		"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", Registration: &Registration{InitialToken: "let-me-in", SecretTTL: time.Hour, RotateTokens: true}})
		register := p.s.Issuer() + "/register"
		for _, token := range []string{"", "wrong"} {
			if r, _ := p.sendJSON("POST", register, token, registration()); r.status != 401 || !strings.Contains(r.header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("initial access token %q: %d", token, r.status)
			}
		}
		r, doc := p.sendJSON("POST", register, "let-me-in", registration())
		id := asString(doc["client_id"])
		if r.status != http.StatusCreated || id == "" || doc["client_secret"] != nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		tk := p.token(redeem(p.code("client_id", id), "client_id", id)) // port 49152 of a portless URI
		if tk.status != http.StatusOK || tk.ID == "" || tk.Refresh == "" {
			t.Fatalf("%d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
		}
		uri, first := asString(doc["registration_client_uri"]), asString(doc["registration_access_token"])
		r, doc = p.sendJSON("GET", uri, first, nil)
		second := asString(doc["registration_access_token"])
		if r.status != http.StatusOK || second == "" || second == first || doc["client_name"] != "Fob" {
			t.Errorf("read: %d %s", r.status, r.body)
		}
		if r, _ := p.sendJSON("GET", uri, first, nil); r.status != http.StatusUnauthorized {
			t.Errorf("superseded token: %d", r.status)
		}
		r, doc = p.sendJSON("PUT", uri, second, registration("client_id", id, "client_name", "Fob 2", "token_endpoint_auth_method", "client_secret_post"))
		third, secret := asString(doc["registration_access_token"]), asString(doc["client_secret"])
		if r.status != http.StatusOK || doc["client_name"] != "Fob 2" || secret == "" || doc["client_secret_expires_at"] != float64(time.Now().Add(time.Hour).Unix()) {
			t.Errorf("change: %d %s", r.status, r.body)
		}
		if tk := p.token(refresh(tk.Refresh, "client_id", id)); tk.Error != "invalid_client" {
			t.Errorf("without the new secret: %d %s", tk.status, tk.Error)
		}
		tk = p.token(refresh(tk.Refresh, "client_id", id, "client_secret", secret))
		if tk.status != http.StatusOK {
			t.Errorf("with the secret: %d %s", tk.status, tk.Error)
		}
		time.Sleep(time.Hour)
		p.wantError(p.token(refresh(tk.Refresh, "client_id", id, "client_secret", secret)), 401, "invalid_client")
		if r, _ := p.sendJSON("DELETE", uri, third, nil); r.status != http.StatusNoContent || slices.Contains(p.s.RegisteredClients(), id) {
			t.Errorf("delete: %d", r.status)
		}
		if r, _ := p.sendJSON("GET", uri, third, nil); r.status != http.StatusUnauthorized {
			t.Errorf("after delete: %d", r.status)
		}

		_, doc = p.sendJSON("POST", register, "let-me-in", registration())
		id = asString(doc["client_id"])
		p.s.ForgetClient(id)
		p.wantError(p.token(redeem("x", "client_id", id)), 401, "invalid_client")
		if r := p.authorize("client_id", id); r.status < 400 || r.header.Get("Location") != "" {
			t.Errorf("forgotten client: %d", r.status)
		}
		for name, bad := range map[string]map[string]any{
			"own id": registration("client_id", "mine"), "foreign http": registration("redirect_uris", []string{"http://elsewhere.invalid/"}),
			"fragment": registration("redirect_uris", []string{"http://127.0.0.1/#x"}), "unknown method": registration("token_endpoint_auth_method", "private_key_jwt"),
			"unknown grant": registration("grant_types", []string{"password"}), "unknown scope": registration("scope", "admin"),
		} {
			if r, doc := p.sendJSON("POST", register, "let-me-in", bad); r.status != 400 || doc["error"] != "invalid_client_metadata" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		for fault, status := range map[Fault]int{RegistrationDown: 503, RegistrationRefused: 400, RegistrationOther: 201} {
			p.s.Faults().Set(fault, 1)
			if r, _ := p.sendJSON("POST", register, "let-me-in", registration()); r.status != status || status == 201 && !strings.Contains(r.body, "elsewhere") {
				t.Errorf("%s: %d %s", fault, r.status, r.body)
			}
		}
	})
	if p := start(t, Options{}); p.post(p.s.Issuer()+"/register", nil).status != http.StatusNotFound {
		t.Error("the demo registers clients")
	}
}

func TestClientMetadataDocument(t *testing.T) {
	doc := map[string]any{"client_name": "By document", "redirect_uris": []string{"http://127.0.0.1/callback"}, "grant_types": []string{"authorization_code", "refresh_token"}}
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/client", http.StatusFound)
			return
		}
		_ = json.NewEncoder(w).Encode(doc) // the test sees it if it does not arrive
	}))
	t.Cleanup(host.Close)
	id := host.URL + "/client"
	p := start(t, Options{ClientMetadataDocuments: true})
	if !strings.Contains(p.get(p.s.Issuer()+wellKnownOIDC).body, `"client_id_metadata_document_supported":true`) {
		t.Error("not in the metadata")
	}
	doc["client_id"] = id
	if r := p.submit(p.authorize("client_id", id), url.Values{"account": {"ada"}}); !strings.Contains(r.body, "By document") {
		t.Errorf("consent %d %s", r.status, r.body)
	}
	tk := p.token(redeem(p.code("client_id", id), "client_id", id))
	if tk.status != http.StatusOK || tk.Refresh == "" {
		t.Fatalf("%d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	refused := func(name, id string) {
		t.Helper()
		if r := p.authorize("client_id", id); r.status < 400 || r.header.Get("Location") != "" {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	refused("another address", host.URL+"/other")
	refused("redirect", host.URL+"/moved")
	refused("no path", host.URL)
	refused("dot segment", host.URL+"/x/../client")
	refused("not here", strings.Replace(id, "127.0.0.1", "elsewhere.invalid", 1))
	for name, change := range map[string][2]any{
		"secret": {"client_secret", "x"}, "secret method": {"token_endpoint_auth_method", "client_secret_post"},
		"no redirect": {"redirect_uris", nil}, "too large": {"client_name", strings.Repeat("x", maxDocument)},
	} {
		old, had := doc[change[0].(string)]
		doc[change[0].(string)] = change[1]
		refused(name, id)
		if doc[change[0].(string)] = old; !had {
			delete(doc, change[0].(string))
		}
	}
	if p.authorize("client_id", id).status != http.StatusOK {
		t.Error("refused although it is good")
	}
	if q := start(t, Options{}); q.authorize("client_id", id).status < 400 {
		t.Error("the demo takes documents")
	}
}
