package authserver

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	jwtGrant      = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	idType        = "urn:ietf:params:oauth:token-type:id_token"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
)

// postClient may use these grants, and authenticates with client_secret_post.
func postClient(id string, grants ...string) Client {
	return Client{ID: id, Secret: longSecret, AuthMethod: "client_secret_post", GrantTypes: grants, RedirectURIs: []string{redirectURI}}
}

// as is a token request of a postClient.
func as(id, grant string, pairs ...string) url.Values {
	return with(url.Values{"client_id": {id}, "client_secret": {longSecret}, "grant_type": {grant}, "scope": {"api"}}, pairs...)
}

func TestJWTBearer(t *testing.T) {
	m, other := newMachine(t), newMachine(t)
	p := start(t, Options{
		TrustedIssuers: []TrustedIssuer{{Issuer: "https://idp.example", JWKS: m.jwks}},
		Clients:        []Client{postClient("app", jwtGrant, "refresh_token"), postClient("web", "authorization_code")},
	})
	claims := func(pairs ...any) map[string]any {
		c := assertion(p, "https://idp.example", append([]any{"sub", "robot"}, pairs...)...)
		return c
	}
	grant := func(pairs ...any) string {
		return signed(t, "ES256", m.key, map[string]any{"kid": "k1"}, claims(pairs...))
	}
	for name, x := range map[string]struct {
		form url.Values
		sub  string
	}{
		"service":    {as("app", jwtGrant, "assertion", grant()), "robot"},
		"user":       {as("app", jwtGrant, "assertion", grant("sub", "ada")), "demo-ada"},
		"no client":  {url.Values{"grant_type": {jwtGrant}, "scope": {"api"}, "assertion": {grant()}}, "robot"},
		"token aud":  {as("app", jwtGrant, "assertion", grant("aud", p.s.Issuer()+"/token")), "robot"},
		"aud a list": {as("app", jwtGrant, "assertion", grant("aud", []string{"x", p.s.Issuer()})), "robot"},
	} {
		tk := p.token(x.form)
		if tk.status != http.StatusOK || tk.Refresh != "" || !strings.Contains(p.whoami(tk.Access).body, `"sub": "`+x.sub+`"`) {
			t.Errorf("%s: %d %s, %s", name, tk.status, tk.Error, p.s.Stats().LastError)
		}
	}
	twice := grant()
	p.token(as("app", jwtGrant, "assertion", twice))
	for name, bad := range map[string]string{
		"replayed": twice, "another key": signed(t, "ES256", other.key, map[string]any{"kid": "k1"}, claims()),
		"alg none": must(unsigned(claims())), "other iss": grant("iss", "https://elsewhere.invalid"), "other aud": grant("aud", "https://elsewhere.invalid"),
		"expired": grant("exp", time.Now().Add(-time.Minute).Unix()), "no exp": grant("exp", nil), "no sub": grant("sub", nil),
		"long": grant("exp", time.Now().Add(2*time.Hour).Unix()), "early": grant("nbf", time.Now().Add(time.Minute).Unix()), "nothing": "",
		"ours": "ours",
	} {
		if tk := p.token(as("app", jwtGrant, "assertion", bad)); tk.status != 400 || tk.Error != "invalid_grant" {
			t.Errorf("%s: %d %s", name, tk.status, tk.Error)
		}
	}
	p.wantError(p.token(as("web", jwtGrant, "assertion", grant())), 400, "unauthorized_client")
	p.wantError(p.token(as("app", jwtGrant, "assertion", grant(), "client_secret", "x")), 401, "invalid_client")
	p.wantError(p.token(as("app", "password", "username", "ada", "password", "engine")), 400, "unsupported_grant_type")
}

func TestOwnGrants(t *testing.T) {
	const saml, custom = "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:example:badge"
	xml := "<saml:Assertion>ÿ?>"
	p := start(t, Options{
		SAMLAssertions: []SAMLAssertion{{XML: xml, Login: "ada"}},
		CustomGrants:   []CustomGrant{{Type: custom, Parameters: url.Values{"badge": {"7"}}, Login: "grace"}},
		Clients:        []Client{postClient("old", "password", "refresh_token"), postClient("sso", saml, custom)},
	})
	encoded := base64.RawURLEncoding.EncodeToString([]byte(xml))
	tk := p.token(as("old", "password", "username", "ada", "password", "engine", "scope", "openid api"))
	if tk.status != http.StatusOK || tk.ID == "" || tk.Refresh == "" || !strings.Contains(p.whoami(tk.Access).body, "Ada") {
		t.Fatalf("password: %d %s, %s", tk.status, tk.Error, p.s.Stats().LastError)
	}
	if tk = p.token(as("old", "refresh_token", "refresh_token", tk.Refresh, "scope", "")); tk.status != http.StatusOK {
		t.Errorf("refresh: %d %s", tk.status, tk.Error)
	}
	if tk = p.token(as("sso", saml, "assertion", encoded)); tk.status != http.StatusOK || tk.Refresh != "" || !strings.Contains(p.whoami(tk.Access).body, "Ada") {
		t.Errorf("SAML: %d %s", tk.status, tk.Error)
	}
	if tk = p.token(as("sso", custom, "badge", "7")); tk.status != http.StatusOK || !strings.Contains(p.whoami(tk.Access).body, "Grace") {
		t.Errorf("custom: %d %s", tk.status, tk.Error)
	}
	for name, x := range map[string]struct {
		form   url.Values
		status int
		want   string
	}{
		"wrong password":  {as("old", "password", "username", "ada", "password", "x"), 400, "invalid_grant"},
		"wrong secret":    {as("old", "password", "username", "ada", "password", "engine", "client_secret", "x"), 401, "invalid_client"},
		"no client":       {url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}}, 401, "invalid_client"},
		"not registered":  {as("sso", "password", "username", "ada", "password", "engine"), 400, "unauthorized_client"},
		"padded":          {as("sso", saml, "assertion", base64.URLEncoding.EncodeToString([]byte(xml+" "))), 400, "invalid_grant"},
		"plain base64":    {as("sso", saml, "assertion", base64.RawStdEncoding.EncodeToString([]byte(xml))), 400, "invalid_grant"},
		"other assertion": {as("sso", saml, "assertion", base64.RawURLEncoding.EncodeToString([]byte(xml+" "))), 400, "invalid_grant"},
		"wrong badge":     {as("sso", custom, "badge", "8"), 400, "invalid_grant"},
		"no badge":        {as("sso", custom), 400, "invalid_grant"},
		"unknown grant":   {as("sso", "urn:example:other"), 400, "unsupported_grant_type"},
		"bare disguise":   {as("sso", jwtGrant, "assertion", "ours"), 400, "unsupported_grant_type"},
	} {
		if tk := p.token(x.form); tk.status != x.status || tk.Error != x.want {
			t.Errorf("%s: %d %s, want %s", name, tk.status, tk.Error, x.want)
		}
	}
	doc := p.get(p.s.Issuer() + wellKnownOIDC).body
	if !strings.Contains(doc, custom) || !strings.Contains(doc, `"password"`) || strings.Contains(doc, jwtGrant) {
		t.Errorf("metadata %s", doc)
	}
}

func TestTokenExchange(t *testing.T) {
	m := newMachine(t)
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			p := start(t, Options{
				AutoApprove: "ada", OpaqueTokens: opaque, Introspection: true,
				TrustedIssuers: []TrustedIssuer{{Issuer: "https://idp.example", JWKS: m.jwks}},
				Clients:        []Client{DemoClient(), postClient("api", exchangeGrant, "client_credentials", "refresh_token")},
			})
			user, service := p.login(), p.token(as("api", "client_credentials"))
			type answer struct {
				tokens
				Issued string `json:"issued_token_type"`
			}
			swap := func(pairs ...string) (a answer) {
				t.Helper()
				r := p.post(p.s.Issuer()+"/token", as("api", exchangeGrant, append([]string{"scope", "", "subject_token", user.Access, "subject_token_type", accessType}, pairs...)...))
				if err := json.Unmarshal([]byte(r.body), &a); err != nil {
					t.Fatal(err)
				}
				a.status = r.status
				return a
			}
			a := swap()
			if a.status != http.StatusOK || a.Issued != accessType || a.Type != "Bearer" || a.Refresh != "" || !strings.Contains(p.whoami(a.Access).body, "Ada") {
				t.Fatalf("impersonation %+v, %s", a, p.s.Stats().LastError)
			}
			if a = swap("scope", "openid"); a.Scope != "openid" {
				t.Errorf("narrowed scope %q", a.Scope)
			}
			a = swap("actor_token", service.Access, "actor_token_type", accessType, "audience", "billing")
			r := p.post(p.s.Issuer()+"/introspect", url.Values{"token": {a.Access}, "client_id": {"api"}, "client_secret": {longSecret}})
			if !strings.Contains(r.body, `"act":{"sub":"api"}`) || !strings.Contains(r.body, `"billing"`) {
				t.Errorf("delegation %s", r.body)
			}
			a = swap("requested_token_type", idType)
			if claims, err := p.verify(a.Access); err != nil || a.Issued != idType || a.Type != "N_A" || claims["sub"] != "demo-ada" || claims["aud"] != "api" {
				t.Errorf("id_token: %+v %v %v", a, claims, err)
			}
			if a = swap("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"); a.Type != "N_A" || !strings.HasPrefix(a.Access, "rt_") {
				t.Errorf("refresh token: %+v", a)
			}
			if a = swap("requested_token_type", jwtType); opaque != (a.Error == "invalid_request") || !opaque && a.Issued != jwtType {
				t.Errorf("jwt: %+v", a)
			}
			if a = swap("subject_token", user.ID, "subject_token_type", idType, "scope", "api"); a.status != http.StatusOK {
				t.Errorf("id_token as subject: %d %s", a.status, a.Error)
			}
			p.s.Faults().Set(NoIssuedTokenType, 1)
			if a = swap(); a.Issued != "" {
				t.Errorf("issued_token_type %q", a.Issued)
			}
			for name, x := range map[string]struct {
				pairs []string
				want  string
			}{
				"no subject":          {[]string{"subject_token", ""}, "invalid_request"},
				"no type":             {[]string{"subject_token_type", ""}, "invalid_request"},
				"id as access":        {[]string{"subject_token", user.ID}, "invalid_request"},
				"access as id":        {[]string{"subject_token_type", idType}, "invalid_request"},
				"garbage":             {[]string{"subject_token", "x"}, "invalid_request"},
				"actor without type":  {[]string{"actor_token", service.Access}, "invalid_request"},
				"type without actor":  {[]string{"actor_token_type", accessType}, "invalid_request"},
				"more scope":          {[]string{"subject_token", service.Access, "scope", "api email"}, "invalid_scope"},
				"unknown requested":   {[]string{"requested_token_type", "urn:x"}, "invalid_request"},
				"unknown client":      {[]string{"client_secret", "x"}, "invalid_client"},
				"anonymous":           {[]string{"client_id", "", "client_secret", ""}, "invalid_client"},
				"unauthorized client": {[]string{"client_id", DemoClientID, "client_secret", ""}, "unauthorized_client"},
			} {
				if a := swap(x.pairs...); a.Error != x.want || a.Access != "" {
					t.Errorf("%s: %d %s", name, a.status, a.Error)
				}
			}
			p.s.EndSession("ada")
			if a := swap(); a.Error != "invalid_request" {
				t.Errorf("revoked subject: %d %s", a.status, a.Error)
			}
		})
	}
}
