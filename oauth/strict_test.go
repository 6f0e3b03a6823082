package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// strictFake is a server and a client that FAPI 2.0 has nothing against.
func strictFake(t *testing.T) (*fake, *Client) {
	t.Helper()
	f := newFake(t)
	f.pushing(nil)
	f.metadata["authorization_response_iss_parameter_supported"] = true
	f.metadata["code_challenge_methods_supported"] = []string{"S256"}
	f.metadata["id_token_signing_alg_values_supported"] = []string{"PS256", "RS256"}
	f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1", Use: "sig"})
	f.sign = signWith(t, jose.PS256, f.key, "k1")
	f.token["token_type"] = "DPoP"
	c := f.client()
	c.Strict, c.DPoP, c.AuthMethod, c.PrivateKeys = true, true, AuthPrivateKeyJWT, ownKey(t, "PS256")
	return f, c
}

// what the profile allows works; the browser carries
// two parameters, and the assertion is for the issuer.
func TestStrictLogin(t *testing.T) {
	f, c := strictFake(t)
	a, err := c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	if q := query(t, a.URL); len(q) != 2 || q.Get("client_id") == "" || q.Get("request_uri") == "" {
		t.Errorf("front channel %v", q)
	}
	form, _ := f.lastForm()
	jwt, err := InspectJWT(form.Get("client_assertion"))
	if err != nil || jwt.Claims["aud"] != f.URL || jwt.Header["alg"] != "PS256" {
		t.Errorf("assertion %+v, %v", jwt, err)
	}
	f.nonce = a.nonce
	tok, err := a.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {a.State}, "iss": {f.URL}})
	if err != nil || tok.Type != "DPoP" {
		t.Fatalf("%v, %v", tok, err)
	}
	f.token["refresh_token"] = nil // the server keeps its refresh token
	again, err := c.Refresh(t.Context(), tok)
	if err != nil || again.RefreshToken != tok.RefreshToken {
		t.Errorf("%v, %v", again, err)
	}
	// an RS256 id_token, though the server lists it.
	f.sign = nil
	a, err = c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	f.nonce = a.nonce
	if _, err := a.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {a.State}, "iss": {f.URL}}); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("RS256: %v", err)
	}
	a, err = c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {a.State}}); !errors.Is(err, ErrIssuer) {
		t.Errorf("no iss: %v", err)
	}
}

// whatever is missing is named, and nothing is sent.
func TestStrictRefuses(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Client, *AuthorizationRequest)
		says   string
	}{
		"secret": {func(c *Client, _ *AuthorizationRequest) {
			c.AuthMethod, c.Secret = AuthSecretBasic, "s3cret-of-the-client"
		}, "private_key_jwt or mutual TLS"},
		"none": {func(c *Client, _ *AuthorizationRequest) { c.AuthMethod = AuthNone }, "private_key_jwt or mutual TLS"},
		"assertion for the endpoint": {func(c *Client, _ *AuthorizationRequest) { c.AssertionAudience = "token_endpoint" },
			"issuer as the audience"},
		"RS256 assertion": {func(c *Client, _ *AuthorizationRequest) { c.AuthSigningAlg = "RS256" }, "client assertion"},
		"weak key":        {func(c *Client, _ *AuthorizationRequest) { c.PrivateKeys.keys[0].Key = weak }, "2048 bits"},
		"bearer tokens":   {func(c *Client, _ *AuthorizationRequest) { c.DPoP = false }, "sender-constrained"},
		"bearer allowed":  {func(c *Client, _ *AuthorizationRequest) { c.AllowBearer = true }, "bound tokens only"},
		"RS256 proofs":    {func(c *Client, _ *AuthorizationRequest) { c.DPoPAlg = "RS256" }, "for DPoP"},
		"RS256 id_tokens": {func(c *Client, _ *AuthorizationRequest) { c.IDTokenAlg = "RS256" }, "for id_tokens"},
		"no certificate":  {func(c *Client, _ *AuthorizationRequest) { c.AuthMethod = AuthTLS }, "a client certificate"},
		"http":            {func(c *Client, _ *AuthorizationRequest) { c.AllowHTTP = true }, "https everywhere"},
		"GET":             {func(c *Client, _ *AuthorizationRequest) { c.Quirks = &Quirks{TokenMethod: "GET"} }, "by POST"},
		"no PAR":          {func(c *Client, _ *AuthorizationRequest) { c.Metadata.PushedAuthorizationRequestEndpoint = "" }, "pushed requests"},
		"no iss":          {func(c *Client, _ *AuthorizationRequest) { c.Metadata.AuthorizationResponseIssSupported = false }, "names itself"},
		"hybrid":          {func(_ *Client, r *AuthorizationRequest) { r.ResponseType = "code id_token" }, "response_type code"},
		"no PKCE":         {func(_ *Client, r *AuthorizationRequest) { r.CodeChallengeMethod = ChallengeNone }, "PKCE with S256"},
		"RS256 request":   {func(c *Client, _ *AuthorizationRequest) { c.RequestObjectSigningAlg = "RS256" }, "request objects"},
		"unverified servers": {func(c *Client, _ *AuthorizationRequest) {
			hc, err := NewHTTPClient(HTTPOptions{SkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			c.HTTP = hc
		}, "certificate checked"},
		"a transport of somebody's own": {func(c *Client, _ *AuthorizationRequest) { c.HTTP = &http.Client{Transport: refusing{}} }, "how TLS is spoken"},
	} {
		t.Run(name, func(t *testing.T) {
			f, c := strictFake(t)
			f.metadata["response_types_supported"] = nil
			c.Metadata.ResponseTypesSupported, c.Metadata.CodeChallengeMethodsSupported = nil, nil
			r := openid
			tt.change(c, &r)
			before := f.count("/par")
			_, err := c.Authorize(t.Context(), r)
			if !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "FAPI 2.0") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if f.count("/par") != before {
				t.Error("something was sent")
			}
		})
	}
	f, c := strictFake(t)
	c.AuthMethod, c.Secret = AuthSecretBasic, "s3cret-of-the-client"
	if _, err := c.Grant(t.Context(), "client_credentials", nil, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != 0 {
		t.Errorf("client credentials: %v", err)
	}
	if err := strictError([]string{"a", "b"}); !strings.Contains(err.Error(), "a; b") {
		t.Error(err)
	}
}

// keys that are too short verify nothing.
func TestStrictKeys(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []any{weak, weak.Public(), &weak.PublicKey, []byte("x"), nil} {
		if strictKey(k) {
			t.Errorf("%T", k)
		}
	}
	ec := ecKey(t, elliptic.P256())
	for _, k := range []any{oneKey(), &oneKey().PublicKey, ec, ec.Public().(*ecdsa.PublicKey)} {
		if !strictKey(k) {
			t.Errorf("%T", k)
		}
	}
	if got := strictAlgs([]string{"RS256", "PS256", "HS256", "EdDSA"}); !slices.Equal(got, []string{"PS256", "EdDSA"}) {
		t.Error(got)
	}
}

// nothing weaker than TLS 1.2 with the suites of BCP 195 is offered, and
// the name of the server counts.
func TestStrictTLS(t *testing.T) {
	for name, tt := range map[string]struct {
		config *tls.Config
		ok     bool
	}{
		"1.3":        {&tls.Config{MinVersion: tls.VersionTLS13}, true},
		"1.2 GCM":    {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"1.2 CBC":    {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, false},
		"1.2 RSA":    {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
		"1.1":        {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"1.2 ChaCha": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}, false},
	} {
		hits := 0
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
		s.TLS = tt.config
		s.Config.ErrorLog = quietLog()
		s.StartTLS()
		hc, err := strictClient(s.Client())
		if err != nil {
			t.Fatal(err)
		}
		if tr := hc.Transport.(*http.Transport); tr.TLSClientConfig.MinVersion < tls.VersionTLS12 {
			t.Errorf("offers %x", tr.TLSClientConfig.MinVersion)
		}
		resp, err := hc.Get(s.URL)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != tt.ok || (hits > 0) != tt.ok {
			t.Errorf("%s: %v, %d requests", name, err, hits)
		}
		if name == "1.3" {
			u, _ := url.Parse(s.URL)
			resp, err := hc.Get("https://localhost:" + u.Port()) // httptest's certificate does not name it
			if err == nil {
				resp.Body.Close()
				t.Error("another name is taken")
			}
		}
		s.Close()
	}
}

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// no other endpoint gets a weaker authentication than the token endpoint.
func TestStrictAtEveryEndpoint(t *testing.T) {
	f, c := strictFake(t)
	c.Metadata.IntrospectionEndpoint = f.URL + "/introspect"
	for name, weaken := range map[string]func(){
		"chosen": func() { c.RevocationAuthMethod = AuthSecretBasic },
		"listed": func() {
			c.AuthMethod, c.RevocationAuthMethod = "", ""
			c.Metadata.TokenEndpointAuthMethodsSupported = []string{AuthPrivateKeyJWT}
			c.Metadata.RevocationEndpointAuthMethodsSupported = []string{AuthSecretBasic}
			c.Metadata.IntrospectionEndpointAuthMethodsSupported = []string{AuthSecretPost}
		},
	} {
		c.Secret, c.AuthMethod = "secret-0123456789", AuthPrivateKeyJWT
		weaken()
		if err := c.Revoke(t.Context(), "r", ""); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "FAPI") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.Introspect(t.Context(), "r", ""); name == "listed" && (!errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "FAPI")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.count("/revoke")+f.count("/introspect") > 0 {
		if form, auth := f.lastForm(); auth != "" || form.Has("client_secret") {
			t.Error("the secret was sent")
		}
	}
}
