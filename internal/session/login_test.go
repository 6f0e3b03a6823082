package session

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

func TestLogin(t *testing.T) { // F-001 F-002 R-091 R-220
	r := newRig(t, authserver.Options{})
	s := r.login("work")
	if s.State != LoggedIn || s.Account != "ada@example.com" && s.Account == "" || !s.Refreshable || !s.HasIDToken || s.ExpiresAt == nil {
		t.Errorf("status %+v", s)
	}
	if !r.works(r.token("work").AccessToken) {
		t.Error("the token does not work")
	}
	d, err := r.engine.Details(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	if d.IDClaims["iss"] != issuer || d.AccessClaims["iss"] != issuer {
		t.Errorf("claims %v, %v", d.IDClaims, d.AccessClaims)
	}
	passed := map[string]bool{}
	for _, c := range d.Checks {
		passed[c.Name] = c.OK
	}
	for _, name := range []string{"iss", "aud", "signature", "exp", "nonce"} {
		if !passed[name] {
			t.Errorf("check %s is not among the passed ones: %v", name, d.Checks)
		}
	}
	if len(d.History) == 0 || !strings.HasPrefix(d.History[0].What, "logged in as") {
		t.Errorf("history %v", d.History)
	}
}

func TestRestartLosesNothing(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	before, token := r.status("work"), r.token("work")
	d, err := r.engine.Details(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	r.reopen()
	after := r.status("work")
	if after.State != before.State || after.Account != before.Account || !after.ExpiresAt.Equal(*before.ExpiresAt) {
		t.Errorf("status %+v, before %+v", after, before)
	}
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("another token after the restart")
	}
	again, err := r.engine.Details(t.Context(), "work")
	if err != nil || len(again.Checks) != len(d.Checks) || again.IDClaims["sub"] != d.IDClaims["sub"] {
		t.Errorf("details after the restart: %v, %d checks of %d", err, len(again.Checks), len(d.Checks))
	}
}

func TestRecordLostItemKept(t *testing.T) { // the keychain item is the commit point: design.md decision 4
	r := newRig(t, authserver.Options{})
	r.login("work")
	token := r.token("work")
	r.engine.Close()
	if err := recordDir(r.dir + "/logins").remove("work"); err != nil {
		t.Fatal(err)
	}
	r.open()
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("the token was lost with the record")
	}
	if s := r.status("work"); s.State != LoggedIn || s.ExpiresAt == nil {
		t.Errorf("status %+v", s)
	}
}

func TestRecordCutShort(t *testing.T) { // a power failure after a rename that had not reached the disk
	r := newRig(t, authserver.Options{})
	r.login("work")
	r.engine.Close()
	if err := os.WriteFile(recordDir(r.dir+"/logins").path("work"), []byte(`{"version":1,"na`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	r.engine.work.Wait() // the item is being read
	if s := r.status("work"); s.State != LoggedIn || !s.Refreshable || s.ExpiresAt == nil {
		t.Errorf("status %+v", s)
	}
}

// TestRecordMissing: a login whose record is gone altogether is found in the keychain, and a profile without one is not looked up
// again by each start.
func TestRecordMissing(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.put(r.profile("never"))
	r.login("work")
	r.engine.Close()
	if err := os.RemoveAll(r.dir + "/logins"); err != nil {
		t.Fatal(err)
	}
	r.open()
	r.engine.work.Wait() // the items are being read
	if s := r.status("work"); s.State != LoggedIn || !s.Refreshable || s.ExpiresAt == nil {
		t.Errorf("status %+v", s)
	}
	if s := r.status("never"); s.State != LoggedOut {
		t.Errorf("status %+v", s)
	}
	if rec, err := r.engine.records.read("never"); err != nil || rec.Missing {
		t.Errorf("the next start looks again: %+v %v", rec, err)
	}
}

func TestItemGone(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	if err := r.store.Delete(t.Context(), itemKey(r.profile("work"))); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeItemGone)
	if s := r.status("work"); s.State != LoginRequired || s.Problem.Code != CodeItemGone {
		t.Errorf("status %+v", s)
	}
}

func TestSecondRequestJoinsTheFirst(t *testing.T) {
	r := newRig(t, authserver.Options{})
	urls := make(chan LoginEvent, 2)
	var faces sync.WaitGroup
	for range 2 {
		faces.Go(func() {
			if _, err := r.engine.Login(t.Context(), "work", within(time.Minute), func(ev LoginEvent) { urls <- ev }); err != nil {
				t.Error(err)
			}
		})
	}
	one, two := <-urls, <-urls
	if one.URL != two.URL || one.Joined == two.Joined {
		t.Errorf("joined %v and %v, the same URL: %v", one.Joined, two.Joined, one.URL == two.URL)
	}
	if err := r.browse(one.URL); err != nil {
		t.Fatal(err)
	}
	faces.Wait()
	if n := r.server.Stats().Codes; n != 1 {
		t.Errorf("%d codes redeemed", n)
	}
}

func TestTwoLoginsNeverMix(t *testing.T) { // R-098 F-083
	r := newRig(t, authserver.Options{})
	r.put(r.profile("other"))
	urls := map[string]chan string{"work": make(chan string, 1), "other": make(chan string, 1)}
	var faces sync.WaitGroup
	for name, u := range urls {
		faces.Go(func() {
			if _, err := r.engine.Login(t.Context(), name, within(time.Minute), func(ev LoginEvent) { u <- ev.URL }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	work, other := <-urls["work"], <-urls["other"]
	// The answer meant for one, sent to the other's listener, must not end that one's wait.
	state := func(u string) string { v, _ := url.Parse(u); return v.Query().Get("state") }
	redirect := func(u string) string { v, _ := url.Parse(u); return v.Query().Get("redirect_uri") }
	if err := visit(redirect(work) + "?code=stolen&state=" + state(other)); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{other, work} {
		if err := r.browse(u); err != nil {
			t.Fatal(err)
		}
	}
	faces.Wait()
	if r.token("work").AccessToken == r.token("other").AccessToken {
		t.Error("both have one token")
	}
}

func TestLoginRefused(t *testing.T) { // R-018 R-166 R-220 and the hostile cases of the ID token
	for _, test := range []struct {
		fault authserver.Fault
		code  string
	}{
		{authserver.AccessDenied, "access_denied"},
		{authserver.WrongIss, CodeServer},
		{authserver.MissingIss, CodeServer},
		{authserver.WrongNonce, CodeServer},
		{authserver.WrongAudience, CodeServer},
		{authserver.ExpiredIDToken, CodeServer},
		{authserver.AlgNone, CodeServer},
		{authserver.AlgHS256, CodeServer},
		{authserver.UnknownKid, CodeServer},
		{authserver.ForeignKey, CodeServer},
		{authserver.NoIDToken, CodeServer},
		{authserver.WrongTokenType, CodeServer},
		{authserver.DiscoveryOther, CodeServer},
		{authserver.TokenHuge, CodeServer},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			r := newRig(t, authserver.Options{})
			r.server.Faults().Set(test.fault, authserver.UntilCleared)
			_, err := r.tryLogin("work")
			wantError(t, err, Failed, test.code)
			if s := r.status("work"); s.State != LoggedOut {
				t.Errorf("state %s", s.State)
			}
			if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
				t.Errorf("something was stored: %v", err)
			}
			if strings.ContainsAny(err.Error(), "<>\n") {
				t.Errorf("foreign text in %q", err)
			}
			r.server.Faults().Clear()
			r.login("work") // nothing stays behind that would harm the next try
		})
	}
}

func TestFailedLoginKeepsTheOldOne(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	token := r.token("work")
	r.server.Faults().Set(authserver.AccessDenied, 1)
	_, err := r.tryLogin("work")
	wantError(t, err, Failed, "access_denied")
	if s := r.status("work"); s.State != LoggedIn || r.token("work").AccessToken != token.AccessToken {
		t.Errorf("state %s, or another token", s.State)
	}
}

func TestLoginTimeoutAndCancel(t *testing.T) { // F-079 R-094
	r := newRig(t, authserver.Options{})
	var at string
	open := func(ev LoginEvent) { at = ev.URL }
	_, err := r.engine.Login(t.Context(), "work", within(50*time.Millisecond), open)
	wantError(t, err, Failed, CodeTimeout)
	wantClosed(t, at)

	_, err = r.engine.Login(t.Context(), "work", within(time.Minute), func(ev LoginEvent) {
		open(ev)
		go func() {
			if err := r.engine.CancelLogin("work"); err != nil {
				t.Error(err)
			}
		}()
	})
	wantError(t, err, Failed, CodeCancelled)
	wantClosed(t, at)

	ctx, leave := context.WithCancel(t.Context())
	if _, err = r.engine.Login(ctx, "work", within(time.Minute), func(ev LoginEvent) { open(ev); leave() }); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if err := r.engine.CancelLogin("work"); err != nil { // waits until the abandoned one has ended
		t.Fatal(err)
	}
	wantClosed(t, at)
	if s := r.status("work"); s.State != LoggedOut {
		t.Errorf("state %s", s.State)
	}
}

// Who has logged in in time is not too late for the server's being slow.
func TestLoginAnsweredInTime(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.server.Faults().SetDelay(600 * time.Millisecond)
	r.server.Faults().Set(authserver.TokenSlow, 1)
	s, err := r.engine.Login(t.Context(), "work", within(500*time.Millisecond), func(ev LoginEvent) {
		if err := r.browse(ev.URL); err != nil {
			t.Error(err)
		}
	})
	if err != nil || s.State != LoggedIn || s.Account == "" {
		t.Fatalf("%v, state %s of %q", err, s.State, s.Account)
	}
}

// wantClosed checks that nothing listens any more at the redirect URI of an authorization request.
func wantClosed(t *testing.T, authorization string) {
	t.Helper()
	u, err := url.Parse(authorization)
	if err != nil {
		t.Fatal(err)
	}
	redirect, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", redirect.Host)
	if err == nil {
		conn.Close()
		t.Errorf("something still listens at %s", redirect.Host)
	}
}

func TestLoginSaysFirstThatNothingCanBeKept(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.engine.ready = func(context.Context, bool) error { return errNoStore }
	_, err := r.engine.Login(t.Context(), "work", within(time.Minute), func(LoginEvent) { t.Error("a page was opened") })
	wantError(t, err, Failed, CodeKeyMissing)
	r.engine.store = noStore{}
	_, err = r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLoggedOut)
	if n := len(r.server.Stats().Requests); n != 0 {
		t.Errorf("the server was asked: %v", r.server.Stats().Requests)
	}
}

// noStore is a keychain that is not there.
type noStore struct{}

var errNoStore = &keychain.Error{Object: "keychain", Kind: keychain.ErrNoKeychain, Remedy: "install one"}

func (noStore) Get(context.Context, string) ([]byte, error) { return nil, errNoStore }
func (noStore) Set(context.Context, string, []byte) error   { return errNoStore }
func (noStore) Delete(context.Context, string) error        { return errNoStore }

func TestServerDownIsTryAgain(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.server.Faults().Set(authserver.DiscoveryDown, authserver.UntilCleared)
	_, err := r.tryLogin("work")
	wantError(t, err, TryAgain, CodeServer)
	r.engine.http = &http.Client{Transport: failing{}}
	_, err = r.tryLogin("work")
	wantError(t, err, TryAgain, CodeNetwork)
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
}

func TestConfidentialClient(t *testing.T) { // R-002 R-003
	secret := "p:ss%w+rd é&="
	for _, method := range []string{"client_secret_basic", "client_secret_post", ""} {
		t.Run("method "+method, func(t *testing.T) {
			client := authserver.Client{ID: "confidential", Secret: secret, AuthMethod: method, RedirectURIs: []string{"http://127.0.0.1/callback"}}
			r := newRig(t, authserver.Options{Clients: []authserver.Client{client}})
			p := r.profile("work")
			p.ClientID, p.TokenEndpointAuthMethod = client.ID, method
			if err := r.engine.PutProfile(t.Context(), p, map[string]string{"client_secret": secret}, "", false); err != nil {
				t.Fatal(err)
			}
			r.login("work")
			if _, secrets, err := r.engine.Profile(t.Context(), "work"); err != nil || len(secrets) != 1 {
				t.Errorf("secrets %v, %v", secrets, err)
			}
		})
	}
}

func TestSecretMissing(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.TokenEndpointAuthMethod = "client_secret_basic"
	r.put(p)
	_, err := r.tryLogin("work")
	wantError(t, err, Failed, CodeNoSecret)
}

func TestFormPost(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.ResponseMode = "form_post"
	r.put(p)
	_, err := r.engine.Login(t.Context(), "work", within(time.Minute), func(ev LoginEvent) {
		u, err := url.Parse(ev.URL)
		if err != nil {
			t.Error(err)
			return
		}
		if u.Query().Get("response_mode") != "form_post" {
			t.Errorf("response_mode %q", u.Query().Get("response_mode"))
		}
		go func() {
			if err := r.engine.CancelLogin("work"); err != nil {
				t.Error(err)
			}
		}()
	})
	wantError(t, err, Failed, CodeCancelled)
}

func TestAccountWithoutIDToken(t *testing.T) { // F-172 F-173
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.Scope = profiles.List{"openid", "offline_access"}
	r.put(p)
	if s := r.login("work"); s.Account == "" {
		t.Errorf("status %+v", s)
	}
}

func TestKeychainThatAsksIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		r.engine.ready = func(context.Context, bool) error { time.Sleep(time.Minute); return nil } // somebody types a password
		var kinds []string
		_, err := r.engine.Login(t.Context(), "work", within(2*time.Minute), func(ev LoginEvent) {
			kinds = append(kinds, ev.Kind)
			if ev.Kind == "open" {
				go func() {
					if err := r.browse(ev.URL); err != nil {
						t.Error(err)
					}
				}()
			}
		})
		if err != nil || !slices.Equal(kinds, []string{"keychain", "open"}) {
			t.Errorf("%v, told %q", err, kinds)
		}
	})
}

func TestOutageInWords(t *testing.T) {
	r := newRig(t, authserver.Options{})
	for _, test := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", Name: "id.example", Server: "10.0.0.1:53", IsNotFound: true}, "there is no host named id.example"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "nothing listens there"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, "there is no network"},
	} {
		r.engine.http = &http.Client{Transport: refusing{test.err}}
		_, err := r.tryLogin("work")
		wantError(t, err, TryAgain, CodeNetwork)
		var said *Error
		if errors.As(err, &said); !strings.Contains(said.Sentence, test.want) || strings.Contains(said.Sentence, "10.0.0.1") || strings.Contains(said.Remedy, "is kept") {
			t.Errorf("%q; %q", said.Sentence, said.Remedy)
		}
	}
}

type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

// hosts is a transport that notes where requests go.
type hosts struct {
	http.RoundTripper
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (h *hosts) RoundTrip(request *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.seen[request.URL.Host] = true
	h.mu.Unlock()
	return h.RoundTripper.RoundTrip(request)
}

func TestNoOtherHostIsAsked(t *testing.T) {
	r := newRig(t, authserver.Options{})
	asked := &hosts{RoundTripper: r.server.Transport(), seen: map[string]bool{}}
	r.http = &http.Client{Transport: asked}
	r.reopen()
	r.login("work")
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.engine.Logout(t.Context(), "work", false); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	if len(asked.seen) != 1 || !asked.seen[u.Host] {
		t.Errorf("asked %v, the profile names %s", asked.seen, u.Host)
	}
}
