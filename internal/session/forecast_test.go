package session

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
	"fob/profiles"
)

func TestForecast(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	base := record{Name: "work", Kept: true, Refreshable: true, LoggedInAt: now.Add(-2 * day), ObtainedAt: now.Add(-time.Minute), ExpiresAt: now.Add(time.Hour)}
	age := 3600
	for name, test := range map[string]struct {
		change  func(*record)
		learned lifetime
		maxAge  *int
		refresh End
		session End
	}{
		"nobody knows": {refresh: End{Known: KnownNot}, session: End{Known: KnownNot}},
		"no refresh token": {change: func(r *record) { r.Refreshable = false },
			refresh: End{Known: KnownNone}, session: End{Known: KnownNot}},
		"said, for good": {change: func(r *record) { r.RefreshExpires, r.RefreshBy = now.Add(day), "refresh_expires_in" },
			refresh: End{Known: KnownServer, At: some(now.Add(day)), NeedsPerson: true, Note: "(refresh_expires_in)"}, session: End{Known: KnownNot}},
		"said, and put off": {change: func(r *record) { r.RefreshExpires, r.RefreshMoves = now.Add(day), true },
			refresh: End{Known: KnownServer, At: some(now.Add(day)), Moves: true}, session: End{Known: KnownNot}},
		"learned": {learned: lifetime{Lived: 14 * day},
			refresh: End{Known: KnownLearned, At: some(now.Add(12 * day)), NeedsPerson: true, Note: "learned: this server ended the last login after 14 days"}, session: End{Known: KnownNot}},
		"learned of one that nobody used": {learned: lifetime{Lived: 14 * day, Unused: true},
			refresh: End{Known: KnownLearned, At: some(now.Add(14*day - time.Minute)), Moves: true, Note: "unused for 14 days"}, session: End{Known: KnownNot}},
		"learned, and outlived": {learned: lifetime{Lived: day},
			refresh: End{Known: KnownNot}, session: End{Known: KnownNot}},
		"what is said outranks what was learned": {change: func(r *record) { r.RefreshExpires = now.Add(day) }, learned: lifetime{Lived: 14 * day},
			refresh: End{Known: KnownServer, At: some(now.Add(day)), NeedsPerson: true}, session: End{Known: KnownNot}},
		"session": {change: func(r *record) { r.SessionExpires, r.SessionBy = now.Add(day), "session_expires_in" },
			refresh: End{Known: KnownNot}, session: End{Known: KnownServer, At: some(now.Add(day)), NeedsPerson: true, Note: "(session_expires_in)"}},
		"session and refresh token": {change: func(r *record) {
			r.SessionExpires, r.SessionBy, r.RefreshExpires, r.RefreshBy = now.Add(2*day), "session_expires_in", now.Add(day), "refresh_expires_in"
		}, refresh: End{Known: KnownServer, At: some(now.Add(day)), NeedsPerson: true}, session: End{Known: KnownServer, At: some(now.Add(2 * day)), NeedsPerson: true}},
		"max_age": {change: func(r *record) { r.AuthTime = now }, maxAge: &age,
			refresh: End{Known: KnownNot}, session: End{Known: KnownAsked, At: some(now.Add(time.Hour)), Note: "max_age"}},
	} {
		r := base
		if test.change != nil {
			test.change(&r)
		}
		got := forecast(&r, test.learned, test.maxAge, now)
		if len(got) != 3 || got[0].What != EndAccess || got[1].What != EndRefresh || got[2].What != EndSession {
			t.Fatalf("%s: %+v", name, got)
		}
		for i, want := range []End{test.refresh, test.session} {
			end := got[i+1]
			same := (end.At == nil) == (want.At == nil) && (end.At == nil || end.At.Equal(*want.At))
			if !same || end.Known != want.Known || end.Moves != want.Moves || end.NeedsPerson != want.NeedsPerson || end.Note == "" || !strings.Contains(end.Note, want.Note) {
				t.Errorf("%s: %s: %+v, want %+v", name, end.What, end, want)
			}
		}
		if !r.Refreshable {
			continue
		}
		for _, later := range []time.Duration{0, 23 * time.Hour, 25 * time.Hour, 13 * day, 16 * day} {
			now, first := now.Add(later), time.Time{}
			for _, end := range forecast(&r, test.learned, test.maxAge, now) {
				if end.NeedsPerson && end.At != nil && end.At.After(now) && (first.IsZero() || end.At.Before(first)) {
					first = *end.At
				}
			}
			if at := personAt(&r, test.learned, now); !at.Equal(first) {
				t.Errorf("%s: %s later a person is needed at %s, the forecast says %s", name, later, at, first)
			}
		}
	}
}

func TestRefreshEndThatMovesIsSeen(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	set := func(obtained, ends time.Time, first bool) tokens {
		return tokens{Token: &oauth.Token{ObtainedAt: obtained, RefreshExpiresAt: ends}, first: first}
	}
	for name, moves := range map[string]bool{"idle": true, "absolute": false} {
		var r record
		r.describe(set(at, at.Add(24*time.Hour), true))
		for i := range 5 {
			now, ends := at.Add(time.Duration(i+1)*time.Hour), at.Add(24*time.Hour)
			if moves {
				ends = now.Add(24 * time.Hour)
			}
			r.describe(set(now, ends, false))
			if r.RefreshMoves != moves || !r.LoggedInAt.Equal(at) {
				t.Errorf("%s: moves %v, login of %s", name, r.RefreshMoves, r.LoggedInAt)
			}
		}
	}
	claims := map[string]any{"auth_time": json.Number("1772366400"), "session_expiry": json.Number("1772370000")}
	var r record
	r.describe(tokens{Token: &oauth.Token{ObtainedAt: at, Claims: claims}, first: true})
	if r.AuthTime.Unix() != 1772366400 || r.SessionExpires.Unix() != 1772370000 || r.SessionBy != "session_expiry" {
		t.Errorf("%+v", r)
	}
}

func TestLifetimeIsLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Hour})
		r.login("work")
		go r.engine.Run(t.Context())
		time.Sleep(14*24*time.Hour + time.Minute)
		r.server.Faults().Set(authserver.InvalidGrant, 1)
		if _, err := r.engine.Refresh(t.Context(), "work"); err == nil {
			t.Fatal("no error")
		}
		r.reopen() // it is kept
		r.login("work")
		s := r.status("work")
		if f := s.Forecast; len(f) != 3 || f[1].Known != KnownLearned || f[1].Note != "learned: this server ended the last login after 14 days" || !f[1].NeedsPerson {
			t.Fatalf("%+v", s.Forecast)
		}
		if s.EndsSoon != nil {
			t.Errorf("two weeks before: %+v", s.EndsSoon)
		}
		go r.engine.Run(t.Context())
		time.Sleep(13*24*time.Hour + 2*time.Hour)
		if s := r.status("work"); s.EndsSoon == nil || s.EndsSoon.What != EndRefresh {
			t.Errorf("a day before: %+v", s.EndsSoon)
		}
		time.Sleep(4 * 24 * time.Hour)
		if s := r.status("work"); s.State != LoggedIn || s.Forecast[1].Known != KnownNot || s.EndsSoon != nil {
			t.Errorf("it lives on: %s %+v", s.State, s.Forecast[1])
		}
	})
}

func TestWatchersHearThatALoginEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 24 * time.Hour})
		p := r.profile("work")
		p.ReminderBefore = profiles.Duration(3 * time.Hour)
		r.put(p)
		r.login("work")
		r.engine.mu.Lock()
		rec := &r.engine.logins["work"].rec
		rec.SessionExpires, rec.SessionBy = wall().Add(10*time.Hour), "session_expires_in"
		r.engine.mu.Unlock()
		stop := r.told()
		go r.engine.Run(t.Context())
		time.Sleep(7*time.Hour - time.Second)
		if s := r.status("work"); s.EndsSoon != nil {
			t.Errorf("too soon: %+v", s.EndsSoon)
		}
		time.Sleep(sleepMax + 2*time.Second)
		heard := false
		for _, s := range stop() {
			heard = heard || s.EndsSoon != nil && s.EndsSoon.What == EndSession && s.State == LoggedIn
		}
		if !heard {
			t.Error("nobody was told")
		}
		// What a clock that jumped makes of it is not said before a refresh has shown the truth.
		r.engine.mu.Lock()
		rec.ExpiresAt = wall().Add(-time.Hour)
		r.engine.mu.Unlock()
		if s := r.status("work"); s.EndsSoon != nil {
			t.Errorf("a refresh is due: %+v", s.EndsSoon)
		}
	})
}
