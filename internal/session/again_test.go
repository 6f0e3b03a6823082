package session

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
)

func TestMendedProfileIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		go r.engine.Run(t.Context())
		r.server.Faults().Set(authserver.InvalidClient, authserver.UntilCleared)
		time.Sleep(11 * time.Minute)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, Failed, "invalid_client")
		if s := r.status("work"); s.State != Unusable {
			t.Errorf("state %s", s.State)
		}
		r.server.Faults().Clear()
		if err := r.engine.PutProfile(t.Context(), r.profile("work"), map[string]string{"client_secret": ""}, "", false); err != nil {
			t.Fatal(err)
		}
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
	})
}

func TestMendedServerIsTriedWithinAMinuteOfAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().Set(authserver.InvalidClient, authserver.UntilCleared)
		asked := r.server.Stats().Requests["token"]
		for range 60 {
			_, err := r.engine.Token(t.Context(), "work", -1)
			wantError(t, err, Failed, "invalid_client")
			time.Sleep(500 * time.Millisecond)
		}
		if n := r.server.Stats().Requests["token"] - asked; n != 1 {
			t.Errorf("a script that asks all the time asked the server %d times in half a minute", n)
		}
		r.server.Faults().Clear() // the console was put right
		time.Sleep(time.Minute)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
	})
}

// portal is a network that answers every connection with a certificate of its own, as a captive portal does, while on.
type portal struct {
	http.RoundTripper
	on *atomic.Bool
}

func (p portal) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.on.Load() {
		return nil, x509.UnknownAuthorityError{}
	}
	return p.RoundTripper.RoundTrip(r)
}

func TestCaptivePortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		on := &atomic.Bool{}
		r.http = &http.Client{Transport: portal{r.server.Transport(), on}}
		r.reopen()
		r.login("work")
		go r.engine.Run(t.Context())
		on.Store(true)
		time.Sleep(10 * time.Minute)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, Failed, CodeServer)
		on.Store(false)
		r.engine.NetworkChanged()
		time.Sleep(time.Second)
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("a second after the network changed: %s, %+v", s.State, s.Problem)
		}
	})
}

func TestLoginAgainRightAfterLeaving(t *testing.T) {
	r := newRig(t, authserver.Options{})
	for range 20 {
		ctx, leave := context.WithCancel(t.Context())
		if _, err := r.engine.Login(ctx, "work", within(time.Minute), func(LoginEvent) { leave() }); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		r.login("work") // Ctrl-C, arrow up, Enter: a login of its own, not the end of the other one
	}
}

func TestClosedEngineSpendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.put(r.profile("other"))
		r.login("work")
		r.login("other")
		time.Sleep(10 * time.Minute)
		r.server.Faults().SetDelay(5 * time.Second)
		r.server.Faults().Set(authserver.TokenSlow, 1)
		answers := make(chan error, 2)
		for _, name := range []string{"work", "other"} { // one issuer: the second one queues
			go func() {
				_, err := r.engine.Token(t.Context(), name, -1)
				answers <- err
			}()
			synctest.Wait()
		}
		r.engine.Close()
		if n := r.server.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes, want the one that was under way", n)
		}
		done := 0
		for range 2 {
			if err := <-answers; err == nil {
				done++
			} else {
				wantError(t, err, Failed, CodeStopping)
			}
		}
		if done != 1 {
			t.Errorf("%d got a token", done)
		}
		_, err := r.engine.Token(t.Context(), "other", -1)
		wantError(t, err, Failed, CodeStopping)
		_, err = r.tryLogin("other")
		wantError(t, err, Failed, CodeStopping)
		if n := r.server.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes after the end", n)
		}
	})
}

func TestStartAfterAnInterruptedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour})
		r.login("work")
		// What a kill between the request and its answer leaves: the token may be spent, and the server's grace is short.
		if err := r.engine.intend(t.Context(), "work", r.engine.logins["work"].held, time.Time{}); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		go r.engine.Run(t.Context())
		time.Sleep(time.Second)
		if n := r.server.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes a second after the start", n)
		}
		time.Sleep(30 * time.Minute)
		if n := r.server.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes half an hour later", n)
		}
	})
}

// shift moves the times of the stored token set, as a clock that was wrong then would have written them.
func (r *rig) shift(by time.Duration) {
	r.t.Helper()
	r.shiftItem(itemKey(r.profile("work")), by)
}

func (r *rig) shiftItem(key string, by time.Duration) {
	r.t.Helper()
	text, err := r.store.Get(r.t.Context(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	set, err := unseal(text)
	if err != nil {
		r.t.Fatal(err)
	}
	set.ObtainedAt, set.ExpiresAt = set.ObtainedAt.Add(by), set.ExpiresAt.Add(by)
	if text, err = set.seal(); err == nil {
		err = r.store.Set(r.t.Context(), key, text)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestClockPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour})
		r.login("work")
		r.shift(8 * time.Hour)
		r.reopen()
		time.Sleep(2 * time.Hour) // long over at the server, seven hours left by the record
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}

		r.shift(8 * time.Hour)
		if err := r.engine.records.remove("work"); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		if _, err := r.engine.load(t.Context(), "work"); err != nil { // mends the record
			t.Fatal(err)
		}
		before := r.server.Stats().Refreshes
		go r.engine.Run(t.Context())
		time.Sleep(time.Minute)
		if n := r.server.Stats().Refreshes - before; n != 1 {
			t.Errorf("the loop refreshed %d times", n)
		}
	})
}

func TestNextTryOfAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().Set(authserver.TokenUnavailable, 1)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeServer)
		r.engine.mu.Lock()
		rec := &r.engine.logins["work"].rec
		rec.NextTry, rec.Failing.lastTry = rec.NextTry.Add(8*time.Hour), rec.Failing.lastTry.Add(8*time.Hour)
		for issuer, b := range r.engine.breakers {
			b.last, b.until = b.last.Add(8*time.Hour), b.until.Add(8*time.Hour)
			r.engine.breakers[issuer] = b
		}
		r.engine.mu.Unlock()
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
	})
}

func TestRefreshBeforeTheRefreshTokenEnds(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r := record{Name: "work", Kept: true, Refreshable: true, ObtainedAt: at, ExpiresAt: at.Add(2 * time.Hour), RefreshExpires: at.Add(time.Hour)}
	due, ok := dueAt(&r, 0, "")
	if !ok || !due.Before(r.RefreshExpires) || due.Before(at.Add(30*time.Minute)) {
		t.Errorf("due at %s, the refresh token ends at %s", due, r.RefreshExpires)
	}
	// A server that does not move the end: the refresh that was made for it is not made again.
	r.ObtainedAt, r.ExpiresAt = due, due.Add(2*time.Hour)
	if again, _ := dueAt(&r, 0, ""); again.Before(r.RefreshExpires) && again.Sub(due) < time.Minute {
		t.Errorf("due again at %s, %s after the last", again, again.Sub(due))
	}
}

// oneRevocation lets one revocation pass and answers 503 to the others.
type oneRevocation struct {
	http.RoundTripper
	seen atomic.Int32
}

func (o *oneRevocation) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "revo") && o.seen.Add(1) > 1 {
		return nil, errors.New("connection refused")
	}
	return o.RoundTripper.RoundTrip(r)
}

func TestRevokedHalfwayIsLoggedOut(t *testing.T) { // the refresh token is gone at the server and must not be used again
	r := newRig(t, authserver.Options{})
	r.login("work")
	r.engine.http = &http.Client{Transport: &oneRevocation{RoundTripper: r.server.Transport()}}
	s, err := r.engine.Logout(t.Context(), "work", false)
	if err != nil || s.State != LoggedOut {
		t.Errorf("state %s, %v", s.State, err)
	}
}

func TestExplanations(t *testing.T) {
	certificate := &oauth.Error{Endpoint: "https://as.example/token", Err: x509.UnknownAuthorityError{}}
	for name, test := range map[string]struct {
		err  error
		kind Kind
		code string
	}{
		"certificate":   {certificate, Failed, CodeServer},
		"not found":     {&oauth.Error{Endpoint: "https://as.example/.well-known/openid-configuration", Status: 404}, Failed, CodeServer},
		"down":          {&oauth.Error{Status: 503}, TryAgain, CodeServer},
		"invalid scope": {&oauth.Error{Code: oauth.InvalidScope, Status: 400}, Failed, "invalid_scope"},
		"cancelled":     {context.Canceled, Failed, CodeStopping},
	} {
		said := Explain("work", test.err)
		if said.Kind != test.kind || said.Code != test.code || said.Remedy == "" || !strings.HasPrefix(said.Sentence, "profile work: ") {
			t.Errorf("%s: %d %s %q %q", name, said.Kind, said.Code, said.Sentence, said.Remedy)
		}
		if test.code == CodeServer && strings.Contains(said.Remedy, "look the code up") {
			t.Errorf("%s: there is no code to look up: %q", name, said.Remedy)
		}
	}
}
