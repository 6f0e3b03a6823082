package oauth

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"fob/internal/authserver"
)

// assertionIn reads the claims of the assertion in a form, verified with key.
func assertionIn(t *testing.T, form url.Values, key any, alg jose.SignatureAlgorithm) (header, claims map[string]any) {
	t.Helper()
	raw := form.Get("client_assertion")
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(key); err != nil {
		t.Fatal(err)
	}
	jwt, err := parseJWT(raw)
	if err != nil {
		t.Fatal(err)
	}
	return jwt.Header, jwt.Claims
}

// The client's assertion holds what RFC 7523 wants, and is new for every
// request, F-093, F-094, F-095.
func TestClientAssertion(t *testing.T) { // F-096
	_, keys, err := GeneratePrivateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	long := Secret("0123456789abcdef0123456789abcdef-and-more")
	tests := []struct {
		name  string
		setup func(*Client)
		alg   jose.SignatureAlgorithm
		aud   string // "" is the issuer; a leading / is under it
		life  time.Duration
	}{
		{"private key", func(c *Client) { c.PrivateKeys = keys }, jose.ES256, "", time.Minute},
		{"secret", func(c *Client) { c.AuthMethod, c.Secret = AuthSecretJWT, long }, jose.HS256, "", time.Minute},
		{"short secret", func(c *Client) { c.AuthMethod, c.Secret, c.AuthSigningAlg = AuthSecretJWT, "short", "HS512" }, jose.HS512, "", time.Minute},
		{"secret, HS384 listed", func(c *Client) {
			c.AuthMethod, c.Secret = AuthSecretJWT, long
			c.Metadata.TokenEndpointAuthSigningAlgsSupported = []string{"ES256", "HS384"}
		}, jose.HS384, "", time.Minute},
		{"token endpoint", func(c *Client) { c.PrivateKeys, c.AssertionAudience = keys, "token_endpoint" }, jose.ES256, "/token", time.Minute},
		{"given audience", func(c *Client) { c.PrivateKeys, c.AssertionAudience = keys, "https://aud.example" }, jose.ES256, "https://aud.example", time.Minute},
		{"lifetime", func(c *Client) { c.PrivateKeys, c.AssertionLifetime = keys, 5*time.Minute }, jose.ES256, "", 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			tt.setup(c)
			var key any = macKey(c.Secret, string(tt.alg))
			if c.Secret == "" {
				key = keys.keys[0].Public()
			}
			prev := &Token{RefreshToken: "r"}
			f.token["id_token"] = nil
			var ids []string
			for range 2 {
				if _, err := c.Refresh(t.Context(), prev); err != nil {
					t.Fatal(err)
				}
				form, authorization := f.lastForm()
				header, claims := assertionIn(t, form, key, tt.alg)
				now, life := time.Now(), tt.life
				iat, _ := NumericDate(claims["iat"])
				nbf, _ := NumericDate(claims["nbf"])
				exp, _ := NumericDate(claims["exp"])
				want := f.URL
				if strings.HasPrefix(tt.aud, "/") {
					want += tt.aud
				} else if tt.aud != "" {
					want = tt.aud
				}
				switch {
				case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
					t.Error(form.Get("client_assertion_type"))
				case claims["iss"] != "client" || claims["sub"] != "client" || form.Get("client_id") != "client":
					t.Error("iss and sub are not the client")
				case claims["aud"] != want: // one string, not a list
					t.Errorf("aud %v", claims["aud"])
				case now.Sub(iat).Abs() > 3*time.Second || !nbf.Before(iat) || exp.Sub(iat) != life:
					t.Errorf("iat %v, nbf %v, exp %v", iat, nbf, exp)
				case authorization != "" || form.Has("client_secret"):
					t.Error("a second method")
				case tt.alg == jose.ES256 && header["kid"] != keys.KeyIDs()[0]:
					t.Errorf("kid %v", header["kid"])
				}
				ids = append(ids, text(claims, "jti"))
			}
			if ids[0] == ids[1] || len(ids[0]) < 20 {
				t.Errorf("jti %q", ids)
			}
		})
	}
}

// A second try, for the server's nonce, makes a new assertion: R-062.
func TestAssertionOfASecondTry(t *testing.T) { // F-096
	f := newFake(t)
	f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("DPoP-Nonce", "n-1")
		if f.count("/token") == 1 {
			reply(w, 400, map[string]any{"error": "use_dpop_nonce"})
			return
		}
		reply(w, 200, map[string]any{"access_token": "a", "token_type": "DPoP"})
	}
	c := f.client()
	_, keys, err := GeneratePrivateKey("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	proof, err := NewProofKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	c.PrivateKeys, c.DPoP = keys, true
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r", ProofKey: proof}); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, form := range f.forms {
		_, claims := assertionIn(t, form, keys.keys[0].Public(), jose.EdDSA)
		ids = append(ids, text(claims, "jti"))
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("jti %q", ids)
	}
}

// The assertion's time is the server's: a computer with a wrong clock can log in.
func TestAssertionHasTheServersTime(t *testing.T) {
	f := newFake(t)
	f.token["id_token"] = nil
	c := f.client()
	_, c.PrivateKeys, _ = GeneratePrivateKey("ES256")
	c.now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
	for range 2 { // the first answer tells the time
		if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	form, _ := f.lastForm()
	_, claims := assertionIn(t, form, c.PrivateKeys.keys[0].Public(), jose.ES256)
	if iat, _ := NumericDate(claims["iat"]); time.Since(iat).Abs() > 5*time.Second {
		t.Errorf("iat is %v off", time.Since(iat))
	}
}

// Which method is chosen, and why, F-099.
func TestChosenAuthMethod(t *testing.T) {
	_, keys, err := GeneratePrivateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	_, encKeys, err := GeneratePrivateKey("RSA-OAEP-256")
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authserver.ClientCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	own, _, err := authserver.SelfSignedCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		client *Client
		listed []string
		want   string
		why    string
	}{
		{"nothing", &Client{}, []string{"client_secret_basic"}, AuthNone, "no client secret"},
		{"set", &Client{AuthMethod: "client_secret_post", PrivateKeys: keys}, nil, "client_secret_post", "profile"},
		{"key, nothing listed", &Client{PrivateKeys: keys}, nil, AuthPrivateKeyJWT, "no client secret"},
		{"key and secret, nothing listed", &Client{PrivateKeys: keys, Secret: "s"}, nil, AuthSecretBasic, "default"},
		{"key and secret, both listed", &Client{PrivateKeys: keys, Secret: "s"}, []string{"client_secret_basic", "private_key_jwt"}, AuthPrivateKeyJWT, "private key"},
		{"key to decrypt with", &Client{PrivateKeys: encKeys}, []string{"private_key_jwt"}, AuthNone, ""},
		{"key at a public server", &Client{PrivateKeys: keys}, []string{"none"}, AuthNone, "nothing that goes with"},
		{"key not listed", &Client{PrivateKeys: keys}, []string{"client_secret_basic"}, AuthPrivateKeyJWT, "lists only client_secret_basic"},
		{"certificate", &Client{Certificate: &issued}, []string{"tls_client_auth", "self_signed_tls_client_auth"}, AuthTLS, "certificate"},
		{"own certificate", &Client{Certificate: &own}, []string{"tls_client_auth", "self_signed_tls_client_auth"}, AuthSelfSignedTLS, "certificate"},
		{"certificate, nothing listed", &Client{Certificate: &issued}, nil, AuthTLS, "certificate"},
		{"secret where a key were better", &Client{Secret: "s"}, []string{"private_key_jwt", "client_secret_basic"}, AuthSecretBasic, "would be safer"},
		{"only JWT listed", &Client{Secret: "s"}, []string{"client_secret_jwt"}, AuthSecretJWT, "lists it"},
		{"secret not listed", &Client{Secret: "s"}, []string{"private_key_jwt"}, AuthSecretBasic, "though"},
	}
	for _, tt := range tests {
		tt.client.Metadata = &Metadata{TokenEndpointAuthMethodsSupported: tt.listed}
		if method, why := tt.client.ChosenAuthMethod(); method != tt.want || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %s, because %s", tt.name, method, why)
		}
	}
}

// Every method against a server that is not ours,
// F-090, F-092, F-093, F-094, F-098.
func TestAuthenticateAtAuthserver(t *testing.T) { // F-103
	long := "a-secret-of-more-than-32-bytes-for-HS256"
	issued, err := authserver.ClientCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	own, ownJWKS, err := authserver.SelfSignedCertificate("own")
	if err != nil {
		t.Fatal(err)
	}
	clients := []authserver.Client{
		{ID: "basic", Secret: long, AuthMethod: AuthSecretBasic},
		{ID: "post", Secret: long, AuthMethod: AuthSecretPost},
		{ID: "mac", Secret: long, AuthMethod: AuthSecretJWT},
		{ID: "tls", AuthMethod: AuthTLS, TLSSubjectDN: "CN=machine", CertificateBoundTokens: true},
		{ID: "own", AuthMethod: AuthSelfSignedTLS, JWKS: ownJWKS, CertificateBoundTokens: true},
	}
	mine := map[string]*Client{
		"basic": {Secret: Secret(long)}, "post": {Secret: Secret(long), AuthMethod: AuthSecretPost},
		"mac": {Secret: Secret(long), AuthMethod: AuthSecretJWT},
		"tls": {Certificate: &issued, AuthMethod: AuthTLS, CertificateBound: true},
		"own": {Certificate: &own, AuthMethod: AuthSelfSignedTLS, CertificateBound: true},
	}
	for _, alg := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"} {
		_, keys, err := GeneratePrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, authserver.Client{ID: alg, AuthMethod: AuthPrivateKeyJWT, JWKS: string(keys.Public())})
		mine[alg] = &Client{PrivateKeys: keys}
	}
	for i := range clients {
		clients[i].GrantTypes = []string{"client_credentials"}
	}
	server, err := authserver.Start(t.Context(), authserver.Options{Clients: clients, MutualTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	roots, err := authserver.RootCAs()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	hc := &http.Client{Transport: transport}
	m, err := Discover(t.Context(), hc, server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	for id, c := range mine {
		t.Run(id, func(t *testing.T) {
			c.ID, c.HTTP, c.Metadata = id, hc, m
			tok, err := c.Grant(t.Context(), "client_credentials", nil, TokenRequest{Scope: []string{"api"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Revoke(t.Context(), tok.AccessToken, "access_token"); err != nil {
				t.Error(err)
			}
			jwt, err := InspectJWT(tok.AccessToken.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if _, bound := jwt.Claims["cnf"]; bound != c.CertificateBound {
				t.Errorf("bound: %v", bound)
			}
		})
	}
	if transport.TLSClientConfig.GetClientCertificate != nil {
		t.Error("the caller's transport was changed")
	}
	// the bound token works with the certificate, and not without.
	c := mine["tls"]
	tok, err := c.Grant(t.Context(), "client_credentials", nil, TokenRequest{Scope: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	certified, err := c.certifiedHTTP()
	if err != nil {
		t.Fatal(err)
	}
	for want, hc := range map[int]*http.Client{200: certified, 401: hc} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.MutualTLSURL()+"/api/whoami", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tok.AccessToken.Reveal())
		resp, err := hc.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	if again, err := c.certifiedHTTP(); err != nil || again != certified {
		t.Error("connections are not kept")
	}
}

// The certificate is shown where it authenticates and nowhere else, though
// everybody asks for it.
func TestCertificateOnlyWhereConfigured(t *testing.T) { // F-103
	var shown []string
	var ids []string
	handler := func(where string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.TLS.PeerCertificates) > 0 {
				shown = append(shown, where+r.URL.Path)
			}
			if r.Method == http.MethodPost {
				ids = append(ids, r.PostFormValue("client_id"))
			}
			if r.URL.Path == "/revoke" {
				http.Redirect(w, r, "https://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
				return
			}
			reply(w, 200, map[string]any{"access_token": "a", "token_type": "Bearer", "sub": "x"})
		})
	}
	start := func(where string) *httptest.Server {
		s := httptest.NewUnstartedServer(handler(where))
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	plain, alias := start("plain"), start("alias")
	roots := x509.NewCertPool()
	roots.AddCert(plain.Certificate())
	roots.AddCert(alias.Certificate())
	own, _, err := authserver.SelfSignedCertificate("own")
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{
		ID: "client", Certificate: &own, AuthMethod: AuthSelfSignedTLS,
		HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
		Metadata: &Metadata{
			TokenEndpoint: plain.URL + "/token", UserinfoEndpoint: plain.URL + "/userinfo", JWKSURI: plain.URL + "/jwks",
			RevocationEndpoint: plain.URL + "/revoke", MTLSEndpointAliases: map[string]string{"token_endpoint": alias.URL + "/token"},
		},
	}
	tok, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UserInfo(t.Context(), tok); err != nil {
		t.Error(err)
	}
	if err := c.Revoke(t.Context(), "r", ""); !errors.Is(err, ErrRedirect) {
		t.Error(err)
	}
	if !slices.Equal(shown, []string{"alias/token", "plain/revoke"}) {
		t.Errorf("shown at %v", shown)
	}
	if !slices.Equal(ids, []string{"client", "client"}) {
		t.Errorf("client_id %q", ids)
	}
	c.RevocationAuthMethod = AuthNone
	if _ = c.Revoke(t.Context(), "r", ""); len(shown) != 2 {
		t.Errorf("shown at %v", shown)
	}
}

// What cannot work is said before anything is sent.
func TestAuthenticationRefusedEarly(t *testing.T) {
	own, _, err := authserver.SelfSignedCertificate("own")
	if err != nil {
		t.Fatal(err)
	}
	old := own
	leaf := *own.Leaf
	leaf.NotAfter = time.Now().Add(-24 * time.Hour)
	old.Leaf = &leaf
	_, rsaKeys, err := GeneratePrivateKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	m := &Metadata{Issuer: "https://127.0.0.1:1", TokenEndpoint: "https://127.0.0.1:1/token", RevocationEndpoint: "http://127.0.0.1:1/revoke"}
	tests := []struct {
		client *Client
		want   string
	}{
		{&Client{AuthMethod: AuthPrivateKeyJWT}, "no private key"},
		{&Client{AuthMethod: AuthTLS}, "needs a client certificate"},
		{&Client{AuthMethod: AuthTLS, Certificate: &old}, "expired on"},
		{&Client{AuthMethod: AuthTLS, Certificate: &own, HTTP: &http.Client{Transport: noTransport{}}}, "cannot show a certificate"},
		{&Client{AuthMethod: AuthSecretJWT, Secret: "s", AuthSigningAlg: "RS256"}, "HS256"},
		{&Client{AuthMethod: AuthPrivateKeyJWT, PrivateKeys: rsaKeys, AuthSigningAlg: "ES256"}, "is for RS256"},
		{&Client{AuthMethod: AuthPrivateKeyJWT, PrivateKeys: rsaKeys, DPoP: true, Strict: true}, "is for RS256"},
		{&Client{AuthMethod: AuthCustom, CustomAuth: CustomAuth{Body: map[string]string{"grant_type": "x"}}}, "cannot set grant_type"},
	}
	for _, tt := range tests {
		tt.client.ID, tt.client.Metadata = "client", m
		_, err := tt.client.Refresh(t.Context(), &Token{RefreshToken: "r"})
		if !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.want, err)
		}
	}
	c := &Client{ID: "c", AuthMethod: AuthTLS, Certificate: &own, Metadata: m}
	if err := c.Revoke(t.Context(), "r", ""); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "https") {
		t.Error(err)
	}
}

type noTransport struct{}

func (noTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.EOF }

// A custom method goes where the profile says; nothing else in the package
// puts a secret into an address, and what goes there comes back in no error:
//
func TestCustomAuthentication(t *testing.T) {
	f := newFake(t)
	var got *http.Request
	f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) {
		got = r
		reply(w, 400, map[string]any{"error": "invalid_client", "error_description": "no: " + r.URL.RawQuery + " " + r.Header.Get("X-Api-Key") + r.Header.Get("X-Literal")})
	}
	c := f.client()
	c.Secret, c.AuthMethod = "canary-secret", AuthCustom
	c.CustomAuth = CustomAuth{
		Query:  map[string]string{"key": "{client_secret}"},
		Body:   map[string]string{"app": "{client_id}"},
		Header: map[string]string{"X-Api-Key": "k {client_secret}", "X-Literal": "canary-literal"},
	}
	_, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"})
	if !errors.Is(err, InvalidClient) {
		t.Fatal(err)
	}
	noSecret(t, err.Error(), "canary")
	form, authorization := f.lastForm()
	if got.URL.Query().Get("key") != "canary-secret" || got.Header.Get("X-Api-Key") != "k canary-secret" ||
		form.Get("app") != "client" || form.Has("client_id") || form.Has("client_secret") || authorization != "" {
		t.Errorf("%v, %v", got.URL, form)
	}
	for _, method := range []string{AuthNone, AuthSecretBasic, AuthSecretPost, AuthSecretJWT} {
		c.AuthMethod = method
		if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); err == nil || got.URL.RawQuery != "" {
			t.Errorf("%s: %v, query %q", method, err, got.URL.RawQuery)
		}
	}
}

// A client secret in an installed program is no secret (RFC 8252 section
// 8.5): a client with one still has PKCE and state for every login. R-096
func TestSecretReplacesNoProtection(t *testing.T) {
	f := newFake(t)
	f.secret = "shared-by-all-installations"
	c := f.client()
	a, response := f.authorize(c, openid)
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		t.Errorf("%v", q)
	}
	if _, err := a.Redeem(t.Context(), response); err != nil {
		t.Fatal(err)
	}
	if form, auth := f.lastForm(); form.Get("code_verifier") == "" || auth == "" {
		t.Errorf("%v", form)
	}
}

// A client for a profile's network settings: F-118.
func TestNewHTTPClient(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{}) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that must fail
	s.StartTLS()
	t.Cleanup(s.Close)
	get := func(o HTTPOptions) error {
		hc, err := NewHTTPClient(o)
		if err != nil {
			return err
		}
		defer hc.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			return err
		}
		resp, err := hc.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	var unknown x509.UnknownAuthorityError
	if err := get(HTTPOptions{}); !errors.As(err, &unknown) {
		t.Error(err)
	}
	if err := get(HTTPOptions{CACertificate: ca}); err != nil {
		t.Error(err)
	}
	if err := get(HTTPOptions{SkipVerify: true, Proxy: "direct"}); err != nil {
		t.Error(err)
	}
	for _, o := range []HTTPOptions{{CACertificate: []byte("x")}, {Proxy: "http://user:canary@ host"}, {Proxy: "ftp://user:canary@host"}} {
		err := get(o)
		if !errors.Is(err, ErrRequest) {
			t.Error(err)
		}
		noSecret(t, err.Error(), "canary")
	}
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	if err := get(HTTPOptions{Proxy: Secret(strings.Replace(proxy.URL, "//", "//me:pw@", 1))}); err == nil ||
		asked != "CONNECT "+strings.TrimPrefix(s.URL, "https://")+" Basic bWU6cHc=" {
		t.Errorf("%v, asked %q", err, asked)
	}
	hc, err := NewHTTPClient(HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if tr, ok := hc.Transport.(*http.Transport); !ok || tr.TLSClientConfig.MinVersion != tls.VersionTLS12 || tr.MaxResponseHeaderBytes == 0 {
		t.Errorf("%+v", hc.Transport)
	}
	if out, err := json.Marshal(HTTPOptions{Proxy: "http://me:canary@host"}); err == nil {
		noSecret(t, string(out), "canary")
	}
}

// A SAML assertion for the client (RFC 7522 section 2.2) comes from an
// identity provider and goes in as parameters of the token request: F-097.
func TestSAMLClientAssertion(t *testing.T) {
	f := newFake(t)
	f.token["id_token"] = nil
	c := f.client()
	c.TokenParams = url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
		"client_assertion":      {"PHNhbWxwOl-canary"},
	}
	var trace Trace
	if _, err := c.Refresh(WithTrace(t.Context(), &trace), &Token{RefreshToken: "r"}); err != nil {
		t.Fatal(err)
	}
	form, authorization := f.lastForm()
	if form.Get("client_assertion") != "PHNhbWxwOl-canary" || authorization != "" || form.Has("client_secret") {
		t.Errorf("%v", form)
	}
	hides(t, shown(t, &trace), "canary")
}
