package session

import (
	"net/http"
	"testing"
	"time"

	"fob/internal/authserver"
)

// BenchmarkCallbackToStored is the time from the browser's request at the redirect URI to the stored token, the exchange
// with the server and the validation of the ID token included. The store is memory: what the keychain takes comes on top.
func BenchmarkCallbackToStored(b *testing.B) {
	r := newRig(b, authserver.Options{})
	as := &http.Client{Transport: r.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var took time.Duration
	for b.Loop() {
		var begin time.Time
		_, err := r.engine.Login(b.Context(), "work", within(time.Minute), func(ev LoginEvent) {
			answer, err := as.Get(ev.URL)
			if err != nil {
				b.Error(err)
				return
			}
			answer.Body.Close()
			redirect, err := answer.Location()
			if err != nil {
				b.Error(err)
				return
			}
			begin = time.Now()
			go func() {
				if err := visit(redirect.String()); err != nil {
					b.Error(err)
				}
			}()
		})
		if err != nil {
			b.Fatal(err)
		}
		took += time.Since(begin)
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms/callback")
}

// BenchmarkStep is one look of the loop at 10,000 logins that nothing is to be done for, and the first one, which looks at each.
func BenchmarkStep(b *testing.B) {
	b.Run("idle", func(b *testing.B) {
		e, now := manyLogins(b, 10_000)
		for b.Loop() {
			e.step(now)
		}
	})
	b.Run("first", func(b *testing.B) {
		e, now := manyLogins(b, 10_000)
		for b.Loop() {
			e.mu.Lock()
			e.allAgainLocked()
			e.mu.Unlock()
			e.step(now)
		}
	})
}

// manyLogins is an engine that knows of n logins whose tokens have an hour left, and has looked at them.
func manyLogins(t testing.TB, n int) (*Engine, time.Time) {
	r := newRig(t, authserver.Options{})
	now := wall()
	r.engine.mu.Lock()
	p := r.engine.logins["work"].profile
	for i := range n {
		name := time.Duration(i).String()
		q := *p
		q.Name = name
		l := &login{shown: LoggedIn}
		l.follow(&q)
		l.rec = record{Name: name, Kept: true, Refreshable: true, Key: l.key, Fingerprint: l.wants, ObtainedAt: now, ExpiresAt: now.Add(time.Hour)}
		r.engine.logins[name] = l
		r.engine.againLocked(l)
	}
	r.engine.mu.Unlock()
	r.engine.step(now)
	return r.engine, now
}
