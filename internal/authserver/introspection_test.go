package authserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestIntrospection(t *testing.T) {
	m, enc := keyed(t)
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			sealed := postClient("sealed", "client_credentials")
			sealed.JWKS, sealed.IntrospectionAlg, sealed.IntrospectionEncryption = m.jwks, "RS256", Encryption{Alg: "ECDH-ES"}
			p := start(t, Options{AutoApprove: "ada", OpaqueTokens: opaque, Introspection: true, Clients: []Client{
				DemoClient(), postClient("api", "client_credentials"), sealed,
			}})
			tk := p.login("audience", "billing")
			ask := func(token, accept, id string) reply {
				t.Helper()
				req := p.request(http.MethodPost, p.s.Issuer()+"/introspect", url.Values{"token": {token}, "client_id": {id}, "client_secret": {longSecret}})
				req.Header.Set("Accept", accept)
				return p.do(req)
			}
			for _, token := range []string{tk.Access, tk.Refresh} {
				r := ask(token, "application/json", "api")
				if r.status != http.StatusOK || !strings.Contains(r.body, `"active":true`) || !strings.Contains(r.body, `"sub":"demo-ada"`) {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
			if r := ask(tk.Access, "", "api"); !strings.Contains(r.body, `"billing"`) {
				t.Errorf("audience: %s", r.body)
			}
			if r := ask("unknown", "", "api"); r.status != http.StatusOK || strings.TrimSpace(r.body) != `{"active":false}` {
				t.Errorf("unknown token: %d %s", r.status, r.body)
			}
			if r := p.post(p.s.Issuer()+"/introspect", url.Values{"token": {tk.Access}}); r.status != http.StatusUnauthorized {
				t.Errorf("anonymous: %d", r.status)
			}
			if r := p.post(p.s.Issuer()+"/introspect", url.Values{"token": {tk.Access}, "client_id": {DemoClientID}}); r.status == http.StatusOK {
				t.Errorf("public client: %d %s", r.status, r.body)
			}
			r := ask(tk.Access, introspectionJWT, "api")
			head, _, _ := decodeJWT(r.body)
			claims, err := p.verify(r.body)
			info, _ := claims["token_introspection"].(map[string]any)
			if err != nil || r.header.Get("Content-Type") != introspectionJWT || head["typ"] != "token-introspection+jwt" ||
				claims["aud"] != "api" || claims["iss"] != p.s.Issuer() || info["active"] != true || claims["sub"] != nil {
				t.Errorf("%v %v %v", head, claims, err)
			}
			plain, err := unwrap(t, enc, ask(tk.Access, introspectionJWT, "sealed").body)
			if claims, err2 := p.verify(plain); err != nil || err2 != nil || claims["aud"] != "sealed" {
				t.Errorf("%v %v %v", claims, err, err2)
			}
			p.s.Faults().Set(IntrospectionInactive, 1)
			if r := ask(tk.Access, "", "api"); !strings.Contains(r.body, `"active":false`) {
				t.Errorf("%s", r.body)
			}
			p.s.Faults().Set(IntrospectionWrongAudience, 1)
			if claims, _ := p.verify(ask(tk.Access, introspectionJWT, "api").body); claims["aud"] != "another-client" {
				t.Errorf("%v", claims)
			}
			p.s.Faults().Set(IntrospectionAlgNone, 1)
			if head, _, _ := decodeJWT(ask(tk.Access, introspectionJWT, "api").body); head["alg"] != "none" {
				t.Errorf("%v", head)
			}
			p.s.EndSession("ada")
			if r := ask(tk.Access, "", "api"); !strings.Contains(r.body, `"active":false`) {
				t.Errorf("after EndSession: %s", r.body)
			}
		})
	}
}

func TestUserinfoJWT(t *testing.T) {
	m, enc := keyed(t)
	signs, seals := DemoClient(), DemoClient()
	signs.UserinfoAlg = "ES256"
	seals.ID, seals.JWKS, seals.UserinfoEncryption = "seals", m.jwks, Encryption{Alg: "ECDH-ES", Enc: "A128GCM"}
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{signs, seals}})
	ask := func(id string) string {
		t.Helper()
		tk := p.token(redeem(p.code("client_id", id), "client_id", id))
		req := p.request(http.MethodGet, p.s.Issuer()+"/userinfo", nil)
		req.Header.Set("Authorization", "Bearer "+tk.Access)
		r := p.do(req)
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/jwt" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return r.body
	}
	if claims, err := p.verify(ask(DemoClientID)); err != nil || claims["sub"] != "demo-ada" || claims["aud"] != DemoClientID || claims["iss"] != p.s.Issuer() {
		t.Errorf("%v %v", claims, err)
	}
	plain, err := unwrap(t, enc, ask("seals"))
	if claims, err2 := p.verify(plain); err != nil || err2 != nil || claims["name"] != "Ada Lovelace" {
		t.Errorf("%v %v %v", claims, err, err2)
	}
	p.s.Faults().Set(UserinfoBroken, 1)
	if _, err := p.verify(ask(DemoClientID)); err == nil {
		t.Error("the signature verifies")
	}
	p.s.Faults().Set(UserinfoAlgNone, 1)
	if head, _, err := decodeJWT(ask(DemoClientID)); err != nil || head["alg"] != "none" {
		t.Errorf("%v %v", head, err)
	}
	p.s.Faults().Set(UserinfoOther, 1)
	if claims, err := p.verify(ask(DemoClientID)); err != nil || claims["sub"] != "somebody-else" {
		t.Errorf("%v %v", claims, err)
	}
}
