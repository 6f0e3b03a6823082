package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// fake is an authorization server on loopback that answers whatever a test
// wants, however hostile. By default it behaves.
type fake struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	secret string    // client secret, for MACs
	born   time.Time // when its user signed in

	mu       sync.Mutex // guards what follows
	metadata map[string]any
	claims   map[string]any // replaces members of the id_token; nil values delete
	header   map[string]any // of the id_token
	token    map[string]any // replaces members of the token answer
	routes   map[string]http.HandlerFunc
	jwks     any
	sign     func(payload []byte) string // nil: RS256 with key
	nonce    string                      // of the last login
	forms    []url.Values                // received by POST
	auths    []string                    // their Authorization headers
	hits     map[string]int
}

// oneKey is shared: a new RSA key for each test takes most of its time.
var oneKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

var otherKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		t: t, born: time.Now(), key: oneKey(), hits: map[string]int{}, routes: map[string]http.HandlerFunc{},
		claims: map[string]any{}, token: map[string]any{}, header: map[string]any{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	f.metadata = map[string]any{
		"issuer":                   f.URL,
		"authorization_endpoint":   f.URL + "/authorize",
		"token_endpoint":           f.URL + "/token",
		"jwks_uri":                 f.URL + "/jwks",
		"userinfo_endpoint":        f.URL + "/userinfo",
		"revocation_endpoint":      f.URL + "/revoke",
		"response_types_supported": []string{"code"},
	}
	f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"})
	return f
}

func jwksOf(keys ...jose.JSONWebKey) any { return jose.JSONWebKeySet{Keys: keys} }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.hits[r.URL.Path]++
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			f.t.Error(err)
		}
		f.forms = append(f.forms, r.PostForm)
		f.auths = append(f.auths, r.Header.Get("Authorization"))
	}
	route := f.routes[r.URL.Path]
	f.mu.Unlock()
	if route != nil {
		route(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply(w, 200, f.metadata)
	case "/jwks":
		reply(w, 200, f.jwks)
	case "/token":
		reply(w, 200, f.tokenAnswer(r.PostForm))
	case "/userinfo":
		reply(w, 200, map[string]any{"sub": "alice", "email": "alice@example.com"})
	case "/revoke":
		w.WriteHeader(200)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// tokenAnswer is what the token endpoint says, with the test's changes.
func (f *fake) tokenAnswer(form url.Values) map[string]any {
	ans := map[string]any{
		"access_token": "access-" + form.Get("grant_type"), "token_type": "bearer", "expires_in": 3600,
		"refresh_token": "refresh-2", "id_token": f.idToken(),
	}
	if form.Get("grant_type") == "authorization_code" {
		ans["refresh_token"] = "refresh-1"
	}
	return merged(ans, f.token)
}

func merged(base, changes map[string]any) map[string]any {
	maps.Copy(base, changes)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	return base
}

func (f *fake) idToken() string {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": f.URL, "sub": "alice", "aud": "client", "iat": now, "exp": now + 300, "auth_time": f.born.Unix() - 5,
	}
	if f.nonce != "" {
		claims["nonce"] = f.nonce
	}
	payload, err := json.Marshal(merged(claims, f.claims))
	if err != nil {
		f.t.Error(err)
	}
	if f.sign != nil {
		return f.sign(payload)
	}
	return f.rs256(f.key, merged(map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}, f.header), payload)
}

// rs256 signs by hand, so that a header can claim what it likes.
func (f *fake) rs256(key *rsa.PrivateKey, header map[string]any, payload []byte) string {
	head, err := json.Marshal(header)
	if err != nil {
		f.t.Error(err)
	}
	input := b64(head) + "." + b64(payload)
	h := crypto.SHA256.New()
	h.Write([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, h.Sum(nil))
	if err != nil {
		f.t.Error(err)
	}
	return input + "." + b64(sig)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signWith signs with go-jose.
func signWith(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string) func([]byte) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(payload []byte) string {
		jws, err := s.Sign(payload)
		if err != nil {
			t.Error(err)
			return ""
		}
		out, err := jws.CompactSerialize()
		if err != nil {
			t.Error(err)
		}
		return out
	}
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// client discovers the server and returns a public client of it.
func (f *fake) client() *Client {
	f.t.Helper()
	m, err := Discover(f.t.Context(), nil, f.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	return &Client{ID: "client", Secret: Secret(f.secret), Metadata: m}
}

var openid = AuthorizationRequest{RedirectURI: "http://127.0.0.1:7777/callback", Scope: []string{"openid", "api"}}

// authorize starts a login and tells the server its nonce, as the browser would.
func (f *fake) authorize(c *Client, r AuthorizationRequest) (*Authorization, url.Values) {
	f.t.Helper()
	a, err := c.Authorize(f.t.Context(), r)
	if err != nil {
		f.t.Fatal(err)
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.nonce = u.Query().Get("nonce")
	f.mu.Unlock()
	return a, url.Values{"code": {"the-code-0123456789"}, "state": {a.State}}
}

// login runs a whole login.
func (f *fake) login(c *Client, r AuthorizationRequest) (*Token, error) {
	f.t.Helper()
	a, response := f.authorize(c, r)
	return a.Redeem(f.t.Context(), response)
}

func (f *fake) mustLogin(c *Client) *Token {
	f.t.Helper()
	t, err := f.login(c, openid)
	if err != nil {
		f.t.Fatal(err)
	}
	return t
}

// lastForm is the last form posted.
func (f *fake) lastForm() (url.Values, string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.forms) == 0 {
		f.t.Fatal("nothing was posted")
	}
	return f.forms[len(f.forms)-1], f.auths[len(f.auths)-1]
}

func (f *fake) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits[path]
}

func check(t *testing.T, checks []Check, name string) Check {
	t.Helper()
	for _, c := range checks {
		if c.Name == name {
			return c
		}
	}
	t.Errorf("no check named %s", name)
	return Check{}
}

// noSecret fails when a text holds one of the values.
func noSecret(t *testing.T, s string, secrets ...string) {
	t.Helper()
	for _, x := range secrets {
		if strings.Contains(s, x) {
			t.Errorf("%q shows up in %q", x, s)
		}
	}
}
