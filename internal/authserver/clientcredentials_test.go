package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const longSecret = "a-secret-of-more-than-32-bytes-for-HS256"

// machine is a client with an ES256 key.
type machine struct {
	key  *ecdsa.PrivateKey
	jwks string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return machine{key, string(data)}
}

// signed makes a JWT by hand.
func signed(t *testing.T, alg string, key any, head, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	for k, v := range head {
		opts = opts.WithHeader(jose.HeaderKey(k), v)
	}
	token, err := sign(alg, jose.JSONWebKey{Key: key}, opts, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// assertion is a good client assertion of RFC 7523 section 3, with claims changed; nil removes one.
func assertion(p *person, id string, pairs ...any) map[string]any {
	claims := map[string]any{
		"iss": id, "sub": id, "aud": p.s.Issuer(), "jti": random(8),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	for i := 0; i < len(pairs); i += 2 {
		if claims[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

func withAssertion(form url.Values, token string) url.Values {
	return with(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", token)
}

// credentials asks for a token of the client's own.
func credentials(pairs ...string) url.Values {
	return with(url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}, pairs...)
}

func ownGrant(c Client) Client {
	c.GrantTypes = []string{"client_credentials"}
	return c
}

func TestClientCredentials(t *testing.T) {
	p := start(t, Options{Clients: []Client{
		ownGrant(Client{ID: "job", Secret: longSecret, AuthMethod: "client_secret_post"}),
		{ID: "web", Secret: longSecret, AuthMethod: "client_secret_post"},
	}})
	tk := p.token(credentials("client_id", "job", "client_secret", longSecret))
	if tk.status != http.StatusOK || tk.Scope != "api" || tk.Refresh != "" || tk.ID != "" {
		t.Fatalf("%d %s, scope %q", tk.status, tk.Error, tk.Scope)
	}
	if r := p.whoami(tk.Access); r.status != http.StatusOK || !strings.Contains(r.body, `"sub": "job"`) {
		t.Errorf("whoami %d %s", r.status, r.body)
	}
	p.wantError(p.token(credentials("client_id", "job", "client_secret", "wrong")), 401, "invalid_client")
	p.wantError(p.token(credentials("client_id", "web", "client_secret", longSecret)), 400, "unauthorized_client")
	p.wantError(p.token(credentials("client_id", "job", "client_secret", longSecret, "scope", "admin")), 400, "invalid_scope")
	p.wantError(p.token(redeem("code", "client_id", "job", "client_secret", longSecret)), 400, "invalid_grant")
	demo := start(t, Options{})
	demo.wantError(demo.token(credentials("client_id", DemoClientID)), 400, "unsupported_grant_type")
}

func TestClientAssertions(t *testing.T) {
	m, other := newMachine(t), newMachine(t)
	p := start(t, Options{Clients: []Client{
		ownGrant(Client{ID: "secret", Secret: longSecret, AuthMethod: "client_secret_jwt"}),
		ownGrant(Client{ID: "key", AuthMethod: "private_key_jwt", JWKS: m.jwks}),
	}})
	ask := func(token string) tokens { return p.token(withAssertion(credentials(), token)) }
	hs := func(pairs ...any) string {
		return signed(t, "HS256", []byte(longSecret), nil, assertion(p, "secret", pairs...))
	}
	es := func(pairs ...any) string {
		return signed(t, "ES256", m.key, map[string]any{"kid": "k1"}, assertion(p, "key", pairs...))
	}
	for name, token := range map[string]string{
		"HS256": hs(), "ES256": es(), "aud token endpoint": es("aud", p.s.Issuer()+"/token"),
	} {
		if tk := ask(token); tk.status != http.StatusOK {
			t.Errorf("%s: %d %s, %s", name, tk.status, tk.Error, p.s.Stats().LastError)
		}
	}
	twice := es()
	ask(twice)
	p.wantError(ask(twice), 401, "invalid_client")
	for name, token := range map[string]string{
		"wrong secret": signed(t, "HS256", []byte("another-secret-of-more-than-32-bytes!"), nil, assertion(p, "secret")),
		"wrong key":    signed(t, "ES256", other.key, map[string]any{"kid": "k1"}, assertion(p, "key")),
		"unknown kid":  signed(t, "ES256", m.key, map[string]any{"kid": "k2"}, assertion(p, "key")),
		"HS for ES":    signed(t, "HS256", []byte(m.jwks), nil, assertion(p, "key")),
		"other aud":    es("aud", "https://elsewhere.invalid"),
		"no jti":       es("jti", nil),
		"no exp":       es("exp", nil),
		"expired":      es("exp", time.Now().Add(-time.Minute).Unix()),
		"long-lived":   es("exp", time.Now().Add(time.Hour).Unix()),
		"other sub":    es("sub", "secret"),
	} {
		if tk := ask(token); tk.status != http.StatusUnauthorized || tk.Error != "invalid_client" {
			t.Errorf("%s: %d %s", name, tk.status, tk.Error)
		}
	}
	p.wantError(p.token(credentials("client_id", "secret", "client_secret", longSecret)), 401, "invalid_client")
	p.wantError(p.token(with(withAssertion(credentials(), es()), "client_secret", longSecret)), 400, "invalid_request")
}

func TestOtherMethodForRevocation(t *testing.T) {
	m := newMachine(t)
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{{
		ID: "two", Secret: longSecret, AuthMethod: "private_key_jwt", RevocationAuthMethod: "client_secret_post",
		JWKS: m.jwks, RedirectURIs: []string{redirectURI},
	}}})
	token := func() string {
		return signed(t, "ES256", m.key, map[string]any{"kid": "k1"}, assertion(p, "two"))
	}
	tk := p.token(withAssertion(redeem(p.code("client_id", "two"), "client_id", ""), token()))
	if tk.status != http.StatusOK {
		t.Fatalf("%d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	revoke := url.Values{"token": {tk.Refresh}}
	if r := p.post(p.s.Issuer()+"/revoke", withAssertion(revoke, token())); r.status != http.StatusUnauthorized {
		t.Errorf("revoked with the method of the token endpoint: %d", r.status)
	}
	if r := p.post(p.s.Issuer()+"/revoke", with(revoke, "client_id", "two", "client_secret", longSecret)); r.status != http.StatusOK {
		t.Errorf("revocation: %d %s", r.status, r.body)
	}
	p.wantError(p.token(withAssertion(refresh(tk.Refresh, "client_id", ""), token())), 400, "invalid_grant")
}

// tlsPerson is a person whose connections trust the server and show a certificate, if given one.
func tlsPerson(t *testing.T, s *Server, certs ...tls.Certificate) *person {
	t.Helper()
	roots, err := RootCAs()
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs}}
	t.Cleanup(tr.CloseIdleConnections)
	return newPerson(t, s, tr)
}

func TestMutualTLS(t *testing.T) {
	known, err := ClientCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := SelfSignedCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	own, jwks, err := SelfSignedCertificate("own")
	if err != nil {
		t.Fatal(err)
	}
	plain := start(t, Options{MutualTLS: true, Clients: []Client{
		ownGrant(Client{ID: "pki", AuthMethod: "tls_client_auth", TLSSubjectDN: "CN=machine", CertificateBoundTokens: true}),
		ownGrant(Client{ID: "self", AuthMethod: "self_signed_tls_client_auth", JWKS: jwks}),
		ownGrant(Client{ID: "bound", Secret: longSecret, AuthMethod: "client_secret_post", CertificateBoundTokens: true}),
		ownGrant(Client{ID: "loose", Secret: longSecret, AuthMethod: "client_secret_post"}),
	}})
	if _, err := plain.try(plain.request(http.MethodGet, plain.s.Issuer()+"/jwks", nil)); err == nil {
		t.Error("a stranger trusts the certificate")
	}
	p := tlsPerson(t, plain.s)
	var doc struct {
		Token   string `json:"token_endpoint"`
		Aliases struct {
			Token string `json:"token_endpoint"`
			PAR   string `json:"registration_endpoint"`
		} `json:"mtls_endpoint_aliases"`
		Bound bool `json:"tls_client_certificate_bound_access_tokens"`
	}
	if r := p.get(p.s.Issuer() + wellKnownOIDC); json.Unmarshal([]byte(r.body), &doc) != nil || !doc.Bound ||
		doc.Token != p.s.Issuer()+"/token" || doc.Aliases.Token != p.s.MutualTLSURL()+"/token" || doc.Aliases.Token == doc.Token || doc.Aliases.PAR != "" {
		t.Fatalf("discovery %s", r.body)
	}
	ask := func(p *person, u string, form url.Values) tokens { return p.parse(p.post(u, form)) }
	knownP, strangerP, ownP := tlsPerson(t, p.s, known), tlsPerson(t, p.s, stranger), tlsPerson(t, p.s, own)

	tk := ask(knownP, doc.Aliases.Token, credentials("client_id", "pki"))
	if tk.status != http.StatusOK {
		t.Fatalf("tls_client_auth: %d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	_, claims, err := decodeJWT(tk.Access)
	if cnf, _ := claims["cnf"].(map[string]any); err != nil || cnf["x5t#S256"] != hash(string(known.Leaf.Raw)) {
		t.Errorf("cnf %v %v", claims["cnf"], err)
	}
	api := func(p *person, base string) int {
		req := p.request(http.MethodGet, base+apiPath, nil)
		req.Header.Set("Authorization", "Bearer "+tk.Access)
		return p.do(req).status
	}
	if got := api(knownP, p.s.MutualTLSURL()); got != http.StatusOK {
		t.Errorf("bound token with its certificate: %d", got)
	}
	for name, got := range map[string]int{
		"another": api(ownP, p.s.MutualTLSURL()), "none": api(p, p.s.MutualTLSURL()), "not asked for": api(knownP, p.s.Issuer()),
	} {
		if got != http.StatusUnauthorized {
			t.Errorf("bound token, certificate %s: %d", name, got)
		}
	}
	if tk := ask(ownP, doc.Aliases.Token, credentials("client_id", "self")); tk.status != http.StatusOK {
		t.Errorf("self_signed_tls_client_auth: %d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	p.wantError(ask(strangerP, doc.Aliases.Token, credentials("client_id", "pki")), 401, "invalid_client") // right name, no authority
	p.wantError(ask(knownP, doc.Token, credentials("client_id", "pki")), 401, "invalid_client")            // not the alias
	p.wantError(ask(p, doc.Aliases.Token, credentials("client_id", "pki")), 401, "invalid_client")         // no certificate
	p.wantError(ask(knownP, doc.Aliases.Token, credentials("client_id", "self")), 401, "invalid_client")   // another one
	p.wantError(ask(ownP, doc.Aliases.Token, credentials("client_id", "pki")), 401, "invalid_client")      // another subject
	secret := func(id string) url.Values { return credentials("client_id", id, "client_secret", longSecret) }
	p.wantError(ask(p, doc.Token, secret("bound")), 400, "invalid_request")
	for id, bound := range map[string]bool{"bound": true, "loose": false} {
		tk := ask(knownP, doc.Aliases.Token, secret(id))
		_, claims, err := decodeJWT(tk.Access)
		if err != nil || (claims["cnf"] != nil) != bound {
			t.Errorf("%s: %d %s, cnf %v", id, tk.status, tk.Error, claims["cnf"])
		}
	}
}

func TestMutualTLSWithoutNetwork(t *testing.T) {
	cert, err := ClientCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Issuer: "https://as.test", MutualTLS: true, Clients: []Client{
		ownGrant(Client{ID: "pki", AuthMethod: "tls_client_auth", TLSSubjectDN: "CN=machine"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(t, s, s.TransportWith(cert))
	if tk := p.parse(p.post("https://mtls.as.test/token", credentials("client_id", "pki"))); tk.status != http.StatusOK {
		t.Errorf("%d %s, %s", tk.status, tk.Error, s.Stats().LastError)
	}
	p.wantError(p.token(credentials("client_id", "pki")), 401, "invalid_client")
}
