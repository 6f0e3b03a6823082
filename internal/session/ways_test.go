package session

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
	"fob/profiles"
)

// clientKey makes a private key, and the public set that the server knows of it.
func clientKey(t *testing.T, alg string) (private, set string) {
	t.Helper()
	secret, keys, err := oauth.GeneratePrivateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal(), string(keys.Public())
}

// inAndOut logs in, refreshes, restarts, refreshes, uses and logs out: everything in which a client has to show who it is.
func (r *rig) inAndOut(name string) {
	r.t.Helper()
	r.login(name)
	if _, err := r.engine.Refresh(r.t.Context(), name); err != nil {
		r.t.Fatal(err)
	}
	r.reopen()
	if _, err := r.engine.Refresh(r.t.Context(), name); err != nil {
		r.t.Fatal(err)
	}
	api := r.server.API()
	if p, _ := r.file.Get(name); p.APIBaseURL != issuer+"/api" {
		api = p.APIBaseURL
	}
	if answer, err := r.engine.Request(r.t.Context(), Request{Name: name, URL: api}); err != nil || answer.Status != http.StatusOK {
		r.t.Fatalf("request: %d, %v", answer.Status, err)
	}
	if s, err := r.engine.Logout(r.t.Context(), name, false); err != nil || s.State != LoggedOut {
		r.t.Fatalf("logout: %v", err)
	}
}

func confidential(id, method string) authserver.Client {
	c := authserver.DemoClient()
	c.ID, c.AuthMethod = id, method
	return c
}

// …R-064: the client shows who it is, at login, refresh and revocation, in each way.
func TestClientAuthenticationThroughTheEngine(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		t.Run("private_key_jwt "+alg, func(t *testing.T) {
			private, set := clientKey(t, alg)
			c := confidential("keyed", "private_key_jwt")
			c.JWKS = set
			r := newRig(t, withClients(authserver.Options{}, c))
			p := r.profile("keyed")
			p.ClientID, p.TokenEndpointAuthMethod = c.ID, c.AuthMethod
			r.put2(p, map[string]string{"private_key": private})
			r.inAndOut("keyed")
		})
	}
	t.Run("client_secret_jwt", func(t *testing.T) {
		c := confidential("maced", "client_secret_jwt")
		c.Secret = "maced-secret-0123456789abcdef0123456789"
		r := newRig(t, withClients(authserver.Options{}, c))
		p := r.profile("maced")
		p.ClientID, p.TokenEndpointAuthMethod = c.ID, c.AuthMethod
		r.put2(p, map[string]string{"client_secret": c.Secret})
		r.inAndOut("maced")
	})
}

// tlsRig has a server that speaks TLS.
func tlsRig(t *testing.T, o authserver.Options) *rig {
	t.Helper()
	o.AutoApprove = "ada"
	server, err := authserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	roots, err := authserver.RootCAs()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, authserver.Options{})
	r.engine.Close()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	r.server, r.http = server, &http.Client{Transport: transport}
	r.open()
	return r
}

func certificatePEM(t *testing.T, c tls.Certificate) (certificate, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// login, refresh and request with the certificate that the tokens are bound to.
func TestMutualTLS(t *testing.T) {
	for _, method := range []string{"tls_client_auth", "self_signed_tls_client_auth"} {
		t.Run(method, func(t *testing.T) {
			c := confidential("machine", method)
			c.CertificateBoundTokens = true
			var pair tls.Certificate
			var err error
			if method == "tls_client_auth" {
				pair, err = authserver.ClientCertificate("machine")
				c.TLSSubjectDN = "CN=machine"
			} else {
				pair, c.JWKS, err = authserver.SelfSignedCertificate("machine")
			}
			if err != nil {
				t.Fatal(err)
			}
			r := tlsRig(t, authserver.Options{MutualTLS: true, Clients: []authserver.Client{c}})
			certificate, key := certificatePEM(t, pair)
			p := r.profile("machine")
			p.Issuer, p.APIBaseURL = r.server.Issuer(), r.server.MutualTLSURL()+"/api/whoami"
			p.ClientID, p.TokenEndpointAuthMethod, p.TLSClientCertificate, p.TLSClientCertificateBoundAccessTokens = c.ID, method, certificate, true
			r.put2(p, map[string]string{"tls_client_key": key})
			r.inAndOut("machine")
		})
	}
}

// R-097, F-011, F-012: the answer comes in each way a server sends it, and only in the one that was asked for.
func TestWaysOfTheAnswer(t *testing.T) {
	for _, way := range []struct {
		name, responseType, mode, grant string
	}{
		{"query", "", "", ""},
		{"form_post", "", "form_post", ""},
		{"fragment", "", "fragment", ""},
		{"hybrid", "code id_token", "", ""},
		{"hybrid with a token", "code id_token token", "", ""},
		{"hybrid by form_post", "code id_token", "form_post", ""},
		{"implicit", "id_token token", "", profiles.GrantImplicit},
		{"JARM", "", "jwt", ""},
		{"JARM in a fragment", "", "fragment.jwt", ""},
		{"JARM by form_post", "", "form_post.jwt", ""},
		{"JARM hybrid", "code id_token", "jwt", ""},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := authserver.DemoClient()
			c.ResponseTypes = []string{"code", "code id_token", "code token", "code id_token token", "id_token token", "token"}
			r := newRig(t, authserver.Options{Clients: []authserver.Client{c}, JARM: true})
			p := r.profile("work")
			p.ResponseType, p.ResponseMode, p.GrantType = way.responseType, way.mode, way.grant
			if way.grant == profiles.GrantImplicit {
				p.Scope = profiles.List{"openid", "api"}
			}
			r.put(p)
			s := r.login("work")
			if !s.Usable() || !r.works(r.token("work").AccessToken) {
				t.Errorf("%+v", s)
			}
			if s.Refreshable == (way.grant == profiles.GrantImplicit) {
				t.Errorf("refreshable %v", s.Refreshable)
			}
			// What is not shown to people: codes and tokens in the trace of the redirect.
			runs, err := r.engine.Trace("work")
			if err != nil || len(runs) != 1 {
				t.Fatalf("%d runs, %v", len(runs), err)
			}
			text, err := json.Marshal(runs)
			if err != nil {
				t.Fatal(err)
			}
			if h := r.token("work"); strings.Contains(string(text), h.AccessToken) || h.IDToken != "" && strings.Contains(string(text), h.IDToken) {
				t.Error("a token stands in the trace")
			}
		})
	}
}

// R-160…R-163, F-055, F-056: pushed, signed and encrypted requests.
func TestPushedAndSignedRequests(t *testing.T) {
	private, set := clientKey(t, "ES256")
	c := confidential("careful", "private_key_jwt")
	c.JWKS, c.RequirePAR, c.RequireJAR = set, true, true
	r := newRig(t, withClients(authserver.Options{PAR: &authserver.PAR{}, JAR: &authserver.JAR{}}, c))
	p := r.profile("careful")
	p.ClientID, p.TokenEndpointAuthMethod = c.ID, c.AuthMethod
	p.RequirePushedAuthorizationRequests, p.RequireSignedRequestObject = true, true
	r.put2(p, map[string]string{"private_key": private})
	r.inAndOut("careful")
	if r.server.Stats().Requests["par"] != 1 {
		t.Error("nothing was pushed")
	}
	encrypting := newRig(t, withClients(authserver.Options{JAR: &authserver.JAR{Encrypted: true}}, func() authserver.Client { c.RequirePAR = false; return c }()))
	p.RequirePushedAuthorizationRequests = false
	p.RequestObjectEncryptionAlg, p.RequestObjectEncryptionEnc = "ECDH-ES", "A256GCM"
	encrypting.put2(p, map[string]string{"private_key": private})
	encrypting.login("careful")
}

// R-240…R-244: the strict switch works as a whole, and says everything that is missing before anything is sent.
func TestFAPI(t *testing.T) {
	private, set := clientKey(t, "ES256")
	c := confidential("bank", "private_key_jwt")
	c.JWKS, c.RequirePAR, c.DPoPBoundTokens = set, true, true
	r := tlsRig(t, authserver.Options{TLS: true, Clients: []authserver.Client{c}, PAR: &authserver.PAR{Required: true}, DPoP: &authserver.DPoP{Nonce: true}})
	p := r.profile("bank")
	p.Issuer = r.server.Issuer()
	p.ClientID, p.TokenEndpointAuthMethod, p.FAPIProfile, p.DPoPBoundAccessTokens, p.APIBaseURL = c.ID, c.AuthMethod, "fapi2", true, r.server.API()
	r.put2(p, map[string]string{"private_key": private})
	r.inAndOut("bank")
	weak := tlsRig(t, authserver.Options{TLS: true, DPoP: &authserver.DPoP{}})
	p = weak.profile("work")
	p.Issuer = weak.server.Issuer()
	p.FAPIProfile, p.DPoPBoundAccessTokens = "fapi2", true
	weak.put(p)
	_, err := weak.tryLogin("work")
	wantError(t, err, Failed, CodeProfileInvalid)
	if weak.server.Stats().Requests["authorize"] != 0 {
		t.Error("it was asked for all the same")
	}
}

// the union of what was granted and what is asked for; R-181: not in a circle.
func TestStepUpForScope(t *testing.T) {
	r := newRig(t, authserver.Options{Scopes: []string{"admin"}})
	p := r.profile("work")
	p.APIBaseURL = issuer + "/api/"
	r.put(p)
	r.login("work")
	ask := func() (Response, error) {
		return r.engine.Request(t.Context(), Request{Name: "work", URL: issuer + "/api/admin"})
	}
	answer, err := ask()
	if err != nil || answer.Status != http.StatusForbidden || answer.StepUp == nil || !slices.Contains(answer.StepUp.Options.Scope, "admin") || !slices.Contains(answer.StepUp.Options.Scope, "api") {
		t.Fatalf("%d %+v, %v", answer.Status, answer.StepUp, err)
	}
	options := answer.StepUp.Options
	options.Timeout = profiles.Duration(time.Minute)
	if _, err := r.engine.Login(t.Context(), "work", options, r.browser()); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(); err != nil || answer.Status != http.StatusOK || answer.StepUp != nil {
		t.Errorf("after it: %d %+v, %v", answer.Status, answer.StepUp, err)
	}
	// The wider token is refreshed as wide as it is.
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(); err != nil || answer.Status != http.StatusOK {
		t.Errorf("after a refresh: %d, %v", answer.Status, err)
	}
}

// browser opens what a login shows.
func (r *rig) browser() func(LoginEvent) {
	return func(ev LoginEvent) {
		go func() {
			if err := r.browse(ev.URL); err != nil {
				r.t.Error(err)
			}
		}()
	}
}

// acr_values go into a new login, what comes back is checked, and an API that is never content is told so.
func TestStepUpForASignIn(t *testing.T) {
	r := newRig(t, authserver.Options{ACRValues: []string{"1", "gold"}})
	p := r.profile("work")
	p.APIBaseURL = issuer + "/api/"
	r.put(p)
	r.login("work")
	ask := func() (Response, error) {
		return r.engine.Request(t.Context(), Request{Name: "work", URL: issuer + "/api/strong"})
	}
	answer, err := ask()
	if err != nil || answer.StepUp == nil || !slices.Equal(answer.StepUp.Options.ACRValues, []string{"gold"}) {
		t.Fatalf("%d %+v, %v", answer.Status, answer.StepUp, err)
	}
	options := answer.StepUp.Options
	options.Timeout = profiles.Duration(time.Minute)
	r.server.Faults().Set(authserver.ACRIgnored, authserver.UntilCleared)
	if _, err := r.engine.Login(t.Context(), "work", options, r.browser()); err == nil {
		t.Error("a weaker sign-in than the API asked for was taken")
	}
	r.server.Faults().Clear()
	// Begun here and completed by hand is a login for the demand, too.
	pending, err := r.engine.Begin(t.Context(), "work", options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.engine.Complete(t.Context(), "", r.redirectOf(pending.URL)); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("after it: %d %+v, %v", answer.Status, answer.StepUp, err)
	}
}

// the guard.
func TestStepUpInACircle(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.APIBaseURL = issuer + "/api/"
	r.put(p)
	r.engine.http = &http.Client{Transport: neverContent{r.server.Transport()}}
	r.login("work")
	answer, err := r.engine.Request(t.Context(), Request{Name: "work"})
	if err != nil || answer.StepUp == nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	options := answer.StepUp.Options
	options.Timeout = profiles.Duration(time.Minute)
	if _, err := r.engine.Login(t.Context(), "work", options, r.browser()); err != nil {
		t.Fatal(err)
	}
	_, err = r.engine.Request(t.Context(), Request{Name: "work"})
	wantError(t, err, Failed, CodeStepUp)
	// A login that was completed by hand is for the demand as well.
	r.login("work") // not for it
	if answer, err := r.engine.Request(t.Context(), Request{Name: "work"}); err != nil || answer.StepUp == nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	pending, err := r.engine.Begin(t.Context(), "work", options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.engine.Complete(t.Context(), "", r.redirectOf(pending.URL)); err != nil {
		t.Fatal(err)
	}
	_, err = r.engine.Request(t.Context(), Request{Name: "work"})
	wantError(t, err, Failed, CodeStepUp)
}

// neverContent is an API that wants a newer sign-in each time.
type neverContent struct{ http.RoundTripper }

func (n neverContent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/as/api/") {
		return n.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody, Request: r,
		Header: http.Header{"Www-Authenticate": {`Bearer error="insufficient_user_authentication", max_age="300"`}}}, nil
}
