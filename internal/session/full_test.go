//go:build linux

package session

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/durable"
	"fob/internal/fulldisk"
	"fob/internal/keychain"
)

// onDisk is a keychain that keeps its items in files, as gnome-keyring does in the home directory: on the disk that is full.
type onDisk string

func (d onDisk) path(key string) string {
	return filepath.Join(string(d), hex.EncodeToString([]byte(key)))
}

func (d onDisk) Get(_ context.Context, key string) ([]byte, error) {
	text, err := os.ReadFile(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &keychain.Error{Object: key, Kind: keychain.ErrNotFound}
	}
	return text, err
}

func (d onDisk) Set(_ context.Context, key string, value []byte) error {
	return durable.Write(d.path(key), value, false)
}

func (d onDisk) Delete(_ context.Context, key string) error {
	if err := os.Remove(d.path(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// newFullRig is a rig whose home and keychain are on a disk that can be full.
func newFullRig(t *testing.T) (*rig, *fulldisk.Disk) {
	t.Helper()
	d := fulldisk.New(t)
	server, err := authserver.Start(t.Context(), authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: -1, AutoApprove: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	r := &rig{t: t, server: server, store: onDisk(filepath.Join(d.Dir, "keychain")), dir: filepath.Join(d.Dir, "home")}
	r.open()
	p := r.profile("work")
	p.Issuer, p.APIBaseURL = server.Issuer(), server.API()
	r.put(p)
	return r, d
}

// TestFullDiskAtEveryStep fills the disk at each step of a rotation. No token is spent that could not be kept, whatever is said is
// said of the disk, and a new agent on the disk with room again goes on without a login.
func TestFullDiskAtEveryStep(t *testing.T) {
	for _, step := range append([]string{"before"}, Steps...) {
		if strings.HasPrefix(step, "keychain/") {
			continue // its own tests have them; here the keychain is on the full disk itself
		}
		t.Run(step, func(t *testing.T) {
			r, d := newFullRig(t)
			r.login("work")
			first := r.token("work").AccessToken
			r.engine.Close()
			r.step = func(at string) {
				if at == step {
					d.Fill()
				}
			}
			r.open()
			if step == "before" {
				d.Fill()
			}
			_, err := r.engine.Refresh(t.Context(), "work")
			if err != nil {
				wantError(t, err, TryAgain, CodeDiskFull)
				if said := Explain("work", err); !strings.Contains(said.Sentence, "the disk is full: "+d.Dir) || !strings.Contains(said.Remedy, "make room") {
					t.Errorf("said %q, %q", said.Sentence, said.Remedy)
				}
			}
			if h := r.token("work"); err != nil && h.AccessToken != first {
				t.Error("a token is shown that is not in the keychain")
			}
			r.engine.Close() // the agent ends while the disk is full
			r.step = nil
			d.Empty()
			r.open()
			if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
				if d.KeepsRoom() {
					t.Fatal(err)
				}
				wantError(t, err, LogInFirst, CodeAnswerLost) // of no disk, but it is said
				return
			}
			if !r.works(r.token("work").AccessToken) {
				t.Error("the token does not work")
			}
			if stats := r.server.Stats(); stats.ReuseDetected != 0 || stats.Logins != 1 {
				t.Errorf("%d tokens spent twice, %d logins", stats.ReuseDetected, stats.Logins)
			}
		})
	}
}

// TestFullDiskSpendsNothing: where there is no room for an answer, the server is not asked, and when there is, Fob goes on by itself.
func TestFullDiskSpendsNothing(t *testing.T) {
	r, d := newFullRig(t)
	r.login("work")
	r.engine.Close()
	if err := os.RemoveAll(filepath.Join(r.dir, "journal")); err != nil { // no slot yet that has room
		t.Fatal(err)
	}
	r.open()
	d.Fill()
	asked := r.server.Stats().Requests["token"]
	_, err := r.engine.Refresh(t.Context(), "work")
	wantError(t, err, TryAgain, CodeDiskFull)
	if n := r.server.Stats().Requests["token"] - asked; n != 0 {
		t.Errorf("%d requests for an answer that had no room", n)
	}
	if s := r.status("work"); s.State != Offline || s.Problem == nil || s.Problem.Code != CodeDiskFull || s.Problem.NextTry == nil {
		t.Errorf("%s %+v", s.State, s.Problem)
	}
	d.Empty()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	go r.engine.Run(ctx)
	r.engine.NetworkChanged() // or the back-off passes; nobody need wait for it here
	back := errors.New("logged in again")
	err = r.engine.Watch(ctx, func(_ bool, changed []Status, _ []string) error {
		if changed[0].State == LoggedIn {
			return back
		}
		return nil
	})
	if !errors.Is(err, back) {
		t.Fatalf("with room again: %v, %+v", err, r.status("work").Problem)
	}
	if n := r.server.Stats().Requests["token"] - asked; n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestDiskThatRefuses: where nothing can be written, no token is spent, the disk is named and no server or issuer blamed, what there is
// is handed out, and Fob goes on by itself.
func TestDiskThatRefuses(t *testing.T) {
	r, d := newFullRig(t)
	r.login("work")
	first := r.token("work").AccessToken
	asked := r.server.Stats().Requests["token"]
	d.Refuse()
	_, err := r.engine.Refresh(t.Context(), "work")
	wantError(t, err, TryAgain, CodeDisk)
	if said := Explain("work", err); !strings.Contains(said.Sentence, "the disk refuses: open "+d.Dir) {
		t.Errorf("said %q", said.Sentence)
	}
	if s := r.status("work"); s.State != Offline || s.Away() != "disk trouble" || s.Problem.NextTry == nil {
		t.Errorf("%s, %s, %+v", s.State, s.Away(), s.Problem)
	}
	if h := r.token("work"); h.AccessToken != first {
		t.Error("the token that there is is not handed out")
	}
	_, err = r.engine.Login(t.Context(), "work", within(time.Minute), func(LoginEvent) { t.Error("a page was opened") })
	wantError(t, err, TryAgain, CodeDisk)
	if n := r.server.Stats().Requests["token"] - asked; n != 0 {
		t.Errorf("%d requests for an answer that could not be kept", n)
	}
	d.Permit()
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if !r.works(r.token("work").AccessToken) {
		t.Error("the token does not work")
	}
	if stats := r.server.Stats(); stats.ReuseDetected != 0 || stats.Logins != 1 {
		t.Errorf("%d tokens spent twice, %d logins", stats.ReuseDetected, stats.Logins)
	}
}

// What is somebody else's is said with how to see whose, a disk that fails with where the system says why.
func TestDiskRemedies(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{syscall.EACCES: "ls -ld '/home/ada/my data'", syscall.EPERM: "sudo", syscall.EROFS: "the system's log", syscall.EIO: "the system's log"} {
		said := Explain("work", fmt.Errorf("journal: %w", &fs.PathError{Op: "open", Path: "/home/ada/my data", Err: errno}))
		if said.Kind != TryAgain || said.Code != CodeDisk || !strings.Contains(said.Sentence, "profile work: the disk refuses: open /home/ada/my data: "+errno.Error()) || !strings.Contains(said.Remedy, want) {
			t.Errorf("%v: %+v", errno, said)
		}
	}
	sealed := &keychain.Error{Object: "item", Kind: keychain.ErrNoKeychain, Cause: &fs.PathError{Op: "open", Path: "/home/ada/item.age", Err: syscall.EACCES}}
	if said := Explain("work", sealed); said.Code != CodeDisk { // not the keychain's trouble
		t.Errorf("a sealed file of root's: %+v", said)
	}
	if said := Explain("work", &fs.PathError{Op: "open", Path: "/home/ada/data", Err: syscall.ENOENT}); said.Code == CodeDisk {
		t.Errorf("a file that is missing: %+v", said)
	}
}

// TestFullDiskBeforeALogin: nobody logs in for a token that cannot be kept.
func TestFullDiskBeforeALogin(t *testing.T) {
	r, d := newFullRig(t)
	d.Fill()
	_, err := r.engine.Login(t.Context(), "work", within(time.Minute), func(LoginEvent) { t.Error("a page was opened") })
	wantError(t, err, TryAgain, CodeDiskFull)
	d.Empty()
	r.login("work")
}

// TestDamagedLockOnAFullDisk: who was locked stays locked, start after start, although nothing can be written in the damaged lock's place.
func TestDamagedLockOnAFullDisk(t *testing.T) {
	r, d := newFullRig(t)
	r.login("work")
	if err := r.engine.Lock(ByScreen); err != nil {
		t.Fatal(err)
	}
	r.engine.Close()
	for _, name := range []string{"lock.json", "lock.json.copy"} {
		if err := os.Truncate(filepath.Join(r.dir, name), 7); err != nil {
			t.Fatal(err)
		}
	}
	d.Fill()
	for start := range 4 {
		if start == 3 {
			d.Empty()
		}
		r.reopen()
		if l := r.engine.Locked(); l == nil || l.By != ByUser {
			t.Fatalf("start %d: %+v", start, l)
		}
	}
	if err := r.engine.Unlock(ByUser); err != nil {
		t.Fatal(err)
	}
	r.token("work")
}

// TestDiskOfTheTest says what the tests above stand on: a disk that is full refuses, and one that was emptied does not.
func TestDiskOfTheTest(t *testing.T) {
	d := fulldisk.New(t)
	d.Fill()
	if err := durable.Write(filepath.Join(d.Dir, "file"), make([]byte, 100), true); !diskFull(err) {
		t.Errorf("a full disk: %v", err)
	}
	d.Empty()
	if err := durable.Write(filepath.Join(d.Dir, "file"), make([]byte, 100), true); err != nil {
		t.Error(err)
	}
}
