package session

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

func TestTokenIsRefreshedBeforeItEnds(t *testing.T) { // F-133 F-134 R-012
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		first := r.token("work")
		time.Sleep(8 * time.Minute)
		if again := r.token("work"); again.AccessToken != first.AccessToken {
			t.Error("a token with two minutes left was refreshed")
		}
		time.Sleep(90 * time.Second)
		second := r.token("work")
		if second.AccessToken == first.AccessToken {
			t.Fatal("a token with 30 s left was handed out")
		}
		if !r.works(second.AccessToken) {
			t.Error("the refreshed token does not work")
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d refresh tokens spent twice", n)
		}
	})
}

func TestMinTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		first := r.token("work")
		time.Sleep(2 * time.Minute)
		h, err := r.engine.Token(t.Context(), "work", 9*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if h.AccessToken == first.AccessToken || time.Until(*h.ExpiresAt) < 9*time.Minute {
			t.Errorf("asked for 9m, got %s", time.Until(*h.ExpiresAt))
		}
		before := r.server.Stats().Refreshes
		_, err = r.engine.Token(t.Context(), "work", time.Hour)
		wantError(t, err, Failed, CodeMinTTL)
		if r.server.Stats().Refreshes != before {
			t.Error("a refresh token was spent for a life the server never gives")
		}
	})
}

func TestShortLivedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 20 * time.Second})
		r.login("work")
		first := r.token("work")
		time.Sleep(11 * time.Second)
		if r.token("work").AccessToken == first.AccessToken {
			t.Error("less than half of a short life was handed out")
		}
	})
}

func TestManyCallersOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().SetDelay(time.Second)
		r.server.Faults().Set(authserver.TokenSlow, 1)
		tokens := make([]string, 50)
		var callers sync.WaitGroup
		for i := range tokens {
			callers.Go(func() { tokens[i] = r.token("work").AccessToken })
		}
		callers.Wait()
		for _, token := range tokens {
			if token != tokens[0] {
				t.Error("callers got different tokens")
			}
		}
		if stats := r.server.Stats(); stats.Refreshes != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("%d refreshes, %d families revoked", stats.Refreshes, stats.FamiliesRevoked)
		}
	})
}

func TestRefreshWithoutNewRefreshTokenKeepsTheOld(t *testing.T) { // R-012 R-244 F-140
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		r.server.Faults().Set(authserver.NoRefreshToken, authserver.UntilCleared)
		for range 3 {
			time.Sleep(10 * time.Minute)
			if !r.works(r.token("work").AccessToken) {
				t.Fatal("the token does not work")
			}
		}
	})
}

func TestLostAnswerIsRetriedAtOnce(t *testing.T) { // design.md decision 6, platform.md "Time"
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: 5 * time.Second})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().Set(authserver.TokenLost, 1)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if stats := r.server.Stats(); stats.GraceUsed != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("grace used %d times, %d families revoked", stats.GraceUsed, stats.FamiliesRevoked)
		}
	})
}

func TestHalfAnAnswerIsALostOne(t *testing.T) { // design.md decision 6
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: 5 * time.Second})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().Set(authserver.TokenTruncated, 1)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if stats := r.server.Stats(); stats.GraceUsed != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("grace used %d times, %d families revoked", stats.GraceUsed, stats.FamiliesRevoked)
		}
	})
}

// TestGatewayWithoutAnswer: a gateway that got no answer (504) says nothing of what the server behind it has done.
func TestGatewayWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: 5 * time.Second})
		r.login("work")
		go r.engine.Run(t.Context())
		r.server.Faults().Set(authserver.TokenGateway, 1)
		time.Sleep(10 * time.Minute)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if stats := r.server.Stats(); stats.GraceUsed != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("grace used %d times, %d families revoked", stats.GraceUsed, stats.FamiliesRevoked)
		}
		r.engine.Close()
	})
}

// TestLostAnswerIsPursued loses the answer and then meets a server that is down for some seconds of its grace: the loop alone,
// also in an agent that starts meanwhile, is back before the grace ends. R-306
func TestLostAnswerIsPursued(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: 10 * time.Second})
			r.login("work")
			r.server.Faults().Set(authserver.TokenError, authserver.UntilCleared)
			for range 6 { // failures of before make the pauses long
				time.Sleep(3 * time.Second)
				_, err := r.engine.Refresh(t.Context(), "work")
				wantError(t, err, TryAgain, CodeServer)
			}
			r.server.Faults().Clear()
			r.server.Faults().Set(authserver.TokenLost, 2)
			if _, err := r.engine.Refresh(t.Context(), "work"); err == nil {
				t.Fatal("no answer was lost")
			}
			r.server.Faults().Set(authserver.TokenError, authserver.UntilCleared)
			if restart {
				r.reopen()
			}
			go r.engine.Run(t.Context())
			time.Sleep(6 * time.Second)
			r.server.Faults().Clear()
			time.Sleep(5 * time.Second)
			if s := r.status("work"); s.State != LoggedIn || s.Problem != nil {
				t.Errorf("restart %v: %s, %+v", restart, s.State, s.Problem)
			}
			if stats := r.server.Stats(); stats.GraceUsed != 2 || stats.FamiliesRevoked != 0 {
				t.Errorf("restart %v: grace used %d times, %d families revoked", restart, stats.GraceUsed, stats.FamiliesRevoked)
			}
		})
	}
}

func TestOutageIsNotALogout(t *testing.T) { // design.md decision 6
	for _, fault := range []authserver.Fault{authserver.TokenUnavailable, authserver.TokenBusy, authserver.TokenError, authserver.TokenHTML, authserver.TokenCut} {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
				r.login("work")
				go r.engine.Run(t.Context())
				r.server.Faults().Set(fault, authserver.UntilCleared)
				time.Sleep(30 * time.Minute)
				s := r.status("work")
				if s.State != Offline || s.Problem == nil || s.Problem.NextTry == nil {
					t.Fatalf("state %s, problem %+v", s.State, s.Problem)
				}
				if strings.ContainsAny(s.Problem.Sentence, "<>") {
					t.Errorf("HTML in %q", s.Problem.Sentence)
				}
				_, err := r.engine.Token(t.Context(), "work", -1)
				var code = s.Problem.Code
				wantError(t, err, TryAgain, code)
				tries := 0
				for _, n := range r.server.Stats().Requests {
					tries += n
				}
				if tries > 60 {
					t.Errorf("%d requests in half an hour of outage", tries)
				}
				r.server.Faults().Clear()
				time.Sleep(7 * time.Minute)
				if s := r.status("work"); s.State != LoggedIn || s.Problem != nil {
					t.Fatalf("after the outage: %s %+v", s.State, s.Problem)
				}
				if !r.works(r.token("work").AccessToken) {
					t.Error("the token does not work")
				}
			})
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) { // R-042, decision 6
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		go r.engine.Run(t.Context())
		r.server.Faults().SetRetryAfter(20 * time.Minute)
		r.server.Faults().Set(authserver.TokenUnavailable, 1)
		time.Sleep(9*time.Minute + 50*time.Second)
		asked := r.server.Stats().Requests["token"]
		time.Sleep(15 * time.Minute)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeServer)
		if n := r.server.Stats().Requests["token"]; n != asked {
			t.Errorf("asked %d times although the server wanted 20 minutes of peace", n-asked)
		}
		time.Sleep(10 * time.Minute)
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("state %s after Retry-After", s.State)
		}
	})
}

func TestEndOfLoginIsSaidOnce(t *testing.T) { // F-139
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		go r.engine.Run(t.Context())
		r.server.RevokeAll()
		time.Sleep(time.Hour)
		s := r.status("work")
		if s.State != LoginRequired || s.Problem == nil || s.Problem.Code != "invalid_grant" {
			t.Fatalf("state %s, problem %+v", s.State, s.Problem)
		}
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, LogInFirst, "invalid_grant")
		if n := r.server.Stats().Requests["token"]; n != 2 {
			t.Errorf("%d token requests, want the login's and one refresh", n)
		}
		r.reopen()
		if s := r.status("work"); s.State != LoginRequired {
			t.Errorf("after a restart: %s", s.State)
		}
		r.login("work")
		if s := r.status("work"); s.State != LoggedIn || s.Problem != nil {
			t.Errorf("after a new login: %s %+v", s.State, s.Problem)
		}
	})
}

func TestStoredBeforeShown(t *testing.T) { // design.md decision 3
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		store := &brokenStore{Store: r.store}
		store.broken.Store(true)
		r.engine.store = store
		time.Sleep(10 * time.Minute)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeKeySlow)
		_, err = r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeKeySlow)
		store.broken.Store(false)
		time.Sleep(time.Minute)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if stats := r.server.Stats(); stats.Refreshes != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("%d refreshes, %d families revoked: the token kept in memory was lost", stats.Refreshes, stats.FamiliesRevoked)
		}
	})
}

func TestLoserOfARaceAdoptsTheWinners(t *testing.T) { // design.md decision 3: never deletes
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		other, err := New(Options{Profiles: r.file, Store: r.store, Dir: t.TempDir(), HTTP: r.http})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.Token(t.Context(), "work", -1); err != nil { // it has read the item, by the rig's login
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		// The other one is first; the server here forgives no reuse, so ours is refused and must look again.
		if _, err := other.Token(t.Context(), "work", -1); err != nil {
			t.Fatal(err)
		}
		r.server.Faults().Set(authserver.InvalidGrant, 1)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("state %s", s.State)
		}
	})
}

func TestRefreshNow(t *testing.T) { // F-007 F-143
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		first := r.token("work")
		time.Sleep(time.Second)
		s, err := r.engine.Refresh(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		if s.State != LoggedIn || r.token("work").AccessToken == first.AccessToken {
			t.Errorf("state %s, token unchanged", s.State)
		}
	})
}

func TestWithoutRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.NoRefresh = true
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour, Clients: []authserver.Client{client}})
		p := r.profile("work")
		p.Scope = []string{"openid", "profile"}
		r.put(p)
		r.login("work")
		go r.engine.Run(t.Context())
		if s := r.status("work"); s.State != LoggedIn || s.Refreshable {
			t.Fatalf("state %s refreshable %v", s.State, s.Refreshable)
		}
		time.Sleep(51 * time.Minute)
		s := r.status("work")
		if s.State != Expiring || s.Problem == nil || s.Problem.Code != CodeNotRefreshable || !strings.Contains(s.Problem.Remedy, "offline_access") {
			t.Fatalf("state %s, problem %+v", s.State, s.Problem)
		}
		if want := s.ExpiresAt.Add(-10 * time.Minute); !s.Problem.Since.Equal(want) {
			t.Errorf("since %s, want %s", s.Problem.Since, want)
		}
		if _, err := r.engine.Token(t.Context(), "work", 0); err != nil {
			t.Errorf("a token with nine minutes left: %v", err)
		}
		time.Sleep(9 * time.Minute)
		if s := r.status("work"); s.State != LoginRequired || s.Problem.Code != CodeTokenEnded {
			t.Fatalf("state %s, problem %+v", s.State, s.Problem)
		}
		_, err := r.engine.Token(t.Context(), "work", 0)
		wantError(t, err, LogInFirst, CodeNotRefreshable)
		_, err = r.engine.Refresh(t.Context(), "work")
		wantError(t, err, LogInFirst, CodeNotRefreshable)
	})
}

func TestShortTokenEndsSoonSinceTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.NoRefresh = true
		r := newRig(t, authserver.Options{AccessTokenTTL: 5 * time.Minute, Clients: []authserver.Client{client}})
		s := r.login("work")
		if s.State != Expiring || s.Problem == nil || !s.Problem.Since.Equal(*s.ObtainedAt) {
			t.Errorf("%s, obtained %s, %+v", s.State, s.ObtainedAt, s.Problem)
		}
	})
}

func TestFourAtATimeOnePerIssuer(t *testing.T) { // design.md decision 7
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		for _, name := range []string{"a", "b", "c"} {
			r.put(r.profile(name))
			r.login(name)
		}
		time.Sleep(10 * time.Minute)
		r.server.Faults().SetDelay(10 * time.Second)
		r.server.Faults().Set(authserver.TokenSlow, authserver.UntilCleared)
		began := time.Now()
		var callers sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			callers.Go(func() { r.token(name) })
		}
		callers.Wait()
		if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("three refreshes at one issuer took %s: they overlapped or dawdled", took)
		}
	})
}

// queue has a caller for a token of each login, one after the other, at a server that is 25 s slow with each; it returns what waits
// for all of them.
func (r *rig) queue(slow authserver.Fault, names ...string) (wait func()) {
	r.t.Helper()
	time.Sleep(10 * time.Minute) // the tokens have ended
	r.server.Faults().SetDelay(25 * time.Second)
	r.server.Faults().Set(slow, len(names))
	var callers sync.WaitGroup
	for _, name := range names {
		callers.Go(func() {
			if token := r.token(name).AccessToken; !r.works(token) {
				r.t.Errorf("the token of %s does not work", name)
			}
		})
		synctest.Wait()
	}
	return callers.Wait
}

// A refresh that queued for long, behind others at a server that is slow, has for its answer what each of them had: cut off, it
// would be lost, and the token is spent. R-306
func TestAnswerAfterAQueueIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		names := []string{"a", "b", "c", "d"}
		for _, name := range names {
			r.put(r.profile(name))
			r.login(name)
		}
		r.login("work")
		wait := r.queue(authserver.TokenLate, names...)
		_, err := r.engine.Token(t.Context(), "work", -1) // the fifth: nothing is spent of it
		wantError(t, err, TryAgain, CodeBusy)
		wait()
		if stats := r.server.Stats(); stats.Refreshes != len(names) || stats.FamiliesRevoked != 0 {
			t.Errorf("%d refreshes, %d families revoked", stats.Refreshes, stats.FamiliesRevoked)
		}
	})
}

// obedient is a store that, like a keychain's daemon, tells nothing to who has no time left.
type obedient struct{ Store }

func (o obedient) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return o.Store.Get(ctx, key)
}

// The same of what is looked for after a refusal: whether another agent has stored a newer token meanwhile.
func TestLoserOfARaceAfterAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.engine.Close()
		r.store = obedient{r.store}
		r.open()
		names := []string{"a", "b", "c", "work"}
		for _, name := range names {
			r.put(r.profile(name))
			r.login(name)
		}
		other, err := New(Options{Profiles: r.file, Store: r.store, Dir: t.TempDir(), HTTP: r.http})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		wait := r.queue(authserver.TokenSlow, names...)
		time.Sleep(80 * time.Second) // the last one's request is under way
		if _, err := other.Token(t.Context(), "work", -1); err != nil {
			t.Error(err)
		}
		r.server.Faults().Set(authserver.InvalidGrant, 1)
		wait()
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("state %s", s.State)
		}
	})
}
