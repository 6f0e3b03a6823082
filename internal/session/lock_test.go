package session

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// waysOut are all ways in which an engine hands out something secret or logs somebody in.
var waysOut = map[string]func(r *rig) error{
	"token": func(r *rig) error { _, err := r.engine.Token(r.t.Context(), "work", -1); return err },
	"token of a profile that needs nobody": func(r *rig) error {
		_, err := r.engine.Token(r.t.Context(), "derived", -1)
		return err
	},
	"narrower token": func(r *rig) error {
		_, err := r.engine.TokenFor(r.t.Context(), TokenQuery{Name: "work", Scope: []string{"api"}}, -1)
		return err
	},
	"narrower token of a profile that needs nobody": func(r *rig) error {
		_, err := r.engine.TokenFor(r.t.Context(), TokenQuery{Name: "derived", Scope: []string{"api"}}, -1)
		return err
	},
	"copy":   func(r *rig) error { _, err := r.engine.Text(r.t.Context(), "work", FormAccessToken); return err },
	"curl":   func(r *rig) error { _, err := r.engine.Text(r.t.Context(), "work", FormCurl); return err },
	"header": func(r *rig) error { _, err := r.engine.Credential(r.t.Context(), "work", "GET", "", ""); return err },
	"request": func(r *rig) error {
		_, err := r.engine.Request(r.t.Context(), Request{Name: "work"})
		return err
	},
	"exchange": func(r *rig) error {
		_, err := r.engine.Exchange(r.t.Context(), Exchange{Name: "work", SubjectProfile: "work"})
		return err
	},
	"exchange of a given token": func(r *rig) error {
		_, err := r.engine.Exchange(r.t.Context(), Exchange{Name: "work", SubjectToken: "given", SubjectType: "jwt"})
		return err
	},
	"introspection": func(r *rig) error { _, err := r.engine.Introspect(r.t.Context(), "work", "access_token"); return err },
	"userinfo":      func(r *rig) error { _, err := r.engine.UserInfo(r.t.Context(), "work"); return err },
	"end of the session, whose address has the ID token in it": func(r *rig) error {
		_, err := r.engine.EndSession(r.t.Context(), "work")
		return err
	},
	"refresh that somebody asks for": func(r *rig) error { _, err := r.engine.Refresh(r.t.Context(), "work"); return err },
	"login":                          func(r *rig) error { _, err := r.tryLogin("work"); return err },
	"login by hand": func(r *rig) error {
		_, err := r.engine.Begin(r.t.Context(), "work", LoginOptions{})
		return err
	},
	"its end": func(r *rig) error { _, err := r.engine.Complete(r.t.Context(), "work", "code=x&state=y"); return err },
	"login by device": func(r *rig) error {
		_, _, err := r.engine.Poll(r.t.Context(), "work", LoginOptions{Device: true})
		return err
	},
}

// while Fob is locked nothing secret leaves the engine by any way, and nobody is logged in; each way works again after.
func TestLockedHandsOutNothing(t *testing.T) {
	r := newRig(t, withClients(authserver.Options{}, broker))
	r.derive(derivedProfile("derived", "work"))
	r.login("work")
	if err := r.engine.Lock(ByUser); err != nil {
		t.Fatal(err)
	}
	before := r.server.Stats()
	for what, ask := range waysOut {
		t.Run(what, func(t *testing.T) { wantError(t, ask(r), LogInFirst, CodeLocked) })
	}
	if after := r.server.Stats(); !maps.Equal(after.Requests, before.Requests) {
		t.Errorf("the server was asked while Fob was locked: %v, before %v", after.Requests, before.Requests)
	}
	if s := r.status("work"); !s.Locked || s.State != LoggedIn {
		t.Errorf("status: locked %v, %s; want locked and logged in", s.Locked, s.State)
	}
	claims := func() int {
		d, err := r.engine.Details(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		return len(d.AccessClaims) + len(d.IDClaims) + len(d.AuthorizationDetails)
	}
	if n := claims(); n != 0 {
		t.Errorf("%d claims are told", n)
	}
	if err := r.engine.Unlock(ByUser); err != nil {
		t.Fatal(err)
	}
	if claims() == 0 {
		t.Error("no claims are told after unlocking")
	}
	if token := r.token("work"); !r.works(token.AccessToken) {
		t.Error("the token does not work after unlocking")
	}
	for what, ask := range waysOut { // none was refused for something else
		if err := ask(r); err != nil {
			if said := Explain("", err); said.Code == CodeLocked {
				t.Errorf("%s: still locked", what)
			}
		}
	}
}

// A login must not die of the lock: refreshes go on, also of what is derived from another profile.
func TestLockedLoginIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{AccessTokenTTL: 5 * time.Minute}, broker))
		r.derive(derivedProfile("derived", "work"))
		r.login("work")
		r.token("derived")
		if err := r.engine.Lock(ByUser); err != nil {
			t.Fatal(err)
		}
		before, derived := *r.status("work").ObtainedAt, *r.status("derived").ObtainedAt
		go r.engine.Run(t.Context())
		time.Sleep(2 * time.Hour) // far longer than the demo's tokens live
		synctest.Wait()
		for name, obtained := range map[string]time.Time{"work": before, "derived": derived} {
			if s := r.status(name); s.State != LoggedIn || !s.ObtainedAt.After(obtained) {
				t.Errorf("%s after two hours behind the lock: %s, token of %v", name, s.State, s.ObtainedAt)
			}
		}
		if err := r.engine.Unlock(ByUser); err != nil {
			t.Fatal(err)
		}
		if token := r.token("work"); !r.works(token.AccessToken) {
			t.Error("the token does not work after unlocking")
		}
		r.engine.Close()
	})
}

// The lock outlives the agent, and what its file says is not needed to know that there is one.
func TestLockOutlivesTheAgent(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	if err := r.engine.Lock(ByUser); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLocked)
	if err := os.WriteFile(filepath.Join(r.dir, "lock.json"), nil, 0o600); err != nil { // cut short
		t.Fatal(err)
	}
	r.reopen()
	_, err = r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLocked)
	if err := r.engine.Unlock(ByUser); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	r.token("work")
}

// Who unlocks what: unlocking the screen unlocks only what the screen had locked.
func TestWhoUnlocks(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		want  string
	}{
		{"the screen what it locked", []string{"lock screen", "unlock screen"}, ""},
		{"the user what the screen locked", []string{"lock screen", "unlock user"}, ""},
		{"the screen not what the user locked", []string{"lock user", "unlock screen"}, "user"},
		{"the screen not what the user locked before it", []string{"lock user", "lock screen", "unlock screen"}, "user"},
		{"the screen not what the user locked behind it", []string{"lock screen", "lock user", "unlock screen"}, "user"},
		{"nobody what is open", []string{"unlock screen", "unlock user"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, authserver.Options{})
			for _, step := range c.steps {
				do := map[string]func() error{
					"lock user": func() error { return r.engine.Lock(ByUser) }, "lock screen": func() error { return r.engine.Lock(ByScreen) },
					"unlock user": func() error { return r.engine.Unlock(ByUser) }, "unlock screen": func() error { return r.engine.Unlock(ByScreen) },
				}[step]
				if err := do(); err != nil {
					t.Fatal(err)
				}
			}
			got := ""
			if l := r.engine.Locked(); l != nil {
				got = string(l.By)
			}
			if got != c.want {
				t.Errorf("locked by %q, want %q", got, c.want)
			}
		})
	}
}

// A lock that could not be kept locks all the same, and says that a restart would end it; an unlocking that could not be kept does
// not unlock.
func TestLockWithoutADisk(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	full := filepath.Join(r.dir, "full")
	if err := os.WriteFile(full, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.engine.lockFile = filepath.Join(full, "lock.json") // no directory: nothing can be written there
	wantError(t, r.engine.Lock(ByUser), Failed, CodeLocked)
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLocked)
	wantError(t, r.engine.Unlock(ByUser), Failed, CodeLocked)
	_, err = r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLocked)
}

// What watches hears of the lock with everything there is, also where there are no profiles.
func TestWatchersHearOfTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		var heard []string
		go r.engine.Watch(t.Context(), func(all bool, changed []Status, _ []string) error {
			for _, s := range changed {
				text, err := json.Marshal(struct{ All, Locked bool }{all, s.Locked})
				if err != nil {
					return err
				}
				heard = append(heard, string(text))
			}
			return nil
		})
		synctest.Wait()
		for _, step := range []func(Locker) error{r.engine.Lock, r.engine.Unlock} {
			if err := step(ByUser); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		want := []string{`{"All":true,"Locked":false}`, `{"All":true,"Locked":true}`, `{"All":true,"Locked":false}`}
		if len(heard) != 3 || heard[0] != want[0] || heard[1] != want[1] || heard[2] != want[2] {
			t.Errorf("heard %v, want %v", heard, want)
		}
		r.engine.Close()
	})
}

// TestDamagedLockLocks damages what keeps the lock, in each way, in each of its copies: who was locked stays locked, also at the start
// after that, is told so, and can unlock; who was not locked is not.
func TestDamagedLockLocks(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"truncated":  func(path string) error { return os.Truncate(path, 7) },
		"empty":      func(path string) error { return os.Truncate(path, 0) },
		"garbage":    func(path string) error { return os.WriteFile(path, []byte("\x00\xff"), 0o600) },
		"missing":    os.Remove,
		"unreadable": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)) },
		"directory":  func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/mine", 0o700)) },
	} {
		for which, hit := range map[string][]string{"first": {""}, "second": {".copy"}, "both": {"", ".copy"}} {
			if name == "missing" && which == "both" {
				continue // that is how an unlocked one looks
			}
			for _, by := range []Locker{ByUser, ByScreen} {
				r := newRig(t, authserver.Options{})
				path := filepath.Join(r.dir, "lock.json")
				if err := r.engine.Lock(by); err != nil {
					t.Fatal(err)
				}
				r.engine.Close()
				for _, copy := range hit {
					if err := damage(path + copy); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					r.reopen()
					l := r.engine.Locked()
					if l == nil {
						t.Fatalf("%s %s: nothing is locked", which, name)
					}
					if silent := name == "missing" && which == "second"; (l.Damage == "") != silent || !silent && (l.By != ByUser || !strings.Contains(LockedError(*l).Sentence, "damaged")) {
						t.Errorf("%s %s: %+v", which, name, *l)
					}
				}
				aside, err := filepath.Glob(path + "*.damaged-*")
				if err != nil || name != "missing" && len(aside) != len(hit) {
					t.Errorf("%s %s: kept %v, %v", which, name, aside, err)
				}
				if err := r.engine.Unlock(ByUser); err != nil {
					t.Fatal(err)
				}
				if r.reopen(); r.engine.Locked() != nil {
					t.Errorf("%s %s: locked again", which, name)
				}
			}
		}
	}
}
