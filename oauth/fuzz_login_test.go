package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// fuzzTime is when the fuzzers' tokens are good.
var fuzzTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fuzzClient is a client that knows the issuer's keys and reaches nobody.
func fuzzClient(f *testing.F) (*Client, func(claims map[string]any) string, func(inside string) string) {
	f.Helper()
	now := func() time.Time { return fuzzTime }
	m := &Metadata{Issuer: "https://id.example", AuthorizationEndpoint: "https://id.example/a",
		TokenEndpoint: "https://id.example/t", JWKSURI: "https://id.example/jwks"}
	_, own, err := GeneratePrivateKey("ECDH-ES")
	if err != nil {
		f.Fatal(err)
	}
	road := &http.Client{Transport: refusing{errors.New("no network")}}
	c := &Client{ID: "client", Metadata: m, PrivateKeys: own, AuthMethod: AuthNone, now: now, HTTP: road,
		Keys: &KeySet{now: now, issuer: map[keyPlace]*issuerKeys{{m.JWKSURI, road}: {
			keys: []jose.JSONWebKey{{Key: oneKey().Public(), KeyID: "k1"}}, fetched: fuzzTime, tried: fuzzTime,
		}}}}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: oneKey(), KeyID: "k1"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	sign := func(claims map[string]any) string {
		payload, _ := json.Marshal(claims)
		jws, err := signer.Sign(payload)
		if err != nil {
			f.Fatal(err)
		}
		out, _ := jws.CompactSerialize()
		return out
	}
	seal := func(inside string) string {
		key := own.keys[0].Public()
		e, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.Key, KeyID: key.KeyID}, nil)
		if err != nil {
			f.Fatal(err)
		}
		jwe, err := e.Encrypt([]byte(inside))
		if err != nil {
			f.Fatal(err)
		}
		out, _ := jwe.CompactSerialize()
		return out
	}
	return c, sign, seal
}

// What arrives on the redirect URI, as query, fragment or form, in every mode:
// it is taken only with this login's state, and a signed response only if the
// issuer signed it.
func FuzzRedeem(f *testing.F) {
	c, sign, seal := fuzzClient(f)
	good := map[string]any{"iss": "https://id.example", "aud": "client", "exp": fuzzTime.Unix() + 60, "code": "c", "state": "the-state"}
	for _, seed := range []string{
		"code=c&state=the-state", "error=access_denied&error_description=%3Cb%3E&error_uri=https%3A%2F%2Fx&state=the-state",
		"code=c&code=d&state=the-state", "state=the-state&state=the-state", "access_token=a&token_type=bearer&expires_in=1e9&state=the-state",
		"id_token=a.b.c&state=the-state&code=c&iss=https%3A%2F%2Fevil.example", "%zz=%&state=the-state", "",
		"response=" + sign(good), "response=" + seal(sign(good)), "response=" + seal("x") + "&state=the-state",
		"response=e30.e30.AA&state=the-state",
	} {
		for kind := range uint8(4) {
			f.Add(kind, seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw string) {
		response, _ := url.ParseQuery(raw)
		a := &Authorization{State: "the-state", Issuer: c.Metadata.Issuer, client: c, metadata: c.Metadata, verifier: "verifier-secret",
			nonce: "n", scope: []string{"openid"}, responseType: []string{"code"}}
		switch kind % 4 {
		case 1:
			a.responseMode = "query.jwt"
		case 2:
			a.responseType = []string{"code", "id_token", "token"}
		case 3:
			a.responseType, a.scope = []string{"token"}, nil
		}
		known := a.ResponseState(response) == a.State
		tok, err := a.Redeem(context.Background(), response)
		if (tok == nil) == (err == nil) {
			t.Fatalf("%v, %v", tok, err)
		}
		if a.redeemed.Load() != known || known != (a.verifier == "") {
			t.Errorf("state known: %v, login over: %v", known, a.redeemed.Load())
		}
		if err != nil {
			printable(t, err.Error())
			noSecret(t, err.Error(), "verifier-secret")
			return
		}
		// Only the implicit grant needs no server to answer.
		if kind%4 != 3 || tok.AccessToken == "" || tok.Type != "Bearer" || tok.RefreshToken != "" {
			t.Errorf("kind %d: %+v", kind%4, tok)
		}
	})
}

// A signed response: its code is used only if the issuer's key signed it.
func FuzzJARM(f *testing.F) {
	c, sign, seal := fuzzClient(f)
	good := sign(map[string]any{"iss": "https://id.example", "aud": []string{"client"}, "exp": fuzzTime.Unix() + 60, "code": "good", "state": "s"})
	for _, seed := range []string{
		good, seal(good), seal(seal(good)), sign(map[string]any{"state": "s"}), good + ".", strings.Replace(good, ".", "..", 1), "e30.e30.AA", "",
		sign(map[string]any{"iss": "https://id.example", "aud": "client", "exp": "soon", "state": []string{"s"}}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a := &Authorization{State: "s", client: c, metadata: c.Metadata, responseMode: "jwt"}
		values, checks, err := a.unsign(context.Background(), url.Values{"response": {raw}})
		if err != nil {
			printable(t, err.Error())
			return
		}
		if values.Get("code") != "good" || len(checks) == 0 {
			t.Errorf("a forgery is taken: %v", values)
		}
	})
}

// An id_token, plain or encrypted: only what the issuer signed is believed.
func FuzzIDToken(f *testing.F) {
	c, sign, seal := fuzzClient(f)
	claims := map[string]any{"iss": "https://id.example", "aud": "client", "sub": "alice", "nonce": "n",
		"exp": fuzzTime.Unix() + 60, "iat": fuzzTime.Unix()}
	good := sign(claims)
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, seal(good), seal("x"), parts[0] + "." + parts[1] + ".", b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		b64([]byte(`{"alg":"HS256","kid":"k1"}`)) + "." + parts[1] + ".AA", b64([]byte(`{"alg":"dir","enc":"A128GCM"}`)) + "..AA.AA.AA",
		b64([]byte(`{"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`)) + "..AA.AA.AA",
		b64([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AA"}`)) + ".AA.AA.AA.AA",
		b64([]byte(`{"alg":"RSA-OAEP","enc":"A128GCM","zip":"DEF"}`)) + ".AA.AA.AA.AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v := c.idTokenVerifier(c.Metadata, &Token{IDToken: Secret(raw)})
		v.nonce, v.nonceSent = "n", true
		got, checks, err := v.verify(context.Background())
		if err != nil {
			printable(t, err.Error())
			for _, check := range checks {
				printable(t, check.Detail)
			}
			return
		}
		if got["sub"] != "alice" || len(checks) == 0 {
			t.Errorf("a forgery is taken: %v", got)
		}
	})
}

// A saved login that somebody edited is read or refused, never worse.
func FuzzResume(f *testing.F) {
	c, _, _ := fuzzClient(f)
	a, err := c.Authorize(context.Background(), openid)
	if err != nil {
		f.Fatal(err)
	}
	saved, err := a.Save()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved.Reveal())
	f.Add(`{"version":1}`)
	f.Add(`{"version":1,"client_id":"client","issuer":"https://id.example","state":"s","response_type":["code"],"created_at":"2026-01-01T00:00:00Z","proof_key":"{}"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := c.Resume(Secret(raw))
		if (a == nil) == (err == nil) {
			t.Fatalf("%v, %v", a, err)
		}
		if err != nil {
			printable(t, err.Error())
			return
		}
		if a.State == "" || a.Issuer != c.Metadata.Issuer {
			t.Errorf("%+v", a)
		}
		if _, err := a.Save(); err != nil {
			printable(t, err.Error())
		}
	})
}
