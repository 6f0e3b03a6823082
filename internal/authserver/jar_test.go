package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyed is a machine with a second key, to encrypt to.
func keyed(t *testing.T) (m machine, enc *ecdsa.PrivateKey) {
	t.Helper()
	m = newMachine(t)
	enc, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: m.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"},
		{Key: enc.Public(), KeyID: "e1", Algorithm: "ECDH-ES", Use: "enc"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.jwks = string(data)
	return m, enc
}

// unwrap decrypts a JWE by hand.
func unwrap(t *testing.T, key *ecdsa.PrivateKey, text string) (string, error) {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(text, keyAlgs, contentAlgs)
	if err != nil {
		t.Fatalf("no JWE: %q %v", text, err)
	}
	if jwe.Header.ExtraHeaders["cty"] != "JWT" {
		t.Errorf("cty %v", jwe.Header.ExtraHeaders["cty"])
	}
	plain, err := jwe.Decrypt(key)
	return string(plain), err
}

// published returns the server's keys.
func (p *person) published() jose.JSONWebKeySet {
	p.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(p.get(p.s.Issuer()+"/jwks").body), &set); err != nil {
		p.t.Fatal(err)
	}
	return set
}

// verify checks a JWT of the server's and returns its claims.
func (p *person) verify(token string) (map[string]any, error) {
	p.t.Helper()
	jws, err := jose.ParseSignedCompact(token, clientAlgs)
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify(p.published())
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(payload, &claims)
}

// objectClaims are the claims of a good request object.
func objectClaims(p *person, id string, pairs ...any) map[string]any {
	claims := assertion(p, id, "sub", nil)
	for k, v := range authParams("client_id", id) {
		claims[k] = v[0]
	}
	for i := 0; i < len(pairs); i += 2 {
		if claims[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

func TestJAR(t *testing.T) {
	m, other := newMachine(t), newMachine(t)
	p := start(t, Options{AutoApprove: "ada", JAR: &JAR{Encrypted: true}, PAR: &PAR{}, Clients: []Client{
		{ID: "signs", JWKS: m.jwks, RequireJAR: true, RedirectURIs: []string{"http://127.0.0.1/callback"}}, DemoClient(),
	}})
	object := func(pairs ...any) string {
		return signed(t, "ES256", m.key, map[string]any{"kid": "k1", "typ": "oauth-authz-req+jwt"}, objectClaims(p, "signs", pairs...))
	}
	send := func(request string, pairs ...string) reply {
		return p.get(p.s.Issuer() + "/authorize?" + with(url.Values{"client_id": {"signs"}, "request": {request}}, pairs...).Encode())
	}
	q := p.back(send(object("audience", "billing", "claims", nil)))
	tk := p.token(redeem(q.Get("code"), "client_id", "signs"))
	if tk.status != http.StatusOK || q.Get("state") != "the-state" {
		t.Fatalf("%v, %d %s", q, tk.status, tk.Error)
	}
	if _, claims, err := decodeJWT(tk.Access); err != nil || strings.Join(stringsIn(claims["aud"]), " ") != "billing" {
		t.Errorf("aud %v %v", claims["aud"], err)
	}
	for _, alg := range []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES} {
		for _, key := range p.published().Keys {
			if key.Algorithm != string(alg) {
				continue
			}
			enc, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: key.Key, KeyID: key.KeyID}, (&jose.EncrypterOptions{}).WithContentType("JWT"))
			if err != nil {
				t.Fatal(err)
			}
			jwe, err := enc.Encrypt([]byte(object()))
			if err != nil {
				t.Fatal(err)
			}
			text, err := jwe.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			if p.back(send(text)).Get("code") == "" {
				t.Errorf("encrypted with %s: no code", alg)
			}
			if r := send(mangle(text, 3)); r.status != http.StatusBadRequest {
				t.Errorf("mangled: %d", r.status)
			}
			q := p.back(p.get(p.push(url.Values{"client_id": {"signs"}, "request": {object()}})))
			if q.Get("code") == "" {
				t.Errorf("pushed: %v", q)
			}
		}
	}
	for name, r := range map[string]reply{
		"none":          p.authorize("client_id", "signs"),
		"another key":   send(signed(t, "ES256", other.key, map[string]any{"kid": "k1"}, objectClaims(p, "signs"))),
		"alg none":      send(must(unsigned(objectClaims(p, "signs")))),
		"other aud":     send(object("aud", "https://elsewhere.invalid")),
		"other iss":     send(object("iss", DemoClientID)),
		"expired":       send(object("exp", time.Now().Add(-time.Minute).Unix())),
		"other client":  send(object("client_id", DemoClientID)),
		"other address": send(object("redirect_uri", "http://elsewhere.invalid/")),
		"broken":        send(mangle(object(), 1)),
	} {
		if r.status < 400 || r.header.Get("Location") != "" {
			t.Errorf("%s: %d %q", name, r.status, r.header.Get("Location"))
		}
	}
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

func TestJARM(t *testing.T) {
	m, enc := keyed(t)
	p := start(t, Options{AutoApprove: "ada", JARM: true, Clients: []Client{
		DemoClient(),
		{ID: "secret mail", JWKS: m.jwks, ResponseAlg: "PS256", ResponseEncryption: Encryption{Alg: "ECDH-ES", Enc: "A256GCM"}, RedirectURIs: []string{redirectURI}},
	}})
	response := func(pairs ...string) (jwt, location string) {
		r := p.authorize(pairs...)
		if m := formInputRE().FindStringSubmatch(r.body); m != nil && m[1] == "response" {
			return m[2], "form"
		}
		return p.back(r).Get("response"), r.header.Get("Location")
	}
	for mode, want := range map[string]string{
		"jwt": redirectURI + "?", "query.jwt": redirectURI + "?", "fragment.jwt": redirectURI + "#", "form_post.jwt": "form",
	} {
		jwt, location := response("response_mode", mode)
		claims, err := p.verify(jwt)
		if err != nil || !strings.HasPrefix(location, want) || claims["iss"] != p.s.Issuer() || claims["aud"] != DemoClientID ||
			claims["state"] != "the-state" || claims["exp"] == nil || claims["code"] == nil {
			t.Errorf("%s: %q %v %v", mode, location, claims, err)
			continue
		}
		if tk := p.token(redeem(asString(claims["code"]))); tk.status != http.StatusOK {
			t.Errorf("%s: %d %s", mode, tk.status, tk.Error)
		}
	}
	jwt, _ := response("response_mode", "jwt", "scope", "unknown")
	if claims, err := p.verify(jwt); err != nil || claims["error"] != "invalid_scope" {
		t.Errorf("error %v %v", claims, err)
	}
	jwe, _ := response("client_id", "secret mail", "response_mode", "jwt")
	plain, err := unwrap(t, enc, jwe)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := decodeJWT(plain)
	if claims, err := p.verify(plain); err != nil || claims["code"] == nil || head["alg"] != "PS256" {
		t.Errorf("decrypted %v %v %v", head, claims, err)
	}
	p.s.Faults().Set(MangledJWE, 1)
	jwe, _ = response("client_id", "secret mail", "response_mode", "jwt")
	if _, err := unwrap(t, enc, jwe); err == nil {
		t.Error("a mangled JWE can be read")
	}
	for fault, bad := range map[Fault]func(head, claims map[string]any, err error) bool{
		WrongIss:              func(_, c map[string]any, _ error) bool { return c["iss"] == "http://elsewhere.invalid" },
		WrongState:            func(_, c map[string]any, _ error) bool { return c["state"] == "not-the-state" },
		ResponseWrongAudience: func(_, c map[string]any, _ error) bool { return c["aud"] == "another-client" },
		ResponseExpired:       func(_, c map[string]any, _ error) bool { return c["exp"] == 946684800.0 },
		ResponseAlgNone:       func(h, _ map[string]any, _ error) bool { return h["alg"] == "none" },
		ResponseForeignKey:    func(_, _ map[string]any, err error) bool { return err != nil },
		ResponseBroken:        func(_, _ map[string]any, err error) bool { return err != nil },
	} {
		p.s.Faults().Set(fault, 1)
		jwt, _ := response("response_mode", "jwt")
		_, err := p.verify(jwt)
		head, claims, err2 := decodeJWT(jwt)
		if err2 != nil || !bad(head, claims, err) {
			t.Errorf("%s: %v %v %v %v", fault, head, claims, err, err2)
		}
	}
	if q := start(t, Options{AutoApprove: "ada"}); q.authorize("response_mode", "jwt").header.Get("Location") != "" {
		t.Error("the demo offers JARM")
	}
}
