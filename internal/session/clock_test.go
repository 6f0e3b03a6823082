package session

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// otherClock answers with the Date of a clock that is ahead.
type otherClock struct {
	http.RoundTripper
	ahead atomic.Int64
}

func (c *otherClock) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Header.Set("Date", time.Now().Add(time.Duration(c.ahead.Load())).UTC().Format(http.TimeFormat))
	}
	return answer, err
}

func TestServersClockIsKeptAndTold(t *testing.T) { // F-180 F-136
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour})
		server := &otherClock{RoundTripper: r.server.Transport()}
		server.ahead.Store(int64(-93 * time.Second))
		r.http = &http.Client{Transport: server}
		r.reopen()
		p := r.profile("work")
		p.Scope = profiles.List{"offline_access", "api"} // an ID token would show that this server lies about its clock
		r.put(p)
		r.login("work")
		c := r.status("work").Clock
		if c == nil || c.Seconds < 92 || c.Seconds > 94 || !strings.HasPrefix(c.Sentence, "your clock is 9") || !strings.HasSuffix(c.Sentence, " s ahead of 127.0.0.1") || c.Remedy == "" {
			t.Fatalf("%+v", c)
		}
		r.reopen()
		if again := r.status("work").Clock; again == nil || *again != *c {
			t.Errorf("after a restart: %+v", again)
		}
		if ahead, known := r.engine.memory.ClockOffset(issuer + "/token"); !known || ahead > -92*time.Second || ahead < -94*time.Second {
			t.Errorf("the first assertion after a restart is dated by %s, %v", ahead, known)
		}
		server.ahead.Store(0)
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		if c := r.status("work").Clock; c != nil {
			t.Errorf("the clock was set, and it still says %+v", c)
		}
		server.ahead.Store(int64(2 * time.Hour))
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		if c := r.status("work").Clock; c == nil || !strings.Contains(c.Sentence, "behind") || c.Seconds > -7190 {
			t.Errorf("%+v", c)
		}
		time.Sleep(25 * time.Hour)
		if c := r.status("work").Clock; c != nil {
			t.Errorf("a day later: %+v", c)
		}
	})
}

// putBack does to the engine what setting the clock back does: whatever was noted before is later than it was by so much, and
// the loop sees the two clocks part.
func (r *rig) putBack(by time.Duration) { r.t.Helper(); r.putBackItem(r.profile("work"), by) }

func (r *rig) putBackItem(p profiles.Profile, by time.Duration) {
	r.t.Helper()
	key := itemKey(p)
	r.engine.mu.Lock()
	l := r.engine.logins["work"]
	l.rec.ObtainedAt, l.rec.ExpiresAt = l.rec.ObtainedAt.Add(by), l.rec.ExpiresAt.Add(by)
	if !l.rec.RefreshExpires.IsZero() {
		l.rec.RefreshExpires = l.rec.RefreshExpires.Add(by)
	}
	if !l.rec.NextTry.IsZero() {
		l.rec.NextTry = l.rec.NextTry.Add(by)
	}
	if l.rec.Failing != nil {
		failing := *l.rec.Failing
		failing.Since, failing.lastTry = failing.Since.Add(by), failing.lastTry.Add(by)
		l.rec.Failing = &failing
	}
	for issuer, b := range r.engine.breakers {
		b.last, b.until = b.last.Add(by), b.until.Add(by)
		r.engine.breakers[issuer] = b
	}
	l.held = nil
	if l.agenda != nil && !l.look.IsZero() {
		l.agenda.put(l, l.look.Add(by))
	}
	r.engine.mu.Unlock()
	r.shiftItem(key, by)
	if _, err := r.store.Get(r.t.Context(), key); err != nil {
		r.t.Fatal(err)
	}
}

func TestClockJumps(t *testing.T) {
	for name, test := range map[string]struct {
		by     time.Duration // forward; negative: back
		age    time.Duration // of the token then
		outage bool          // the server was away, with a pause noted
	}{
		"forward":                       {by: 30 * time.Hour, age: 10 * time.Minute},
		"forward by years":              {by: 6 * 365 * 24 * time.Hour, age: 10 * time.Minute},
		"back":                          {by: -8 * time.Hour, age: 10 * time.Minute},
		"back, and it still looks past": {by: -8 * time.Hour, age: 20 * time.Hour},
		"back by years":                 {by: -6 * 365 * 24 * time.Hour, age: 10 * time.Minute},
		"forward in an outage":          {by: 8 * time.Hour, age: 24 * time.Hour, outage: true},
		"back in an outage":             {by: -8 * time.Hour, age: 24 * time.Hour, outage: true},
		"back by half a pause":          {by: -30 * time.Minute, age: 24 * time.Hour, outage: true},
	} {
		for _, asked := range []bool{false, true} {
			how := "by itself"
			if asked {
				how = "on demand"
			}
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, authserver.Options{AccessTokenTTL: 24 * time.Hour})
					r.login("work")
					time.Sleep(test.age)
					if test.outage {
						r.server.Faults().SetRetryAfter(time.Hour)
						r.server.Faults().Set(authserver.TokenUnavailable, 1)
						_, err := r.engine.Token(t.Context(), "work", -1)
						wantError(t, err, TryAgain, CodeServer)
					}
					before := r.server.Stats().Refreshes
					if test.by < 0 {
						r.putBack(-test.by)
						r.engine.clockMoved(test.by)
						if test.outage {
							time.Sleep(time.Hour) // as long as the server asked for, and no longer
						}
					} else {
						r.putBack(-test.by) // what was noted is older than it was
						if test.outage {
							time.Sleep(attemptsApart)
						}
					}
					if asked {
						if !r.works(r.token("work").AccessToken) {
							t.Error("the token does not work")
						}
					} else {
						go r.engine.Run(t.Context())
						time.Sleep(30 * time.Second)
					}
					if n := r.server.Stats().Refreshes - before; n != 1 {
						t.Errorf("%d refreshes", n)
					}
					if s := r.status("work"); s.State != LoggedIn || s.Problem != nil || !s.ExpiresAt.After(time.Now().Add(23*time.Hour)) {
						t.Errorf("%s %+v until %s", s.State, s.Problem, s.ExpiresAt)
					}
					time.Sleep(10 * time.Minute)
					if n := r.server.Stats().Refreshes - before; n != 1 {
						t.Errorf("%d refreshes ten minutes later", n)
					}
				})
			})
		}
	}
}

// TestJumpForwardIsTakenBack puts the clock a day ahead and back again. A token that cannot be refreshed has ended by the clock then,
// which may be right: the time that a virtual machine was paused comes as such a jump. But nothing is dropped for it, and with
// the clock comes back what was there. R-309
func TestJumpForwardIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := authserver.Client{ID: "once", RedirectURIs: authserver.DemoClient().RedirectURIs, GrantTypes: []string{"authorization_code"}}
		r := newRig(t, withClients(authserver.Options{AccessTokenTTL: 8 * time.Hour}, once))
		p := r.profile("work")
		p.ClientID, p.Scope = once.ID, profiles.List{"openid", "api"}
		r.put(p)
		r.login("work")
		token := r.token("work").AccessToken
		var mu sync.Mutex
		var told State
		go func() {
			_ = r.engine.Watch(t.Context(), func(_ bool, changed []Status, _ []string) error {
				mu.Lock()
				defer mu.Unlock()
				for _, s := range changed {
					told = s.State
				}
				return nil
			})
		}()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go r.engine.Run(ctx)
		is := func(when string, want State) {
			t.Helper()
			time.Sleep(sleepMax)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if s := r.status("work").State; s != want || told != want {
				t.Fatalf("%s it is %s, and watchers were told %s; want %s", when, s, told, want)
			}
		}
		is("before", LoggedIn)
		const day = 24 * time.Hour
		for range 2 {
			r.putBackItem(p, -day)
			is("a day ahead", LoginRequired)
			_, err := r.engine.Token(t.Context(), "work", -1)
			wantError(t, err, LogInFirst, CodeNotRefreshable)
			r.putBackItem(p, day)
			r.engine.clockMoved(-day)
			is("with the clock put back", LoggedIn)
			if s := r.status("work"); s.Problem != nil || s.EndsSoon != nil {
				t.Errorf("there is left of it: %+v", s)
			}
			if again := r.token("work").AccessToken; again != token || !r.works(again) {
				t.Error("it is not the token of before, or does not work")
			}
		}
		time.Sleep(7*time.Hour + 55*time.Minute)
		is("in its last minutes", Expiring)
		time.Sleep(10 * time.Minute)
		is("in the end", LoginRequired)
	})
}

func TestClockSetBy(t *testing.T) {
	now := time.Now()
	if by := clockSetBy(now, now.Add(time.Hour)); by != 0 {
		t.Errorf("an hour that passed is a jump of %s", by)
	}
	if by := clockSetBy(now, now.Add(time.Second).Round(0).Add(-time.Hour)); by.Round(time.Second) != 0 {
		// Without a monotonic reading there is nothing to compare with.
		t.Errorf("%s", by)
	}
}

func TestClockFinding(t *testing.T) {
	for _, test := range []struct {
		clocks map[string]time.Duration
		ok     bool
		says   string
	}{
		{nil, true, "not compared"},
		{map[string]time.Duration{"a.example": 0, "b.example": 2 * time.Second}, true, "agrees with a.example, b.example"},
		{map[string]time.Duration{"a.example": 93 * time.Second}, false, "your clock is 93 s ahead of a.example"},
		{map[string]time.Duration{"a.example": -2 * time.Hour, "b.example": -2 * time.Hour}, false, "your clock is 2 h behind a.example, and off from b.example"},
		{map[string]time.Duration{"a.example": -5 * time.Minute, "b.example": 0, "c.example": time.Second}, true, "it is the server's that is wrong"},
	} {
		ok, detail, remedy := ClockFinding(test.clocks)
		if ok != test.ok || !strings.Contains(detail, test.says) || ok == (remedy != "") {
			t.Errorf("%v: %v %q %q", test.clocks, ok, detail, remedy)
		}
	}
}
