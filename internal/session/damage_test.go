package session

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// damages are what a power loss, or a hand, makes of a file.
var damages = []struct {
	name string
	do   func(path string, text []byte) error
}{
	{"truncated to nothing", func(path string, _ []byte) error { return os.Truncate(path, 0) }},
	{"truncated midway", func(path string, text []byte) error { return os.Truncate(path, int64(len(text)/2)) }},
	{"its last words missing", func(path string, text []byte) error { // a slot of the journal is larger than what is in it
		return os.Truncate(path, int64(max(0, len(bytes.TrimRight(text, "\x00"))-10)))
	}},
	{"garbage", func(path string, text []byte) error {
		for i := range text {
			text[i] = byte(i*31 + 7)
		}
		return os.WriteFile(path, text, 0o600)
	}},
	{"zeros", func(path string, text []byte) error { return os.WriteFile(path, make([]byte, len(text)), 0o600) }},
	{"renamed away", func(path string, _ []byte) error { return os.Rename(path, path+"~") }},
	{"missing", func(path string, _ []byte) error { return os.Remove(path) }},
	{"half a temporary file beside it", func(path string, text []byte) error {
		return os.WriteFile(filepath.Join(filepath.Dir(path), ".new-12345"), text[:len(text)/2], 0o600)
	}},
}

// TestDamagedFiles breaks each file that a home keeps, in each way, while an answer waits in the journal for an agent that was
// killed: the login goes on, and no login is asked for that the server had not ended.
func TestDamagedFiles(t *testing.T) {
	for file, find := range map[string]func(dir string) string{
		"record":  func(dir string) string { return recordDir(filepath.Join(dir, "logins")).path("work") },
		"trace":   func(dir string) string { return recordDir(filepath.Join(dir, "traces")).path("work") },
		"waiting": waitingFile,
		"journal": func(dir string) string { return filepath.Join(dir, "journal", "slot-0") },
	} {
		for _, damage := range damages {
			t.Run(file+"/"+damage.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					grace := time.Duration(-1)
					if file == "journal" {
						grace = time.Hour // what is lost with an answer only the server can give again
					}
					r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: grace})
					r.login("work")
					if _, err := r.engine.Begin(t.Context(), "work", LoginOptions{}); err != nil {
						t.Fatal(err)
					}
					r.killAt("journal/answered", func() { _, _ = r.engine.Refresh(t.Context(), "work") })
					path := find(r.dir)
					text, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if err := damage.do(path, text); err != nil {
						t.Fatal(err)
					}
					r.abandon()
					go r.engine.Run(t.Context())
					time.Sleep(time.Minute)
					if s := r.status("work"); s.State != LoggedIn || s.ExpiresAt == nil || !s.Refreshable {
						t.Fatalf("%s, %+v", s.State, s.Problem)
					}
					if !r.works(r.token("work").AccessToken) {
						t.Error("the token does not work")
					}
					time.Sleep(30 * time.Minute)
					if !r.works(r.token("work").AccessToken) {
						t.Error("half an hour later the token does not work")
					}
					if stats := r.server.Stats(); stats.FamiliesRevoked != 0 || stats.Logins != 1 {
						t.Errorf("%d families revoked, %d logins", stats.FamiliesRevoked, stats.Logins)
					}
					r.engine.Close()
					unfinished, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*"))
					if err != nil || len(unfinished) > 0 && file != "journal" {
						t.Errorf("left over: %v %v", unfinished, err)
					}
				})
			})
		}
	}
}

// TestDamagedItemWithAnAnswer: what the journal has is newer than an item that cannot be read any more, and takes its place, also
// for who asks before the loop does.
func TestDamagedItemWithAnAnswer(t *testing.T) {
	for _, loop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
			r.login("work")
			r.killAt("journal/answered", func() { _, _ = r.engine.Refresh(t.Context(), "work") })
			if err := r.store.Set(t.Context(), itemKey(r.profile("work")), []byte("{")); err != nil {
				t.Fatal(err)
			}
			r.abandon()
			if loop {
				go r.engine.Run(t.Context())
				time.Sleep(time.Minute)
			}
			if !r.works(r.token("work").AccessToken) {
				t.Error("the token does not work")
			}
			if n := r.server.Stats().ReuseDetected; n != 0 {
				t.Errorf("%d families revoked", n)
			}
			r.engine.Close()
		})
	}
}

// TestOneDamagedItemIsOne: an item that cannot be read keeps no other login from being found again.
func TestOneDamagedItemIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		for _, name := range []string{"work", "other"} { // in this order
			r.put(r.profile(name))
			r.login(name)
		}
		r.engine.Close()
		if err := r.store.Set(t.Context(), itemKey(r.profile("work")), []byte("{")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(r.dir, "logins")); err != nil {
			t.Fatal(err)
		}
		r.open()
		synctest.Wait()
		if s := r.status("other"); s.State != LoggedIn {
			t.Errorf("%s %+v", s.State, s.Problem)
		}
		r.engine.Close()
	})
}

// TestDamagedProfiles: without profiles.json there is nothing to show, but what is known of the logins waits until it is back.
func TestDamagedProfiles(t *testing.T) {
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
				r.login("work")
				r.killAt("journal/answered", func() { _, _ = r.engine.Refresh(t.Context(), "work") })
				path := filepath.Join(r.dir, "profiles.json")
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := damage.do(path, append([]byte(nil), text...)); err != nil {
					t.Fatal(err)
				}
				file, damaged := profiles.OpenFile(path)
				e, err := New(Options{Profiles: file, Store: r.store, Dir: r.dir, HTTP: r.http})
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(damage.name, "garbage") || strings.HasPrefix(damage.name, "truncated midway") {
					if damaged == nil || e.Damage() == nil {
						t.Error("nobody says that profiles.json is damaged")
					}
				}
				go e.Run(t.Context())
				time.Sleep(time.Hour)
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				r.engine = e
				if !r.works(r.token("work").AccessToken) {
					t.Error("the token does not work")
				}
				if stats := r.server.Stats(); stats.FamiliesRevoked != 0 || stats.Logins != 1 {
					t.Errorf("%d families revoked, %d logins", stats.FamiliesRevoked, stats.Logins)
				}
				e.Close()
			})
		})
	}
}
