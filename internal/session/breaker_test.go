package session

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// weather is the network between the engine and its servers.
type weather struct {
	http.RoundTripper
	down  atomic.Bool  // nothing gets through
	hangs atomic.Bool  // the answer never comes, as on a connection that died in a sleep
	tries atomic.Int64 // of the token endpoint, in vain
	now   atomic.Int64 // under way
	most  atomic.Int64 // at a time
}

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	token := strings.HasSuffix(r.URL.Path, "/token")
	if token {
		w.most.Store(max(w.most.Load(), w.now.Add(1)))
		defer w.now.Add(-1)
	}
	switch {
	case w.hangs.Load() && token:
		answer, err := w.RoundTripper.RoundTrip(r) // it did arrive
		if err == nil {
			answer.Body.Close()
		}
		<-r.Context().Done()
		return nil, r.Context().Err()
	case w.down.Load():
		if token {
			w.tries.Add(1)
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH}
	}
	return w.RoundTripper.RoundTrip(r)
}

// underWeather puts weather between the engine and the server.
func (r *rig) underWeather() *weather {
	r.t.Helper()
	w := &weather{RoundTripper: r.server.Transport()}
	r.http = &http.Client{Transport: w}
	r.reopen()
	return w
}

// people logs in n profiles of the one issuer.
func (r *rig) people(n int) []string {
	r.t.Helper()
	names := []string{"work"}
	r.login("work")
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("work%d", i)
		r.put(r.profile(name))
		r.login(name)
		names = append(names, name)
	}
	return names
}

func TestBreaker(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	problem := func(at time.Time) Problem { return Problem{Code: CodeNetwork, Since: at} }
	var b breaker
	for i := range breakerOpens {
		if b.holds(background, begin) || b.holds(wanted, begin) || b.state(begin) != "" {
			t.Fatalf("it holds after %d failures", i)
		}
		b = b.failed(problem(begin.Add(time.Duration(i)*time.Second)), 1, 0, "as", begin)
	}
	if !b.problem.Since.Equal(begin) || b.state(begin) != breakerOpen {
		t.Errorf("since %s, %s", b.problem.Since, b.state(begin))
	}
	// The pauses grow, and end: an outage of a day costs a few hundred probes.
	at, probes := begin, 0
	for pause := time.Duration(0); at.Before(begin.Add(24 * time.Hour)); probes++ {
		wait := b.until.Sub(at)
		if wait < min(pause, backoffMax) || wait > backoffMax*5/4 {
			t.Fatalf("probe %d: %s after %s", probes, wait, pause)
		}
		if b.holds(forced, at) || !b.holds(wanted, at) || b.holds(wanted, at.Add(attemptsApart)) || !b.holds(background, b.until.Add(-1)) || b.holds(background, b.until) {
			t.Fatalf("probe %d: who may ask", probes)
		}
		pause, at = wait*4/5, b.until
		b = b.failed(problem(at), 1, 0, "as", at)
	}
	if probes < 200 || probes > 400 {
		t.Errorf("%d probes in a day", probes)
	}
	// A server's wish is everybody's, at the first failure; not that of a person who asks for the refresh itself.
	p := breaker{}.failed(problem(begin), 1, 10*time.Minute, "as", begin)
	if after := begin.Add(9 * time.Minute); !p.holds(background, after) || !p.holds(wanted, after) || p.holds(forced, after) {
		t.Error("Retry-After is not everybody's")
	}
	if again := p.failed(problem(begin), 1, 0, "as", begin.Add(time.Minute)); again.until.Before(p.until) || !again.holds(wanted, begin.Add(9*time.Minute)) {
		t.Error("who was asked anyhow took back the server's wish")
	}
	// A clock that was put back opens it.
	for _, back := range []time.Duration{8 * time.Hour, 400 * 24 * time.Hour} {
		if b.holds(background, b.last.Add(-back)) || p.holds(background, p.last.Add(-back)) {
			t.Errorf("held %s ago", back)
		}
	}
}

func TestOutageOfOneIssuerWithManyProfiles(t *testing.T) { // design.md decision 7: no storm
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		w := r.underWeather()
		names := r.people(25)
		go r.engine.Run(t.Context())
		w.down.Store(true)
		began := time.Now()
		time.Sleep(time.Hour)
		// One profile alone: about 17 tries in an hour. 25 of them: the same, and three at first.
		if n := w.tries.Load(); n < 10 || n > 60 {
			t.Errorf("%d requests to a server that is away for an hour", n)
		}
		all, err := r.engine.Status()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			p := s.Problem
			if s.State != Offline || p == nil || p.Code != CodeNetwork || p.Breaker == "" || p.NextTry == nil || p.Since.Before(began) || p.Since.After(began.Add(15*time.Minute)) {
				t.Errorf("%s: %s %+v", s.Name, s.State, p)
			}
		}
		// Scripts that ask for all of them, all the time, find out no more often than one would.
		before := w.tries.Load()
		var asked atomic.Int64
		for range 10 {
			for _, name := range names {
				go func() {
					_, err := r.engine.Token(t.Context(), name, -1)
					asked.Add(1)
					wantError(t, err, TryAgain, CodeNetwork)
				}()
			}
			time.Sleep(time.Second)
		}
		if n := w.tries.Load() - before; n > 6 || asked.Load() != 250 { // one each two seconds
			t.Errorf("%d requests for %d callers in ten seconds", n, asked.Load())
		}
		w.most.Store(0)
		w.down.Store(false)
		time.Sleep(backoffMax*5/4 + letGoMost + time.Second)
		for _, name := range names {
			if s := r.status(name); s.State != LoggedIn || !s.ExpiresAt.After(time.Now()) {
				t.Errorf("%s after the outage: %s, %+v", name, s.State, s.Problem)
			}
		}
		if w.most.Load() != 1 {
			t.Errorf("%d at a time", w.most.Load())
		}
	})
}

// TestOpeningBreakerIsToldToAll: once it is known that a server is away, everybody who waits for it is shown so at once, and not when
// each one's turn comes.
func TestOpeningBreakerIsToldToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		w := r.underWeather()
		names := r.people(25)
		time.Sleep(20 * time.Minute)
		w.down.Store(true)
		shown, opened := map[string]time.Time{}, time.Time{}
		go func() {
			_ = r.engine.Watch(t.Context(), func(_ bool, changed []Status, _ []string) error {
				for _, s := range changed {
					if _, before := shown[s.Name]; s.State == Offline && !before {
						shown[s.Name] = time.Now()
					}
				}
				return nil
			})
		}()
		synctest.Wait()
		go r.engine.Run(t.Context())
		for opened.IsZero() {
			time.Sleep(10 * time.Millisecond)
			r.engine.mu.Lock()
			if r.engine.breakers[issuer].opened {
				opened = time.Now()
			}
			r.engine.mu.Unlock()
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, name := range names {
			if at, ok := shown[name]; !ok || at.Sub(opened) > 100*time.Millisecond {
				t.Errorf("%s is shown to be offline %s after it was known: %v", name, at.Sub(opened), ok)
			}
		}
	})
}

func TestTerminalErrorsKeepToTheirProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		names := r.people(8)
		time.Sleep(10 * time.Minute)
		for i, name := range names[:6] {
			fault := []authserver.Fault{authserver.InvalidGrant, authserver.InvalidClient}[i%2]
			r.server.Faults().Set(fault, 1)
			if _, err := r.engine.Token(t.Context(), name, -1); err == nil {
				t.Fatalf("%s: no error", name)
			}
		}
		for _, name := range names[6:] {
			if !r.works(r.token(name).AccessToken) {
				t.Errorf("%s does not work", name)
			}
		}
	})
}

func TestAnAnswerOfAnyKindClosesTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		w := r.underWeather()
		names := r.people(3)
		time.Sleep(10 * time.Minute)
		w.down.Store(true)
		for _, name := range names {
			_, _ = r.engine.Token(t.Context(), name, -1)
		}
		if b := r.engine.breakers[issuer]; !b.opened {
			t.Fatalf("%+v", b)
		}
		w.down.Store(false)
		time.Sleep(attemptsApart)
		r.server.Faults().Set(authserver.InvalidGrant, 1)
		_, err := r.engine.Token(t.Context(), names[0], -1)
		wantError(t, err, LogInFirst, "invalid_grant")
		go r.engine.Run(t.Context())
		time.Sleep(letGoApart*3 + time.Second)
		for _, name := range names[1:] {
			if s := r.status(name); s.State != LoggedIn || s.Problem != nil {
				t.Errorf("%s: %s %+v", name, s.State, s.Problem)
			}
		}
	})
}

func TestNetworkComesUpAfterAWakeUp(t *testing.T) { // platform.md "Time"
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		w := r.underWeather()
		r.login("work")
		time.Sleep(8 * time.Hour) // asleep
		w.down.Store(true)
		stop := r.told()
		go r.engine.Run(t.Context())
		r.engine.Resumed()
		asked := make(chan error, 1)
		go func() {
			_, err := r.engine.Token(t.Context(), "work", -1)
			asked <- err
		}()
		time.Sleep(10 * time.Second)
		if w.tries.Load() < 4 {
			t.Errorf("%d tries in ten seconds", w.tries.Load())
		}
		w.down.Store(false)
		time.Sleep(settleLast + time.Second)
		select {
		case err := <-asked:
			if err != nil {
				t.Errorf("who asked for a token got %v", err)
			}
		default:
			t.Error("who asked for a token waits still")
		}
		for _, s := range stop() {
			if s.State != LoggedIn || s.Problem != nil {
				t.Errorf("it said %s, %+v", s.State, s.Problem)
			}
		}
		for _, ev := range r.engine.logins["work"].rec.History {
			if strings.HasPrefix(ev.What, "refresh: ") {
				t.Errorf("the history says %q", ev.What)
			}
		}
	})
}

// TestLoginThatEndedInASleep: who asks while the network comes up, and then hears from the server that the login is over, is told so at
// once, with no further question to anybody.
func TestLoginThatEndedInASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		w := r.underWeather()
		r.login("work")
		time.Sleep(8 * time.Hour) // asleep
		r.server.RevokeAll()
		w.down.Store(true)
		r.engine.Resumed()
		asked := make(chan error, 1)
		go func() {
			_, err := r.engine.Token(t.Context(), "work", -1)
			asked <- err
		}()
		time.Sleep(2 * time.Second)
		w.down.Store(false)
		before := r.server.Stats().Requests["token"]
		began := time.Now()
		wantError(t, <-asked, LogInFirst, "invalid_grant")
		if took := time.Since(began); took > settleLast {
			t.Errorf("it was told after %s", took)
		}
		if n := r.server.Stats().Requests["token"] - before; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// told collects what watchers are told until stop is called.
func (r *rig) told() (stop func() []Status) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var all []Status
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.engine.Watch(ctx, func(_ bool, changed []Status, _ []string) error {
			all = append(all, changed...)
			return nil
		})
	}()
	synctest.Wait()
	return func() []Status {
		cancel()
		<-done
		return all
	}
}

func TestNetworkThatDoesNotComeUpIsSaid(t *testing.T) {
	for name, restless := range map[string]bool{"quiet": false, "restless": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
				w := r.underWeather()
				r.login("work")
				time.Sleep(time.Hour)
				w.down.Store(true)
				go r.engine.Run(t.Context())
				began := time.Now()
				r.engine.NetworkChanged()
				for range 45 {
					time.Sleep(time.Second)
					if restless { // containers come and go
						r.engine.NetworkChanged()
					}
				}
				s := r.status("work")
				if s.State != Offline || s.Problem.Since.Sub(began) > time.Second || s.Problem.NextTry == nil {
					t.Errorf("45 s after the change: %s %+v", s.State, s.Problem)
				}
				_, err := r.engine.Token(t.Context(), "work", -1)
				wantError(t, err, TryAgain, CodeNetwork)
			})
		})
	}
}

func TestRefreshThatSleptThrough(t *testing.T) { // spent before the sleep, the answer lost in it
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: 9 * time.Hour})
		w := r.underWeather()
		r.login("work")
		time.Sleep(10 * time.Minute)
		w.hangs.Store(true)
		asked := make(chan error, 1)
		go func() {
			_, err := r.engine.Token(t.Context(), "work", -1)
			asked <- err
		}()
		synctest.Wait()
		w.hangs.Store(false)
		began := time.Now() // timers stood still while the laptop slept
		r.engine.Resumed()
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > sleptPatience+time.Second {
			t.Errorf("the lost answer was waited for %s", took)
		}
		if n := r.server.Stats().Refreshes; n != 2 {
			t.Errorf("%d refreshes, want the one that was lost and one more", n)
		}
	})
}

func TestSlowAnswerSurvivesAChangeOfNetwork(t *testing.T) { // only a sleep kills a connection
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		time.Sleep(10 * time.Minute)
		r.server.Faults().SetDelay(20 * time.Second)
		r.server.Faults().Set(authserver.TokenSlow, 1)
		asked := make(chan error, 1)
		go func() {
			_, err := r.engine.Token(t.Context(), "work", -1)
			asked <- err
		}()
		time.Sleep(time.Second)
		r.engine.NetworkChanged()
		if err := <-asked; err != nil {
			t.Error(err)
		}
		if s := r.server.Stats(); s.Refreshes != 1 || s.ReuseDetected != 0 {
			t.Errorf("%d refreshes, %d reuses", s.Refreshes, s.ReuseDetected)
		}
	})
}

// A login whose answer was lost long ago is due when the network changes, also a moment after another of its issuer's was tried in
// vain: what is found due is tried, not refused and found due again, without an end while the moment lasts.
func TestPursuitIsNotFoundDueInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: time.Hour})
		r.login("work")
		time.Sleep(10 * time.Minute)
		asked := r.server.Stats().Requests["token"]
		now := wall()
		e := r.engine
		e.mu.Lock()
		l := e.logins["work"]
		l.rec.Interrupted, l.rec.NextTry = now.Add(-pursuit-time.Minute), now
		e.breakers[l.issuer] = breaker{opened: true, failures: breakerOpens, last: now, until: now}
		e.againLocked(l)
		e.mu.Unlock()
		go e.Run(t.Context())
		time.Sleep(attemptsApart / 2)
		if n := r.server.Stats().Requests["token"] - asked; n != 1 {
			t.Errorf("%d requests", n)
		}
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		e.Close()
	})
}
