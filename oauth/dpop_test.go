package oauth

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// proofOf verifies a proof with the key in it, as a server does.
func proofOf(t *testing.T, compact string) *JWT {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.PS256, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	key := jws.Signatures[0].Header.JSONWebKey
	if key == nil || !key.IsPublic() { // the public key only
		t.Fatal("no public key in the proof")
	}
	if _, err := jws.Verify(key); err != nil {
		t.Fatal(err)
	}
	jwt, err := InspectJWT(compact)
	if err != nil {
		t.Fatal(err)
	}
	if jwt.Header["typ"] != "dpop+jwt" || jwt.Claims["jti"] == nil {
		t.Errorf("%v %v", jwt.Header, jwt.Claims)
	}
	for _, private := range []string{"d", "p", "q", "k"} {
		if _, there := jwt.Header["jwk"].(map[string]any)[private]; there {
			t.Errorf("the proof has the private %s", private)
		}
	}
	return jwt
}

func boundToken(t *testing.T, alg string) *Token {
	t.Helper()
	key, err := NewProofKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return &Token{AccessToken: "bound-access-token", Type: "DPoP", ProofKey: key}
}

func TestHeaderDPoP(t *testing.T) { // F-157
	for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256"} { // F-158
		tok := boundToken(t, alg)
		h, err := tok.Header("POST", "https://API.example:443/a%2Fb/?q=1#f", nil)
		if err != nil {
			t.Fatal(err)
		}
		if h.Get("Authorization") != "DPoP bound-access-token" {
			t.Errorf("%v", h)
		}
		jwt := proofOf(t, h.Get("DPoP"))
		sum := sha256.Sum256([]byte("bound-access-token"))
		iat, _ := NumericDate(jwt.Claims["iat"])
		//
		if jwt.Header["alg"] != alg || jwt.Claims["htm"] != "POST" || jwt.Claims["htu"] != "https://api.example/a%2Fb/" ||
			jwt.Claims["ath"] != b64(sum[:]) || time.Since(iat).Abs() > 5*time.Second || jwt.Claims["nonce"] != nil {
			t.Errorf("%v %v", jwt.Header, jwt.Claims)
		}
		again, err := tok.Header("POST", "https://api.example/a", nil)
		if err != nil || proofOf(t, again.Get("DPoP")).Claims["jti"] == jwt.Claims["jti"] {
			t.Error("a proof was used twice")
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} { // F-155
		h, err := boundToken(t, "ES256").Header(method, "https://api.example/a", nil)
		if err != nil || proofOf(t, h.Get("DPoP")).Claims["htm"] != method {
			t.Errorf("%s: %v", method, err)
		}
	}
	for address, htu := range map[string]string{
		"https://[2001:DB8::1]:8443": "https://[2001:db8::1]:8443/", "http://127.0.0.1:80/x?y": "http://127.0.0.1/x",
	} {
		h, err := boundToken(t, "ES256").Header("", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if jwt := proofOf(t, h.Get("DPoP")); jwt.Claims["htu"] != htu || jwt.Claims["htm"] != "GET" {
			t.Errorf("%s: %v", address, jwt.Claims)
		}
	}
}

// RFC 9449 section 7.1: the ath of the token in the RFC's own example.
func TestProofHashOfTheRFC(t *testing.T) {
	tok := boundToken(t, "ES256")
	tok.AccessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	h, err := tok.Header("GET", "https://resource.example.org/protectedresource", nil)
	if err != nil {
		t.Fatal(err)
	}
	if jwt := proofOf(t, h.Get("DPoP")); jwt.Claims["ath"] != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Errorf("%v", jwt.Claims)
	}
}

func TestHeaderRefuses(t *testing.T) {
	bearer := &Token{AccessToken: "access-token-1", Type: "Bearer"}
	for _, ok := range []string{"https://api.example", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x"} {
		if h, err := bearer.Header("GET", ok, nil); err != nil || h.Get("Authorization") != "Bearer access-token-1" || h.Get("DPoP") != "" { // F-150
			t.Errorf("%s: %v, %v", ok, h, err)
		}
	}
	for _, tc := range []struct {
		name    string
		token   *Token
		address string
		err     error
	}{
		{"plain http", bearer, "http://api.example", ErrInsecure},
		{"a name that looks local", bearer, "http://localhost.example", ErrInsecure},
		{"another scheme", bearer, "ftp://api.example", ErrRequest},
		{"a user", bearer, "https://u:p@api.example", ErrRequest},
		{"no address", bearer, "/path", ErrRequest},
		{"no token", &Token{Type: "Bearer"}, "https://api.example", ErrNoToken},
		{"an unknown type", &Token{AccessToken: "access-token-1", Type: "mac"}, "https://api.example", ErrTokenType},
		{"a lost key", &Token{AccessToken: "access-token-1", Type: "DPoP"}, "https://api.example", ErrTokenType},
		{"a line break", &Token{AccessToken: "access-token-1\r\nX: y", Type: "Bearer"}, "https://api.example", ErrRequest},
	} {
		h, err := tc.token.Header("GET", tc.address, nil)
		if !errors.Is(err, tc.err) || h != nil {
			t.Errorf("%s: %v, %v", tc.name, h, err)
			continue
		}
		noSecret(t, err.Error(), "access-token-1", "u:p")
	}
}

// The authorization server's nonce, and the key of the login at refresh.
func TestDPoPAtTheServer(t *testing.T) {
	f, c := plain(t)
	c.DPoP = true
	c.Secret = "the-client-secret"
	var proofs []*JWT
	var asked []string
	nonce := "n-1"
	f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) {
		jwt := proofOf(t, r.Header.Get("DPoP"))
		proofs, asked = append(proofs, jwt), append(asked, r.PostForm.Get("grant_type"))
		w.Header().Set("DPoP-Nonce", nonce)
		if jwt.Claims["nonce"] != nonce {
			reply(w, 400, map[string]any{"error": "use_dpop_nonce"})
			return
		}
		nonce += "+" // a new one with every success
		w.Header().Set("DPoP-Nonce", nonce)
		reply(w, 200, map[string]any{"access_token": "a", "token_type": "dpop", "refresh_token": "refresh-1", "expires_in": 60})
	}
	tok, err := c.ClientCredentials(t.Context(), TokenRequest{})
	if err != nil || tok.Type != "DPoP" || tok.ProofKey == nil {
		t.Fatal(tok, err)
	}
	if len(proofs) != 2 { // one retry
		t.Fatalf("%d requests", len(proofs))
	}
	if proofs[0].Claims["jti"] == proofs[1].Claims["jti"] || proofs[0].Claims["nonce"] != nil || proofs[1].Claims["nonce"] != "n-1" {
		t.Errorf("%v, %v", proofs[0].Claims, proofs[1].Claims)
	}
	if jwt := proofs[1]; jwt.Claims["htm"] != "POST" || jwt.Claims["htu"] != f.URL+"/token" || jwt.Claims["ath"] != nil {
		t.Errorf("%v", jwt.Claims)
	}
	next, err := c.Refresh(t.Context(), tok)
	if err != nil || len(proofs) != 3 { // the nonce of the success before is used at once
		t.Fatalf("%v, %d requests", err, len(proofs))
	}
	//
	if next.ProofKey.Thumbprint() != tok.ProofKey.Thumbprint() || asked[2] != "refresh_token" ||
		thumb(t, proofs[2]) != tok.ProofKey.Thumbprint() {
		t.Error("another key at refresh")
	}
	// A server that is never content is asked twice and not for ever: R-173.
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("DPoP-Nonce", "again")
		reply(w, 400, map[string]any{"error": "use_dpop_nonce"})
	}
	n := f.count("/token")
	if _, err := c.Refresh(t.Context(), tok); !errors.Is(err, UseDPoPNonce) || f.count("/token") != n+2 {
		t.Errorf("%v, %d requests", err, f.count("/token")-n)
	}
	// a bearer token where a bound one was asked for.
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"access_token": "a", "token_type": "Bearer"})
	}
	if _, err := c.ClientCredentials(t.Context(), TokenRequest{}); !errors.Is(err, ErrTokenType) {
		t.Error(err)
	}
	c.AllowBearer = true
	if tok, err := c.ClientCredentials(t.Context(), TokenRequest{}); err != nil || tok.ProofKey != nil || tok.Type != "Bearer" {
		t.Error(tok, err)
	}
}

func thumb(t *testing.T, jwt *JWT) string {
	t.Helper()
	jwk, _ := jwt.Header["jwk"].(map[string]any)
	var public jose.JSONWebKey
	text := `{"kty":"` + text(jwk, "kty") + `","crv":"` + text(jwk, "crv") + `","x":"` + text(jwk, "x") + `","y":"` + text(jwk, "y") + `"}`
	if err := public.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return (&ProofKey{jwk: public}).Thumbprint()
}

func TestDPoPAlg(t *testing.T) { // R-170, F-158
	for _, tc := range []struct {
		listed []string
		chosen string
		want   string
		err    error
	}{
		{nil, "", "ES256", nil}, {nil, "EdDSA", "EdDSA", nil}, {[]string{"RS256", "PS256"}, "", "PS256", nil},
		{[]string{"ES256"}, "PS256", "", ErrRequest}, {[]string{"XX"}, "", "", ErrRequest}, {nil, "HS256", "", ErrRequest},
		{nil, "none", "", ErrRequest},
	} {
		c := &Client{DPoP: true, DPoPAlg: tc.chosen, Metadata: &Metadata{DPoPSigningAlgsSupported: tc.listed}}
		key, err := c.newProofKey()
		if !errors.Is(err, tc.err) || err == nil && string(key.alg) != tc.want {
			t.Errorf("%v %q: %v", tc.listed, tc.chosen, err)
		}
	}
	key, err := NewProofKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseProofKey(key.Private())
	if err != nil || again.Thumbprint() != key.Thumbprint() || key.Thumbprint() == "" {
		t.Error(err)
	}
	for _, bad := range []Secret{"", "{}", `{"kty":"oct","k":"AAAA","alg":"HS256"}`, `{"kty":"oct","k":"AAAA","alg":"ES256"}`} {
		if _, err := ParseProofKey(bad); !errors.Is(err, ErrRequest) {
			t.Errorf("%v: %v", bad.Reveal(), err)
		}
	}
}

// api is a resource server that writes down what it got.
type api struct {
	*httptest.Server
	got    []*http.Request
	bodies []string
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

func newAPI(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *api {
	t.Helper()
	a := &api{answer: answer}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		buf := make([]byte, 512)
		for {
			n, err := r.Body.Read(buf)
			body.Write(buf[:n])
			if err != nil {
				break
			}
		}
		a.got, a.bodies = append(a.got, r), append(a.bodies, body.String())
		if a.answer != nil {
			a.answer(len(a.got), w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// The resource's nonce is another than the authorization server's, also at
// one origin, and its clock counts.
func TestTransportDPoP(t *testing.T) { // F-157
	ahead := time.Now().Add(time.Hour)
	a := newAPI(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
		switch n {
		case 1:
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce", algs="ES256"`)
			w.Header().Set("DPoP-Nonce", "rs-1")
			w.WriteHeader(401)
		default:
			w.Header().Set("DPoP-Nonce", "rs-2")
		}
	})
	tok := boundToken(t, "ES256")
	servers := new(Servers)
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	servers.learn(roleAS, u, http.Header{"Dpop-Nonce": {"as-1"}}, time.Now(), time.Now())
	tr := &Transport{BaseURL: a.URL + "/v1", Servers: servers, Source: static(tok)}
	for range 2 {
		resp, err := (&http.Client{Transport: tr}).Post(a.URL+"/v1/x?q=1", "text/plain", strings.NewReader("the body"))
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
		if resp.Request.Header.Get("Authorization") != "" {
			t.Error("the answer carries the token back")
		}
	}
	var nonces []any
	jtis := map[any]bool{}
	for i, r := range a.got {
		jwt := proofOf(t, r.Header.Get("DPoP"))
		nonces, jtis[jwt.Claims["jti"]] = append(nonces, jwt.Claims["nonce"]), true
		iat, _ := NumericDate(jwt.Claims["iat"])
		if late := ahead.Sub(iat).Abs() > 10*time.Second; late != (i == 0) {
			t.Errorf("request %d: iat %v", i, iat)
		}
		if jwt.Claims["htu"] != a.URL+"/v1/x" || jwt.Claims["htm"] != "POST" || a.bodies[i] != "the body" {
			t.Errorf("request %d: %v, %q", i, jwt.Claims, a.bodies[i])
		}
	}
	if len(nonces) != 3 || nonces[0] != nil || nonces[1] != "rs-1" || nonces[2] != "rs-2" || len(jtis) != 3 {
		t.Errorf("nonces %v", nonces)
	}
	if servers.nonce(roleAS, u) != "as-1" {
		t.Error("the API's nonce replaced the authorization server's")
	}
	// Never content: one retry, and the answer is the caller's.
	a.answer = func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
		w.Header().Set("DPoP-Nonce", "again")
		w.WriteHeader(401)
	}
	n := len(a.got)
	resp, err := (&http.Client{Transport: tr}).Get(a.URL + "/v1")
	if err != nil || resp.StatusCode != 401 || len(a.got) != n+2 {
		t.Errorf("%v, %d requests", err, len(a.got)-n)
	}
	// A body that cannot be read again is not sent twice.
	n = len(a.got)
	resp, err = (&http.Client{Transport: tr}).Post(a.URL+"/v1", "text/plain", struct{ *strings.Reader }{strings.NewReader("once")})
	if err != nil || resp.StatusCode != 401 || len(a.got) != n+1 {
		t.Errorf("%v, %d requests", err, len(a.got)-n)
	}
}
