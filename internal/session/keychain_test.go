package session

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
)

// lockedStore is a keychain that is locked for now.
type lockedStore struct {
	Store
	locked atomic.Bool
	asked  atomic.Int32
}

func (l *lockedStore) Get(ctx context.Context, key string) ([]byte, error) {
	l.asked.Add(1)
	if l.locked.Load() {
		time.Sleep(10 * time.Millisecond)
		return nil, &keychain.Error{Object: "keychain", Kind: keychain.ErrLocked}
	}
	return l.Store.Get(ctx, key)
}

func TestLockedKeychainIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		store := &lockedStore{Store: r.store}
		store.locked.Store(true)
		r.store = store
		r.reopen()
		time.Sleep(10 * time.Minute)
		go r.engine.Run(t.Context())
		time.Sleep(10 * time.Minute)
		if n := store.asked.Load(); n > 20 {
			t.Errorf("the locked keychain was asked %d times in ten minutes", n)
		}
		if s := r.status("work"); s.Problem == nil || s.Problem.Code != CodeKeyLocked {
			t.Errorf("state %s, problem %+v", s.State, s.Problem)
		}
		store.locked.Store(false)
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
		if s := r.status("work"); s.State != LoggedIn {
			t.Errorf("state %s", s.State)
		}
	})
}

func TestDamagedItem(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	if err := r.store.Set(t.Context(), itemKey(r.profile("work")), []byte("canary")); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, Failed, CodeKeychain)
}

func TestLoginThatCouldNotBeStoredIsStoredLater(t *testing.T) { // design.md decision 3
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		if err := r.engine.prepare(t.Context()); err != nil { // the keychain works when the login begins
			t.Fatal(err)
		}
		store := &brokenStore{Store: r.store}
		store.broken.Store(true)
		r.engine.store = store
		go r.engine.Run(t.Context())
		_, err := r.tryLogin("work")
		wantError(t, err, TryAgain, CodeKeySlow)
		_, err = r.engine.Token(t.Context(), "work", -1)
		wantError(t, err, TryAgain, CodeKeySlow)
		if s := r.status("work"); s.Problem == nil || s.Problem.Code != CodeKeySlow {
			t.Errorf("state %s, problem %+v", s.State, s.Problem)
		}
		store.broken.Store(false)
		time.Sleep(time.Minute)
		if s := r.status("work"); s.State != LoggedIn {
			t.Fatalf("state %s", s.State)
		}
		if !r.works(r.token("work").AccessToken) {
			t.Error("the token does not work")
		}
	})
}

// unsaved returns a rig whose refreshed token is in memory only, and its store, which works again.
func unsaved(t *testing.T) (*rig, *brokenStore) {
	r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
	r.login("work")
	store := &brokenStore{Store: r.store}
	store.broken.Store(true)
	r.engine.store = store
	time.Sleep(10 * time.Minute)
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, TryAgain, CodeKeySlow)
	store.broken.Store(false)
	return r, store
}

func TestRenameStoresWhatWasUnsaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := unsaved(t)
		p := r.profile("job")
		if err := r.engine.PutProfile(t.Context(), p, nil, "work", false); err != nil {
			t.Fatal(err)
		}
		if !r.works(r.token("job").AccessToken) {
			t.Error("the token does not work")
		}
		if stats := r.server.Stats(); stats.Refreshes != 1 || stats.FamiliesRevoked != 0 {
			t.Errorf("%d refreshes, %d families revoked", stats.Refreshes, stats.FamiliesRevoked)
		}
	})
}

func TestLogoutRevokesWhatWasUnsaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := unsaved(t)
		r.engine.mu.Lock()
		newest := r.engine.logins["work"].unsaved.AccessToken.Reveal()
		r.engine.mu.Unlock()
		if !r.works(newest) {
			t.Fatal("the unsaved token does not work")
		}
		if _, err := r.engine.Logout(t.Context(), "work", false); err != nil {
			t.Fatal(err)
		}
		if r.works(newest) {
			t.Error("the token that was not stored yet still works")
		}
	})
}
