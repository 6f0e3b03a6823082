package oauth

import (
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

// pushing gives the fake a pushed authorization request endpoint.
func (f *fake) pushing(answer map[string]any) {
	f.metadata["pushed_authorization_request_endpoint"] = f.URL + "/par"
	f.routes["/par"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 201, merged(map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:6esc", "expires_in": 60}, answer))
	}
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// ownKey makes a private key of the client.
func ownKey(t *testing.T, alg string) *PrivateKeys {
	t.Helper()
	_, keys, err := GeneratePrivateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// openedRequest verifies a request object as a server would.
func openedRequest(t *testing.T, c *Client, compact string) (header, claims map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil {
		t.Fatalf("%v: %s", err, compact)
	}
	payload, err := jws.Verify(c.PrivateKeys.keys[0].Public())
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := InspectJWT(compact)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return jwt.Header, claims
}

// F-049, F-051, F-009, R-164: every parameter a login can have, and the power
// to leave one out.
func TestAuthorizeParameters(t *testing.T) {
	m := &Metadata{Issuer: "https://id.example", AuthorizationEndpoint: "https://id.example/a", TokenEndpoint: "https://id.example/t"}
	c := &Client{ID: "c", Metadata: m, Params: map[RequestKind]url.Values{ForAuthorization: {
		"access_type": {"offline"}, "resource": {""}, "state": {"mine"}, "nonce": {""}, "code_challenge": {""}, "prompt": {"none"},
	}}}
	a, err := c.Authorize(t.Context(), AuthorizationRequest{
		RedirectURI: "http://127.0.0.1:7/cb", Scope: []string{"openid", "a"}, ExtraScope: []string{"b", "a"},
		Display: "popup", UILocales: []string{"de-AT", "en"}, IDTokenHint: "eyJ.hint.sig", Prompt: "select_account",
		Claims:               json.RawMessage(`{"userinfo":{"email":null}}`),
		AuthorizationDetails: json.RawMessage(`[{"type":"payment","amount":1}]`),
		Resource:             []string{"https://api.example/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	q := query(t, a.URL)
	for name, want := range map[string]string{
		"scope": "openid a b", "display": "popup", "ui_locales": "de-AT en", "id_token_hint": "eyJ.hint.sig",
		"prompt": "select_account", "claims": `{"userinfo":{"email":null}}`,
		"authorization_details": `[{"type":"payment","amount":1}]`, "access_type": "offline",
		"resource": "",                                                                     // left out here, and sent with the code
		"state":    a.State, "nonce": a.nonce, "code_challenge": challengeS256(a.verifier), // never left out
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if !slices.Equal(a.resource, []string{"https://api.example/"}) {
		t.Errorf("resource %q", a.resource)
	}
	for _, bad := range []AuthorizationRequest{
		{AuthorizationDetails: json.RawMessage(`{"type":"payment"}`)}, {AuthorizationDetails: json.RawMessage(`[{}]`)},
		{AuthorizationDetails: json.RawMessage(`[]`)}, {AuthorizationDetails: json.RawMessage(`[{"type":"a"}],"x":[1]`)},
		{Claims: json.RawMessage(`[]`)}, {ExtraScope: []string{"a b"}}, {RequireACR: true},
		{ResponseType: "code nonsense"}, {ResponseType: "none"}, {ResponseType: "token", ResponseMode: "query"},
		{ResponseType: "id_token"}, {ResponseType: "code token", ResponseMode: "query"},
		{CodeVerifier: "short"}, {CodeChallengeMethod: "s256"},
	} {
		if _, err := c.Authorize(t.Context(), bad); !errors.Is(err, ErrRequest) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	m.AuthorizationDetailsTypesSupported = []string{"other"}
	if _, err := c.Authorize(t.Context(), AuthorizationRequest{AuthorizationDetails: json.RawMessage(`[{"type":"payment"}]`)}); !errors.Is(err, ErrRequest) {
		t.Errorf("a type that is not listed: %v", err)
	}
}

// F-041, F-042, F-043, F-044: S256 unless somebody chose otherwise by name.
func TestChallengeMethods(t *testing.T) {
	f := newFake(t)
	verifier := Secret(strings.Repeat("v", 43))
	for _, tt := range []struct {
		method, challenge, sent string
		verifier                Secret
	}{
		{"", challengeS256(verifier), "S256", verifier}, {"S256", challengeS256(verifier), "S256", verifier},
		{"plain", verifier.Reveal(), "plain", verifier}, {"none", "", "", ""},
	} {
		c := f.client()
		r := openid
		r.CodeChallengeMethod, r.CodeVerifier = tt.method, verifier
		a, response := f.authorize(c, r)
		q := query(t, a.URL)
		if q.Get("code_challenge") != tt.challenge || q.Get("code_challenge_method") != tt.sent {
			t.Errorf("%q: %v", tt.method, q)
		}
		if _, err := a.Redeem(t.Context(), response); err != nil {
			t.Fatal(err)
		}
		if form, _ := f.lastForm(); form.Get("code_verifier") != tt.verifier.Reveal() {
			t.Errorf("%q: verifier %q", tt.method, form.Get("code_verifier"))
		}
	}
	f.metadata["code_challenge_methods_supported"] = []string{"plain"}
	c := f.client()
	if _, err := c.Authorize(t.Context(), openid); !errors.Is(err, ErrRequest) {
		t.Errorf("a server of plain alone: %v", err)
	}
	r := openid
	r.CodeChallengeMethod = ChallengePlain
	if _, err := c.Authorize(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// F-009, F-008: extra scope is consented to, left out of the token, and a
// refresh can have it.
func TestExtraScope(t *testing.T) {
	f := newFake(t)
	c := f.client()
	r := openid
	r.ExtraScope = []string{"mail"}
	a, response := f.authorize(c, r)
	if got := query(t, a.URL).Get("scope"); got != "openid api mail" {
		t.Errorf("asked for %q", got)
	}
	tok, err := a.Redeem(t.Context(), response)
	if err != nil {
		t.Fatal(err)
	}
	if form, _ := f.lastForm(); form.Get("scope") != "openid api" {
		t.Errorf("token asked for %q", form.Get("scope"))
	}
	if !slices.Equal(tok.Scope, []string{"openid", "api"}) || !slices.Equal(tok.GrantScope, []string{"openid", "api", "mail"}) {
		t.Errorf("scope %q, granted %q", tok.Scope, tok.GrantScope)
	}
	if tok, err = c.Refresh(t.Context(), tok, "mail"); err != nil || !slices.Equal(tok.Scope, []string{"mail"}) {
		t.Errorf("%v, %v", tok, err)
	}
	if _, err := c.Refresh(t.Context(), tok, "files"); !errors.Is(err, ErrScope) {
		t.Error(err)
	}
}

// F-055, F-057: the whole request is pushed with client
// authentication and a proof; the browser carries a reference.
func TestPushedRequest(t *testing.T) {
	f := newFake(t)
	f.secret = "a-client-secret-of-more-than-32-bytes"
	f.pushing(nil)
	var proof string
	push := f.routes["/par"]
	f.routes["/par"] = func(w http.ResponseWriter, r *http.Request) { proof = r.Header.Get("DPoP"); push(w, r) }
	f.token["token_type"] = "DPoP"
	c := f.client()
	c.DPoP = true
	c.Params = map[RequestKind]url.Values{ForPAR: {"par_only": {"1"}}, ForAuthorization: {"login": {"x"}}}
	a, err := c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	q := query(t, a.URL)
	if len(q) != 2 || q.Get("client_id") != "client" || q.Get("request_uri") != "urn:ietf:params:oauth:request_uri:6esc" {
		t.Errorf("front channel %v", q)
	}
	form, auth := f.lastForm()
	for name, want := range map[string]string{
		"client_id": "client", "response_type": "code", "state": a.State, "nonce": a.nonce, "scope": "openid api",
		"code_challenge": challengeS256(a.verifier), "code_challenge_method": "S256", "redirect_uri": openid.RedirectURI,
		"dpop_jkt": a.proof.Thumbprint(), "par_only": "1", "login": "x", "client_secret": "", "request_uri": "",
	} {
		if form.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, form.Get(name), want)
		}
	}
	if !strings.HasPrefix(auth, "Basic ") {
		t.Errorf("client authentication %q", auth)
	}
	jwt, err := InspectJWT(proof)
	if err != nil || jwt.Claims["htu"] != f.URL+"/par" || jwt.Claims["htm"] != "POST" {
		t.Errorf("proof %+v, %v", jwt, err)
	}
	if d := a.URLExpiresAt.Sub(a.CreatedAt); d < 50*time.Second || d > 61*time.Second {
		t.Errorf("the URL lives %v", d)
	}
	f.nonce = a.nonce
	tok, err := a.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {a.State}})
	if err != nil || tok.ProofKey == nil || tok.ProofKey.Thumbprint() != a.proof.Thumbprint() {
		t.Errorf("%v, %v", tok, err)
	}
}

// no way around a pushed request that fails; R-162: an answer without
// what the browser needs is none.
func TestPushedRequestFails(t *testing.T) {
	f := newFake(t)
	for _, answer := range []map[string]any{
		{"request_uri": nil}, {"request_uri": ""}, {"request_uri": "not a uri"}, {"request_uri": 7},
		{"expires_in": nil}, {"expires_in": 0}, {"expires_in": -5}, {"expires_in": "soon"},
	} {
		f.pushing(answer)
		if a, err := f.client().Authorize(t.Context(), openid); a != nil || !errors.Is(err, ErrResponse) {
			t.Errorf("%v: %v, %v", answer, a, err)
		}
	}
	f.routes["/par"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "invalid_request", "error_description": "no"})
	}
	if a, err := f.client().Authorize(t.Context(), openid); a != nil || !errors.Is(err, InvalidRequest) {
		t.Errorf("refused: %v, %v", a, err)
	}
	f.routes["/par"] = func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }
	if a, err := f.client().Authorize(t.Context(), openid); a != nil || err == nil {
		t.Errorf("gone: %v, %v", a, err)
	}
	// The client demands it and the server has no endpoint.
	delete(f.metadata, "pushed_authorization_request_endpoint")
	c := f.client()
	c.RequirePAR = true
	before := f.count("/par")
	if _, err := c.Authorize(t.Context(), openid); !errors.Is(err, ErrRequest) || f.count("/par") != before {
		t.Errorf("demanded: %v", err)
	}
}

// R-160, F-056: the request object by value.
func TestSignedRequest(t *testing.T) {
	f := newFake(t)
	f.metadata["require_signed_request_object"] = true
	if _, err := f.client().Authorize(t.Context(), openid); !errors.Is(err, ErrRequest) {
		t.Errorf("without a key: %v", err)
	}
	for _, alg := range []string{"ES256", "PS256", "EdDSA"} {
		c := f.client()
		c.PrivateKeys, c.RequestObjectSigningAlg = ownKey(t, alg), alg
		age := 90 * time.Second
		r := openid
		r.MaxAge, r.AuthorizationDetails = &age, json.RawMessage(`[{"type":"payment"}]`)
		r.Resource = []string{"https://a.example/", "https://b.example/"}
		r.Extra = url.Values{"sub": {"client"}, "aud": {"elsewhere"}, "exp": {"1"}}
		a, err := c.Authorize(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		q := query(t, a.URL)
		if q.Get("client_id") != "client" || q.Get("scope") != "openid" || q.Get("response_type") != "code" || len(q) != 4 {
			t.Errorf("front channel %v", q)
		}
		header, claims := openedRequest(t, c, q.Get("request"))
		if header["typ"] != "oauth-authz-req+jwt" || header["alg"] != alg || header["kid"] != c.PrivateKeys.KeyIDs()[0] {
			t.Errorf("header %v", header)
		}
		for name, want := range map[string]any{
			"iss": "client", "aud": f.URL, "client_id": "client", "response_type": "code", "state": a.State, "nonce": a.nonce,
			"code_challenge": challengeS256(a.verifier), "redirect_uri": openid.RedirectURI, "max_age": 90.0,
			"scope": "openid api", "request": nil, "request_uri": nil, "sub": nil,
		} {
			if claims[name] != want {
				t.Errorf("%s = %v, want %v", name, claims[name], want)
			}
		}
		now := float64(time.Now().Unix())
		if exp, nbf, iat := claims["exp"].(float64), claims["nbf"].(float64), claims["iat"].(float64); exp < now || exp > now+3600 ||
			nbf > now || iat > now+2 || len(claims["jti"].(string)) < 22 {
			t.Errorf("times %v", claims)
		}
		if d, ok := claims["authorization_details"].([]any); !ok || len(d) != 1 {
			t.Errorf("details %v", claims["authorization_details"])
		}
		if res, ok := claims["resource"].([]any); !ok || len(res) != 2 {
			t.Errorf("resource %v", claims["resource"])
		}
	}
	c := f.client()
	c.PrivateKeys, c.RequestObjectSigningAlg = ownKey(t, "ES256"), "none"
	if _, err := c.Authorize(t.Context(), openid); !errors.Is(err, ErrRequest) {
		t.Errorf("alg none: %v", err)
	}
}

// a signed request is pushed as it is, and only client_id beside it.
func TestSignedRequestPushed(t *testing.T) {
	f := newFake(t)
	f.pushing(nil)
	c := f.client()
	c.PrivateKeys, c.RequireSignedRequestObject, c.AuthMethod = ownKey(t, "ES256"), true, AuthNone
	a, err := c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	if q := query(t, a.URL); len(q) != 2 || q.Get("request_uri") == "" {
		t.Errorf("front channel %v", q)
	}
	form, _ := f.lastForm()
	if len(form) != 2 || form.Get("client_id") != "client" {
		t.Errorf("pushed %v", form)
	}
	if _, claims := openedRequest(t, c, form.Get("request")); claims["state"] != a.State {
		t.Errorf("claims %v", claims)
	}
}

// signed first, then encrypted to the key the server publishes for it.
func TestEncryptedRequest(t *testing.T) {
	f := newFake(t)
	for _, tt := range []struct{ alg, enc string }{
		{"RSA-OAEP-256", ""}, {"RSA-OAEP", "A128GCM"}, {"ECDH-ES", "A256GCM"}, {"ECDH-ES+A256KW", "A256CBC-HS512"},
	} {
		server := ownKey(t, tt.alg)
		f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1", Use: "sig"}, server.keys[0].Public())
		c := f.client()
		c.PrivateKeys, c.RequestObjectEncryptionAlg, c.RequestObjectEncryptionEnc = ownKey(t, "ES256"), tt.alg, tt.enc
		a, err := c.Authorize(t.Context(), openid)
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := jose.ParseEncryptedCompact(query(t, a.URL).Get("request"), keyAlgs(), contentAlgs())
		if err != nil {
			t.Fatal(err)
		}
		if want := server.KeyIDs()[0]; jwe.Header.KeyID != want || jwe.Header.ExtraHeaders["cty"] != "JWT" {
			t.Errorf("header %+v", jwe.Header)
		}
		inside, err := jwe.Decrypt(server.keys[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, claims := openedRequest(t, c, string(inside)); claims["state"] != a.State {
			t.Errorf("claims %v", claims)
		}
	}
	f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1", Use: "sig"})
	c := f.client()
	c.PrivateKeys, c.RequestObjectEncryptionAlg = ownKey(t, "ES256"), "RSA-OAEP"
	if a, err := c.Authorize(t.Context(), openid); a != nil || !errors.Is(err, ErrNoKey) {
		t.Errorf("encrypted to a key for signatures: %v, %v", a, err)
	}
	c.RequestObjectEncryptionAlg = "RSA1_5"
	if _, err := c.Authorize(t.Context(), openid); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// what was granted is kept, and compared with what was asked for.
func TestGrantedDetails(t *testing.T) {
	asked := `[{"type":"payment","amount":1},{"type":"account"}]`
	for _, tt := range []struct {
		granted any
		ok      bool
		detail  string
	}{
		{[]any{map[string]any{"type": "payment", "amount": 1}, map[string]any{"type": "account"}}, true, "granted as requested"},
		{[]any{map[string]any{"type": "payment", "amount": 2}, map[string]any{"type": "account"}}, true, "the requested types, with other values than requested"},
		{[]any{map[string]any{"type": "payment", "amount": 1}}, false, "not granted: account"},
		{[]any{map[string]any{"type": "payment"}, map[string]any{"type": "account"}, map[string]any{"type": "admin"}}, false, "granted, though not requested: admin"},
		{[]any{map[string]any{"kind": "payment"}}, false, "what the server granted is not a list of details with types"},
		{nil, false, "the server does not say what it granted"},
	} {
		f := newFake(t)
		f.token["authorization_details"] = tt.granted
		r := openid
		r.AuthorizationDetails = json.RawMessage(asked)
		c := f.client()
		tok, err := f.login(c, r)
		if err != nil {
			t.Fatal(err)
		}
		if got := check(t, tok.Checks, "authorization_details"); got.OK != tt.ok || got.Detail != tt.detail {
			t.Errorf("%v: %+v", tt.granted, got)
		}
		want, _ := json.Marshal(tt.granted)
		if tt.granted != nil && string(tok.AuthorizationDetails) != string(want) {
			t.Errorf("kept %s, want %s", tok.AuthorizationDetails, want)
		}
		f.token["authorization_details"] = nil
		if again, err := c.Refresh(t.Context(), tok); err != nil || string(again.AuthorizationDetails) != string(tok.AuthorizationDetails) {
			t.Errorf("after a refresh: %v, %v", again, err)
		}
	}
}
