package session

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
)

// hung is a keychain that ends the goroutine that asks it, as a kill would end the process, or refuses.
type hung struct {
	Store
	kill, gone atomic.Bool
}

func (h *hung) Set(ctx context.Context, key string, value []byte) error {
	if strings.HasPrefix(key, "token/") {
		if h.kill.Load() {
			runtime.Goexit()
		}
		if h.gone.Load() {
			return &keychain.Error{Object: "keychain", Kind: keychain.ErrNoKeychain}
		}
	}
	return h.Store.Set(ctx, key, value)
}

// Delete deletes first: a kill comes after that.
func (h *hung) Delete(ctx context.Context, key string) error {
	err := h.Store.Delete(ctx, key)
	if strings.HasPrefix(key, "token/") && h.kill.Load() {
		runtime.Goexit()
	}
	return err
}

func (h *hung) Get(ctx context.Context, key string) ([]byte, error) {
	if h.gone.Load() {
		return nil, &keychain.Error{Object: "keychain", Kind: keychain.ErrNoKeychain}
	}
	return h.Store.Get(ctx, key)
}

// abandon starts another engine on what the rig has kept, as after kill -9: the one before is left where it stands.
func (r *rig) abandon() {
	r.t.Helper()
	r.step = nil
	r.open()
}

// killAt runs work and ends its flight for good at the step.
func (r *rig) killAt(step string, work func()) {
	r.t.Helper()
	r.engine.Close()
	reached := make(chan struct{})
	r.step = func(at string) {
		if at == step {
			close(reached)
			runtime.Goexit()
		}
	}
	r.open()
	go work()
	<-reached
	synctest.Wait()
}

// TestKilledAtEveryStep ends a refresh for good at each step that a rotation passes. At a server that forgives nothing, no step
// asks for a login but the one between the request and the durable answer, which nobody but the server can help.
func TestKilledAtEveryStep(t *testing.T) {
	for _, step := range Steps {
		if strings.HasPrefix(step, "keychain/") {
			continue // package keychain's own TestCrashAtEveryStep
		}
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lossy := step == StepAnswered
				grace := time.Duration(-1)
				if lossy {
					grace = 10 * time.Second
				}
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: grace})
				r.login("work")
				first := r.token("work").AccessToken
				r.killAt(step, func() { _, _ = r.engine.Refresh(t.Context(), "work") })
				r.abandon()
				go r.engine.Run(t.Context())
				time.Sleep(5 * time.Second)
				synctest.Wait()
				h := r.token("work")
				if !r.works(h.AccessToken) {
					t.Error("the token does not work")
				}
				// What the server had answered before is what is used: at most the lost answer costs one more request.
				stats := r.server.Stats()
				if stats.FamiliesRevoked != 0 || stats.Logins != 1 {
					t.Errorf("%d families revoked, %d logins", stats.FamiliesRevoked, stats.Logins)
				}
				most := 1
				if lossy {
					most = 2
				}
				if stats.Refreshes > most {
					t.Errorf("%d refreshes, want %d", stats.Refreshes, most)
				}
				if step != StepLooked && step != "journal/reserved" && h.AccessToken == first {
					t.Error("still the token of before: neither was the answer taken up nor the token asked for again")
				}
				time.Sleep(30 * time.Minute)
				if s := r.status("work"); s.State != LoggedIn {
					t.Errorf("half an hour later: %s, %+v", s.State, s.Problem)
				}
				r.engine.Close()
			})
		})
	}
}

// TestAnswerSurvivesKeychainAndAgent takes the keychain away while the answer is on its way, and then the agent: the answer was
// durable before, and is stored when both are back.
func TestAnswerSurvivesKeychainAndAgent(t *testing.T) {
	for _, way := range []string{"refused, then killed", "killed within the call"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
				r.login("work")
				store := &hung{Store: r.store}
				r.engine.store, r.store = store, store
				time.Sleep(10 * time.Minute)
				if way == "killed within the call" {
					store.kill.Store(true)
					go func() { _, _ = r.engine.Token(t.Context(), "work", -1) }()
					synctest.Wait()
				} else {
					r.engine.passed = func(step string) {
						if step == StepAnswered {
							store.gone.Store(true)
						}
					}
					_, err := r.engine.Token(t.Context(), "work", -1)
					wantError(t, err, TryAgain, CodeKeyMissing)
					if said := err.Error() + Explain("work", err).Remedy; !strings.Contains(said, "sealed on the disk") {
						t.Errorf("said %q", said)
					}
				}
				store.kill.Store(false)
				store.gone.Store(true)
				r.abandon()
				go r.engine.Run(t.Context())
				time.Sleep(10 * time.Minute)
				_, err := r.engine.Token(t.Context(), "work", -1)
				wantError(t, err, TryAgain, CodeKeyMissing)
				store.gone.Store(false)
				time.Sleep(6 * time.Minute)
				if s := r.status("work"); s.State != LoggedIn {
					t.Fatalf("after the keychain came back: %s %+v", s.State, s.Problem)
				}
				if !r.works(r.token("work").AccessToken) {
					t.Error("the token does not work")
				}
				if n := r.server.Stats().ReuseDetected; n != 0 {
					t.Errorf("%d tokens spent twice: the answer was not taken up", n)
				}
				r.engine.Close()
			})
		})
	}
}

// TestLoginSurvivesKeychainAndAgent is the same for the first token of a login.
func TestLoginSurvivesKeychainAndAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		if err := r.engine.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		store := &brokenStore{Store: r.store}
		store.broken.Store(true)
		r.engine.store = store
		_, err := r.tryLogin("work")
		wantError(t, err, TryAgain, CodeKeySlow)
		r.abandon() // on the store that works
		go r.engine.Run(t.Context())
		time.Sleep(time.Minute)
		if s := r.status("work"); s.State != LoggedIn || s.Account == "" {
			t.Fatalf("%s %+v", s.State, s.Problem)
		}
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		r.engine.Close()
	})
}

// TestLostAnswerIsSaidWhenTheLoginEnds kills the agent between the answer and the disk at a server that forgives nothing: the old
// token is tried once, and the reason is told with the request for a login.
func TestLostAnswerIsSaidWhenTheLoginEnds(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 24 * time.Hour} { // within the grace window and long after
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: 48 * time.Hour, RotationGrace: -1})
			r.login("work")
			r.killAt(StepAnswered, func() { _, _ = r.engine.Refresh(t.Context(), "work") })
			time.Sleep(after)
			r.abandon()
			go r.engine.Run(t.Context())
			time.Sleep(10 * time.Minute)
			s := r.status("work")
			if s.State != LoginRequired || s.Problem == nil || s.Problem.Code != CodeAnswerLost || !strings.Contains(s.Problem.Sentence, "an answer of the server was lost") {
				t.Fatalf("after %s: %s, %+v", after, s.State, s.Problem)
			}
			if n := r.server.Stats().ReuseDetected; n != 1 {
				t.Errorf("the old token was sent %d times, want once", n)
			}
			r.login("work")
			r.engine.Close()
		})
	}
}

// TestLogoutElsewhereOutranksTheJournal: what another agent has ended is not brought back by an answer that was left here.
func TestLogoutElsewhereOutranksTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		r.killAt("journal/answered", func() { _, _ = r.engine.Refresh(t.Context(), "work") })
		if err := r.store.Delete(t.Context(), itemKey(r.profile("work"))); err != nil {
			t.Fatal(err)
		}
		r.abandon()
		go r.engine.Run(t.Context())
		time.Sleep(10 * time.Minute)
		if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
			t.Errorf("the item is back: %v", err)
		}
		r.login("work")
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		r.engine.Close()
	})
}

// TestLogoutIsNotUndone kills an agent within the logout of a login that the keychain had not taken yet: what the journal has of it is
// not stored by the next one.
func TestLogoutIsNotUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		store := &hung{Store: r.store}
		r.store, r.step = store, func(step string) { store.gone.Store(store.gone.Load() || step == "journal/answered") }
		r.reopen()
		_, err := r.tryLogin("work")
		wantError(t, err, TryAgain, CodeKeyMissing)
		store.gone.Store(false)
		store.kill.Store(true)
		go func() { _, _ = r.engine.Logout(t.Context(), "work", true) }()
		synctest.Wait()
		store.kill.Store(false)
		r.abandon()
		go r.engine.Run(t.Context())
		time.Sleep(time.Minute)
		if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
			t.Errorf("the item is back: %v", err)
		}
		_, err = r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, LogInFirst, CodeLoggedOut)
		r.engine.Close()
	})
}

// TestNothingIsLeftToDoWithoutTheItem: what an agent that was killed has left belongs to an item that is gone. The login is over, said
// as that, and the loop does not run in circles over it.
func TestNothingIsLeftToDoWithoutTheItem(t *testing.T) {
	for _, step := range []string{StepSpending, "journal/answered"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
			r.login("work")
			r.killAt(step, func() { _, _ = r.engine.Refresh(t.Context(), "work") })
			if err := r.store.Delete(t.Context(), itemKey(r.profile("work"))); err != nil {
				t.Fatal(err)
			}
			r.abandon()
			go r.engine.Run(t.Context())
			time.Sleep(10 * time.Minute)
			if _, err := r.engine.Token(t.Context(), "work", -1); Explain("work", err).Kind != LogInFirst {
				t.Errorf("%s: %v", step, err)
			}
			looks := func() int { r.engine.mu.Lock(); defer r.engine.mu.Unlock(); return r.engine.looks }
			before := looks()
			time.Sleep(time.Hour)
			if n := looks() - before; n > 10 {
				t.Errorf("%s: looked at %d times in an hour", step, n)
			}
			r.login("work")
			if !r.works(r.token("work").AccessToken) {
				t.Errorf("%s: the token does not work", step)
			}
			r.engine.Close()
		})
	}
}

// keysHang has the issuer's keys never come.
type keysHang struct{ http.RoundTripper }

func (k keysHang) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/jwks") {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return k.RoundTripper.RoundTrip(r)
}

// TestAnswerIsKeptBeforeItIsChecked: the check of a new id_token may have to fetch keys, for as long as that takes. The answer is durable
// before that.
func TestAnswerIsKeptBeforeItIsChecked(t *testing.T) {
	for _, what := range []string{"refresh", "another token"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
			r.login("work")
			r.http = &http.Client{Transport: keysHang{r.server.Transport()}}
			r.reopen() // knows no keys
			over := make(chan struct{})
			go func() {
				defer close(over)
				if what == "refresh" {
					_, _ = r.engine.Refresh(t.Context(), "work")
				} else {
					_, _ = r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"openid", "api"}}, -1)
				}
			}()
			synctest.Wait()
			select {
			case <-over:
				t.Errorf("%s: nobody waited for keys", what)
			default:
			}
			abandoned := r.engine
			r.http = &http.Client{Transport: r.server.Transport()}
			r.spenders = t.TempDir() // the one that was killed holds its turn no more
			r.abandon()
			if !r.works(r.token("work").AccessToken) {
				t.Errorf("%s: the token does not work", what)
			}
			if _, err := r.engine.Refresh(t.Context(), "work"); err != nil || r.server.Stats().ReuseDetected != 0 {
				t.Errorf("%s: %v, %d tokens spent twice", what, err, r.server.Stats().ReuseDetected)
			}
			r.engine.Close()
			abandoned.Close()
			<-over
		})
	}
}

// givingUp has the caller give up when the server has answered and the answer has not arrived.
type givingUp struct {
	http.RoundTripper
	giveUp func()
}

func (g givingUp) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.RoundTripper.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "/token") {
		g.giveUp()
	}
	if gone := r.Context().Err(); gone != nil {
		return nil, gone
	}
	return answer, err
}

// Another token of a login spends its refresh token, too. Who asked for it may go away meanwhile; what came back is kept.
func TestSecondTokenOfACallerWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{RotationGrace: -1, AccessTokenTTL: time.Hour})
		r.login("work")
		ctx, cancel := context.WithCancel(t.Context())
		r.engine.http = &http.Client{Transport: givingUp{r.server.Transport(), cancel}}
		_, _ = r.engine.TokenFor(ctx, TokenQuery{Name: "work", Scope: []string{"api"}}, -1)
		if ctx.Err() == nil {
			t.Fatal("nobody gave up")
		}
		r.engine.http = &http.Client{Transport: r.server.Transport()}
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Errorf("the login is lost: %v", err)
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d families revoked", n)
		}
	})
}

// TestSecondTokenFinishesTheLastRotation: another token of a login is got with the newest refresh token, also when that one is
// not in the keychain yet.
func TestSecondTokenFinishesTheLastRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := unsaved(t)
		if _, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1); err != nil {
			t.Fatal(err)
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d tokens spent twice", n)
		}
	})
}

// Watchers are told that the last rotation is finished also by who then gets a token that was at hand.
func TestFinishedByASecondTokenIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		other := func() {
			t.Helper()
			if _, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(8 * time.Minute)
		other()
		store := &brokenStore{Store: r.store}
		store.broken.Store(true)
		r.engine.store = store
		time.Sleep(2 * time.Minute)
		_, err := r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeKeySlow)
		store.broken.Store(false)
		told := State("")
		over := make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			defer close(over)
			_ = r.engine.Watch(ctx, func(_ bool, changed []Status, _ []string) error {
				told = changed[0].State
				return nil
			})
		}()
		synctest.Wait()
		if told != Offline {
			t.Errorf("at first: %s", told)
		}
		other()
		synctest.Wait()
		if told != LoggedIn {
			t.Errorf("then: %s", told)
		}
		stop()
		<-over
	})
}

// TestOneRetryAfterALostAnswer counts what is sent: a lost answer costs one more request at once, and a start that finds an intent
// is that one more.
func TestOneRetryAfterALostAnswer(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
			r.login("work")
			want := 2
			if interrupted {
				want = 1
				r.killAt(StepSpending, func() { _, _ = r.engine.Refresh(t.Context(), "work") })
				r.abandon()
			}
			before := r.server.Stats().Requests["token"]
			r.server.Faults().Set(authserver.TokenCut, authserver.UntilCleared)
			_, err := r.engine.Refresh(t.Context(), "work")
			wantError(t, err, TryAgain, CodeNetwork)
			if n := r.server.Stats().Requests["token"] - before; n != want {
				t.Errorf("interrupted %v: %d requests, want %d", interrupted, n, want)
			}
			r.server.Faults().Clear()
			time.Sleep(attemptsApart)
			if !r.works(r.token("work").AccessToken) {
				t.Error("the token does not work")
			}
			r.engine.Close()
		})
	}
}
