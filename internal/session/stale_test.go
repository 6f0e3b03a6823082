package session

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/forms"
	"fob/oauth"
	"fob/profiles"
)

// counts are the fields that change what a token is, each with a grant that uses it and another value: edited, the profile hands out
// nothing of before. What is judged not to is in free.
var counts = map[string]struct{ grant, value string }{
	"issuer": {"", "https://other.example"}, "authorization_endpoint": {"", "https://other.example/authorize"}, "token_endpoint": {"", "https://other.example/token"},
	"refresh_endpoint": {"", "https://other.example/refresh"}, "device_authorization_endpoint": {"device_code", "https://other.example/device"},
	"backchannel_authentication_endpoint": {"ciba", "https://other.example/ciba"}, "temporary_credential_endpoint": {"oauth1", "https://other.example/temporary"},
	"client_id": {"", "another"}, "grant_type": {"", "device_code"}, "scope": {"", "openid api"}, "username": {"password", "grace"},
	"extra_scope_to_consent": {"", "mail"}, "audience": {"", "https://audience.example"}, "resource": {"", "https://resource.example/"},
	"authorization_details": {"", `[{"type":"payment"}]`}, "response_type": {"", "code id_token"}, "acr_values": {"", "urn:mfa"},
	"claims": {"", `{"id_token":{"email":null}}`}, "authorize_params": {"", "organization=acme"}, "token_params": {"client_credentials", "tenant=acme"},
	"request_params": {"", "token/tenant=acme"}, "request_headers": {"", "token/X-Tenant=acme"}, "fapi_profile": {"dpop", "fapi2"},
	"expected_subject": {"", "somebody else"}, "expected_issuer": {"", "https://other.example"},
	"assertion_issuer": {"jwt-bearer", "other"}, "assertion_subject": {"jwt-bearer", "other"}, "assertion_audience": {"jwt-bearer", "https://other.example"},
	"assertion_claims": {"jwt-bearer", `{"role":"admin"}`},
	"subject_profile":  {"token-exchange", "other"}, "subject_token_type": {"token-exchange", "jwt"}, "requested_token_type": {"token-exchange", "jwt"},
	"actor_profile": {"token-exchange", "other"}, "actor_token_type": {"token-exchange", "jwt"},
	"login_hint": {"ciba", "grace"}, "temporary_credential_params": {"oauth1", "scope=write"}, "quirks": {"", `{"token_answer":{"rename":{"access_token":"other"}}}`},
	"dpop_bound_access_tokens": {"", "true"}, "dpop_signing_alg": {"dpop", "EdDSA"}, "allow_bearer_tokens": {"dpop", "true"},
	"tls_client_certificate_bound_access_tokens": {"certificate", "true"}, "tls_client_certificate": {"bound", "other"},
	// Secrets that a token is made of; see TestSecretsThatATokenIsMadeOf.
	"assertion": {}, "subject_token": {}, "actor_token": {},
}

// free are the fields that leave a token what it is, with the reason.
var free = map[string]string{
	"name": "what people call it", "environment": "what people call it", "color": "a look", "preset": "a look",
	"multi_tenant_issuer": "how the issuer's name is checked", "revocation_endpoint": "where a token ends", "introspection_endpoint": "where it is asked about",
	"userinfo_endpoint": "where it is asked about", "end_session_endpoint": "where it ends", "jwks_uri": "how an ID token is checked when it comes",
	"pushed_authorization_request_endpoint": "how the request travels", "registration_endpoint": "where a client is made",
	"client_secret": "how the client proves itself", "token_endpoint_auth_method": "how the client proves itself", "private_key": "how the client proves itself",
	"private_key_password": "how the client proves itself", "private_key_id": "how the client proves itself", "tls_client_key": "goes with the certificate",
	"client_name": "what a server shows", "token_endpoint_auth_signing_alg": "how the client proves itself", "client_assertion_audience": "how the client proves itself",
	"client_assertion_lifetime": "how the client proves itself", "client_secret_basic_encoding": "how the client proves itself",
	"revocation_endpoint_auth_method": "how the client proves itself", "client_secret_expires_at": "a reminder", "custom_auth_query": "how the client proves itself",
	"custom_auth_body": "how the client proves itself", "custom_auth_headers": "how the client proves itself",
	"response_mode": "how the answer travels", "prompt": "what the login page asks", "id_token_hint": "what the login page fills in", "max_age": "how old the login may be when it begins",
	"display": "how the login page looks", "ui_locales": "how the login page looks", "code_challenge_method": "how the code is protected on its way",
	"expected_account": "a name", "account_id_member": "how the account is recognised",
	"assertion_lifetime": "how long the assertion lives", "assertion_signing_alg": "how the assertion is signed", "binding_message": "what a phone shows",
	"login_hint_token": "a hint, which is replaced when it ends", "user_code": "how a person proves herself", "requested_expiry": "how long a login waits",
	"backchannel_authentication_request_signing_alg": "how the request travels", "device_grant_type": "how a server spells it", "device_code_param": "how a server spells it",
	"oauth_signature_method": "how requests are signed", "oauth_signature_placement": "how requests are signed", "realm": "how requests are signed", "oauth_body_hash": "how requests are signed",
	"redirect_uri": "how the answer travels", "browser": "how the page is opened", "login_timeout": "how long a login waits", "listen_address": "how the answer travels",
	"refresh_before": "when it is refreshed", "reminder_before": "when is reminded", "api_base_url": "where it goes; R-303 keeps it there",
	"token_placement": "how it is sent", "token_header_name": "how it is sent", "token_header_scheme": "how it is sent", "credential_hosts": "where it goes",
	"credential_username": "what stands beside it", "agent_forwarding": "who may ask",
	"require_pushed_authorization_requests": "how the request travels", "require_signed_request_object": "how the request travels", "request_object_signing_alg": "how the request travels",
	"request_object_encryption_alg": "how the request travels", "request_object_encryption_enc": "how the request travels",
	"authorization_signed_response_alg": "how the answer travels", "authorization_encrypted_response_alg": "how the answer travels", "authorization_encrypted_response_enc": "how the answer travels",
	"id_token_signed_response_alg": "how an ID token is checked when it comes", "id_token_encrypted_response_alg": "how an ID token travels", "id_token_encrypted_response_enc": "how an ID token travels",
	"userinfo_signed_response_alg": "how another answer travels", "userinfo_encrypted_response_alg": "how another answer travels", "userinfo_encrypted_response_enc": "how another answer travels",
	"introspection_signed_response_alg": "how another answer travels", "trusted_audiences": "how an ID token is checked when it comes", "token_types": "how an answer is read",
	"registration_client_uri": "where a client is managed", "registration_access_token": "where a client is managed", "initial_access_token": "where a client is made",
	"proxy": "how servers are reached", "request_timeout": "how servers are reached", "ca_certificate": "how servers are reached", "allow_http": "how servers are reached", "tls_skip_verify": "how servers are reached",
}

// Whoever adds a field says whether it changes what a token is, and the fingerprint agrees.
func TestEveryFieldIsJudged(t *testing.T) {
	for _, f := range profiles.Fields() {
		_, counted := counts[f.Key]
		reason, is := free[f.Key]
		if counted == is {
			t.Errorf("%s: say in counts or in free whether it changes what a token is", f.Key)
		}
		if !is || f.Kind == profiles.KindSecret || f.Key == "name" {
			continue
		}
		for _, grant := range grantsToEdit {
			p := editable(t, grant)
			before, key := fingerprint(p), itemKey(p)
			if err := p.Set(f.Key, f.Example); err != nil {
				t.Fatal(err)
			}
			if fingerprint(p) != before || itemKey(p) != key {
				t.Errorf("%s (%s) with the grant %s costs a login", f.Key, reason, grant)
			}
		}
	}
}

var grantsToEdit = []string{"", "implicit", "device_code", "password", "ciba", "oauth1", "client_credentials", "jwt-bearer", "token-exchange", "https://example.com/grant", "dpop"}

// editable is a profile of a grant, or bound to keys, whose servers need not be asked for what they are.
func editable(t *testing.T, grant string) profiles.Profile {
	t.Helper()
	p := profiles.Profile{Name: "work", Issuer: "https://as.example", ClientID: "client", Scope: profiles.List{"openid", "offline_access"}, APIBaseURL: "https://api.example/v1",
		AuthorizationEndpoint: "https://as.example/authorize", TokenEndpoint: "https://as.example/token", JWKSURI: "https://as.example/keys", UserinfoEndpoint: "https://as.example/userinfo",
		IntrospectionEndpoint: "https://as.example/introspect", EndSessionEndpoint: "https://as.example/end", DeviceAuthorizationEndpoint: "https://as.example/device",
		BackchannelAuthenticationEndpoint: "https://as.example/ciba", AgentForwarding: true}
	switch grant {
	case "dpop":
		p.DPoPBoundAccessTokens = true
	case "certificate", "bound":
		p.TLSClientCertificate, _ = certificatePEM(t, pair(t))
		p.TLSClientCertificateBoundAccessTokens = grant == "bound"
	default:
		p.GrantType = grant
	}
	switch grant {
	case "ciba":
		p.LoginHint = "ada"
	case "password":
		p.Username = "ada"
	case "token-exchange":
		p.SubjectProfile = "source"
	case "oauth1":
		p.Issuer, p.Scope, p.TemporaryCredentialEndpoint = "", nil, "https://as.example/temporary"
	}
	return p
}

// stale is in every secret of a token set, and in nothing else.
const stale = "stale-0123456789"

// wire answers like any server, and keeps what it was sent.
type wire struct {
	mu   sync.Mutex
	sent strings.Builder
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(&w.sent, r.Method, r.URL, r.Header)
	if r.Body != nil {
		_, _ = io.Copy(&w.sent, r.Body)
	}
	body := `{"active":true,"sub":"1"}`
	if strings.HasSuffix(r.URL.Path, "/token") {
		body = `{"access_token":"fresh","token_type":"Bearer","expires_in":3600}`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// take is what was sent since it was asked last.
func (w *wire) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.sent.Reset()
	return w.sent.String()
}

// ways are all ways in which an engine hands out a token or spends it, and what each face calls: `fob token`, tray and window (Token),
// header, credential helpers and the share socket (Credential), copy and print (each form), request and Try it (Request), curl and the
// proxy (Carrier), and what is said to servers about it.
func ways() map[string]func(context.Context, *Engine) (any, error) {
	const name = "work"
	all := map[string]func(context.Context, *Engine) (any, error){
		"token": func(ctx context.Context, e *Engine) (any, error) { return e.Token(ctx, name, -1) },
		"ID token": func(ctx context.Context, e *Engine) (any, error) {
			return e.TokenFor(ctx, TokenQuery{Name: name, IDToken: true}, -1)
		},
		"another token": func(ctx context.Context, e *Engine) (any, error) {
			return e.TokenFor(ctx, TokenQuery{Name: name, Scope: []string{"openid"}}, -1)
		},
		"credential": func(ctx context.Context, e *Engine) (any, error) {
			return e.Credential(ctx, name, "GET", "https://api.example/v1/x", "")
		},
		"request": func(ctx context.Context, e *Engine) (any, error) {
			return e.Request(ctx, Request{Name: name, URL: "x"})
		},
		"carrier": func(ctx context.Context, e *Engine) (any, error) {
			c, err := e.Carrier(ctx, name)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base()+"/x", nil)
			if err != nil {
				return nil, err
			}
			answer, err := c.RoundTrip(r)
			if err == nil {
				answer.Body.Close()
			}
			return nil, err
		},
		"exchange": func(ctx context.Context, e *Engine) (any, error) {
			return e.Exchange(ctx, Exchange{Name: "other", SubjectProfile: name})
		},
		"introspect": func(ctx context.Context, e *Engine) (any, error) { return e.Introspect(ctx, name, "") },
		"userinfo":   func(ctx context.Context, e *Engine) (any, error) { return e.UserInfo(ctx, name) },
		"end":        func(ctx context.Context, e *Engine) (any, error) { return e.EndSession(ctx, name) },
		"refresh":    func(ctx context.Context, e *Engine) (any, error) { return e.Refresh(ctx, name) },
		"details":    func(ctx context.Context, e *Engine) (any, error) { return e.Details(ctx, name) },
	}
	for _, form := range forms.BuiltIn() {
		all["form "+form.Name] = func(ctx context.Context, e *Engine) (any, error) {
			return e.Fill(ctx, FormRequest{Name: name, Form: Form(form.Name), URL: "x"})
		}
	}
	return all
}

// R-226 and decision 3: every field that changes what a token is, by every way of handing it out. The token of before is seen by none of
// them, nor by any server; the edit undone, it is there again.
func TestNoStaleToken(t *testing.T) {
	for key, c := range counts {
		if c == (struct{ grant, value string }{}) {
			continue
		}
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			seen := &wire{}
			r := newRig(t, authserver.Options{})
			r.engine.Close()
			r.http, r.step = &http.Client{Transport: seen}, nil
			r.open()
			p := editable(t, c.grant)
			for _, other := range []profiles.Profile{
				{Name: "other", TokenEndpoint: "https://as.example/token", ClientID: "other", GrantType: "client_credentials"},
				{Name: "source", TokenEndpoint: "https://as.example/token", ClientID: "source", GrantType: "client_credentials"},
			} {
				r.put2(other, map[string]string{"client_secret": "s"})
			}
			r.put2(p, secretsOf(t, c.grant))
			keepStale(t, r, p)
			told := 0
			for way, hand := range ways() {
				if got := handed(t, r, seen, hand); strings.Contains(got, stale) {
					told++
				} else {
					t.Logf("%s: nothing", way)
				}
				keepStale(t, r, p) // a refresh has replaced it
			}
			if told < 8 {
				t.Fatalf("before the edit %d ways hand it out: this test sees nothing", told)
			}
			edited := p.Clone()
			edit(t, &edited, key, c.value)
			r.put(edited)
			for way, hand := range ways() {
				if got := handed(t, r, seen, hand); strings.Contains(got, stale) {
					t.Errorf("%s: the token of before", way)
				}
			}
			if s := r.status("work"); s.State == LoggedIn && s.Attended {
				t.Errorf("it looks usable: %+v", s)
			}
			if !edited.Attended() {
				return // it has a token that fits by now
			}
			r.reopen()
			for way, hand := range ways() {
				if got := handed(t, r, seen, hand); strings.Contains(got, stale) {
					t.Errorf("%s: the token of before, after a restart", way)
				}
			}
			r.put(p)
			if h, err := r.engine.Token(t.Context(), "work", -1); err != nil || !strings.Contains(h.AccessToken, stale) {
				t.Errorf("the edit undone, the login is gone: %v", err)
			}
		})
	}
}

var selfSigned = sync.OnceValues(func() (tls.Certificate, error) {
	pair, _, err := authserver.SelfSignedCertificate("work")
	return pair, err
})

func pair(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func edit(t *testing.T, p *profiles.Profile, key, value string) {
	t.Helper()
	switch key {
	case "expected_issuer":
		p.ExpectedSubject = "1"
	case "tls_client_certificate":
		value = strings.TrimSpace(p.TLSClientCertificate) + "\n" + p.TLSClientCertificate
	}
	if name, v, found := strings.Cut(value, "="); found && strings.Contains("authorize_params token_params request_params request_headers temporary_credential_params", key) {
		key, value = key+"."+name, v
	}
	if err := p.Set(key, value); err != nil {
		t.Fatal(err)
	}
}

func secretsOf(t *testing.T, grant string) map[string]string {
	switch grant {
	case "client_credentials", "oauth1":
		return map[string]string{"client_secret": "s"}
	case "jwt-bearer":
		key, _, _ := oauth.GeneratePrivateKey("ES256")
		return map[string]string{"private_key": key.Reveal()}
	case "certificate", "bound":
		_, key := certificatePEM(t, pair(t))
		return map[string]string{"tls_client_key": key}
	}
	return nil
}

// keepStale makes the engine hold a token of that profile, as if it had logged in.
func keepStale(t *testing.T, r *rig, p profiles.Profile) {
	t.Helper()
	kept := &oauth.Token{AccessToken: stale + "-access", RefreshToken: stale + "-refresh", IDToken: idToken(), Type: "Bearer",
		ObtainedAt: wall(), ExpiresAt: wall().Add(time.Hour), Scope: p.Scope, ScopeRequested: p.Scope, Claims: map[string]any{"iss": p.Issuer, "sub": "1"}}
	if isOAuth1(p) {
		kept.Type, kept.Extra, kept.RefreshToken, kept.IDToken = typeOAuth1, map[string]any{oauth1TokenSecret: "s"}, "", ""
	}
	if p.DPoPBoundAccessTokens {
		key, err := oauth.NewProofKey("ES256")
		if err != nil {
			t.Fatal(err)
		}
		kept.Type, kept.ProofKey = typeDPoP, key
	}
	if err := r.engine.keepTurn(t.Context(), p, kept, who{}, "a test"); err != nil {
		t.Fatal(err)
	}
}

// idToken is one that nobody has to verify any more.
func idToken() oauth.Secret {
	return oauth.Secret(jwtOf(`{"iss":"https://as.example","sub":"1","exp":4102444800}`) + stale)
}

// signedBy is what a profile is given to exchange.
func signedBy(sub string) string {
	return jwtOf(`{"iss":"https://as.example","sub":"`+sub+`","exp":4102444800}`) + "c2ln"
}

// jwtOf is a JWT without its signature.
func jwtOf(claims string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"ES256"}`) + "." + part(claims) + "."
}

// handed is everything that comes out of a way: its answer, and what servers were sent.
func handed(t *testing.T, r *rig, seen *wire, hand func(context.Context, *Engine) (any, error)) string {
	t.Helper()
	seen.take()
	out, err := hand(t.Context(), r.engine)
	text, marshalled := json.Marshal(out)
	if marshalled != nil {
		t.Fatal(marshalled)
	}
	all := string(text) + seen.take()
	if err != nil {
		all += err.Error()
	}
	plain, _ := url.QueryUnescape(all)
	return all + plain
}

// A secret that a token is made of is a part of what it is: replaced, the token of before is handed out no more. Written once more as it
// was, or another secret replaced, it stays.
func TestSecretsThatATokenIsMadeOf(t *testing.T) {
	for grant, key := range map[string]string{"jwt-bearer": "assertion", "token-exchange": "subject_token", "token-exchange ": "actor_token"} {
		seen := &wire{}
		r := newRig(t, authserver.Options{})
		r.engine.Close()
		r.http = &http.Client{Transport: seen}
		r.open()
		p := editable(t, strings.TrimSpace(grant))
		p.SubjectProfile = ""
		ada, grace := signedBy("ada"), signedBy("grace")
		given := map[string]string{"subject_token": ada, "actor_token": ada, "client_secret": "s"}
		if grant == "jwt-bearer" {
			given = map[string]string{"assertion": ada, "client_secret": "s"}
		}
		r.put2(p, given)
		keepStale(t, r, p)
		r.put2(p, map[string]string{key: ada})
		r.put2(p, map[string]string{"client_secret": "another"})
		if h := r.token("work"); !strings.Contains(h.AccessToken, stale) {
			t.Fatalf("%s: the token is gone although nothing of it was replaced", key)
		}
		r.put2(p, map[string]string{key: grace})
		for way, hand := range ways() {
			if got := handed(t, r, seen, hand); strings.Contains(got, stale) {
				t.Errorf("%s: %s: the token of before", key, way)
			}
		}
		r.reopen()
		if h := r.token("work"); h.AccessToken != "fresh" {
			t.Errorf("%s: after a restart %v", key, h.AccessToken)
		}
	}
}

// What the Fob before has kept stays a login, whatever its profile asks for; from then on an edit counts, also after a restart, and also
// where the Fob before has refreshed it meanwhile.
func TestEditOfALoginOfTheFobBefore(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := editable(t, "")
	p.AuthorizeParams = profiles.Parameters{"organization": "acme"}
	r.put(p)
	keepStale(t, r, p)
	former := func() {
		t.Helper()
		text, err := r.store.Get(t.Context(), itemKey(p))
		if err != nil {
			t.Fatal(err)
		}
		var item map[string]any
		if err := json.Unmarshal(text, &item); err != nil {
			t.Fatal(err)
		}
		if item["fp"] != formerFingerprint(p) || item["as"] == nil {
			t.Fatalf("item %v", item["fp"])
		}
		delete(item, "as")
		if text, err = json.Marshal(item); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Set(t.Context(), itemKey(p), text); err != nil {
			t.Fatal(err)
		}
	}
	former()
	rec, err := r.engine.records.read("work")
	if err != nil {
		t.Fatal(err)
	}
	r.engine.Close()
	rec.Fingerprint = formerFingerprint(p)
	if err := r.engine.records.write(rec, true); err != nil {
		t.Fatal(err)
	}
	r.open()
	if h := r.token("work"); !strings.Contains(h.AccessToken, stale) {
		t.Fatal("the login of the Fob before is gone")
	}
	edited := p.Clone()
	edited.AuthorizeParams = profiles.Parameters{"organization": "other"}
	r.put(edited)
	for range 2 {
		if _, err := r.engine.Token(t.Context(), "work", -1); err == nil {
			t.Error("the token of before is handed out")
		}
		r.reopen()
	}
	r.put(p)
	if h := r.token("work"); !strings.Contains(h.AccessToken, stale) {
		t.Error("the edit undone, the login is gone")
	}
}

// One road: nothing in this package gets at the tokens of a login but by these functions, and what hands them out goes through usable,
// which compares them with the profile as it is.
func TestOneRoadToTheTokens(t *testing.T) {
	// Who may look at what is held without asking whether it fits, and why.
	open := map[string]string{
		"load": "reads it", "reread": "reads it", "adopt": "takes it up", "usable": "judges it", "commit": "stores it", "keepTurn": "numbers the next one", "forget": "lets it go", "failed": "lets it go",
		"drop": "lets it go", "recover": "mends the record", "newestHeld": "to revoke it", "lastIDToken": "a hint, and not a foreign one's", "Details": "shows claims of it", "kept": "whose it is",
		"noteAccount": "whose it is", "nameAccount": "whose it is", "overtaken": "which one is newer", "look": "goes on to usable",
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || path == "trace.go" { // whose held is another
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"held", "load", "reread", "adopt"}, s.Sel.Name) {
					return true
				}
				if of, is := s.X.(*ast.Ident); is && of.Name == "e" && s.Sel.Name == "held" {
					return true // the method: usable, with a client
				}
				if met[f.Name.Name] = true; open[f.Name.Name] == "" {
					t.Errorf("%s: %s looks at the tokens of a login (%s) without asking whether they fit the profile", path, f.Name.Name, s.Sel.Name)
				}
				return true
			})
		}
	}
	for name := range open {
		if !met[name] {
			t.Errorf("%s does not look at tokens any more: take it off the list", name)
		}
	}
}
