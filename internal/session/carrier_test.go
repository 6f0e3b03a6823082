package session

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fob/internal/authserver"
)

// carry makes one request with a carrier and returns what came of it.
func carry(t *testing.T, c *Carrier, address string) (int, string, error) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.RoundTrip(q)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), nil
}

func (r *rig) carrier(name string) *Carrier {
	r.t.Helper()
	c, err := r.engine.Carrier(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// startedRig has a server and an API that are reached over the network.
func startedRig(t *testing.T, o authserver.Options, api http.HandlerFunc) (*rig, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	r := tlsRig(t, withTLS(o))
	p := r.profile("work")
	p.Issuer, p.APIBaseURL = r.server.Issuer(), server.URL+"/v1"
	r.put(p)
	r.login("work")
	return r, server
}

func withTLS(o authserver.Options) authserver.Options { o.TLS = true; return o }

// older makes the login's token one that is not new any more.
func (r *rig) older() {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	held := *r.engine.logins["work"].held
	token := *held.Token
	token.ObtainedAt = token.ObtainedAt.Add(-2 * newFor)
	held.Token = &token
	r.engine.logins["work"].held = &held
}

// A token that the API refuses is refreshed once, for all that are refused at once; and an API that refuses everything costs no
// refresh for each request.
func TestCarrierRefreshes(t *testing.T) {
	var bad sync.Map
	var all atomic.Bool
	var seen sync.Map
	r, api := startedRig(t, authserver.Options{}, func(w http.ResponseWriter, q *http.Request) {
		token := q.Header.Get("Authorization")
		seen.Store(token, true)
		if _, no := bad.Load(token); no || all.Load() {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	tokens := func() (n int) {
		seen.Range(func(any, any) bool { n++; return true })
		return n
	}
	c := r.carrier("work")
	r.older()
	bad.Store("Bearer "+r.token("work").AccessToken, true)
	var many sync.WaitGroup
	for range 20 {
		many.Go(func() {
			if status, _, err := carry(t, c, api.URL+"/v1/x"); status != 200 || err != nil {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	many.Wait()
	if n := tokens(); n != 2 {
		t.Errorf("20 refusals at once made it %d tokens", n)
	}
	all.Store(true)
	for range 20 {
		if status, _, err := carry(t, c, api.URL+"/v1/x"); status != 401 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	}
	if n := tokens(); n != 2 {
		t.Errorf("an API that refuses everything made it %d tokens", n)
	}
	r.older()
	if carry(t, c, api.URL+"/v1/x"); tokens() != 3 {
		t.Errorf("a token that is not new was not refreshed")
	}
}

// The credential leaves the API's base URL on no way, and follows the profile.
func TestCarrierStays(t *testing.T) {
	r, api := startedRig(t, authserver.Options{}, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/v1/away" {
			http.Redirect(w, q, "/elsewhere", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, q.Header.Get("X-Key"))
	})
	c := r.carrier("work")
	for _, address := range []string{api.URL + "/v2", api.URL + "/v1/../v2", "http://127.0.0.1:1/v1", api.URL + "/v1/%2e%2e/v2"} {
		_, _, err := carry(t, c, address)
		wantError(t, Explain("work", err), Misused, CodeForeignURL)
	}
	if status, _, err := carry(t, c, api.URL+"/v1/away"); status != http.StatusFound || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	p, _ := r.file.Get("work")
	p.TokenHeaderName, p.TokenHeaderScheme = "X-Key", "none"
	r.put(p)
	if _, body, err := carry(t, c, api.URL+"/v1/x"); body != r.token("work").AccessToken || err != nil {
		t.Errorf("the profile's header: %q, %v", strings.Repeat("x", len(body)), err)
	}
	p.APIBaseURL = api.URL + "/v2"
	r.put(p)
	_, _, err := carry(t, c, api.URL+"/v1/x")
	wantError(t, Explain("work", err), Failed, CodeNoAPI)
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	_, _, err = carry(t, c, api.URL+"/v1/x")
	wantError(t, Explain("work", err), Misused, CodeUnknownProfile)
}

// Nothing is carried without an API, nor to one that would get the token unencrypted, also when the file was edited by hand. R-033
func TestCarrierNeedsAnAPI(t *testing.T) {
	r := newRig(t, authserver.Options{})
	for base, code := range map[string]string{"": CodeNoAPI, "http://api.example.com": CodeProfileInvalid, "https://api.example.com": "", "http://[::1]:1/x": ""} {
		text, err := os.ReadFile(filepath.Join(r.dir, "profiles.json"))
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`"api_base_url": "[^"]*"`).ReplaceAll(text, []byte(`"api_base_url": "`+base+`"`))
		if err := os.WriteFile(filepath.Join(r.dir, "profiles.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = r.engine.Carrier(t.Context(), "work")
		if code == "" && err != nil {
			t.Errorf("%q: %v", base, err)
		} else if code != "" {
			wantError(t, err, Failed, code)
		}
	}
}

// DPoP with nonces, and the client certificate that tokens are bound to: kept for many requests.
func TestCarrierProves(t *testing.T) {
	r := newRig(t, authserver.Options{DPoP: &authserver.DPoP{Required: true, Nonce: true, ResourceNonce: true}})
	p := r.profile("work")
	p.DPoPBoundAccessTokens, p.APIBaseURL = true, r.server.API()
	r.put(p)
	r.login("work")
	c := r.carrier("work")
	for range 3 {
		if status, body, err := carry(t, c, r.server.API()); status != 200 || err != nil {
			t.Errorf("DPoP: %d %s, %v", status, body, err)
		}
	}

	machine := confidential("machine", "self_signed_tls_client_auth")
	machine.CertificateBoundTokens = true
	pair, set, err := authserver.SelfSignedCertificate("machine")
	if err != nil {
		t.Fatal(err)
	}
	machine.JWKS = set
	r = tlsRig(t, authserver.Options{MutualTLS: true, Clients: []authserver.Client{machine}})
	certificate, key := certificatePEM(t, pair)
	p = r.profile("machine")
	p.Issuer, p.APIBaseURL = r.server.Issuer(), r.server.MutualTLSURL()+"/api/whoami"
	p.ClientID, p.TokenEndpointAuthMethod, p.TLSClientCertificate, p.TLSClientCertificateBoundAccessTokens = "machine", machine.AuthMethod, certificate, true
	r.put2(p, map[string]string{"tls_client_key": key})
	r.login("machine")
	c = r.carrier("machine")
	for range 3 {
		if status, body, err := carry(t, c, p.APIBaseURL); status != 200 || err != nil {
			t.Errorf("mTLS: %d %s, %v", status, body, err)
		}
	}
	if pair, _, err = authserver.SelfSignedCertificate("machine"); err != nil {
		t.Fatal(err)
	}
	p.TLSClientCertificate, key = certificatePEM(t, pair)
	r.put2(p, map[string]string{"tls_client_key": key})
	if status, _, err := carry(t, c, p.APIBaseURL); status == 200 {
		t.Errorf("it goes on with the certificate of before: %v", err)
	}
}
