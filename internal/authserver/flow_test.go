package authserver

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	verifier    = "a-verifier-of-at-least-43-characters-0123456789abcdef"
	redirectURI = "http://127.0.0.1:49152/callback"
)

// person is a browser and a client in one: it walks through the pages and redeems what comes back.
type person struct {
	t    *testing.T
	s    *Server
	http *http.Client
}

// start runs a server on loopback for the length of a test.
func start(t *testing.T, o Options) *person {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return newPerson(t, s, tr)
}

func newPerson(t *testing.T, s *Server, rt http.RoundTripper) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, s: s, http: &http.Client{
		Transport: rt, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an HTTP answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (p *person) do(req *http.Request) reply {
	p.t.Helper()
	r, err := p.try(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *person) try(req *http.Request) (reply, error) {
	resp, err := p.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(io.LimitReader(resp.Body, 12<<20))
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

func (p *person) get(u string) reply {
	p.t.Helper()
	return p.do(p.request(http.MethodGet, u, nil))
}

func (p *person) post(u string, form url.Values) reply {
	p.t.Helper()
	return p.do(p.request(http.MethodPost, u, form))
}

func (p *person) request(method, u string, form url.Values) *http.Request {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, u, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

// with returns a copy of a form with some parameters changed; "" removes one.
func with(form url.Values, pairs ...string) url.Values {
	c := url.Values{}
	for k, v := range form {
		c[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		if c.Del(pairs[i]); pairs[i+1] != "" {
			c.Set(pairs[i], pairs[i+1])
		}
	}
	return c
}

// authParams is a good authorization request of the demo client.
func authParams(pairs ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return with(url.Values{
		"client_id": {DemoClientID}, "response_type": {"code"}, "redirect_uri": {redirectURI},
		"scope": {"openid profile email offline_access api"}, "state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, pairs...)
}

func (p *person) authorize(pairs ...string) reply {
	p.t.Helper()
	return p.get(p.s.Issuer() + "/authorize?" + authParams(pairs...).Encode())
}

var actionRE = regexp.MustCompile(`<form method="post" action="([^"]+)"`)

// submit sends the first form of a page.
func (p *person) submit(page reply, form url.Values) reply {
	p.t.Helper()
	m := actionRE.FindStringSubmatch(page.body)
	if m == nil {
		p.t.Fatalf("no form in the page: %d %s", page.status, page.body)
	}
	u, err := url.Parse(p.s.Issuer())
	if err != nil {
		p.t.Fatal(err)
	}
	return p.post(u.Scheme+"://"+u.Host+html.UnescapeString(m[1]), form)
}

// back takes the parameters of a redirect to the client.
func (p *person) back(r reply) url.Values {
	p.t.Helper()
	if r.status != http.StatusSeeOther {
		p.t.Fatalf("no redirect: %d %s", r.status, r.body)
	}
	// What was asked for as implicit or hybrid is refused in the fragment.
	u, err := url.Parse(strings.Replace(r.header.Get("Location"), "#", "?", 1))
	if err != nil || !strings.HasPrefix(u.String(), "http://127.0.0.1:49152/callback?") {
		p.t.Fatalf("redirect to %q, %v", r.header.Get("Location"), err)
	}
	return u.Query()
}

// consent is what the consent page sends when everything stays ticked.
var consent = url.Values{"approve": {"yes"}, "scope": {"profile", "email", "offline_access", "api"}}

// code signs ada in and returns an authorization code.
func (p *person) code(pairs ...string) string {
	p.t.Helper()
	r := p.authorize(pairs...)
	if r.status == http.StatusOK && strings.Contains(r.body, "Sign in to continue") {
		r = p.submit(r, url.Values{"account": {"ada"}})
	}
	if r.status == http.StatusOK && strings.Contains(r.body, "wants to act for") {
		r = p.submit(r, consent)
	}
	q := p.back(r)
	if q.Get("code") == "" {
		p.t.Fatalf("no code but %v", q)
	}
	return q.Get("code")
}

// tokens is a token answer.
type tokens struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ID        string `json:"id_token"`
	Type      string `json:"token_type"`
	Scope     string `json:"scope"`
	ExpiresIn *int   `json:"expires_in"`
	Error     string `json:"error"`
	status    int
	header    http.Header
}

func (p *person) token(form url.Values) tokens {
	p.t.Helper()
	return p.parse(p.post(p.s.Issuer()+"/token", form))
}

func (p *person) parse(r reply) tokens {
	p.t.Helper()
	tk := tokens{status: r.status, header: r.header}
	if err := json.Unmarshal([]byte(r.body), &tk); err != nil {
		p.t.Fatalf("token answer %d %q: %v", r.status, r.body, err)
	}
	return tk
}

func redeem(code string, pairs ...string) url.Values {
	return with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI},
		"client_id": {DemoClientID}, "code_verifier": {verifier},
	}, pairs...)
}

func refresh(token string, pairs ...string) url.Values {
	return with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {DemoClientID}}, pairs...)
}

// login is the whole flow.
func (p *person) login(pairs ...string) tokens {
	p.t.Helper()
	tk := p.token(redeem(p.code(pairs...)))
	if tk.status != http.StatusOK || tk.Access == "" {
		p.t.Fatalf("login: %d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	return tk
}

// whoami calls the protected API.
func (p *person) whoami(access string) reply {
	p.t.Helper()
	req := p.request(http.MethodGet, p.s.API(), nil)
	req.Header.Set("Authorization", "Bearer "+access)
	return p.do(req)
}

// wantError fails unless a token answer is this error.
func (p *person) wantError(tk tokens, status int, code string) {
	p.t.Helper()
	if tk.status != status || tk.Error != code {
		p.t.Errorf("answer %d %q, want %d %q (%s)", tk.status, tk.Error, status, code, p.s.Stats().LastError)
	}
	if tk.Access != "" || tk.Refresh != "" {
		p.t.Error("an error that carries tokens")
	}
}

func TestWholeFlow(t *testing.T) {
	p := start(t, Options{})
	page := p.authorize()
	for _, want := range []string{"Fob’s built-in demo server", "on this machine", "Ada Lovelace", "Grace Hopper", "engine", "compiler"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("login page without %q", want)
		}
	}
	page = p.submit(page, url.Values{"username": {"grace"}, "password": {"wrong"}})
	if !strings.Contains(page.body, `role="alert"`) || !strings.Contains(page.body, `value="grace"`) {
		t.Errorf("after a wrong password: %d %s", page.status, page.body)
	}
	page = p.submit(page, url.Values{"username": {"grace"}, "password": {"compiler"}})
	if !strings.Contains(page.body, "wants to act for Grace Hopper") || !strings.Contains(page.body, "Call the demo API") {
		t.Fatalf("consent page: %d %s", page.status, page.body)
	}
	q := p.back(p.submit(page, url.Values{"approve": {"yes"}, "scope": {"profile", "api"}}))
	if q.Get("state") != "the-state" || q.Get("iss") != p.s.Issuer() {
		t.Errorf("authorization response %v", q)
	}
	tk := p.token(redeem(q.Get("code")))
	if tk.status != http.StatusOK || !strings.EqualFold(tk.Type, "bearer") || tk.ExpiresIn == nil || *tk.ExpiresIn != 300 {
		t.Fatalf("token answer %+v", tk)
	}
	if tk.Scope != "openid profile api" { // email and offline_access were unticked
		t.Errorf("granted scope %q", tk.Scope)
	}
	if tk.header.Get("Cache-Control") == "" {
		t.Error("token answer may be cached")
	}
	head, claims, err := decodeJWT(tk.ID)
	if err != nil {
		t.Fatal(err)
	}
	if head["alg"] != "ES256" || claims["nonce"] != "the-nonce" || claims["iss"] != p.s.Issuer() || claims["aud"] != DemoClientID ||
		claims["sub"] != "demo-grace" || claims["name"] != "Grace Hopper" || claims["email"] != nil ||
		claims["at_hash"] != atHash(tk.Access) || claims["auth_time"] == nil {
		t.Errorf("id_token %v %v", head, claims)
	}
	head, claims, err = decodeJWT(tk.Access)
	if err != nil || head["typ"] != "at+jwt" || claims["client_id"] != DemoClientID || claims["jti"] == nil {
		t.Errorf("access token %v %v %v", head, claims, err)
	}
	var who Whoami
	r := p.whoami(tk.Access)
	if err := json.Unmarshal([]byte(r.body), &who); err != nil || r.status != http.StatusOK {
		t.Fatalf("whoami %d %s", r.status, r.body)
	}
	if who.Name != "Grace Hopper" || who.ExpiresIn < 290 || who.ExpiresIn > 300 || time.Until(who.ExpiresAt) > 5*time.Minute {
		t.Errorf("whoami %+v", who)
	}
	req := p.request(http.MethodGet, p.s.Issuer()+"/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+tk.Access)
	if r := p.do(req); r.status != http.StatusOK || !strings.Contains(r.body, `"sub":"demo-grace"`) || strings.Contains(r.body, "email") {
		t.Errorf("userinfo %d %s", r.status, r.body)
	}
	if st := p.s.Stats(); st.Logins != 1 || st.Codes != 1 || st.Requests["token"] != 1 || st.Requests["api"] != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestCloseOnContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(t, s, &http.Transport{DisableKeepAlives: true})
	if r := p.get(s.Issuer() + "/"); r.status != http.StatusOK || !strings.Contains(r.body, "demo server is running") {
		t.Errorf("home page %d %s", r.status, r.body)
	}
	cancel()
	<-s.served
	if _, err := p.try(p.request(http.MethodGet, s.Issuer()+"/", nil)); err == nil {
		t.Error("still answers after its context ended")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
