package authserver

import (
	"net/http"
	"strings"
	"testing"
)

func TestFrontChannelTokens(t *testing.T) {
	c := DemoClient()
	c.ResponseTypes = []string{"code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{c}})
	for _, typ := range c.ResponseTypes[1:] {
		pairs := []string{"response_type", typ}
		if !strings.Contains(typ, "code") {
			pairs = append(pairs, "code_challenge", "", "code_challenge_method", "")
		}
		r := p.authorize(pairs...)
		q := p.back(r)
		if !strings.HasPrefix(r.header.Get("Location"), redirectURI+"#") || q.Get("state") != "the-state" || q.Get("iss") != p.s.Issuer() {
			t.Errorf("%s: %q", typ, r.header.Get("Location"))
		}
		has := strings.Fields(typ)
		for param, name := range map[string]string{"code": "code", "access_token": "token", "id_token": "id_token"} {
			want := false
			for _, part := range has {
				want = want || part == name
			}
			if q.Has(param) != want {
				t.Errorf("%s: %s %t", typ, param, q.Has(param))
			}
		}
		if access := q.Get("access_token"); access != "" {
			if p.whoami(access).status != http.StatusOK || q.Get("token_type") != "Bearer" || q.Get("expires_in") != "300" {
				t.Errorf("%s: %v", typ, q)
			}
		}
		if id := q.Get("id_token"); id != "" {
			claims, err := p.verify(id)
			want := map[string]any{"nonce": "the-nonce", "s_hash": atHash("the-state"), "at_hash": nil, "c_hash": nil}
			if q.Has("access_token") {
				want["at_hash"] = atHash(q.Get("access_token"))
			}
			if q.Has("code") {
				want["c_hash"] = atHash(q.Get("code"))
			}
			for k, v := range want {
				if err != nil || claims[k] != v {
					t.Errorf("%s: %s is %v, want %v, %v", typ, k, claims[k], v, err)
				}
			}
		}
		if code := q.Get("code"); code != "" {
			if tk := p.token(redeem(code)); tk.status != http.StatusOK || tk.ID == "" || tk.Refresh == "" {
				t.Errorf("%s: %d %s", typ, tk.status, tk.Error)
			}
		}
		if q := p.back(p.authorize(append(pairs, "response_mode", "query")...)); q.Get("error") != "invalid_request" {
			t.Errorf("%s in the query: %v", typ, q)
		}
	}
	if r := p.authorize("response_type", "code id_token", "response_mode", "form_post"); !strings.Contains(r.body, `name="id_token"`) {
		t.Errorf("form_post: %s", r.body)
	}
	if q := p.back(p.authorize("response_type", "code id_token", "nonce", "")); q.Get("error") != "invalid_request" {
		t.Errorf("hybrid without nonce: %v", q)
	}
	if q := p.back(p.authorize("response_type", "code id_token", "code_challenge", "")); q.Get("error") != "invalid_request" {
		t.Errorf("hybrid without PKCE: %v", q)
	}
	for fault, claim := range map[Fault]string{WrongCHash: "c_hash", WrongSHash: "s_hash"} {
		p.s.Faults().Set(fault, 1)
		q := p.back(p.authorize("response_type", "code id_token"))
		if claims, err := p.verify(q.Get("id_token")); err != nil || claims[claim] == atHash(q.Get("code")) || claims[claim] == atHash("the-state") {
			t.Errorf("%s: %v %v", fault, claims, err)
		}
	}
}

func TestIDTokenAlgorithms(t *testing.T) {
	m, enc := keyed(t)
	var clients []Client
	for _, alg := range []string{"RS256", "RS384", "PS256", "PS512", "ES384", "ES512", "EdDSA", "HS256", "HS512"} {
		c := Client{ID: alg, IDTokenAlg: alg, RedirectURIs: []string{redirectURI}}
		if strings.HasPrefix(alg, "HS") {
			c.Secret, c.AuthMethod = longSecret+longSecret, "client_secret_post"
		}
		clients = append(clients, c)
	}
	clients = append(clients, Client{ID: "nested", IDTokenEncryption: Encryption{Alg: "ECDH-ES"}, JWKS: m.jwks, RedirectURIs: []string{redirectURI}})
	p := start(t, Options{AutoApprove: "ada", Clients: clients})
	doc := p.get(p.s.Issuer() + wellKnownOIDC).body
	for _, c := range clients {
		tk := p.token(redeem(p.code("client_id", c.ID), "client_id", c.ID, "client_secret", c.Secret))
		if tk.status != http.StatusOK {
			t.Errorf("%s: %d %s", c.ID, tk.status, tk.Error)
			continue
		}
		token, alg := tk.ID, c.IDTokenAlg
		if c.ID == "nested" {
			var err error
			if token, err = unwrap(t, enc, tk.ID); err != nil {
				t.Error(err)
			}
			alg = "ES256"
		}
		head, claims, err := decodeJWT(token)
		if err != nil || head["alg"] != alg || claims["at_hash"] != halfHash(alg, tk.Access) {
			t.Errorf("%s: %v %v %v", c.ID, head, claims, err)
		}
		if !strings.Contains(doc, `"`+alg+`"`) {
			t.Errorf("%s is not in the metadata", alg)
		}
		if !strings.HasPrefix(alg, "HS") {
			if _, err := p.verify(token); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
		}
	}
	if !strings.Contains(doc, `"id_token_encryption_alg_values_supported"`) {
		t.Error("encryption is not in the metadata")
	}
}
