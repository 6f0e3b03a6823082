//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Everything moves from the real keychain to sealed files and back, also when the agent is killed in between, and both ends are
// named by fob doctor. What profiles no longer need is found in the keychain and removed; another home's is not.
func TestStoreMove(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bare...)
	k, f := openKeyring(d), newFob(d)
	passphrase := filepath.Join(d.root, "passphrase")
	must(t, os.WriteFile(passphrase, []byte("correct horse battery\n"), 0o600))
	f.vars = append(f.vars, "FOB_PASSPHRASE_FILE="+passphrase)
	const canary = "canary-of-the-store"
	add := func(f *fob, name, secret string) {
		t.Helper()
		f.run("profile", "add", name, "--issuer", "https://login.example.com", "--client-id", "x", "--set", "grant_type=client_credentials").ok()
		f.runWith(secret, "profile", "set", name, "client_secret=-").ok()
	}
	large := strings.Repeat(canary, 100<<10/len(canary))
	for i := range 12 {
		add(f, fmt.Sprint("p", i), canary)
	}
	add(f, "large", large)
	other := newFob(d)
	other.home += "-2"
	other.vars[0] = "FOB_HOME=" + other.home
	add(other, "p0", "another home's")

	holds := func(kind, keeper string) {
		t.Helper()
		out := f.run("doctor").out
		if !strings.Contains(out, "ok       store           "+kind) && !strings.Contains(out, "ok  store           "+kind) ||
			!strings.Contains(out, keeper) || !strings.Contains(out, "13 items of this home") || !strings.Contains(out, "survives log-out and restart") {
			t.Errorf("fob doctor with the %s:\n%s", kind, out)
		}
		for _, name := range []string{"p0", "p11", "large"} {
			if out := f.run("profile", "show", name, "--json").ok(); !strings.Contains(out, `"client_secret"`) {
				t.Errorf("the secret of %s is gone", name)
			}
		}
		plain := 0
		must(t, filepath.WalkDir(f.home, func(path string, entry os.DirEntry, err error) error {
			if text, _ := os.ReadFile(path); strings.Contains(string(text), canary) {
				plain++
			}
			return err
		}))
		if plain > 0 {
			t.Errorf("%d files hold a secret in plain", plain)
		}
	}
	holds("keychain", "kept by gnome-keyring 4")

	// Killed while it moves: whatever it had reached, nothing is lost and the same words again finish it.
	for _, to := range []string{"file", "keychain", "file"} {
		move := f.command(t.Context(), "store", "move", to, "--yes")
		must(t, move.Start())
		before := len(k.secrets())
		until(t, "something has moved", func() bool {
			files, _ := filepath.Glob(filepath.Join(f.home, "data", "store", "item-*"))
			return to == "file" && len(files) > 3 || to == "keychain" && len(k.secrets()) > before
		})
		f.killAgent()
		_ = move.Wait()
		f.run("store", "move", to, "--yes").ok()
		if to == "keychain" {
			holds(to, "kept by gnome-keyring 4")
			continue
		}
		holds(to, "age opens with the passphrase")
		if left := k.secrets(); len(left) != 1 {
			t.Errorf("%d items are left in the keychain, want the other home's alone", len(left))
		}
		if files, _ := filepath.Glob(filepath.Join(f.home, "data", "sealed", "*")); len(files) > 0 {
			t.Errorf("left of the keychain's sealed files: %q", files)
		}
	}
	f.run("store", "move", "keychain", "--yes").ok()

	// A profile that somebody cuts out of the file leaves its secret behind.
	must(t, os.WriteFile(filepath.Join(f.home, "config", "profiles.json"), []byte(`{"version": 1, "profiles": []}`), 0o600))
	if out := f.run("store", "clean", "--json").ok(); strings.Count(out, "/secrets/") != 13 {
		t.Errorf("left over:\n%s", out)
	}
	f.run("store", "clean", "--yes").exits(0).saying("removed 13 items")
	left := k.secrets()
	if len(left) != 1 {
		t.Errorf("%d items are left, want the other home's alone", len(left))
	}
	out := f.run("store").ok()
	_, line, _ := strings.Cut(out, "\nhome ")
	mark, _, _ := strings.Cut(line, " ")
	if mark == "" {
		t.Fatalf("the other home is not shown:\n%s", out)
	}
	f.run("store", "clean", "--home", mark, "--yes").exits(0).saying("removed 1 items")
	if left := k.secrets(); len(left) != 0 {
		t.Errorf("%d items are left", len(left))
	}
}

// The keychain's troubles from the command line, each in words of its own: refusing, slow, vanished.
func TestStoreTroubles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bare...)
	k, f := openKeyring(d), newFob(d)
	f.run("profile", "add", "work", "--issuer", "https://login.example.com", "--client-id", "x").ok()
	f.runWith("secret", "profile", "set", "work", "client_secret=-").ok()
	var pid uint32
	must(t, k.bus.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretName).Store(&pid))
	daemon, err := os.FindProcess(int(pid))
	must(t, err)

	must(t, daemon.Signal(syscall.SIGSTOP))
	f.runWith("another", "profile", "set", "work", "client_secret=-").exits(5).saying("the keychain does not answer", "it is slow or hangs: nothing came in 5 s", "fob: hint: see whether the keychain waits")
	must(t, daemon.Signal(syscall.SIGCONT))
	f.runWith("another", "profile", "set", "work", "client_secret=-").ok()

	must(t, daemon.Kill())
	until(t, "the daemon is off the bus", func() bool {
		var owned bool
		must(t, k.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretName).Store(&owned))
		return !owned
	})
	// The bus starts another one, which nobody has unlocked.
	f.runWith("third", "profile", "set", "work", "client_secret=-").exits(5).saying("the keychain is locked", "unlock it")
	said := f.run("store")
	if said.code != 1 || !strings.Contains(said.out, "problem    the keychain is locked") && !strings.Contains(said.out, "problem  the keychain is locked") {
		t.Errorf("fob store, exit code %d:\n%s", said.code, said.out)
	}
}
