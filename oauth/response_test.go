package oauth

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// signed is a response as JARM has it, with the test's changes.
func (f *fake) signed(a *Authorization, changes map[string]any) string {
	claims := map[string]any{"iss": f.URL, "aud": "client", "exp": time.Now().Unix() + 300, "code": "the-code-0123456789", "state": a.State}
	payload, err := json.Marshal(merged(claims, changes))
	if err != nil {
		f.t.Error(err)
	}
	return f.rs256(f.key, merged(map[string]any{"alg": "RS256", "kid": "k1"}, f.header), payload)
}

// sealed encrypts to a key of the client.
func sealed(t *testing.T, c *Client, alg jose.KeyAlgorithm, enc jose.ContentEncryption, inside string) string {
	t.Helper()
	key := c.PrivateKeys.keys[0].Public()
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key.Key, KeyID: key.KeyID}, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := e.Encrypt([]byte(inside))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func jarm(mode string) AuthorizationRequest {
	r := openid
	r.ResponseMode = mode
	return r
}

// a signed response in every mode, plain and encrypted.
func TestSignedResponse(t *testing.T) {
	for mode, delivery := range map[string]string{"jwt": "query", "query.jwt": "query", "fragment.jwt": "fragment", "form_post.jwt": "form_post"} {
		f := newFake(t)
		c := f.client()
		a, _ := f.authorize(c, jarm(mode))
		if a.Delivery() != delivery {
			t.Errorf("%s comes by %s", mode, a.Delivery())
		}
		response := url.Values{"response": {f.signed(a, nil)}}
		if ResponseState(response) != a.State || a.ResponseState(response) != a.State {
			t.Error("the state is not found")
		}
		tok, err := a.Redeem(t.Context(), response)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"response issuer", "response audience", "response exp", "response signature", "state"} {
			if !check(t, tok.Checks, name).OK {
				t.Errorf("%s: %v", name, tok.Checks)
			}
		}
		if _, err := a.Redeem(t.Context(), response); !errors.Is(err, ErrReused) {
			t.Errorf("twice: %v", err)
		}
	}
	f := newFake(t)
	c := f.client()
	c.PrivateKeys = ownKey(t, "ECDH-ES")
	a, _ := f.authorize(c, jarm("jwt"))
	response := url.Values{"response": {sealed(t, c, jose.ECDH_ES, jose.A256GCM, f.signed(a, nil))}}
	if ResponseState(response) != "" || a.ResponseState(response) != a.State {
		t.Error("the state is not found behind the encryption, or without the key")
	}
	if tok, err := a.Redeem(t.Context(), response); err != nil || !check(t, tok.Checks, "response encryption").OK {
		t.Errorf("%v, %v", tok, err)
	}
	// An error is signed, too.
	a, _ = f.authorize(c, jarm("jwt"))
	_, err := a.Redeem(t.Context(), url.Values{"response": {f.signed(a, map[string]any{"code": nil, "error": "access_denied"})}})
	if !errors.Is(err, AccessDenied) {
		t.Error(err)
	}
}

// what a signed response must not be.
func TestSignedResponseRefused(t *testing.T) {
	tests := []struct {
		name  string
		build func(f *fake, c *Client, a *Authorization) url.Values
		check string
		want  error
	}{
		{"unsigned", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"code": {"c"}, "state": {a.State}}
		}, "", ErrResponse},
		{"unsigned error", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"error": {"access_denied"}, "state": {a.State}}
		}, "", ErrResponse},
		{"twice", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, nil), f.signed(a, nil)}, "state": {a.State}}
		}, "", ErrResponse},
		{"alg none", func(f *fake, _ *Client, a *Authorization) url.Values {
			parts := strings.Split(f.signed(a, nil), ".")
			return url.Values{"response": {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."}}
		}, "response alg", ErrAlgorithm},
		{"another key", func(f *fake, _ *Client, a *Authorization) url.Values {
			f.key = otherKey()
			return url.Values{"response": {f.signed(a, nil)}}
		}, "response signature", ErrSignature},
		{"not the agreed alg", func(f *fake, c *Client, a *Authorization) url.Values {
			c.AuthorizationSignedResponseAlg = "ES256"
			return url.Values{"response": {f.signed(a, nil)}}
		}, "response alg", ErrAlgorithm},
		{"another issuer", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"iss": "https://evil.example"})}}
		}, "response issuer", ErrIssuer},
		{"no issuer", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"iss": nil})}}
		}, "response issuer", ErrIssuer},
		{"another client", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"aud": "other"})}}
		}, "response audience", ErrAudience},
		{"expired", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"exp": time.Now().Unix() - 120})}}
		}, "response exp", ErrExpired},
		{"no exp", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"exp": nil})}}
		}, "response exp", ErrExpired},
		{"critical extension", func(f *fake, _ *Client, a *Authorization) url.Values {
			f.header["crit"] = []string{"x"}
			return url.Values{"response": {f.signed(a, nil)}}
		}, "response format", ErrMalformed},
		{"plain beside it", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"state": "other"})}, "state": {a.State}, "code": {"c"}}
		}, "", ErrState},
		{"encrypted and not signed", func(f *fake, c *Client, a *Authorization) url.Values {
			c.PrivateKeys = ownKey(f.t, "RSA-OAEP")
			return url.Values{"response": {sealed(f.t, c, jose.RSA_OAEP, jose.A128GCM, `{"state":"`+a.State+`"}`)}, "state": {a.State}}
		}, "response format", ErrMalformed},
		{"neither code nor error", func(f *fake, _ *Client, a *Authorization) url.Values {
			return url.Values{"response": {f.signed(a, map[string]any{"code": nil})}}
		}, "", ErrResponse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			a, _ := f.authorize(c, jarm("query.jwt"))
			tok, err := a.Redeem(t.Context(), tt.build(f, c, a))
			if tok != nil || !errors.Is(err, tt.want) {
				t.Fatalf("%v, %v", tok, err)
			}
			var refused *CheckError
			if tt.check != "" && (!errors.As(err, &refused) || refused.Check.Name != tt.check || !strings.HasPrefix(err.Error(), "authorization response")) {
				t.Errorf("not refused by %s: %v", tt.check, err)
			}
			if f.count("/token") != 0 {
				t.Error("the code was sent")
			}
		})
	}
	f := newFake(t)
	a, response := f.authorize(f.client(), openid)
	response.Set("response", f.signed(a, nil))
	if _, err := a.Redeem(t.Context(), response); !errors.Is(err, ErrResponse) {
		t.Errorf("signed, though not asked for: %v", err)
	}
	// a response of another login leaves this one waiting.
	a, _ = f.authorize(f.client(), jarm("jwt"))
	if _, err := a.Redeem(t.Context(), url.Values{"response": {f.signed(a, map[string]any{"state": "x"})}}); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	if _, err := a.Redeem(t.Context(), url.Values{"response": {f.signed(a, nil)}}); err != nil {
		t.Error(err)
	}
}

// halfHash is at_hash and its like for a signature of the 256 family.
func halfHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return b64(sum[:16])
}

const frontCode, frontToken = "the-code-0123456789", "front-access-token"

// hybrid prepares a server for a response type and returns the whole response.
func (f *fake) hybrid(c *Client, responseType string, claims map[string]any) (*Authorization, url.Values) {
	f.t.Helper()
	r := openid
	r.ResponseType = responseType
	a, _ := f.authorize(c, r)
	response := url.Values{"state": {a.State}}
	if a.wants("code") {
		response.Set("code", frontCode)
	}
	if a.wants("token") {
		response.Set("access_token", frontToken)
		response.Set("token_type", "bearer")
		response.Set("expires_in", "600")
	}
	if a.wants("id_token") {
		old := f.claims
		f.claims = map[string]any{"c_hash": halfHash(frontCode), "at_hash": halfHash(frontToken), "s_hash": halfHash(a.State)}
		if !a.wants("code") {
			delete(f.claims, "c_hash")
		}
		if !a.wants("token") {
			delete(f.claims, "at_hash")
		}
		for name, v := range claims {
			f.claims[name] = v
		}
		response.Set("id_token", f.idToken())
		f.claims = old
	}
	return a, response
}

// F-012, R-221: hybrid responses; the tokens are those of the token endpoint.
func TestHybrid(t *testing.T) {
	for _, responseType := range []string{"code id_token", "code token", "code id_token token", "token code id_token"} {
		f := newFake(t)
		f.metadata["response_types_supported"] = []string{"code", "code id_token", "code token", "code token id_token"}
		a, response := f.hybrid(f.client(), responseType, nil)
		if sent := query(t, a.URL).Get("response_type"); !slices.Contains([]string{"code id_token", "code token", "code token id_token"}, sent) {
			t.Errorf("sent %q", sent) // as the server spells it
		}
		if a.Delivery() != "fragment" {
			t.Errorf("comes by %s", a.Delivery())
		}
		tok, err := a.Redeem(t.Context(), response)
		if err != nil {
			t.Fatalf("%s: %v", responseType, err)
		}
		if tok.AccessToken.Reveal() != "access-authorization_code" || tok.RefreshToken == "" || tok.Claims["sub"] != "alice" {
			t.Errorf("%s: %v", responseType, tok)
		}
		if a.wants("id_token") && (!check(t, tok.Checks, "front channel c_hash").OK || !check(t, tok.Checks, "both id_tokens").OK) {
			t.Error(tok.Checks)
		}
	}
}

// an id_token in the response says the issuer, so that iss may be missing beside it; and it is no less checked.
func TestHybridIssuer(t *testing.T) {
	tests := []struct {
		responseType string
		claims       map[string]any
		check        string
		want         error
	}{
		{"code id_token", nil, "", nil},
		{"id_token", nil, "", nil},
		{"code id_token", map[string]any{"iss": "https://evil.example"}, "front channel iss", ErrIssuer},
		{"code token", nil, "", ErrIssuer},
	}
	for _, tt := range tests {
		f := newFake(t)
		f.metadata["response_types_supported"] = nil
		f.metadata["authorization_response_iss_parameter_supported"] = true
		a, response := f.hybrid(f.client(), tt.responseType, tt.claims)
		_, err := a.Redeem(t.Context(), response)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.responseType, err, tt.want)
		}
		var refused *CheckError
		if tt.check != "" && (!errors.As(err, &refused) || refused.Check.Name != tt.check) {
			t.Errorf("%s: not refused by %s: %v", tt.responseType, tt.check, err)
		}
		if tt.want != nil && f.count("/token") != 0 {
			t.Errorf("%s: the code was sent", tt.responseType)
		}
		// An error has no id_token.
		a, _ = f.hybrid(f.client(), tt.responseType, nil)
		if _, err := a.Redeem(t.Context(), url.Values{"state": {a.State}, "error": {"access_denied"}}); !errors.Is(err, ErrIssuer) {
			t.Errorf("%s, an error: %v", tt.responseType, err)
		}
	}
}

// what came through the browser is not believed.
func TestHybridRefused(t *testing.T) {
	tests := []struct {
		name, responseType string
		claims             map[string]any
		change             func(*fake, url.Values)
		check              string
		want               error
	}{
		{name: "no c_hash", responseType: "code id_token", claims: map[string]any{"c_hash": nil}, check: "front channel c_hash", want: ErrHash},
		{name: "another code", responseType: "code id_token", claims: map[string]any{"c_hash": "x"}, check: "front channel c_hash", want: ErrHash},
		{name: "no at_hash", responseType: "id_token token", claims: map[string]any{"at_hash": nil}, check: "front channel at_hash", want: ErrHash},
		{name: "another token", responseType: "code id_token token", claims: map[string]any{"at_hash": "x"}, check: "front channel at_hash", want: ErrHash},
		{name: "another state", responseType: "code id_token", claims: map[string]any{"s_hash": "x"}, check: "front channel s_hash", want: ErrHash},
		{name: "another nonce", responseType: "code id_token", claims: map[string]any{"nonce": "x"}, check: "front channel nonce", want: ErrNonce},
		{name: "another client", responseType: "id_token", claims: map[string]any{"aud": "x"}, check: "front channel aud", want: ErrAudience},
		{name: "another key", responseType: "id_token", change: func(f *fake, v url.Values) {
			v.Set("id_token", f.rs256(otherKey(), map[string]any{"alg": "RS256", "kid": "k1"}, []byte(`{"iss":"`+f.URL+`"}`)))
		}, check: "front channel sub", want: ErrSubject},
		{name: "no id_token", responseType: "code id_token", change: func(_ *fake, v url.Values) { v.Del("id_token") }, want: ErrResponse},
		{name: "no code", responseType: "code id_token", change: func(_ *fake, v url.Values) { v.Del("code") }, want: ErrResponse},
		{name: "no token", responseType: "token", change: func(_ *fake, v url.Values) { v.Del("access_token") }, want: ErrResponse},
		{name: "two tokens", responseType: "token", change: func(_ *fake, v url.Values) { v.Add("access_token", "b") }, want: ErrResponse},
		{name: "unknown type", responseType: "token", change: func(_ *fake, v url.Values) { v.Set("token_type", "mac") }, want: ErrTokenType},
		{name: "another subject later", responseType: "code id_token", change: func(f *fake, _ url.Values) { f.claims["sub"] = "mallory" },
			check: "both id_tokens", want: ErrSubject},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.metadata["response_types_supported"] = nil
			a, response := f.hybrid(f.client(), tt.responseType, tt.claims)
			if tt.change != nil {
				tt.change(f, response)
			}
			tok, err := a.Redeem(t.Context(), response)
			if tok != nil || !errors.Is(err, tt.want) {
				t.Fatalf("%v, %v", tok, err)
			}
			var refused *CheckError
			if tt.check != "" && (!errors.As(err, &refused) || refused.Check.Name != tt.check || !check(t, refused.Checks, "state").OK) {
				t.Errorf("not refused by %s: %v", tt.check, err)
			}
			if tt.check != "both id_tokens" && f.count("/token") != 0 {
				t.Error("the code was sent")
			}
		})
	}
}

// F-011, R-190: implicit only by name, and then what it brings.
func TestImplicit(t *testing.T) {
	f := newFake(t)
	f.metadata["response_types_supported"] = []string{"code", "token", "id_token token", "id_token"}
	c := f.client()
	a, response := f.hybrid(c, "id_token token", nil)
	q := query(t, a.URL)
	if q.Get("code_challenge") != "" || q.Get("response_type") != "id_token token" || q.Get("nonce") == "" {
		t.Errorf("request %v", q)
	}
	response.Set("scope", "openid")
	response.Set("refresh_token", "smuggled")
	tok, err := a.Redeem(t.Context(), response)
	if err != nil {
		t.Fatal(err)
	}
	if tok.AccessToken.Reveal() != frontToken || tok.RefreshToken != "" || tok.Claims["sub"] != "alice" || tok.Type != "Bearer" ||
		tok.ExpiresAt.Sub(tok.ObtainedAt) != 10*time.Minute || !slices.Equal(tok.Scope, []string{"openid"}) || f.count("/token") != 0 {
		t.Errorf("%+v", tok)
	}
	a, response = f.hybrid(c, "id_token", nil)
	if tok, err = a.Redeem(t.Context(), response); err != nil || tok.AccessToken != "" || tok.Claims["sub"] != "alice" {
		t.Errorf("%v, %v", tok, err)
	}
	// Tokens in the answer to a code request are nobody's (F-085).
	a, response = f.authorize(c, openid)
	response.Set("access_token", "smuggled")
	response.Set("id_token", "smuggled")
	if tok, err = a.Redeem(t.Context(), response); err != nil || tok.AccessToken == "smuggled" || tok.IDToken == "smuggled" {
		t.Errorf("%v, %v", tok, err)
	}
	c.DPoP = true
	if _, err := c.Authorize(t.Context(), AuthorizationRequest{ResponseType: "token"}); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	f.metadata["grant_types_supported"] = []string{"authorization_code"}
	if _, err := f.client().Authorize(t.Context(), AuthorizationRequest{ResponseType: "token"}); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// F-178: encrypted id_tokens, with a signed one inside and no other way.
func TestEncryptedIDToken(t *testing.T) {
	for _, tt := range []struct {
		alg jose.KeyAlgorithm
		enc jose.ContentEncryption
	}{
		{jose.RSA_OAEP, jose.A128CBC_HS256}, {jose.RSA_OAEP_256, jose.A256GCM}, {jose.ECDH_ES, jose.A128GCM},
		{jose.ECDH_ES_A128KW, jose.A256CBC_HS512}, {jose.ECDH_ES_A256KW, jose.A192GCM},
	} {
		f := newFake(t)
		c := f.client()
		c.PrivateKeys, c.AuthMethod = ownKey(t, string(tt.alg)), AuthNone
		plain := ""
		f.sign = func(p []byte) string {
			plain = f.rs256(f.key, map[string]any{"alg": "RS256", "kid": "k1"}, p)
			return sealed(t, c, tt.alg, tt.enc, plain)
		}
		tok, err := f.login(c, openid)
		if err != nil {
			t.Fatalf("%s: %v", tt.alg, err)
		}
		if tok.Claims["sub"] != "alice" || tok.IDToken.Reveal() != plain {
			t.Errorf("%s: not what was signed", tt.alg)
		}
		if d := check(t, tok.Checks, "format").Detail; !strings.Contains(d, string(tt.alg)+" with "+string(tt.enc)) {
			t.Errorf("format %q", d)
		}
		c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = string(tt.alg), string(tt.enc)
		if _, err := f.login(c, openid); err != nil {
			t.Error(err)
		}
		c.IDTokenEncryptionEnc = "A192CBC-HS384"
		f.refused(c, openid, "format", ErrAlgorithm)
		// not encrypted although agreed on
		f.sign = nil
		f.refused(c, openid, "format", ErrAlgorithm)
		c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = "", ""
		f.sign = func(p []byte) string { return sealed(t, c, tt.alg, tt.enc, string(p)) } // anybody can
		f.refused(c, openid, "format", ErrMalformed)
		f.sign = func(p []byte) string {
			return sealed(t, c, tt.alg, tt.enc, b64([]byte(`{"alg":"none"}`))+"."+b64(p)+".")
		}
		f.refused(c, openid, "alg", ErrAlgorithm)
		other := *c.PrivateKeys
		f.sign = func(p []byte) string { return sealed(t, &Client{PrivateKeys: &other}, tt.alg, tt.enc, plain) }
		c.PrivateKeys = ownKey(t, string(tt.alg))
		f.refused(c, openid, "format", ErrEncrypted)
	}
}

// F-172: userinfo, plain, signed and encrypted.
func TestUserInfoJWT(t *testing.T) {
	f := newFake(t)
	c := f.client()
	c.AuthMethod, c.PrivateKeys = AuthNone, ownKey(t, "RSA-OAEP")
	tok := f.mustLogin(c)
	body, kind := "", "application/jwt"
	f.routes["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(body))
	}
	sign := func(claims map[string]any) string {
		p, _ := json.Marshal(merged(map[string]any{"iss": f.URL, "aud": "client", "sub": "alice", "email": "a@example.com"}, claims))
		return f.rs256(f.key, map[string]any{"alg": "RS256", "kid": "k1"}, p)
	}
	for name, tt := range map[string]struct {
		body string
		want error
	}{
		"signed":          {sign(nil), nil},
		"without iss":     {sign(map[string]any{"iss": nil, "aud": nil}), nil},
		"encrypted":       {sealed(t, c, jose.RSA_OAEP, jose.A256GCM, sign(nil)), nil},
		"another subject": {sign(map[string]any{"sub": "mallory"}), ErrSubject},
		"another issuer":  {sign(map[string]any{"iss": "https://evil.example"}), ErrIssuer},
		"another client":  {sign(map[string]any{"aud": "other"}), ErrAudience},
		"expired":         {sign(map[string]any{"exp": 1}), ErrExpired},
		"another key":     {f.rs256(otherKey(), map[string]any{"alg": "RS256", "kid": "k1"}, []byte(`{"sub":"alice"}`)), ErrSignature},
		"alg none":        {b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"sub":"alice"}`)) + ".", ErrAlgorithm},
		"not signed":      {sealed(t, c, jose.RSA_OAEP, jose.A256GCM, `{"sub":"alice"}`), ErrMalformed},
		"garbage":         {"x", ErrMalformed},
	} {
		body = tt.body
		claims, err := c.UserInfo(t.Context(), tok)
		if !errors.Is(err, tt.want) || (err == nil) != (claims["sub"] == "alice") {
			t.Errorf("%s: %v, %v", name, claims, err)
		}
	}
	body, kind, c.UserInfoSignedResponseAlg = `{"sub":"alice"}`, "application/json", "RS256"
	if _, err := c.UserInfo(t.Context(), tok); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("plain, though signed was agreed on: %v", err)
	}
}

// a bound token goes with a proof, and with the
// nonce that the resource wants, asked for once.
func TestUserInfoDPoP(t *testing.T) {
	f := newFake(t)
	f.token["token_type"] = "DPoP"
	c := f.client()
	c.DPoP = true
	tok := f.mustLogin(c)
	var proofs []*JWT
	f.routes["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "DPoP "+tok.AccessToken.Reveal() {
			t.Error("wrong scheme")
		}
		proof, err := InspectJWT(r.Header.Get("DPoP"))
		if err != nil {
			t.Error(err)
			return
		}
		proofs = append(proofs, proof)
		w.Header().Set("DPoP-Nonce", "n1")
		if proof.Claims["nonce"] != "n1" {
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			w.WriteHeader(401)
			return
		}
		reply(w, 200, map[string]any{"sub": "alice"})
	}
	if _, err := c.UserInfo(t.Context(), tok); err != nil || len(proofs) != 2 {
		t.Fatalf("%v after %d", err, len(proofs))
	}
	if _, err := c.UserInfo(t.Context(), tok); err != nil || len(proofs) != 3 {
		t.Fatalf("the nonce was forgotten: %v after %d", err, len(proofs))
	}
	sum := sha256.Sum256([]byte(tok.AccessToken.Reveal()))
	if p := proofs[2].Claims; p["ath"] != b64(sum[:]) || p["htm"] != "GET" || p["htu"] != f.URL+"/userinfo" || p["jti"] == proofs[1].Claims["jti"] {
		t.Errorf("%v", p)
	}
	f.routes["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("DPoP-Nonce", randomText())
		w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
		w.WriteHeader(401)
	}
	before := f.count("/userinfo")
	if _, err := c.UserInfo(t.Context(), tok); !errors.Is(err, UseDPoPNonce) || f.count("/userinfo") != before+2 {
		t.Errorf("a loop: %v, %d", err, f.count("/userinfo")-before)
	}
}

// F-180, R-178, F-136: a wrong clock is measured, allowed for, and named.
func TestWrongClock(t *testing.T) {
	for _, tt := range []struct {
		wrong time.Duration
		words string
	}{{93 * time.Second, "your clock is 93 s ahead"}, {-2 * time.Hour, "your clock is 2h0m0s behind"}} {
		f := newFake(t)
		c := f.client()
		c.now = func() time.Time { return time.Now().Add(tt.wrong) }
		f.claims["exp"] = time.Now().Unix() + 20 // to be judged by the server's clock
		tok, err := f.login(c, openid)
		if err != nil {
			t.Fatal(err)
		}
		// A second more or less is the header's.
		detail := check(t, tok.Checks, "clock").Detail
		if got := strings.Replace(strings.Replace(detail, "92 s", "93 s", 1), "94 s", "93 s", 1); !strings.HasPrefix(got, tt.words) &&
			!strings.HasPrefix(got, "your clock is 2h0m1s behind") && !strings.HasPrefix(got, "your clock is 1h59m59s behind") {
			t.Errorf("says %q", detail)
		}
		f.claims["exp"] = time.Now().Unix() - 300
		_, err = f.login(c, openid)
		if !errors.Is(err, ErrExpired) || !strings.Contains(err.Error(), "your clock is") || strings.Contains(err.Error(), "right?") {
			t.Errorf("%v", err)
		}
	}
	if ClockWords(4*time.Second) != "" || ClockWords(-4*time.Second) != "" {
		t.Error("the network's seconds are no news")
	}
}

// N_A and unknown types are no access tokens, and userinfo takes no other: the
// token goes there as it goes to every API (RFC 6749 section 7.1).
func TestUserInfoOfNoAccessToken(t *testing.T) {
	f := newFake(t)
	c := f.client()
	for _, token := range []*Token{{AccessToken: "a", Type: TypeNotApplicable}, {AccessToken: "a", Type: "mac"}, {AccessToken: "a", Type: "DPoP"}} {
		if _, err := c.UserInfo(t.Context(), token); !errors.Is(err, ErrTokenType) {
			t.Errorf("%s: %v", token.Type, err)
		}
	}
	if f.count("/userinfo") != 0 {
		t.Error("it was asked")
	}
	if _, err := c.UserInfo(t.Context(), &Token{AccessToken: "a"}); err != nil { // the caller knows no more
		t.Error(err)
	}
}

// A profile's parameter cannot move tokens into the query either (OAuth 2.0
// Multiple Response Type Encoding Practices section 3.0).
func TestNoTokensInTheQuery(t *testing.T) {
	f := newFake(t)
	c := f.client()
	c.Metadata.ResponseTypesSupported = nil
	r := openid
	r.ResponseType = "code id_token"
	r.Extra = url.Values{"response_mode": {"query"}}
	if _, err := c.Authorize(t.Context(), r); !errors.Is(err, ErrRequest) {
		t.Errorf("as an extra parameter: %v", err)
	}
	r.Extra = nil
	c.Params = map[RequestKind]url.Values{ForAuthorization: {"response_mode": {"query"}}}
	if _, err := c.Authorize(t.Context(), r); !errors.Is(err, ErrRequest) {
		t.Errorf("as the profile's: %v", err)
	}
}
