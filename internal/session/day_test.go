package session

import (
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// TestADay lives through a day with tokens of an hour: nights of use, an outage of the server in the morning, a lost answer,
// a restart of the agent at noon. At every minute a token with a minute left is there, but for the outage; nobody is ever
// asked to log in; no refresh token is spent twice beyond the grace period.
func TestADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: 10 * time.Second})
		r.login("work")
		go r.engine.Run(t.Context())
		begin := time.Now()
		outage := func(now time.Duration) bool { return now >= 9*time.Hour && now < 11*time.Hour }
		missed := 0
		for now := time.Duration(0); now < 24*time.Hour; now = time.Since(begin).Round(time.Second) {
			switch now {
			case 9 * time.Hour:
				r.server.Faults().Set(authserver.TokenUnavailable, authserver.UntilCleared)
			case 11 * time.Hour:
				r.server.Faults().Clear()
			case 12 * time.Hour:
				r.reopen()
				go r.engine.Run(t.Context())
			case 15 * time.Hour:
				r.server.Faults().Set(authserver.TokenLost, 1)
			}
			h, err := r.engine.Token(t.Context(), "work", time.Minute)
			switch {
			case err == nil && time.Until(*h.ExpiresAt) < time.Minute:
				t.Fatalf("at %s a token with %s left", now, time.Until(*h.ExpiresAt))
			case err != nil && outage(now):
				missed++
				wantError(t, err, TryAgain, CodeServer)
			case err != nil && now >= 11*time.Hour && now < 11*time.Hour+7*time.Minute:
				// The longest pause between tries has not passed yet.
			case err != nil:
				t.Fatalf("at %s: %v", now, err)
			}
			if s := r.status("work"); s.State == LoginRequired || s.State == LoggedOut {
				t.Fatalf("at %s: %s", now, s.State)
			}
			time.Sleep(time.Minute)
		}
		stats := r.server.Stats()
		if missed == 0 || missed > 121 {
			t.Errorf("%d minutes without a token in an outage of two hours", missed)
		}
		if stats.Logins != 1 || stats.FamiliesRevoked != 0 || stats.ReuseDetected != 0 {
			t.Errorf("%d logins, %d families revoked, %d reuses", stats.Logins, stats.FamiliesRevoked, stats.ReuseDetected)
		}
		if stats.Refreshes < 23 || stats.Refreshes > 32 {
			t.Errorf("%d refreshes in a day of tokens of an hour", stats.Refreshes)
		}
	})
}
