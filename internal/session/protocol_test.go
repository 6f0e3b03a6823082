package session

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// rewriting changes what the server says of itself.
type rewriting struct {
	http.RoundTripper
	mu sync.Mutex
	do func(metadata map[string]any)
}

func (w *rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "127.0.0.2:1" { // another name of the same server
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = "127.0.0.1:1", "127.0.0.1:1"
	}
	answer, err := w.RoundTripper.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.Path, "/.well-known/") || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	var metadata map[string]any
	if err := json.Unmarshal(text, &metadata); err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.do != nil {
		w.do(metadata)
	}
	w.mu.Unlock()
	if text, err = json.Marshal(metadata); err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), -1
	answer.Header.Del("ETag")
	return answer, nil
}

func (w *rewriting) set(do func(map[string]any)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.do = do
}

// what the server says of itself now names another host. No refresh token goes there unasked, nor because somebody looked;
// a login, where the browser shows where it goes, takes it.
func TestServerNamesAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour})
		w := &rewriting{RoundTripper: r.server.Transport()}
		r.engine.http = &http.Client{Transport: w}
		r.login("work")
		const moved = "http://127.0.0.2:1/as/token"
		w.set(func(m map[string]any) { m["token_endpoint"] = moved })
		asked := r.server.Stats().Requests["token"]
		time.Sleep(25 * time.Hour) // the metadata is asked for again
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, Failed, CodeServerChanged)
		if !strings.Contains(err.Error(), "127.0.0.2") {
			t.Errorf("it does not name the host: %v", err)
		}
		if _, err := r.engine.Discover(t.Context(), issuer); err != nil {
			t.Fatal(err)
		}
		if _, err := r.engine.Refresh(t.Context(), "work"); err == nil {
			t.Error("the refresh went there after somebody had looked")
		}
		if again := r.server.Stats().Requests["token"]; again != asked {
			t.Error("a request was sent all the same")
		}
		if s := r.login("work"); s.State != LoggedIn { // the transport leads every host to the server
			t.Errorf("%+v", s)
		}
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Errorf("after the login: %v", err)
		}
	})
}

// The metadata that a multi-tenant profile may take is not what another profile gets for the same issuer.
func TestMultiTenantIssuer(t *testing.T) {
	r := newRig(t, authserver.Options{})
	w := &rewriting{RoundTripper: r.server.Transport()}
	w.set(func(m map[string]any) { m["issuer"] = "http://127.0.0.1:1/{tenantid}" })
	r.engine.http = &http.Client{Transport: w}
	p := r.profile("tenants")
	p.MultiTenantIssuer = true
	r.put(p)
	c, err := r.engine.clientFor(t.Context(), p, metadataAge)
	if err != nil {
		t.Fatal(err)
	}
	if c.Metadata.Issuer != "http://127.0.0.1:1/{tenantid}" || !c.TemplateIssuer {
		t.Errorf("issuer %s", c.Metadata.Issuer)
	}
	if _, err := r.engine.clientFor(t.Context(), r.profile("work"), metadataAge); err == nil {
		t.Error("a template was taken for a profile that allows none (R-100)")
	}
}

// An endpoint that the profile names is the one that is used, whatever aliases the server has for those who show a certificate.
func TestProfilesEndpointOutranksTheAlias(t *testing.T) {
	r := tlsRig(t, authserver.Options{MutualTLS: true, Clients: []authserver.Client{authserver.DemoClient()}})
	p := r.profile("own")
	p.Issuer = r.server.Issuer()
	p.TokenEndpoint = p.Issuer + "/token"
	p.APIBaseURL = ""
	c, err := r.engine.clientFor(t.Context(), p, metadataAge)
	if err != nil {
		t.Fatal(err)
	}
	if c.Metadata.MTLSEndpointAliases["token_endpoint"] != "" || c.Metadata.MTLSEndpointAliases["revocation_endpoint"] == "" {
		t.Errorf("aliases %v", c.Metadata.MTLSEndpointAliases)
	}
	p.TokenEndpoint = ""
	if c, err := r.engine.clientFor(t.Context(), p, metadataAge); err != nil || c.Metadata.MTLSEndpointAliases["token_endpoint"] == "" {
		t.Errorf("another profile's were changed, too: %v", err)
	}
}

// F-171: what the server says of the tokens.
func TestIntrospection(t *testing.T) {
	c := confidential("asking", "client_secret_basic")
	c.Secret = "asking-secret-0123456789"
	r := newRig(t, withClients(authserver.Options{Introspection: true}, c))
	p := r.profile("asking")
	p.ClientID = c.ID
	r.put2(p, map[string]string{"client_secret": c.Secret})
	r.login("asking")
	for _, which := range []string{"", "access_token", "refresh_token"} {
		if said, err := r.engine.Introspect(t.Context(), "asking", which); err != nil || !said.Active {
			t.Errorf("%s: %+v, %v", which, said, err)
		}
	}
	_, err := r.engine.Introspect(t.Context(), "asking", "id_token")
	wantError(t, err, Misused, CodeForm)
	r.server.RevokeAll()
	if said, err := r.engine.Introspect(t.Context(), "asking", ""); err != nil || said.Active {
		t.Errorf("revoked: %+v, %v", said, err)
	}
	_, err = r.engine.Introspect(t.Context(), "work", "")
	wantError(t, err, LogInFirst, CodeLoggedOut)
}

// F-116, F-213, F-214: quirks are data of the profile.
func TestQuirks(t *testing.T) {
	for _, quirk := range []struct {
		fault authserver.Fault
		text  string
	}{
		{authserver.QuirkForm, `{"token_answer": {"form": true}}`},
		{authserver.QuirkNested, `{"token_answer": {"rename": {"authed_user.access_token": "access_token", "authed_user.refresh_token": "refresh_token", "authed_user.expires_in": "expires_in", "authed_user.scope": "scope", "authed_user.token_type": "token_type", "authed_user.id_token": "id_token"}}}`},
		{authserver.QuirkRenamed, `{"token_answer": {"rename": {"accessToken": "access_token", "refreshToken": "refresh_token", "expiresIn": "expires_in"}}}`},
		{authserver.QuirkNoTokenType, `{"token_answer": {"defaults": {"token_type": "Bearer"}}}`},
		{authserver.QuirkStringExpiry, ``},
		{authserver.QuirkGET, `{"token_method": "GET"}`},
		{authserver.QuirkErrorOK, ``},
	} {
		t.Run(string(quirk.fault), func(t *testing.T) {
			r := newRig(t, authserver.Options{})
			r.server.Faults().Set(quirk.fault, authserver.UntilCleared)
			p := r.profile("work")
			p.Quirks = quirk.text
			r.put(p)
			r.login("work")
			if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			if s := r.status("work"); s.State != LoggedIn || s.ExpiresAt == nil || !r.works(r.token("work").AccessToken) {
				t.Errorf("%+v", s)
			}
			if quirk.fault == authserver.QuirkErrorOK {
				r.server.RevokeAll()
				_, err := r.engine.Refresh(t.Context(), "work")
				wantError(t, err, LogInFirst, "invalid_grant")
			}
		})
	}
}

// F-009, R-141: a scope that is consented to at login and asked for later, in a token of its own.
func TestScopeConsentedToAtLogin(t *testing.T) {
	r := newRig(t, authserver.Options{Scopes: []string{"admin"}})
	p := r.profile("work")
	p.ExtraScopeToConsent = profiles.List{"admin"}
	r.put(p)
	r.login("work")
	h, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"admin"}}, -1)
	if err != nil || len(h.Scope) != 1 || h.Scope[0] != "admin" {
		t.Fatalf("%v, %v", h.Scope, err)
	}
	if own := r.token("work"); own.AccessToken == h.AccessToken {
		t.Error("it replaced the profile's own")
	}
	a, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Resource: []string{"https://a.example"}}, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Resource: []string{"https://b.example"}}, -1)
	if err != nil || a.AccessToken == b.AccessToken {
		t.Errorf("two resources, one token: %v", err)
	}
}

// Another agent on the same keychain has spent the refresh token meanwhile: its successor serves, and the login is not over.
func TestSecondTokenAfterAnotherAgentsRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{RotationGrace: -1, AccessTokenTTL: time.Hour})
		r.login("work")
		other := *r
		other.dir = t.TempDir()
		other.open()
		other.put(r.profile("work"))
		if _, err := other.engine.Refresh(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		h, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1)
		if err != nil || !r.works(h.AccessToken) {
			t.Fatalf("%v", err)
		}
		// At the very moment: between our look at the keychain and our request.
		r.engine.http = &http.Client{Transport: &overtaking{RoundTripper: r.server.Transport(), do: func() {
			if _, err := other.engine.Refresh(t.Context(), "work"); err != nil {
				t.Error(err)
			}
		}}}
		if _, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"profile"}}, -1); err != nil {
			t.Errorf("overtaken: %v", err)
		}
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("overtaken: %s", s.State)
		}
		if _, err := other.engine.Refresh(t.Context(), "work"); err != nil {
			t.Errorf("the other agent does not know our refresh token: %v", err)
		}
	})
}

// overtaking is a server whose refresh token somebody else spends just before we do.
type overtaking struct {
	http.RoundTripper
	do func()
}

func (o *overtaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if do := o.do; do != nil && strings.HasSuffix(r.URL.Path, "/token") {
		o.do = nil
		do()
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"error": "invalid_grant"}`)), Request: r}, nil
	}
	return o.RoundTripper.RoundTrip(r)
}

// DPoP: a second agent adopts key and tokens together.
func TestDPoPKeyInTwoHomes(t *testing.T) {
	r := newRig(t, authserver.Options{DPoP: &authserver.DPoP{}})
	p := r.profile("bound")
	p.DPoPBoundAccessTokens, p.APIBaseURL = true, r.server.API()
	r.put(p)
	r.login("bound")
	other := *r
	other.dir = t.TempDir()
	other.open()
	other.put(p)
	if _, err := other.engine.Refresh(t.Context(), "bound"); err != nil {
		t.Fatal(err)
	}
	for _, rig := range []*rig{r, &other, r} {
		if _, err := rig.engine.Refresh(t.Context(), "bound"); err != nil {
			t.Fatal(err)
		}
		if answer, err := rig.engine.Request(t.Context(), Request{Name: "bound"}); err != nil || answer.Status != http.StatusOK {
			t.Fatalf("%d, %v", answer.Status, err)
		}
	}
}
