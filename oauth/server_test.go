package oauth

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/authserver"
)

// walk opens a login's URL as a browser would and returns what reaches the
// redirect URI, by whatever way the response mode says.
func walk(t *testing.T, a *Authorization) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	address := a.URL
	for range 10 {
		resp, err := browser.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == 200 {
			return formOf(t, a, string(page))
		}
		to, err := resp.Location()
		if err != nil {
			t.Fatalf("status %d: %s", resp.StatusCode, page)
		}
		if strings.HasPrefix(to.String(), a.RedirectURI) {
			part := to.RawQuery
			if a.Delivery() == "fragment" {
				part = to.EscapedFragment()
			}
			values, err := url.ParseQuery(part)
			if err != nil {
				t.Fatal(err)
			}
			return values
		}
		address = to.String()
	}
	t.Fatal("the browser goes in circles")
	return nil
}

// formOf reads the page of a form_post response.
func formOf(t *testing.T, a *Authorization, page string) url.Values {
	t.Helper()
	if !strings.Contains(html.UnescapeString(page), `action="`+a.RedirectURI+`"`) {
		t.Fatalf("not the form of a response:\n%s", page)
	}
	values := url.Values{}
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(page, -1) {
		name := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(input)
		value := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(input)
		if name != nil && value != nil {
			values.Add(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	return values
}

// registered starts a server with one client and returns it from the client's
// side.
func registered(t *testing.T, o authserver.Options, r authserver.Client) (*authserver.Server, *Client) {
	t.Helper()
	r.ID, r.RedirectURIs = "client", []string{openid.RedirectURI}
	o.Clients, o.AutoApprove = []authserver.Client{r}, "ada"
	s, err := authserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := Discover(t.Context(), nil, s.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return s, &Client{ID: "client", Secret: Secret(r.Secret), Metadata: m, IDTokenAlg: r.IDTokenAlg}
}

// signIn runs a whole login.
func signIn(t *testing.T, c *Client, r AuthorizationRequest) *Token {
	t.Helper()
	a, err := c.Authorize(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := a.Redeem(t.Context(), walk(t, a))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// Against a server of another hand: pushed, signed and
// encrypted requests, signed responses, code bound to a key
// and what FAPI 2.0 wants of all that.
func TestLoginsAtAServer(t *testing.T) {
	key := ownKey(t, "ES256")
	own := authserver.Client{AuthMethod: AuthPrivateKeyJWT, JWKS: string(key.Public())}
	signed := func(c *Client) { c.PrivateKeys = key }
	api := AuthorizationRequest{RedirectURI: openid.RedirectURI, Scope: []string{"openid", "api", "email"}}
	tests := []struct {
		name   string
		server authserver.Options
		client authserver.Client
		setup  func(*Client)
		modes  []string
		pushed bool
	}{
		{name: "pushed", server: authserver.Options{PAR: &authserver.PAR{Required: true}}, pushed: true},
		{name: "pushed with a secret", server: authserver.Options{PAR: &authserver.PAR{}},
			client: authserver.Client{Secret: "a-client-secret-of-more-than-32-bytes", RequirePAR: true}, pushed: true},
		{name: "pushed, bound", server: authserver.Options{PAR: &authserver.PAR{}, DPoP: &authserver.DPoP{Required: true, Nonce: true}},
			setup: func(c *Client) { c.DPoP = true }, pushed: true},
		{name: "signed", server: authserver.Options{JAR: &authserver.JAR{Required: true}}, client: own, setup: signed},
		{name: "signed and pushed", server: authserver.Options{JAR: &authserver.JAR{Required: true}, PAR: &authserver.PAR{}}, client: own,
			setup: signed, pushed: true},
		{name: "encrypted", server: authserver.Options{JAR: &authserver.JAR{Required: true, Encrypted: true}}, client: own,
			setup: func(c *Client) { c.PrivateKeys, c.RequestObjectEncryptionAlg = key, "RSA-OAEP-256" }},
		{name: "encrypted to a curve", server: authserver.Options{JAR: &authserver.JAR{Encrypted: true}}, client: own,
			setup: func(c *Client) {
				c.PrivateKeys, c.RequestObjectEncryptionAlg, c.RequestObjectEncryptionEnc = key, "ECDH-ES", "A256GCM"
			}},
		{name: "plain responses", modes: []string{"query", "fragment", "form_post"}},
		{name: "signed responses", server: authserver.Options{JARM: true}, modes: []string{"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}},
		{name: "responses by RS256", server: authserver.Options{JARM: true}, client: authserver.Client{ResponseAlg: "RS256"},
			setup: func(c *Client) { c.AuthorizationSignedResponseAlg = "RS256" }, modes: []string{"jwt"}},
		{name: "strict", server: authserver.Options{PAR: &authserver.PAR{Required: true}, DPoP: &authserver.DPoP{Required: true, Nonce: true},
			JAR: &authserver.JAR{}, JARM: true}, client: own,
			setup: func(c *Client) { c.Strict, c.PrivateKeys, c.DPoP, c.AuthMethod = true, key, true, AuthPrivateKeyJWT },
			modes: []string{"", "jwt"}, pushed: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := registered(t, tt.server, tt.client)
			if tt.setup != nil {
				tt.setup(c)
			}
			if tt.modes == nil {
				tt.modes = []string{""}
			}
			for _, mode := range tt.modes {
				r := api
				r.ResponseMode = mode
				a, err := c.Authorize(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if q := query(t, a.URL); q.Has("request_uri") != tt.pushed || tt.pushed && len(q) != 2 {
					t.Errorf("front channel %v", q)
				}
				response := walk(t, a)
				if signedMode(mode) != response.Has("response") || signedMode(mode) && response.Has("code") {
					t.Errorf("mode %s: %v", mode, response)
				}
				tok, err := a.Redeem(t.Context(), response)
				if err != nil {
					t.Fatalf("mode %q: %v", mode, err)
				}
				if (tok.ProofKey != nil) != c.DPoP || tok.Claims["sub"] != "demo-ada" {
					t.Errorf("%v, %v", tok, tok.Claims)
				}
				claims, err := c.UserInfo(t.Context(), tok)
				if err != nil || claims["email"] != "ada@demo.example" {
					t.Errorf("userinfo %v, %v", claims, err)
				}
			}
		})
	}
}

// F-012, R-221: hybrid and implicit responses of a server of another hand.
func TestHybridAtAServer(t *testing.T) {
	types := []string{"code", "code id_token", "code token", "code id_token token", "id_token", "token", "id_token token"}
	_, c := registered(t, authserver.Options{}, authserver.Client{ResponseTypes: types, GrantTypes: []string{"authorization_code", "implicit", "refresh_token"}})
	for _, responseType := range types {
		for _, mode := range []string{"", "form_post"} {
			r := openid
			r.ResponseType, r.ResponseMode = responseType, mode
			tok := signIn(t, c, r)
			if strings.Contains(responseType, "code") != (tok.RefreshToken != "") || (responseType == "id_token") != (tok.AccessToken == "") {
				t.Errorf("%s: %+v", responseType, tok)
			}
			if responseType != "token" && tok.Claims["sub"] != "demo-ada" {
				t.Errorf("%s: %v", responseType, tok.Claims)
			}
		}
	}
}

// F-177, F-178, F-179, R-050: id_tokens by every algorithm, plain and encrypted.
func TestIDTokensOfAServer(t *testing.T) {
	secret := "a-client-secret-of-more-than-64-bytes-0123456789-0123456789-0123456789"
	for _, alg := range []string{"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA", "HS256", "HS384", "HS512"} {
		_, c := registered(t, authserver.Options{}, authserver.Client{Secret: secret, IDTokenAlg: alg})
		if tok := signIn(t, c, openid); !strings.HasPrefix(check(t, tok.Checks, "alg").Detail, alg) {
			t.Errorf("%s: %+v", alg, tok.Checks)
		}
	}
	for _, tt := range []struct{ alg, enc string }{
		{"RSA-OAEP", "A128CBC-HS256"}, {"RSA-OAEP-256", "A256GCM"}, {"ECDH-ES", "A128GCM"}, {"ECDH-ES+A128KW", "A256GCM"}, {"ECDH-ES+A256KW", "A256CBC-HS512"},
	} {
		key := ownKey(t, tt.alg)
		_, c := registered(t, authserver.Options{JARM: true}, authserver.Client{JWKS: string(key.Public()),
			IDTokenEncryption:  authserver.Encryption{Alg: tt.alg, Enc: tt.enc},
			ResponseEncryption: authserver.Encryption{Alg: tt.alg, Enc: tt.enc}})
		c.PrivateKeys, c.AuthMethod, c.IDTokenEncryptionAlg = key, AuthNone, tt.alg
		r := openid
		r.ResponseMode = "jwt"
		tok := signIn(t, c, r)
		if !strings.Contains(check(t, tok.Checks, "format").Detail, tt.alg+" with "+tt.enc) || !strings.Contains(check(t, tok.Checks, "response encryption").Detail, tt.alg) {
			t.Errorf("%+v: %+v", tt, tok.Checks)
		}
	}
}

// R-164, F-003, R-181: rich requests, a login finished by another client value,
// and a stronger sign-in on demand.
func TestOtherLoginsAtAServer(t *testing.T) {
	s, c := registered(t, authserver.Options{AuthorizationDetailsTypes: []string{"payment"}, ACRValues: []string{"tin", "gold"}, ClaimsParameter: true},
		authserver.Client{PostLogoutRedirectURIs: []string{"http://127.0.0.1:7777/out"}})
	r := openid
	r.AuthorizationDetails = json.RawMessage(`[{"type":"payment","actions":["pay"]}]`)
	tok := signIn(t, c, r)
	if got := check(t, tok.Checks, "authorization_details"); !got.OK || len(tok.AuthorizationDetails) == 0 {
		t.Errorf("%+v, %s", got, tok.AuthorizationDetails)
	}
	a, err := c.Authorize(t.Context(), openid)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := a.Save()
	if err != nil {
		t.Fatal(err)
	}
	response := walk(t, a)
	m, err := Discover(t.Context(), nil, s.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	other := &Client{ID: "client", Metadata: m}
	b, err := other.Resume(saved)
	if err != nil {
		t.Fatal(err)
	}
	if tok, err = b.Redeem(t.Context(), response); err != nil || tok.Claims["sub"] != "demo-ada" {
		t.Fatalf("%v, %v", tok, err)
	}
	fresh := time.Minute
	demand := &StepUp{Scope: []string{"email"}, ACRValues: []string{"gold"}, MaxAge: &fresh}
	r = openid
	demand.Apply(&r)
	tok = signIn(t, c, r)
	if check(t, tok.Checks, "acr").Detail != "gold" || !slices.Contains(tok.Scope, "email") {
		t.Errorf("%+v", tok.Checks)
	}
	l, err := c.EndSession(tok.IDToken, "http://127.0.0.1:7777/out")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to, err := resp.Location(); err != nil || l.Check(to.Query()) != nil {
		t.Errorf("logout: %d, %v, %v", resp.StatusCode, to, err)
	}
}
