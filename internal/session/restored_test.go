package session

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// TestRestoredData: a backup of the data directory knows less than the keychain, which has the truth.
func TestRestoredData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		backup := t.TempDir()
		r.engine.Close()
		if err := os.CopyFS(backup, os.DirFS(r.dir)); err != nil {
			t.Fatal(err)
		}
		r.open()
		for range 5 {
			time.Sleep(10 * time.Minute)
			r.token("work")
		}
		r.engine.Close()
		r.dir = backup
		r.open()
		go r.engine.Run(t.Context())
		time.Sleep(30 * time.Minute)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d tokens of the backup spent", n)
		}
		r.engine.Close()
	})
}

// restoring puts the keychain's item of a while ago back, as a restored keychain has it; between is what goes on meanwhile.
func (r *rig) restoring(between func()) {
	r.t.Helper()
	key := itemKey(r.profile("work"))
	backup, err := r.store.Get(r.t.Context(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	between()
	if err := r.store.Set(r.t.Context(), key, backup); err != nil {
		r.t.Fatal(err)
	}
}

// TestRestoredKeychain: an item that is older than what this home knows is tried, because there is nothing better, and the reason
// is told when the server refuses it.
func TestRestoredKeychain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		r.restoring(func() {
			for range 3 {
				time.Sleep(10 * time.Minute)
				r.token("work")
			}
			r.engine.Close()
		})
		r.open()
		go r.engine.Run(t.Context())
		time.Sleep(10 * time.Minute)
		s := r.status("work")
		if s.State != LoginRequired || s.Problem == nil || s.Problem.Code != CodeItemOlder || !strings.Contains(s.Problem.Sentence, "restored from a backup") {
			t.Fatalf("%s %+v", s.State, s.Problem)
		}
		r.login("work")
		time.Sleep(30 * time.Minute)
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("after a login: %s %+v", s.State, s.Problem)
		}
		r.engine.Close()
	})
}

// TestRestoredKeychainUnderARunningAgent: the agent still holds the newer one, and spends that.
func TestRestoredKeychainUnderARunningAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
		r.login("work")
		r.restoring(func() {
			for range 3 {
				time.Sleep(10 * time.Minute)
				r.token("work")
			}
		})
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		r.reopen() // what counts is what the keychain has now
		time.Sleep(10 * time.Minute)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if n := r.server.Stats().ReuseDetected; n != 0 {
			t.Errorf("%d tokens spent twice", n)
		}
	})
}

// TestOlderItemThatTheServerTakes: a server without rotation takes an older login; what comes of it outranks what was known before.
func TestOlderItemThatTheServerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: 24 * time.Hour})
		r.login("work")
		r.restoring(func() {
			for range 3 {
				time.Sleep(10 * time.Minute)
				r.token("work")
			}
			r.engine.Close()
		})
		r.open()
		r.engine.mu.Lock()
		known := r.engine.logins["work"].rec.Generation
		r.engine.mu.Unlock()
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		r.engine.mu.Lock()
		now := r.engine.logins["work"].held.generation
		r.engine.mu.Unlock()
		if now <= known {
			t.Errorf("generation %d after %d: another agent would take it for the older one", now, known)
		}
		if s := r.status("work"); s.State != LoggedIn || s.Problem != nil {
			t.Errorf("%s %+v", s.State, s.Problem)
		}
	})
}
