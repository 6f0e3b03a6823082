package authserver

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proof makes a DPoP proof (RFC 9449 section 4.2) with claims changed; nil removes one, and a name
// with a dot before it is a header parameter.
func proof(t *testing.T, key *ecdsa.PrivateKey, method, uri string, pairs ...any) string {
	t.Helper()
	head := map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: key.Public()}}
	claims := map[string]any{"jti": random(8), "htm": method, "htu": uri, "iat": time.Now().Unix()}
	for i := 0; i < len(pairs); i += 2 {
		into, name := claims, pairs[i].(string)
		if rest, ok := strings.CutPrefix(name, "."); ok {
			into, name = head, rest
		}
		if into[name] = pairs[i+1]; pairs[i+1] == nil {
			delete(into, name)
		}
	}
	return signed(t, "ES256", key, head, claims)
}

func thumbprint(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// prove posts a form with a proof.
func (p *person) prove(u string, form url.Values, proofs ...string) reply {
	p.t.Helper()
	req := p.request(http.MethodPost, u, form)
	req.Header["Dpop"] = proofs
	return p.do(req)
}

// use calls the protected API under a scheme, with a proof if there is one.
func (p *person) use(scheme, access string, proofs ...string) reply {
	p.t.Helper()
	req := p.request(http.MethodGet, p.s.API()+"?x=1", nil)
	req.Header.Set("Authorization", scheme+" "+access)
	req.Header["Dpop"] = proofs
	return p.do(req)
}

func TestDPoP(t *testing.T) {
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			p := start(t, Options{AutoApprove: "ada", IssuerPath: "/tenant", OpaqueTokens: opaque, DPoP: &DPoP{}})
			key, other := newMachine(t).key, newMachine(t).key
			token, api := p.s.Issuer()+"/token", p.s.API()
			tk := p.parse(p.prove(token, redeem(p.code()), proof(t, key, "POST", token)))
			if tk.status != http.StatusOK || tk.Type != "DPoP" {
				t.Fatalf("%d %s, type %q, %s", tk.status, tk.Error, tk.Type, p.s.Stats().LastError)
			}
			ath := hash(tk.Access)
			if r := p.use("DPoP", tk.Access, proof(t, key, "GET", api, "ath", ath)); r.status != http.StatusOK {
				t.Fatalf("with a proof: %d %s", r.status, r.body)
			}
			replayed := proof(t, key, "GET", api, "ath", ath)
			p.use("DPoP", tk.Access, replayed)
			for name, proofs := range map[string][]string{
				"none":            nil,
				"two":             {proof(t, key, "GET", api, "ath", ath), proof(t, key, "GET", api, "ath", ath)},
				"replayed":        {replayed},
				"another key":     {proof(t, other, "GET", api, "ath", ath)},
				"no ath":          {proof(t, key, "GET", api)},
				"another token":   {proof(t, key, "GET", api, "ath", hash("another"))},
				"another method":  {proof(t, key, "POST", api, "ath", ath)},
				"another URI":     {proof(t, key, "GET", api+"/x", "ath", ath)},
				"htu with query":  {proof(t, key, "GET", api+"?x=1", "ath", ath)},
				"old":             {proof(t, key, "GET", api, "ath", ath, "iat", time.Now().Add(-2*time.Minute).Unix())},
				"from the future": {proof(t, key, "GET", api, "ath", ath, "iat", time.Now().Add(2*time.Minute).Unix())},
				"no iat":          {proof(t, key, "GET", api, "ath", ath, "iat", nil)},
				"no jti":          {proof(t, key, "GET", api, "ath", ath, "jti", nil)},
				"typ JWT":         {proof(t, key, "GET", api, "ath", ath, ".typ", "JWT")},
				"no jwk":          {proof(t, key, "GET", api, "ath", ath, ".jwk", nil)},
				"private jwk":     {proof(t, key, "GET", api, "ath", ath, ".jwk", jose.JSONWebKey{Key: key})},
				"alg HS256":       {signed(t, "HS256", []byte(longSecret), map[string]any{"typ": "dpop+jwt"}, nil)},
			} {
				r := p.use("DPoP", tk.Access, proofs...)
				if r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "DPoP ") {
					t.Errorf("%s: %d %s", name, r.status, r.header.Values("WWW-Authenticate"))
				}
			}
			for _, proofs := range [][]string{nil, {proof(t, key, "GET", api, "ath", ath)}} {
				if r := p.use("Bearer", tk.Access, proofs...); r.status != http.StatusUnauthorized || len(r.header.Values("WWW-Authenticate")) != 2 {
					t.Errorf("bound token as Bearer: %d", r.status)
				}
			}
			for name, bad := range map[string]string{
				"another URI": proof(t, key, "POST", api), "another method": proof(t, key, "GET", token),
				"tampered": strings.Replace(proof(t, key, "POST", token), ".", ".e30", 1),
			} {
				if tk := p.parse(p.prove(token, refresh(tk.Refresh), bad)); tk.status != 400 || tk.Error != "invalid_dpop_proof" {
					t.Errorf("token endpoint, %s: %d %s", name, tk.status, tk.Error)
				}
			}
			// A public client's refresh token is bound to the key (RFC 9449 section 5).
			if tk := p.parse(p.prove(token, refresh(tk.Refresh), proof(t, other, "POST", token))); tk.status == http.StatusOK {
				t.Error("refreshed with another key")
			}
			if tk := p.token(refresh(tk.Refresh)); tk.status == http.StatusOK {
				t.Error("refreshed without a proof")
			}
			next := p.parse(p.prove(token, refresh(tk.Refresh), proof(t, key, "POST", token)))
			if next.status != http.StatusOK || next.Type != "DPoP" {
				t.Errorf("refresh: %d %s", next.status, next.Error)
			}
			plain := p.login()
			if plain.Type != "Bearer" {
				t.Errorf("type %q without a proof", plain.Type)
			}
			if r := p.use("DPoP", plain.Access, proof(t, key, "GET", api, "ath", hash(plain.Access))); r.status != http.StatusUnauthorized {
				t.Errorf("unbound token as DPoP: %d", r.status)
			}
		})
	}
}

func TestDPoPNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", DPoP: &DPoP{Required: true, Nonce: true, ResourceNonce: true}})
		key := newMachine(t).key
		token, api := p.s.Issuer()+"/token", p.s.API()
		ask := func(form url.Values, nonce any) (tokens, string) {
			r := p.prove(token, form, proof(t, key, "POST", token, "nonce", nonce))
			return p.parse(r), r.header.Get("Dpop-Nonce")
		}
		code := p.code()
		tk, first := ask(redeem(code), nil)
		if p.wantError(tk, 400, "use_dpop_nonce"); first == "" {
			t.Fatal("no nonce")
		}
		tk, second := ask(redeem(code), first)
		if tk.status != http.StatusOK || second == "" || second == first {
			t.Fatalf("%d %s, nonce %q after %q", tk.status, tk.Error, second, first)
		}
		use := func(nonce any) reply {
			return p.use("DPoP", tk.Access, proof(t, key, "GET", api, "ath", hash(tk.Access), "nonce", nonce))
		}
		r := use(second)
		if r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
			t.Errorf("the token endpoint's nonce at the API: %d %s", r.status, r.header.Get("WWW-Authenticate"))
		}
		if r = use(r.header.Get("Dpop-Nonce")); r.status != http.StatusOK {
			t.Errorf("the API's nonce: %d %s", r.status, r.body)
		}
		time.Sleep(time.Minute)
		tk2, third := ask(refresh(tk.Refresh), second)
		p.wantError(tk2, 400, "use_dpop_nonce")
		p.s.Faults().Set(DPoPNonceAgain, 1)
		tk2, third = ask(refresh(tk.Refresh), third)
		p.wantError(tk2, 400, "use_dpop_nonce")
		p.s.Faults().Set(NoDPoPNonce, 1)
		if tk2, none := ask(refresh(tk.Refresh), "guessed"); tk2.Error != "use_dpop_nonce" || none != "" {
			t.Errorf("%s with nonce %q", tk2.Error, none)
		}
		p.s.Faults().Set(BearerForDPoP, 1)
		if tk2, _ = ask(refresh(tk.Refresh), third); tk2.status != http.StatusOK || tk2.Type != "Bearer" {
			t.Errorf("%d %s, type %q", tk2.status, tk2.Error, tk2.Type)
		}
		p.wantError(p.token(redeem(p.code())), 400, "invalid_request") // required, and none came
	})
}

func TestCodeBoundToKey(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", DPoP: &DPoP{}, PAR: &PAR{}})
	key, other := newMachine(t).key, newMachine(t).key
	token, par := p.s.Issuer()+"/token", p.s.Issuer()+"/par"
	push := func(proof string, pairs ...string) string {
		t.Helper()
		var pushed struct {
			URI string `json:"request_uri"`
		}
		r := p.prove(par, authParams(pairs...), proof)
		if r.status != http.StatusCreated || json.Unmarshal([]byte(r.body), &pushed) != nil {
			t.Fatalf("PAR %d %s", r.status, r.body)
		}
		return p.back(p.get(p.s.Issuer() + "/authorize?" + url.Values{"client_id": {DemoClientID}, "request_uri": {pushed.URI}}.Encode())).Get("code")
	}
	for name, code := range map[string]func() string{
		"dpop_jkt":     func() string { return p.code("dpop_jkt", thumbprint(t, key)) },
		"proof at PAR": func() string { return push(proof(t, key, "POST", par)) },
		"both at PAR":  func() string { return push(proof(t, key, "POST", par), "dpop_jkt", thumbprint(t, key)) },
	} {
		if tk := p.token(redeem(code())); tk.status == http.StatusOK {
			t.Errorf("%s: redeemed without a proof", name)
		}
		if tk := p.parse(p.prove(token, redeem(code()), proof(t, other, "POST", token))); tk.status == http.StatusOK {
			t.Errorf("%s: redeemed with another key", name)
		}
		if tk := p.parse(p.prove(token, redeem(code()), proof(t, key, "POST", token))); tk.status != http.StatusOK || tk.Type != "DPoP" {
			t.Errorf("%s: %d %s, %s", name, tk.status, tk.Error, p.s.Stats().LastError)
		}
	}
	if r := p.prove(par, authParams("dpop_jkt", thumbprint(t, other)), proof(t, key, "POST", par)); r.status != http.StatusBadRequest {
		t.Errorf("PAR with dpop_jkt of another key: %d", r.status)
	}
	if r := p.prove(par, authParams(), proof(t, key, "POST", token)); r.status != http.StatusBadRequest || !strings.Contains(r.body, "invalid_dpop_proof") {
		t.Errorf("PAR with a proof for another endpoint: %d %s", r.status, r.body)
	}
}
