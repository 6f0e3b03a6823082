package authserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRefusedWithoutRedirect(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	for name, pairs := range map[string][]string{
		"unknown client":    {"client_id", "nobody"},
		"no client":         {"client_id", ""},
		"foreign host":      {"redirect_uri", "http://elsewhere.invalid/callback"},
		"no redirect":       {"redirect_uri", ""},
		"other path":        {"redirect_uri", "http://127.0.0.1:49152/callback/"},
		"query added":       {"redirect_uri", "http://127.0.0.1:49152/callback?x=1"},
		"https":             {"redirect_uri", "https://127.0.0.1:49152/callback"},
		"other loopback":    {"redirect_uri", "http://127.0.0.2:49152/callback"},
		"userinfo":          {"redirect_uri", "http://127.0.0.1:49152@elsewhere.invalid/callback"},
		"userinfo loopback": {"redirect_uri", "http://x@127.0.0.1:49152/callback"},
		"case":              {"redirect_uri", "http://LOCALHOST:49152/callback"},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.authorize(pairs...)
			if r.header.Get("Location") != "" || r.status < 400 || !strings.Contains(r.body, "does not send you back") {
				t.Errorf("%d, Location %q", r.status, r.header.Get("Location"))
			}
		})
	}
	r := p.get(p.s.Issuer() + "/authorize?" + authParams().Encode() + "&state=again")
	if r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
		t.Errorf("state twice: %d", r.status)
	}
}

func TestLoopbackRedirects(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	for _, uri := range []string{
		"http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://127.0.0.1/callback",
		"http://[::1]:8080/callback", "http://localhost:8080/callback",
	} {
		r := p.authorize("redirect_uri", uri)
		if !strings.HasPrefix(r.header.Get("Location"), uri+"?") {
			t.Errorf("%s: %d, Location %q", uri, r.status, r.header.Get("Location"))
		}
		u, err := url.Parse(r.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		// the same URI again at the token endpoint, another one is refused.
		p.wantError(p.token(redeem(u.Query().Get("code"), "redirect_uri", "http://127.0.0.1:2/callback")), 400, "invalid_grant")
	}
}

func TestPKCE(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	for name, pairs := range map[string][]string{
		"missing": {"code_challenge", "", "code_challenge_method", ""},
		"plain":   {"code_challenge", verifier, "code_challenge_method", "plain"},
	} {
		q := p.back(p.authorize(pairs...))
		if q.Get("error") != "invalid_request" || q.Get("code") != "" || q.Get("state") != "the-state" || q.Get("iss") != p.s.Issuer() {
			t.Errorf("%s: %v", name, q)
		}
	}
	p.wantError(p.token(redeem(p.code(), "code_verifier", "")), 400, "invalid_grant")
	p.wantError(p.token(redeem(p.code(), "code_verifier", strings.ToUpper(verifier))), 400, "invalid_grant")
	if tk := p.login(); tk.Access == "" {
		t.Error("no token with the right verifier")
	}
}

func TestErrorsGoBack(t *testing.T) {
	p := start(t, Options{Resources: []string{"https://api.example"}})
	for name, c := range map[string]struct {
		pairs []string
		want  string
	}{
		"implicit":         {[]string{"response_type", "token"}, "invalid_request"},
		"hybrid":           {[]string{"response_type", "code id_token"}, "invalid_request"},
		"unknown scope":    {[]string{"scope", "openid admin"}, "invalid_scope"},
		"not signed in":    {[]string{"prompt", "none"}, "login_required"},
		"unknown resource": {[]string{"resource", "https://other.example"}, "invalid_target"},
		"unknown audience": {[]string{"audience", "other"}, "invalid_target"},
	} {
		t.Run(name, func(t *testing.T) {
			if q := p.back(p.authorize(c.pairs...)); q.Get("error") != c.want || q.Get("state") != "the-state" {
				t.Errorf("%v", q)
			}
		})
	}
	q := p.back(p.submit(p.authorize(), url.Values{"cancel": {"yes"}}))
	if q.Get("error") != "access_denied" || q.Get("state") != "the-state" {
		t.Errorf("after Cancel: %v", q)
	}
}

func TestSignedInBrowser(t *testing.T) {
	p := start(t, Options{})
	p.login()
	page := p.authorize()
	if !strings.Contains(page.body, "wants to act for Ada Lovelace") {
		t.Errorf("signed in, and not asked for consent: %d", page.status)
	}
	if r := p.submit(page, url.Values{"switch": {"yes"}}); !strings.Contains(r.body, "Sign in to continue") {
		t.Errorf("use another account: %d", r.status)
	} else if r = p.submit(r, url.Values{"account": {"grace"}}); !strings.Contains(r.body, "wants to act for Grace Hopper") {
		t.Errorf("another account: %d", r.status)
	} else if q := p.back(p.authorize("prompt", "none")); q.Get("error") != "consent_required" {
		t.Errorf("prompt=none for somebody who has not agreed: %v", q)
	}
	p.login()
	if q := p.back(p.authorize("prompt", "none")); q.Get("code") == "" {
		t.Errorf("prompt=none after consent: %v", q)
	}
	for name, pairs := range map[string][]string{
		"prompt login": {"prompt", "login"}, "select account": {"prompt", "select_account"}, "max_age 0": {"max_age", "0"},
	} {
		if r := p.authorize(pairs...); !strings.Contains(r.body, "Sign in to continue") {
			t.Errorf("%s: %d %q", name, r.status, r.header.Get("Location"))
		}
	}
	if r := p.authorize("prompt", "consent"); !strings.Contains(r.body, "wants to act for") {
		t.Errorf("prompt=consent: %d", r.status)
	}
	p.s.EndSession("grace")
	if r := p.authorize(); !strings.Contains(r.body, "Sign in to continue") {
		t.Errorf("after EndSession: %d", r.status)
	}
}

func TestPagesCannotBeSentTwiceOrFromElsewhere(t *testing.T) {
	p := start(t, Options{})
	page := p.submit(p.authorize(), url.Values{"account": {"ada"}})
	action := p.s.Issuer() + actionRE.FindStringSubmatch(page.body)[1]
	req := p.request(http.MethodPost, action, consent)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if r := p.do(req); r.status != http.StatusForbidden {
		t.Errorf("form from another site: %d", r.status)
	}
	if p.back(p.submit(page, consent)).Get("code") == "" {
		t.Error("no code")
	}
	if r := p.submit(page, consent); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
		t.Errorf("the same form again: %d %q", r.status, r.header.Get("Location"))
	}
	if r := p.submit(p.authorize("prompt", "login"), url.Values{"account": {"nobody"}}); !strings.Contains(r.body, `role="alert"`) {
		t.Errorf("unknown account: %d", r.status)
	}
}

func TestOneClickIsOnlyForDemoAccounts(t *testing.T) {
	p := start(t, Options{Users: []User{{Login: "root", Password: "secret"}}})
	page := p.authorize()
	if strings.Contains(page.body, "Continue as") || strings.Contains(page.body, "secret") {
		t.Error("the login page gives an account away")
	}
	if r := p.submit(page, url.Values{"account": {"root"}}); !strings.Contains(r.body, `role="alert"`) {
		t.Errorf("signed in without a password: %d", r.status)
	}
	if r := p.submit(page, url.Values{"username": {"root"}, "password": {"secret"}}); !strings.Contains(r.body, "wants to act for root") {
		t.Errorf("with a password: %d %s", r.status, r.body)
	}
}

func TestFormPost(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	r := p.authorize("response_mode", "form_post")
	for _, want := range []string{`action="` + redirectURI + `"`, `name="code"`, `name="state" value="the-state"`, `name="iss" value="` + p.s.Issuer() + `"`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("no %s in %s", want, r.body)
		}
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://127.0.0.1:49152;") {
		t.Errorf("CSP %q", csp)
	}
}

func TestClientAuthentication(t *testing.T) {
	secret := "a:b%2B+c d/é€&="
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{
		{ID: "basic client", Secret: secret, RedirectURIs: []string{redirectURI}},
		{ID: "post", Secret: secret, AuthMethod: "client_secret_post", RedirectURIs: []string{redirectURI}},
	}})
	basic := func(form url.Values, id, secret string) reply {
		req := p.request(http.MethodPost, p.s.Issuer()+"/token", form)
		req.SetBasicAuth(id, secret)
		return p.do(req)
	}
	form := func(id string) url.Values { return redeem(p.code("client_id", id), "client_id", "") }
	tk := p.parse(basic(form("basic client"), url.QueryEscape("basic client"), url.QueryEscape(secret)))
	if tk.status != http.StatusOK {
		t.Fatalf("basic: %d %s", tk.status, tk.Error)
	}
	if tk = p.parse(basic(refresh(tk.Refresh, "client_id", ""), url.QueryEscape("basic client"), url.QueryEscape(secret))); tk.status != http.StatusOK {
		t.Errorf("basic refresh: %d %s", tk.status, tk.Error)
	}
	// The characters were chosen so that a client which does not encode is noticed.
	tk = p.parse(basic(form("basic client"), "basic client", secret))
	if tk.status == http.StatusOK {
		t.Error("a secret that was not form-encoded was taken")
	}
	tk = p.parse(basic(form("basic client"), "basic+client", "wrong"))
	p.wantError(tk, 401, "invalid_client")
	if !strings.HasPrefix(tk.header.Get("WWW-Authenticate"), "Basic ") {
		t.Error("401 without WWW-Authenticate")
	}
	if tk = p.token(with(form("post"), "client_id", "post", "client_secret", secret)); tk.status != http.StatusOK {
		t.Errorf("post: %d %s", tk.status, tk.Error)
	}
	p.wantError(p.token(with(form("post"), "client_id", "post", "client_secret", "wrong")), 401, "invalid_client")
	p.wantError(p.token(with(form("basic client"), "client_id", "basic client", "client_secret", secret)), 401, "invalid_client")
	p.wantError(p.parse(basic(with(form("basic client"), "client_secret", secret), "basic+client", url.QueryEscape(secret))), 400, "invalid_request")
	r := p.post(p.s.Issuer()+"/token?client_id=post&client_secret="+url.QueryEscape(secret), form("post"))
	p.wantError(p.parse(r), 400, "invalid_request")
}

func TestFormAction(t *testing.T) {
	p := start(t, Options{})
	for uri, want := range map[string]string{
		redirectURI:                         "form-action 'self' http://127.0.0.1:49152; ",
		"http://localhost:49152/callback":   "form-action 'self' http://localhost:49152; ",
		"http://[::1]:49152/callback":       "form-action 'self' http:; ",
		"http://elsewhere.invalid/callback": "form-action 'self' http: https:; ",
	} {
		r := p.authorize("redirect_uri", uri)
		csp := r.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, want) || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe-inline") {
			t.Errorf("%s: %q", uri, csp)
		}
		if r.header.Get("Referrer-Policy") != "same-origin" || r.header.Get("Cache-Control") == "" {
			t.Errorf("%s: headers %v", uri, r.header)
		}
		if strings.Contains(r.body, "http://") && strings.Contains(r.body, "src=") {
			t.Errorf("%s: the page loads something", uri)
		}
	}
}

func TestDiscovery(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", IssuerPath: "/tenant"})
	host := strings.TrimSuffix(p.s.Issuer(), "/tenant")
	oidc := p.get(p.s.Issuer() + wellKnownOIDC)
	as := p.get(host + wellKnownAS + "/tenant")
	if oidc.status != http.StatusOK || oidc.body != as.body {
		t.Errorf("OIDC %d %s\nRFC 8414 %d %s", oidc.status, oidc.body, as.status, as.body)
	}
	for _, want := range []string{
		`"issuer":"` + p.s.Issuer() + `"`, `"code_challenge_methods_supported":["S256"]`, `"authorization_response_iss_parameter_supported":true`,
		`"response_types_supported":["code"]`, `"revocation_endpoint"`, `"end_session_endpoint"`, `"jwks_uri":"` + p.s.Issuer() + `/jwks"`, `"id_token_signing_alg_values_supported":["ES256"]`,
	} {
		if !strings.Contains(oidc.body, want) {
			t.Errorf("no %s in %s", want, oidc.body)
		}
	}
	for _, path := range []string{"/register", "/tenant/register", "/tenant/par", "/jwks", "/tenantx/jwks", wellKnownOIDC} {
		if r := p.post(host+path, nil); r.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, r.status)
		}
	}
	if strings.Contains(oidc.body, "registration") {
		t.Error("discovery offers registration")
	}
	jwks := p.get(p.s.Issuer() + "/jwks").body
	if strings.Count(jwks, `"kid"`) != 1 || !strings.Contains(jwks, `"ES256"`) || strings.Contains(jwks, `"d"`) {
		t.Errorf("jwks %s", jwks)
	}
	if tk := p.login(); tk.ID == "" {
		t.Error("no login under an issuer with a path")
	}
	req := p.request(http.MethodGet, p.s.Issuer()+"/jwks", nil)
	req.Host = "rebound.example:80"
	if r := p.do(req); r.status != http.StatusMisdirectedRequest {
		t.Errorf("foreign Host: %d", r.status)
	}
}

func TestRS256Client(t *testing.T) {
	c := DemoClient()
	c.IDTokenAlg = "RS256"
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{c}})
	head, _, err := decodeJWT(p.login().ID)
	if err != nil || head["alg"] != "RS256" || !strings.HasPrefix(head["kid"].(string), "rs256-") {
		t.Errorf("%v %v", head, err)
	}
	if jwks := p.get(p.s.Issuer() + "/jwks").body; strings.Count(jwks, `"kid"`) != 2 || strings.Contains(jwks, `"d"`) || strings.Contains(jwks, `"p"`) {
		t.Errorf("jwks %s", jwks)
	}
	if doc := p.get(p.s.Issuer() + wellKnownOIDC).body; !strings.Contains(doc, `"RS256"`) {
		t.Errorf("discovery %s", doc)
	}
}

func TestRotateKeys(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	old := p.login()
	if err := p.s.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	a, _, _ := decodeJWT(old.ID)
	b, _, _ := decodeJWT(p.login().ID)
	if a["kid"] == b["kid"] {
		t.Error("still the same key")
	}
	if jwks := p.get(p.s.Issuer() + "/jwks").body; !strings.Contains(jwks, a["kid"].(string)) || !strings.Contains(jwks, b["kid"].(string)) {
		t.Errorf("jwks %s", jwks)
	}
	if r := p.whoami(old.Access); r.status != http.StatusOK {
		t.Errorf("a token under the old key: %d", r.status)
	}
}

func TestLogout(t *testing.T) {
	c := DemoClient()
	c.PostLogoutRedirectURIs = []string{"http://127.0.0.1/bye"}
	p := start(t, Options{Clients: []Client{c}})
	tk := p.login()
	end := p.s.Issuer() + "/logout?"
	q := url.Values{"client_id": {DemoClientID}, "post_logout_redirect_uri": {"http://elsewhere.invalid/bye"}}
	if r := p.get(end + q.Encode()); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
		t.Errorf("unknown address: %d %q", r.status, r.header.Get("Location"))
	}
	q = with(q, "post_logout_redirect_uri", "http://127.0.0.1:49152/bye", "state", "s", "id_token_hint", tk.ID)
	if r := p.get(end + q.Encode()); r.header.Get("Location") != "http://127.0.0.1:49152/bye?state=s" {
		t.Errorf("%d %q %s", r.status, r.header.Get("Location"), r.body)
	}
	if r := p.authorize(); !strings.Contains(r.body, "Sign in to continue") {
		t.Errorf("still signed in: %d", r.status)
	}
	p.login()
	page := p.get(end)
	if !strings.Contains(page.body, "Sign out Ada Lovelace?") {
		t.Fatalf("not asked: %d %s", page.status, page.body)
	}
	if r := p.submit(page, nil); !strings.Contains(r.body, "You are signed out") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := p.whoami(tk.Access); r.status != http.StatusOK {
		t.Errorf("logout revoked a token: %d", r.status)
	}
}

func TestOptionsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"no issuer":           {},
		"issuer with query":   {Issuer: "http://as.example?x"},
		"issuer with slash":   {Issuer: "http://as.example/"},
		"unknown auto user":   {Issuer: "http://as.example", AutoApprove: "nobody"},
		"unknown auth method": {Issuer: "http://as.example", Clients: []Client{{ID: "c", Secret: "s", AuthMethod: "private_key_jwt"}}},
		"secret missing":      {Issuer: "http://as.example", Clients: []Client{{ID: "c", AuthMethod: "client_secret_post"}}},
		"colon in basic id":   {Issuer: "http://as.example", Clients: []Client{{ID: "a:b", Secret: "s"}}},
		"unknown alg":         {Issuer: "http://as.example", Clients: []Client{{ID: "c", IDTokenAlg: "HS256"}}},
	} {
		if s, err := New(o); err == nil {
			t.Errorf("%s: taken, %v", name, s.Issuer())
		}
	}
	if got := seconds(1500 * time.Millisecond); got != 2 {
		t.Errorf("1.5 s are %d s", got)
	}
}
