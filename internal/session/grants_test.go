package session

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
	"fob/profiles"
)

// withClients returns options with the demo client and others.
func withClients(o authserver.Options, clients ...authserver.Client) authserver.Options {
	o.Clients = append([]authserver.Client{authserver.DemoClient()}, clients...)
	return o
}

// service is a client without a person.
var service = authserver.Client{ID: "service", Secret: "service-secret-0123456789", AuthMethod: "client_secret_basic",
	GrantTypes: []string{"client_credentials"}, Scopes: []string{"api"}}

func (r *rig) put2(p profiles.Profile, secrets map[string]string) {
	r.t.Helper()
	if err := r.engine.PutProfile(r.t.Context(), p, secrets, "", false); err != nil {
		r.t.Fatal(err)
	}
}

func serviceProfile(name string) profiles.Profile {
	return profiles.Profile{Name: name, Issuer: issuer, ClientID: service.ID, GrantType: profiles.GrantClientCredentials,
		Scope: profiles.List{"api"}, APIBaseURL: issuer + "/api/me"}
}

// F-006, F-135, R-017: nobody logs in; the token comes when it is asked for, and again when it has ended.
func TestClientCredentialsNeedNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{AccessTokenTTL: 5 * time.Minute}, service))
		r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
		if s := r.status("svc"); s.State != LoggedOut || s.Attended {
			t.Fatalf("at first: %+v", s)
		}
		first := r.token("svc")
		if !r.works(first.AccessToken) {
			t.Fatal("the API refuses the token")
		}
		if s := r.status("svc"); s.State != LoggedIn || s.Grant != "client_credentials" || !s.Refreshable {
			t.Errorf("with a token: %+v", s)
		}
		if again := r.token("svc"); again.AccessToken != first.AccessToken {
			t.Error("a good token was asked for again")
		}
		time.Sleep(6 * time.Minute)
		if later := r.token("svc"); later.AccessToken == first.AccessToken || !r.works(later.AccessToken) {
			t.Error("the token was not renewed")
		}
		// The loop renews it ahead of its end, too.
		ctx, stop := context.WithCancel(t.Context())
		go r.engine.Run(ctx)
		time.Sleep(20 * time.Minute)
		if s := r.status("svc"); time.Until(*s.ExpiresAt) <= 0 {
			t.Errorf("the loop let it end: %v", s.ExpiresAt)
		}
		stop()
		synctest.Wait()
		r.reopen()
		if !r.works(r.token("svc").AccessToken) {
			t.Error("after a restart it does not work")
		}
		if _, err := r.engine.Logout(t.Context(), "svc", true); err != nil {
			t.Fatal(err)
		}
		if s := r.status("svc"); s.State != LoggedOut {
			t.Errorf("after logout: %s", s.State)
		}
	})
}

// A machine's login cannot be mended by logging in: the profile has to be.
func TestWrongServiceSecretIsForTheProfile(t *testing.T) {
	r := newRig(t, withClients(authserver.Options{}, service))
	r.put2(serviceProfile("svc"), map[string]string{"client_secret": "not-the-secret-0123456789"})
	_, err := r.engine.Token(t.Context(), "svc", -1)
	wantError(t, err, Failed, "invalid_client")
	r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
	if !r.works(r.token("svc").AccessToken) {
		t.Error("the mended profile gets no token")
	}
}

// F-013…F-015, R-114, R-115: the code is shown, the device code never; approval ends the wait.
func TestDeviceLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"}
		r := newRig(t, authserver.Options{Clients: []authserver.Client{client}, Device: authserver.Device{}})
		p := r.profile("tv")
		p.GrantType = "device_code"
		r.put(p)
		var shown LoginEvent
		status, err := r.engine.Login(t.Context(), "tv", LoginOptions{}, func(ev LoginEvent) {
			shown = ev
			go func() {
				time.Sleep(30 * time.Second)
				if err := r.server.ApproveDevice(ev.UserCode, "ada"); err != nil {
					t.Error(err)
				}
			}()
		})
		if err != nil {
			t.Fatal(err)
		}
		if shown.Kind != "device" || shown.UserCode == "" || shown.VerificationURI == "" || shown.VerificationURIComplete == "" {
			t.Errorf("shown: %+v", shown)
		}
		if status.State != LoggedIn || !status.Refreshable || !r.works(r.token("tv").AccessToken) {
			t.Errorf("status %+v", status)
		}
	})
}

// Any profile can log in by device code, for a machine without a browser (fob login --device).
func TestDeviceInsteadOfBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"}
		r := newRig(t, authserver.Options{Clients: []authserver.Client{client}, Device: authserver.Device{}})
		status, err := r.engine.Login(t.Context(), "work", LoginOptions{Device: true}, func(ev LoginEvent) {
			if err := r.server.ApproveDevice(ev.UserCode, "ada"); err != nil {
				t.Error(err)
			}
		})
		if err != nil || status.State != LoggedIn {
			t.Fatalf("%+v, %v", status, err)
		}
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Error(err)
		}
	})
}

// F-028, R-235.
func TestBackchannelLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.ID, client.Secret, client.AuthMethod = "bank", "bank-secret-0123456789", "client_secret_basic"
		client.GrantTypes = []string{"urn:openid:params:grant-type:ciba", "refresh_token"}
		r := newRig(t, withClients(authserver.Options{CIBA: authserver.CIBA{}}, client))
		p := r.profile("bank")
		p.ClientID, p.GrantType, p.LoginHint, p.BindingMessage = "bank", "ciba", "ada", "W4SCT"
		r.put2(p, map[string]string{"client_secret": client.Secret})
		status, err := r.engine.Login(t.Context(), "bank", LoginOptions{}, func(ev LoginEvent) {
			if ev.Kind != "ciba" || ev.BindingMessage != "W4SCT" {
				t.Errorf("shown: %+v", ev)
			}
			for _, asked := range r.server.CIBARequests() {
				if err := r.server.ApproveCIBA(asked.ID); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil || status.State != LoggedIn || status.Account == "" {
			t.Fatalf("%+v, %v", status, err)
		}
	})
}

// F-157: the login's key is kept with the token, serves its refreshes after a restart, and every request has a
// proof of its own.
func TestDPoPLogin(t *testing.T) {
	r := newRig(t, authserver.Options{DPoP: &authserver.DPoP{Nonce: true, ResourceNonce: true}})
	p := r.profile("bound")
	p.DPoPBoundAccessTokens, p.APIBaseURL = true, r.server.API()
	r.put(p)
	r.login("bound")
	credential := func(method string) Credential {
		t.Helper()
		c, err := r.engine.Credential(t.Context(), "bound", method, r.server.API(), "")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := credential("GET"), credential("GET")
	if len(a.Header) != 2 || a.Header[0].Name != "Authorization" || !strings.HasPrefix(a.Header[0].Value, "DPoP ") || a.Header[1].Name != "DPoP" {
		t.Fatalf("headers %d", len(a.Header))
	}
	if a.Header[1].Value == b.Header[1].Value {
		t.Error("two requests got the same proof (R-178)")
	}
	answer, err := r.engine.Request(t.Context(), Request{Name: "bound"})
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("request: %d, %v", answer.Status, err)
	}
	// The copied forms carry a proof for the API, and a fresh one each time: a bound token is refused without.
	for _, form := range []Form{FormHeader, FormCurl} {
		one, err := r.engine.Text(t.Context(), "bound", form)
		two, err2 := r.engine.Text(t.Context(), "bound", form)
		if err != nil || err2 != nil || one == two || !strings.Contains(one, "Authorization: DPoP ") || !strings.Contains(one, "DPoP: ") {
			t.Errorf("%s: same %v, %v, %v", form, one == two, err, err2)
		}
	}
	header, err := r.engine.Text(t.Context(), "bound", FormHeader)
	if err != nil || !r.letsIn(header) {
		t.Errorf("the API refuses the copied header: %v", err)
	}
	r.reopen()
	if _, err := r.engine.Refresh(t.Context(), "bound"); err != nil {
		t.Fatalf("refresh after a restart: %v", err)
	}
	if answer, err := r.engine.Request(t.Context(), Request{Name: "bound"}); err != nil || answer.Status != http.StatusOK {
		t.Errorf("request after it: %d, %v", answer.Status, err)
	}
	if _, err := r.engine.Credential(t.Context(), "bound", "", "", ""); err == nil {
		t.Error("a proof was made for no request in particular")
	}
}

// F-008, R-013, R-141, R-195: another token of the same login, kept apart, and never one that was not granted.
func TestSecondToken(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	own := r.token("work")
	narrow, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1)
	if err != nil {
		t.Fatal(err)
	}
	if narrow.AccessToken == own.AccessToken || len(narrow.Scope) != 1 || narrow.Scope[0] != "api" {
		t.Errorf("scope %v, same token %v", narrow.Scope, narrow.AccessToken == own.AccessToken)
	}
	if again, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1); err != nil || again.AccessToken != narrow.AccessToken {
		t.Errorf("it was asked for again: %v", err)
	}
	if still := r.token("work"); still.AccessToken != own.AccessToken {
		t.Error("the profile's own token was replaced")
	}
	if _, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"never-granted"}}, -1); !errors.Is(err, oauth.ErrScope) {
		t.Errorf("wider than granted: %v", err)
	}
	if s := r.status("work"); s.State != LoggedIn {
		t.Errorf("asking for too much ended the login: %s", s.State)
	}
	r.reopen()
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Errorf("the refresh token that came with the second token was lost: %v", err)
	}
}

// F-003, F-005, F-061: begun here, completed by another process, once.
func TestBegunHereCompletedThere(t *testing.T) { // F-084, F-145
	r := newRig(t, authserver.Options{})
	pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	answer := r.redirectOf(pending.URL)
	r.reopen()
	foreign := strings.Replace(answer, "state=", "state=x", 1)
	if _, err := r.engine.Complete(t.Context(), "", foreign); err == nil {
		t.Error("an answer with another state was taken (R-009)")
	}
	status, err := r.engine.Complete(t.Context(), "", answer)
	if err != nil || status.State != LoggedIn || status.Name != "work" {
		t.Fatalf("%+v, %v", status, err)
	}
	if _, err := r.engine.Complete(t.Context(), "", answer); err == nil {
		t.Error("the answer was taken twice (R-019)")
	}
	if !r.works(r.token("work").AccessToken) {
		t.Error("the token does not work")
	}
	runs, err := r.engine.Trace("work")
	if err != nil || len(runs) != 1 || runs[0].Operation != operationLogin {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if steps := runs[0].Steps; !steps[0].Browser || steps[0].What != "authorization request" || !slices.ContainsFunc(steps, func(s TraceStep) bool { return s.Kind == oauth.ForToken }) {
		t.Errorf("the trace does not tell the whole login: it begins with %q", steps[0].What)
	}
}

// redirectOf is where the server sends the browser after a sign-in.
func (r *rig) redirectOf(page string) string {
	r.t.Helper()
	as := &http.Client{Transport: r.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := as.Get(page)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		r.t.Fatal(err)
	}
	return to.String()
}

// An edited profile does not take the answer of a login that asked for something else.
func TestBegunThenEdited(t *testing.T) {
	r := newRig(t, authserver.Options{})
	pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := r.profile("work")
	p.Scope = profiles.List{"openid"}
	r.put(p)
	_, err = r.engine.Complete(t.Context(), "", r.redirectOf(pending.URL))
	wantError(t, err, Failed, CodeProfileChanged)
}

// F-171, R-045, F-172.
func TestAskTheServer(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	claims, err := r.engine.UserInfo(t.Context(), "work")
	if err != nil || claims["sub"] == "" {
		t.Errorf("userinfo %v, %v", claims, err)
	}
	page, err := r.engine.EndSession(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(page); err != nil || !u.Query().Has("id_token_hint") {
		t.Errorf("end session without id_token_hint (R-230)")
	}
}

// F-182: the key is made once, kept, and only its public half comes out.
func TestKeys(t *testing.T) {
	r := newRig(t, authserver.Options{})
	set, err := r.engine.MakeKey(t.Context(), "work", "ES256", false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(set), `"kty"`) || strings.Contains(string(set), `"d"`) {
		t.Error("the set has no key, or a private one")
	}
	if _, err := r.engine.MakeKey(t.Context(), "work", "ES256", false); err == nil {
		t.Error("a key the server knows was replaced unasked")
	}
	r.reopen()
	again, err := r.engine.PublicKeys(t.Context(), "work")
	if err != nil || string(again) != string(set) {
		t.Errorf("after a restart: %v", err)
	}
}

// The wire timeline is kept over a restart and says nothing secret.
func TestTraceOfALogin(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	h := r.token("work")
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	runs, err := r.engine.Trace("work")
	if err != nil || len(runs) != 2 || runs[0].Operation != operationRefresh || runs[1].Operation != operationLogin {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, run := range runs {
		for _, step := range run.Steps {
			for _, secret := range []string{h.AccessToken, h.IDToken} {
				for _, text := range []string{step.URL, step.Answer, step.Curl, step.Explanation} {
					if strings.Contains(text, secret) {
						t.Errorf("a token stands in the trace of %s", step.What)
					}
				}
			}
		}
	}
}

// F-138: a refresh token from elsewhere becomes a login of Fob's.
func TestRefreshTokenBroughtAlong(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	held, err := r.engine.load(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	r.put(r.profile("moved"))
	status, err := r.engine.Login(t.Context(), "moved", LoginOptions{RefreshToken: held.RefreshToken.Reveal()}, func(ev LoginEvent) { t.Errorf("a person was asked: %s", ev.Kind) })
	if err != nil || status.State != LoggedIn || !status.Refreshable {
		t.Fatalf("%+v, %v", status, err)
	}
	if !r.works(r.token("moved").AccessToken) {
		t.Error("its token does not work")
	}
	if _, err := r.engine.Login(t.Context(), "moved", LoginOptions{RefreshToken: "nonsense-0123456789"}, func(LoginEvent) {}); err == nil {
		t.Error("nonsense became a login")
	}
	if s := r.status("moved"); s.State != LoggedIn {
		t.Errorf("nonsense ended the login that was there: %s", s.State)
	}
}

// letsIn says whether the server's API takes a GET with these header lines.
func (r *rig) letsIn(lines string) bool {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.server.API(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		request.Header.Set(name, value)
	}
	answer, err := (&http.Client{Transport: r.server.Transport()}).Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
