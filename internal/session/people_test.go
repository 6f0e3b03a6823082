package session

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

func deviceRig(t *testing.T, d authserver.Device) (*rig, profiles.Profile) {
	t.Helper()
	c := authserver.DemoClient()
	c.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"}
	r := newRig(t, authserver.Options{Clients: []authserver.Client{c}, Device: d})
	p := r.profile("tv")
	p.GrantType = "device_code"
	r.put(p)
	return r, p
}

// F-016: several faces show one code; the last one that leaves ends the polling.
func TestDeviceLoginOfSeveralFaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := deviceRig(t, authserver.Device{})
		shown := make(chan LoginEvent, 2)
		ended := make(chan error, 2)
		contexts := [2]context.CancelFunc{}
		for i := range contexts {
			var ctx context.Context
			ctx, contexts[i] = context.WithCancel(t.Context())
			go func() {
				_, err := r.engine.Login(ctx, "tv", LoginOptions{}, func(ev LoginEvent) { shown <- ev })
				ended <- err
			}()
			synctest.Wait()
		}
		first, second := <-shown, <-shown
		if first.UserCode != second.UserCode || first.Joined || !second.Joined || !first.Until.Equal(second.Until) {
			t.Errorf("shown %+v and %+v", first, second)
		}
		contexts[0]()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the face that left: %v", err)
		}
		time.Sleep(time.Minute)
		if r.status("tv").State != LoggingIn {
			t.Error("the login ended although a face waits")
		}
		contexts[1]()
		<-ended
		synctest.Wait()
		asked := r.server.Stats().Requests["token"]
		time.Sleep(5 * time.Minute)
		if again := r.server.Stats().Requests["token"]; again != asked || r.status("tv").State != LoggedOut {
			t.Errorf("%d polls after the last face left, state %s", again-asked, r.status("tv").State)
		}
	})
}

// F-016: cancelled from elsewhere; refused by the person; given up; the code's own end.
func TestDeviceLoginEnds(t *testing.T) {
	for _, end := range []struct {
		name    string
		device  authserver.Device
		options LoginOptions
		do      func(r *rig, ev LoginEvent)
		kind    Kind
		code    string
		until   time.Duration
	}{
		{"cancelled", authserver.Device{}, LoginOptions{}, func(r *rig, _ LoginEvent) { _ = r.engine.CancelLogin("tv") }, Failed, CodeCancelled, 0},
		{"refused", authserver.Device{}, LoginOptions{}, func(r *rig, ev LoginEvent) { _ = r.server.DenyDevice(ev.UserCode) }, Failed, "access_denied", 0},
		{"the login's time is over", authserver.Device{TTL: time.Hour}, within(time.Minute), func(*rig, LoginEvent) {}, Failed, CodeTimeout, time.Minute},
		{"the code's time is over", authserver.Device{TTL: time.Minute}, within(time.Hour), func(*rig, LoginEvent) {}, Failed, "expired_token", time.Minute},
	} {
		t.Run(end.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := deviceRig(t, end.device)
				began := time.Now()
				_, err := r.engine.Login(t.Context(), "tv", end.options, func(ev LoginEvent) {
					if end.until > 0 && ev.Until.Sub(began) > end.until+time.Second {
						t.Errorf("shown until %s", ev.Until.Sub(began))
					}
					go end.do(r, ev)
				})
				wantError(t, err, end.kind, end.code)
				if took := time.Since(began); took > 70*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// CIBA ends as soon as it is cancelled, too.
func TestBackchannelLoginCancelled(t *testing.T) { // F-028
	synctest.Test(t, func(t *testing.T) {
		c := authserver.DemoClient()
		c.ID, c.Secret, c.AuthMethod = "bank", "bank-secret-0123456789", "client_secret_basic"
		c.GrantTypes = []string{"urn:openid:params:grant-type:ciba", "refresh_token"}
		r := newRig(t, withClients(authserver.Options{}, c))
		p := r.profile("bank")
		p.ClientID, p.GrantType, p.LoginHint = "bank", "ciba", "ada"
		r.put2(p, map[string]string{"client_secret": c.Secret})
		began := time.Now()
		_, err := r.engine.Login(t.Context(), "bank", LoginOptions{}, func(LoginEvent) { go r.engine.CancelLogin("bank") })
		wantError(t, err, Failed, CodeCancelled)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		_, err = r.engine.Login(t.Context(), "bank", LoginOptions{}, func(LoginEvent) {
			for _, asked := range r.server.CIBARequests() {
				_ = r.server.DenyCIBA(asked.ID)
			}
		})
		wantError(t, err, Failed, "access_denied")
		// Asking another person makes what is kept the token of somebody else.
		before := fingerprint(p)
		p.LoginHint = "grace"
		if fingerprint(p) == before {
			t.Error("another person is asked, and the token stays")
		}
	})
}

// F-010, R-016: the password is sent once and is nowhere afterwards: not in the keychain, the records, the trace, nor the log.
func TestPasswordIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const password = "canary-engine-98431"
		w := newWitness(t, "client_secret_post")
		o := authserver.Options{Issuer: issuer, AccessTokenTTL: 10 * time.Minute, Users: []authserver.User{{Login: "ada", Password: password}},
			Clients: []authserver.Client{{ID: "old", GrantTypes: []string{"password", "refresh_token"}}}}
		server, err := authserver.New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.server, w.tap.RoundTripper = server, server.Transport()
		store := &listening{Store: w.store, all: map[string]string{}}
		w.engine.store = store
		p := w.profile("work")
		p.ClientID, p.GrantType, p.Username, p.TokenEndpointAuthMethod = "old", profiles.GrantPassword, "ada", "none"
		if err := w.engine.PutProfile(t.Context(), p, nil, "", false); err != nil {
			t.Fatal(err)
		}
		w.tap.learn("password", password)
		_, err = w.engine.Login(t.Context(), "work", LoginOptions{}, func(LoginEvent) {})
		wantError(t, err, LogInFirst, CodePassword)
		_, err = w.engine.Login(t.Context(), "work", LoginOptions{Password: "canary-wrong-55512"}, func(LoginEvent) {})
		w.tap.learn("wrong password", "canary-wrong-55512")
		wantError(t, err, Failed, "invalid_grant") // a wrong password is no login that is over
		w.say("login", err)
		s, err := w.engine.Login(t.Context(), "work", LoginOptions{Password: password}, func(LoginEvent) {})
		if err != nil || s.State != LoggedIn || !s.Refreshable {
			t.Fatalf("%+v, %v", s, err)
		}
		if len(s.Weaknesses) == 0 {
			t.Error("no badge says that this is unsafe")
		}
		time.Sleep(11 * time.Minute)
		w.use() // with a refresh, which needs no password
		runs, err := w.engine.Trace("work")
		w.say("trace", err)
		w.say("trace", runs)
		w.check()
		store.mu.Lock()
		defer store.mu.Unlock()
		for key, value := range store.all {
			if strings.Contains(value, password) {
				t.Errorf("the password is in the keychain, in %s", key)
			}
		}
	})
}

// listening is a keychain that remembers everything that was ever stored.
type listening struct {
	Store
	mu  sync.Mutex
	all map[string]string
}

func (l *listening) Set(ctx context.Context, key string, value []byte) error {
	l.mu.Lock()
	l.all[fmt.Sprintf("%s #%d", key, len(l.all))] = string(value)
	l.mu.Unlock()
	return l.Store.Set(ctx, key, value)
}

// An unattended profile without expires_in is asked for again after an hour, one that ended is no login that ended, and one that
// fails is left alone.
func TestUnattendedSchedule(t *testing.T) { // F-006
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{AccessTokenTTL: 5 * time.Minute}, service))
		for i := range 5 {
			r.put2(serviceProfile(fmt.Sprintf("svc %d", i)), map[string]string{"client_secret": service.Secret})
			r.token(fmt.Sprintf("svc %d", i))
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		asked := r.server.Stats().Requests["token"]
		go r.engine.Run(ctx)
		time.Sleep(time.Hour)
		// A token of 5 minutes is renewed every 4 to 5: 12 to 16 times in an hour.
		if n := (r.server.Stats().Requests["token"] - asked) / 5; n < 11 || n > 16 {
			t.Errorf("each was asked for %d times in an hour", n)
		}
		r.server.Faults().Set(authserver.TokenUnavailable, authserver.UntilCleared)
		time.Sleep(10 * time.Minute)
		asked = r.server.Stats().Requests["token"]
		time.Sleep(time.Hour)
		if n := (r.server.Stats().Requests["token"] - asked) / 5; n > 15 {
			t.Errorf("a server that is down was asked %d times an hour by each", n)
		}
		if s := r.status("svc 0"); s.State != Offline || s.Problem == nil || strings.Contains(s.Problem.Remedy, "log in") {
			t.Errorf("%s, %+v", s.State, s.Problem)
		}
		r.server.Faults().Clear()
		r.server.Faults().Set(authserver.InvalidClient, authserver.UntilCleared)
		time.Sleep(10 * time.Minute)
		asked = r.server.Stats().Requests["token"]
		time.Sleep(time.Hour)
		if n := (r.server.Stats().Requests["token"] - asked) / 5; n > 2 {
			t.Errorf("a client that is refused was tried %d times an hour", n)
		}
		s := r.status("svc 0")
		if s.State != Unusable || s.Problem == nil || strings.Contains(s.Problem.Remedy, "log in") {
			t.Errorf("%s, %+v", s.State, s.Problem)
		}
		r.server.Faults().Clear()
		time.Sleep(2 * time.Hour)
		if s := r.status("svc 0"); s.State != LoggedIn || s.Problem != nil {
			t.Errorf("mended: %s, %+v", s.State, s.Problem)
		}
		// Logged out, nothing is asked for until somebody asks.
		for i := range 5 {
			if _, err := r.engine.Logout(t.Context(), fmt.Sprintf("svc %d", i), true); err != nil {
				t.Fatal(err)
			}
		}
		asked = r.server.Stats().Requests["token"]
		time.Sleep(time.Hour)
		if n := r.server.Stats().Requests["token"] - asked; n != 0 {
			t.Errorf("%d requests after the logout", n)
		}
		r.token("svc 3")
		// The keychain loses it: the next who asks gets another.
		stop()
		synctest.Wait()
		if err := r.store.Delete(t.Context(), itemKey(serviceProfile("svc 3"))); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		r.token("svc 3")
		if s := r.status("svc 3"); s.State != LoggedIn {
			t.Errorf("%s", s.State)
		}
	})
}

// A token whose end nobody says is not kept for ever where another can be had without a person.
func TestUnattendedTokenWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{}, service))
		r.server.Faults().Set(authserver.NoExpiresIn, authserver.UntilCleared)
		r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
		first := r.token("svc")
		time.Sleep(30 * time.Minute)
		if r.token("svc").AccessToken != first.AccessToken {
			t.Error("a good token was asked for again")
		}
		time.Sleep(40 * time.Minute)
		if r.token("svc").AccessToken == first.AccessToken {
			t.Error("it has been handed out for more than an hour")
		}
	})
}

// A flight that was queued before the logout does not bring the token back.
func TestLogoutBeatsAQueuedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{}, service))
		r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
		r.token("svc")
		release, err := r.engine.turn(t.Context(), "svc")
		if err != nil {
			t.Fatal(err)
		}
		f := r.engine.startRefresh("svc", background)
		synctest.Wait()
		if err := r.engine.drop(t.Context(), "svc", "logged out"); err != nil {
			t.Fatal(err)
		}
		release()
		<-f.done
		if s := r.status("svc"); s.State != LoggedOut {
			t.Errorf("%s", s.State)
		}
	})
}

// photos is a strict little OAuth 1.0a server: HMAC-SHA1 in the header (RFC 5849 §3.4.2, §3.5.1), computed by other means.
type photos struct {
	*httptest.Server
	mu      sync.Mutex
	seen    map[string]bool
	secrets map[string]string // of tokens
	calls   int
	back    string // where the temporary credential's answer goes
}

const photoKey, photoSecret = "photo-key", "photo-secret&/="

func newPhotos(t *testing.T) *photos {
	p := &photos{seen: map[string]bool{}, secrets: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /request", func(w http.ResponseWriter, r *http.Request) {
		if got := p.verify(w, r); got != nil && got["oauth_callback"] != "" {
			p.mu.Lock()
			p.back = got["oauth_callback"]
			p.mu.Unlock()
			p.issue(w, "temporary", "temporary-secret", "&oauth_callback_confirmed=true")
		}
	})
	mux.HandleFunc("POST /access", func(w http.ResponseWriter, r *http.Request) {
		got := p.verify(w, r)
		if got == nil {
			return
		}
		if got["oauth_token"] != "temporary" || got["oauth_verifier"] != "4711" {
			http.Error(w, "oauth_problem=verifier_invalid", http.StatusUnauthorized)
			return
		}
		p.issue(w, "canary-access", "canary-token-secret", "&screen_name=jane")
	})
	mux.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) {
		if got := p.verify(w, r); got != nil && got["oauth_token"] == "canary-access" {
			p.mu.Lock()
			p.calls++
			p.mu.Unlock()
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *photos) issue(w http.ResponseWriter, token, secret, more string) {
	p.mu.Lock()
	p.secrets[token] = secret
	p.mu.Unlock()
	fmt.Fprintf(w, "oauth_token=%s&oauth_token_secret=%s%s", token, secret, more)
}

// verify returns the protocol's parameters, or nil after it has refused.
func (p *photos) verify(w http.ResponseWriter, r *http.Request) map[string]string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	got, all := map[string]string{}, []string{}
	header, signed := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	for part := range strings.SplitSeq(header, ",") {
		if !signed {
			break // the parameters are in the query (RFC 5849 §3.5.3)
		}
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			http.Error(w, "malformed", http.StatusBadRequest)
			return nil
		}
		if got[name] = value; name != "oauth_signature" && name != "realm" {
			all = append(all, escape(name)+"="+escape(value))
		}
	}
	for name, values := range r.URL.Query() {
		for _, value := range values {
			if !signed && strings.HasPrefix(name, "oauth_") {
				got[name] = value
			}
			if name != "oauth_signature" {
				all = append(all, escape(name)+"="+escape(value))
			}
		}
	}
	slices.Sort(all)
	base := r.Method + "&" + escape("http://"+r.Host+r.URL.Path) + "&" + escape(strings.Join(all, "&"))
	p.mu.Lock()
	defer p.mu.Unlock()
	mac := hmac.New(sha1.New, []byte(escape(photoSecret)+"&"+escape(p.secrets[got["oauth_token"]])))
	mac.Write([]byte(base))
	if once := got["oauth_nonce"] + got["oauth_timestamp"]; got["oauth_consumer_key"] != photoKey || got["oauth_signature"] != base64.StdEncoding.EncodeToString(mac.Sum(nil)) || p.seen[once] {
		http.Error(w, "oauth_problem=signature_invalid", http.StatusUnauthorized)
		return nil
	} else {
		p.seen[once] = true
	}
	return got
}

// three legs through the loopback receiver, and out of band; each request is signed anew; Trace and records say no secret.
func TestOAuth1(t *testing.T) {
	server := newPhotos(t)
	r := newRig(t, authserver.Options{})
	r.engine.http = server.Client()
	p := profiles.Profile{Name: "photos", GrantType: profiles.GrantOAuth1, ClientID: photoKey, AllowHTTP: true, APIBaseURL: server.URL + "/api",
		TemporaryCredentialEndpoint: server.URL + "/request", AuthorizationEndpoint: server.URL + "/page", TokenEndpoint: server.URL + "/access"}
	r.put2(p, map[string]string{"client_secret": photoSecret})
	s, err := r.engine.Login(t.Context(), "photos", within(time.Minute), func(ev LoginEvent) {
		go func() {
			server.mu.Lock()
			back := server.back
			server.mu.Unlock()
			if err := visit(back + "?oauth_token=temporary&oauth_verifier=4711"); err != nil {
				t.Error(err)
			}
		}()
	})
	if err != nil || s.State != LoggedIn || s.Account != "jane" || s.Refreshable {
		t.Fatalf("%+v, %v", s, err)
	}
	r.reopen()
	r.engine.http = server.Client()
	for i := range 2 {
		if answer, err := r.engine.Request(t.Context(), Request{Name: "photos", URL: server.URL + "/api?page=" + fmt.Sprint(i)}); err != nil || answer.Status != http.StatusOK {
			t.Errorf("%d, %v", answer.Status, err)
		}
	}
	c, err := r.engine.Credential(t.Context(), "photos", "GET", server.URL+"/api?a=1", "")
	if err != nil || len(c.Header) != 1 || !strings.HasPrefix(c.Header[0].Value, "OAuth ") {
		t.Fatalf("%d headers, %v", len(c.Header), err)
	}
	again, err := r.engine.Credential(t.Context(), "photos", "GET", server.URL+"/api?a=1", "")
	if err != nil || again.Header[0].Value == c.Header[0].Value {
		t.Errorf("two requests, one signature: %v", err)
	}
	_, err = r.engine.Credential(t.Context(), "photos", "GET", "", "")
	wantError(t, err, Misused, CodeNeedsRequest)
	if server.calls != 2 {
		t.Errorf("%d calls", server.calls)
	}
	runs, err := r.engine.Trace("photos")
	text := fmt.Sprintf("%+v", runs)
	if err != nil || len(runs) != 1 || strings.Contains(text, "canary-token-secret") || strings.Contains(text, url.QueryEscape(photoSecret)) || strings.Contains(text, photoSecret) {
		t.Errorf("the trace has %d runs, or a secret: %v", len(runs), err)
	}
	// "Copy as curl" signs the request that it makes (F-195, F-200): the server recomputes the signature and takes it once.
	for _, placement := range []string{"header", "query"} {
		p.OAuthSignaturePlacement = placement
		r.put(p)
		command, err := r.engine.Text(t.Context(), "photos", FormCurl)
		if err != nil {
			t.Fatal(err)
		}
		before := server.calls
		if status := runCurl(t, command); status != "200" || server.calls != before+1 {
			t.Errorf("%s: the copied command got %s", placement, status)
		}
		if status := runCurl(t, command); status == "200" {
			t.Errorf("%s: its signature was taken twice", placement)
		}
	}
	_, err = r.engine.Text(t.Context(), "photos", FormHeader)
	wantError(t, err, Failed, CodeNoHeader)
	p.OAuthSignaturePlacement = ""
	r.put(p)
	// Out of band: begun here, the code typed in.
	p.RedirectURI = profiles.List{"oob"}
	r.put(p)
	_, err = r.engine.Login(t.Context(), "photos", within(time.Minute), func(LoginEvent) {})
	wantError(t, err, Misused, CodeOutOfBand)
	pending, err := r.engine.Begin(t.Context(), "photos", LoginOptions{})
	if err != nil || !pending.OutOfBand {
		t.Fatalf("%+v, %v", pending, err)
	}
	if s, err := r.engine.Complete(t.Context(), "photos", "4711"); err != nil || s.State != LoggedIn {
		t.Errorf("%+v, %v", s, err)
	}
}

// runCurl makes the request of a copied command, as a shell and curl would, and returns its status.
func runCurl(t *testing.T, command string) string {
	t.Helper()
	words, ok := strings.CutPrefix(command, "curl ")
	if !ok {
		t.Fatal("not a curl command")
	}
	script := exec.Command("sh", "-c", "printf '%s\\n' "+words)
	out, err := script.Output()
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "-H" {
			i++
			name, value, _ := strings.Cut(lines[i], ": ")
			request.Header.Set(name, value)
			continue
		}
		if request.URL, err = url.Parse(lines[i]); err != nil {
			t.Fatal(err)
		}
		request.Host = request.URL.Host
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return fmt.Sprint(answer.StatusCode)
}
