package session

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// second starts another engine on the rig's keychain and server, with a home of its own, as another FOB_HOME has.
func (r *rig) second() *Engine {
	r.t.Helper()
	dir := r.t.TempDir()
	file, err := profiles.OpenFile(filepath.Join(dir, "profiles.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	e, err := New(Options{Profiles: file, Store: r.store, Dir: dir, HTTP: r.http})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(e.Close)
	if err := e.PutProfile(r.t.Context(), r.profile("work"), nil, "", true); err != nil {
		r.t.Fatal(err)
	}
	return e
}

// TestTwoHomesOneKeychain lives through a day of two agents that know nothing of each other but the keychain, at a server
// that forgives no reuse.
func TestTwoHomesOneKeychain(t *testing.T) { // R-307, design.md decision 3
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: -1})
		other := r.second()
		r.login("work")
		for _, e := range []*Engine{r.engine, other} {
			if _, err := e.Token(t.Context(), "work", -1); err != nil {
				t.Fatal(err)
			}
			go e.Run(t.Context())
		}
		for minute := range 24 * 60 {
			for i, e := range []*Engine{r.engine, other} {
				h, err := e.Token(t.Context(), "work", time.Minute)
				if err != nil {
					t.Fatalf("minute %d, agent %d: %v", minute, i, err)
				}
				if !r.works(h.AccessToken) {
					t.Fatalf("minute %d, agent %d: the token does not work", minute, i)
				}
			}
			time.Sleep(time.Minute)
		}
		stats := r.server.Stats()
		if stats.FamiliesRevoked != 0 || stats.ReuseDetected != 0 || stats.Logins != 1 {
			t.Errorf("%d families revoked, %d reuses, %d logins", stats.FamiliesRevoked, stats.ReuseDetected, stats.Logins)
		}
		if stats.Refreshes > 32 {
			t.Errorf("%d refreshes: one agent did not use what the other had obtained", stats.Refreshes)
		}

		// One logs out: the other says so, and deletes nothing of what comes after.
		if _, err := r.engine.Logout(t.Context(), "work", false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		all, err := other.Status("work")
		if err != nil || all[0].State != LoginRequired || all[0].Problem == nil || all[0].Problem.Code != CodeItemGone {
			t.Fatalf("status %+v, %v", all, err)
		}
		_, err = other.Token(t.Context(), "work", -1)
		wantError(t, err, LogInFirst, CodeItemGone)
		r.login("work")
		if h, err := other.Token(t.Context(), "work", -1); err != nil || !r.works(h.AccessToken) {
			t.Errorf("after a login in the other home: %v", err)
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d refresh tokens spent twice", n)
		}
	})
}

func TestLoginInTheOtherHomeOutranksOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		for range 5 {
			time.Sleep(10 * time.Minute)
			r.token("work")
		}
		other := r.second()
		if _, err := other.Logout(t.Context(), "work", false); err != nil {
			t.Fatal(err)
		}
		mine := r.engine
		r.engine = other
		r.login("work") // its first token set; ours had been the sixth
		r.engine = mine
		time.Sleep(9*time.Minute + 30*time.Second)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d refresh tokens spent that were not the newest", n)
		}
	})
}

// TestLoginOutranksWhatTheKeychainHas: the generation of the login before is ahead of the clock, as after many refreshes or by a
// clock that was wrong then.
func TestLoginOutranksWhatTheKeychainHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		for range 3 {
			if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
		}
		before, err := r.engine.keptGeneration(t.Context(), itemKey(r.profile("work")))
		if err != nil {
			t.Fatal(err)
		}
		mine := r.engine
		r.engine = r.second()
		r.login("work") // within the same second
		if after, err := r.engine.keptGeneration(t.Context(), itemKey(r.profile("work"))); err != nil || after <= before {
			t.Errorf("generation %d after %d, %v: the other agent takes it for the older one", after, before, err)
		}
		theirs := r.token("work").AccessToken
		if _, err := mine.reread(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		if h, err := mine.Token(t.Context(), "work", -1); err != nil || h.AccessToken != theirs {
			t.Errorf("the login in the other home was not adopted: %v", err)
		}
	})
}

func TestJitterOfEachEngineIsItsOwn(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r := record{Name: "work", Kept: true, Refreshable: true, ObtainedAt: at, ExpiresAt: at.Add(time.Hour)}
	one, _ := dueAt(&r, 0, "/home/ada/.local/share/fob")
	two, _ := dueAt(&r, 0, "/tmp/fob/data")
	if apart := one.Sub(two).Abs(); apart < time.Second {
		t.Errorf("both refresh within %s", apart)
	}
	if again, _ := dueAt(&r, 0, "/tmp/fob/data"); again != two {
		t.Error("the same engine, and another time")
	}
}
