//go:build e2e && linux

package keychain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const prompterName = "org.gnome.keyring.SystemPrompter"

// R-308, real back-end: 100 KB, and everything smaller, through gnome-keyring, and still there after kill -9 of the daemon.
func TestRealRoundTrip(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, nil)
	s.start(true)
	k := s.open()
	report, err := k.Probe(ctx, false)
	if err != nil || report.Owner != "gnome-keyring-daemon" || report.Collection != string(loginCollection) || report.Kind != KindKeychain {
		t.Fatalf("%+v, %v", report, err)
	}
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("empty: %v", err)
	}
	must(t, k.Delete(ctx, "k"))
	values := [][]byte{secret("canary-small", 100), secret("canary-large", 100<<10), {0, 1, 0xff}, {}}
	for i, value := range values {
		key := string(rune('a'+i)) + " profile/Grüße '\"$(x)"
		must(t, k.Set(ctx, key, []byte("before")))
		must(t, k.Set(ctx, key, value))
	}
	s.kill()
	s.start(true)
	for i, value := range values {
		key := string(rune('a'+i)) + " profile/Grüße '\"$(x)"
		got, err := k.Get(ctx, key)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%d: %d bytes, %v", i, len(got), err)
		}
	}
	noCanary(t, s.root)
	for i := range values {
		must(t, k.Delete(ctx, string(rune('a'+i))+" profile/Grüße '\"$(x)"))
	}
	if files := sealedFiles(t, filepath.Join(s.root, "sealed")); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

// nothing below root holds the canary: not the sealed files, not the daemon's own (it encrypts its collection).
func noCanary(t *testing.T, root string) {
	t.Helper()
	looked := 0
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return nil // sockets, and files that come and go
		}
		looked++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil || looked < 2 {
		t.Errorf("looked into %d files, %v", looked, err)
	}
}

// What is missing is told apart, in words that name it, and no prompt comes up for an unattended caller.
func TestRealMissing(t *testing.T) {
	check := func(t *testing.T, k *Keychain, want error, words ...string) {
		t.Helper()
		ctx := context.Background()
		start := time.Now()
		_, probeErr := k.Probe(ctx, false)
		_, getErr := k.Get(ctx, "k")
		for call, err := range map[string]error{"probe": probeErr, "get": getErr, "set": k.Set(ctx, "k", nil), "delete": k.Delete(ctx, "k")} {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v; want %v", call, err, want)
				continue
			}
			for _, word := range append(words, "FOB_STORE=memory") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%s: %q is not in: %v", call, word, err)
				}
			}
		}
		if took := time.Since(start); took > patience {
			t.Errorf("took %v", took)
		}
	}
	t.Run("no bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
		k, err := Open(KindKeychain, t.TempDir())
		must(t, err)
		check(t, k, ErrNoKeychain, "session bus", "gnome-keyring", "KeePassXC")
	})
	t.Run("no service", func(t *testing.T) {
		check(t, newSession(t, nil).open(), ErrNoKeychain, secretsName, "gnome-keyring", "KeePassXC")
	})
	t.Run("service that does not start", func(t *testing.T) {
		check(t, newSession(t, nil, secretsName, "/bin/false").open(), ErrNoKeychain, "does not start")
	})
	t.Run("no collection", func(t *testing.T) {
		s := newSession(t, nil, prompterName, "/usr/libexec/gcr-prompter")
		s.start(false)
		check(t, s.open(), ErrNoCollection, "password")
		if s.has(prompterName) {
			t.Error("somebody was prompted")
		}
	})
	t.Run("locked", func(t *testing.T) {
		s := newSession(t, nil, prompterName, "/usr/libexec/gcr-prompter")
		s.start(true)
		k := s.open()
		must(t, k.Set(context.Background(), "k", secret("v", 5000)))
		s.lock()
		check(t, k, ErrLocked, "unlock")
		s.kill()
		s.start(false) // as after a login that did not unlock it
		check(t, k, ErrLocked, "unlock")
		if s.has(prompterName) {
			t.Error("somebody was prompted")
		}
		s.kill()
		s.start(true)
		got, err := k.Get(context.Background(), "k")
		if err != nil || !bytes.Equal(got, secret("v", 5000)) {
			t.Errorf("unlocked again: %v", err)
		}
	})
}

// The bus activates a keychain that is not running yet.
func TestRealActivation(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, nil, secretsName, "/usr/bin/gnome-keyring-daemon --start --foreground --components=secrets")
	gone := s.owned(secretsName, false)
	report, err := s.open().Probe(ctx, false)
	if !errors.Is(err, ErrNoCollection) || report.Owner != "gnome-keyring-daemon" {
		t.Errorf("%+v, %v", report, err)
	}
	var pid uint32
	must(t, s.spy.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretsName).Store(&pid))
	must(t, syscall.Kill(int(pid), syscall.SIGTERM)) // the bus started it, not we
	gone()
}

// R-306, real: the daemon is killed just before the switch; the old value is there when it is back, and the next Set works.
func TestRealKilledMidway(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, nil)
	s.start(true)
	k := s.open()
	must(t, k.Set(ctx, "k", secret("old", 5000)))
	k.files.step = func(step string) {
		if step == "sealed" {
			k.files.step = nil
			s.kill()
		}
	}
	if err := k.Set(ctx, "k", secret("new", 5000)); !errors.Is(err, ErrNoKeychain) {
		t.Errorf("killed: %v", err)
	}
	s.start(true)
	got, err := k.Get(ctx, "k")
	if err != nil || !bytes.Equal(got, secret("old", 5000)) {
		t.Errorf("after: %v", err)
	}
	must(t, k.Set(ctx, "k", secret("newer", 5000)))
	got, err = k.Get(ctx, "k")
	if err != nil || !bytes.Equal(got, secret("newer", 5000)) {
		t.Errorf("after Set: %v", err)
	}
}

// A stopped daemon gives ErrTimeout within the time box, whoever calls, also in the middle of go-keyring's Set; the late Set and
// everything after it are well when it runs again.
func TestRealHung(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := newSession(t, nil)
	s.start(true)
	k := s.open()
	must(t, k.Set(ctx, "k", secret("old", 5000)))
	k.files.step = func(step string) {
		if step == "sealed" {
			s.signal(syscall.SIGSTOP)
		}
	}
	start := time.Now()
	if err := k.Set(ctx, "k", secret("new", 5000)); !errors.Is(err, ErrTimeout) {
		t.Errorf("set: %v", err)
	}
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrTimeout) {
		t.Errorf("get: %v", err)
	}
	if took := time.Since(start); took > 3*patience {
		t.Errorf("took %v", took)
	}
	k.files.step = nil
	s.signal(syscall.SIGCONT)
	got, err := k.Get(ctx, "k") // waits for the late Set's end first
	if err != nil || !bytes.Equal(got, secret("new", 5000)) {
		t.Errorf("after: %v", err)
	}
	s.signal(syscall.SIGSTOP)
	for _, attended := range []bool{false, true} { // no prompt is out: nobody is waited for
		start = time.Now()
		if _, err := k.Probe(ctx, attended); !errors.Is(err, ErrTimeout) || time.Since(start) > 2*patience {
			t.Errorf("probe, attended %v: %v after %v", attended, err, time.Since(start))
		}
	}
	s.signal(syscall.SIGCONT)
	if _, err := k.Probe(ctx, false); err != nil {
		t.Errorf("probe after: %v", err)
	}
}

// A person at a real prompt: makes the first collection, unlocks it, dismisses it, lets it stand until the caller gives up.
func TestRealPrompts(t *testing.T) {
	display := screen(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := newSession(t, []string{"DISPLAY=" + display}, prompterName, "/usr/libexec/gcr-prompter")
	s.start(false)
	k := s.open()
	answer := func(keys ...string) (wait func()) {
		done := make(chan error, 1)
		go func() { done <- s.person(ctx, display, keys...) }()
		return func() {
			t.Helper()
			if err := <-done; err != nil {
				t.Errorf("the person at the screen: %v", err)
			}
		}
	}

	wait := answer("Escape")
	if _, err := k.Probe(ctx, true); !errors.Is(err, ErrRefused) {
		t.Errorf("creation dismissed: %v", err)
	}
	wait()

	wait = answer("type:"+password, "Tab", "type:"+password, "Return")
	report, err := k.Probe(ctx, true)
	if err != nil || report.Collection != string(loginCollection) {
		t.Fatalf("created: %+v, %v", report, err)
	}
	wait()
	must(t, k.Set(ctx, "k", secret("v", 5000)))

	s.lock()
	wait = answer("Escape")
	if _, err := k.Attended().Get(ctx, "k"); !errors.Is(err, ErrRefused) {
		t.Errorf("unlock dismissed: %v", err)
	}
	wait()

	// Given up, then joined: the prompt stays, nobody else is held up by it, and its late answer counts.
	impatient, stop := context.WithCancel(ctx)
	seen := make(chan error, 1)
	go func() { seen <- s.person(ctx, display); stop() }()
	if _, err := k.Attended().Get(impatient, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	must(t, <-seen)
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrLocked) {
		t.Errorf("unattended beside the prompt: %v", err)
	}
	wait = answer("Escape")
	if _, err := k.Attended().Get(ctx, "k"); !errors.Is(err, ErrRefused) {
		t.Errorf("joined and dismissed: %v", err)
	}
	wait()

	wait = answer("spoof", "type:"+password, "Return")
	got, err := k.Attended().Get(ctx, "k")
	if err != nil || !bytes.Equal(got, secret("v", 5000)) {
		t.Errorf("unlocked: %v", err)
	}
	wait()

	complaints, err := os.ReadFile(s.log())
	must(t, err)
	if bytes.Contains(complaints, []byte("CRITICAL")) { // closing the connection under an open prompt would
		t.Errorf("the daemon was hurt: %s", complaints)
	}

	s.lock()
	wait = answer("kill")
	if _, err := k.Probe(ctx, true); !errors.Is(err, ErrNoKeychain) {
		t.Errorf("daemon killed while it asks: %v", err)
	}
	wait()
	_ = s.daemon.Wait() // "killed", as we know
	s.daemon = nil
}
