//go:build keepassxc && linux

// KeePassXC 2.7.4, which Debian 12 has, now and then ends with a segmentation fault of its own while items are created one after
// another. So these tests have a tag of their own, and `make keepassxc` runs them beside the others.

package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sharedGroup is the id of the group that our database shares: KeePassXC keeps the choice in the database, and no command line
// makes it, but an import brings it along.
const sharedGroup = "{00010203-0405-0607-0809-0a0b0c0d0e0f}"

// keePassXCCollection is what our database is on the bus: KeePassXC names it by its file.
const keePassXCCollection = secretsPath + "/collection/fob"

// keePassXC makes a session with a database of KeePassXC under our password, of which the group is shared, if any.
func keePassXC(t *testing.T, display, group string) *session {
	t.Helper()
	s := newSession(t, []string{"DISPLAY=" + display, "QT_QPA_PLATFORM=xcb"})
	s.env = append(s.env, "TMPDIR="+s.root) // where it looks for another one that runs
	config := filepath.Join(s.root, "keepassxc.ini")
	must(t, os.WriteFile(config, []byte("[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\n[GUI]\nCheckForUpdates=false\n"+
		"[FdoSecrets]\nEnabled=true\nConfirmAccessItem=false\nConfirmDeleteItem=false\n"), 0o600))
	text := filepath.Join(s.root, "import.xml")
	must(t, os.WriteFile(text, fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8"?><KeePassFile><Meta><DatabaseName>fob</DatabaseName>
<CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>%s</Value></Item></CustomData></Meta>
<Root><Group><UUID>AAECAwQFBgcICQoLDA0ODw==</UUID><Name>Fob</Name></Group></Root></KeePassFile>`, group), 0o600))
	make := exec.Command("keepassxc-cli", "import", "--set-password", text, s.database())
	make.Env = s.env
	make.Stdin = strings.NewReader(password + "\n" + password + "\n")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

func (s *session) database() string { return filepath.Join(s.root, "fob.kdbx") }

// startKeePassXC starts it with our database, open or still locked.
func (s *session) startKeePassXC(unlock bool) {
	s.t.Helper()
	args := []string{"--config", filepath.Join(s.root, "keepassxc.ini"), "--localconfig", filepath.Join(s.root, "keepassxc-local.ini")}
	if unlock {
		args = append(args, "--pw-stdin")
	}
	s.launch(exec.Command("keepassxc", append(args, s.database())...))
}

// await probes until the answer is as wanted: KeePassXC is on the bus before its database is open.
func await(t *testing.T, k *Keychain, want error) Report {
	t.Helper()
	late := time.After(time.Minute)
	for tick := time.Tick(50 * time.Millisecond); ; <-tick {
		report, err := k.Probe(t.Context(), false)
		if errors.Is(err, want) {
			return report
		}
		select {
		case <-late:
			t.Fatalf("probe: %+v, %v; want %v", report, err, want)
		default:
		}
	}
}

// Real KeePassXC as the Secret Service. R-308: 100 KB and everything smaller; values that it would take for placeholders; restart.
// Locked, nobody is asked for what goes on by itself, and a login waits until the database is unlocked.
func TestRealKeePassXC(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	display := screen(t)
	s := keePassXC(t, display, sharedGroup)
	s.startKeePassXC(true)
	k := s.open()
	if report := await(t, k, nil); report.Owner != keepassxc || report.Collection != string(keePassXCCollection) || !report.Lasts {
		t.Errorf("%+v", report)
	}
	if report, err := k.Describe(ctx); err != nil || !strings.HasPrefix(report.Program, "KeePassXC 2.") {
		t.Errorf("program %q, %v", report.Program, err)
	}
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("empty: %v", err)
	}
	values := map[string][]byte{
		"small": secret("canary-small", 100), "100 KB": secret("canary-large", 100<<10), "binary": {0, 1, 0xff}, "empty": {},
		"placeholders": []byte(`{"client_secret":"{USERNAME}{REF:P@T:small}{TITLE} {S:x}"}`), "Grüße '\"$(x)": []byte(`<a>&amp;]]>`),
	}
	for name, value := range values {
		must(t, k.Set(ctx, name, []byte("before")))
		must(t, k.Set(ctx, name, value))
	}
	check := func(when string) {
		t.Helper()
		for name, value := range values {
			if got, err := k.Get(ctx, name); err != nil || !bytes.Equal(got, value) {
				t.Errorf("%s: %s: %d bytes, %v", when, name, len(got), err)
			}
		}
		if names, err := k.List(ctx); err != nil || len(names) != len(values) {
			t.Errorf("%s: list %q, %v", when, names, err)
		}
	}
	check("at once")
	s.lockCollection(keePassXCCollection) // which saves: otherwise that comes a moment after a change, and kill -9 takes the last one along
	await(t, k, ErrLocked)
	s.kill()
	s.startKeePassXC(true)
	await(t, k, nil)
	check("after a restart")
	noCanary(t, s.root)

	s.kill()
	s.startKeePassXC(false)
	await(t, k, ErrLocked)
	for call, err := range map[string]error{"get": func() error { _, err := k.Get(ctx, "small"); return err }(), "set": k.Set(ctx, "small", nil)} {
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "unlock the database in KeePassXC") {
			t.Errorf("locked: %s: %v", call, err)
		}
	}
	unlocking := []string{"search", "--onlyvisible", "--name", "Unlock Database"}
	if out, err := xdotool(ctx, display, unlocking...); err == nil {
		t.Errorf("somebody was asked: %s", out)
	}
	person := make(chan error, 1)
	go func() { // who sees the question and answers it
		var err error
		for tick := time.Tick(100 * time.Millisecond); ; {
			if _, err = xdotool(ctx, display, unlocking...); err == nil || ctx.Err() != nil {
				break
			}
			<-tick
		}
		for try := 0; err == nil && try < 3; try++ { // it shows its window before it takes keys
			if _, err = xdotool(ctx, display, "search", "--sync", "--onlyvisible", "--name", "Unlock Database", "windowactivate", "--sync", "type", "--delay", "60", password); err != nil {
				break
			}
			_, err = xdotool(ctx, display, "key", "Return")
			gone := time.After(5 * time.Second)
			for tick := time.Tick(100 * time.Millisecond); err == nil; <-tick {
				if _, there := xdotool(ctx, display, unlocking...); there != nil {
					person <- nil
					return
				}
				select {
				case <-gone:
					err = errors.New("the question is still there")
				default:
				}
			}
		}
		person <- err
	}()
	if got, err := k.Attended().Get(ctx, "small"); err != nil || !bytes.Equal(got, values["small"]) {
		t.Errorf("unlocked while waiting: %v", err)
	}
	if err := <-person; err != nil {
		t.Errorf("the person at the screen: %v", err)
	}
	check("unlocked")
	for name := range values {
		must(t, k.Delete(ctx, name))
	}
	if files := sealedFiles(t, filepath.Join(s.root, "sealed")); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

// A database that shares no group is no keychain, and KeePassXC's own words for that are in the advice; nobody is shown the
// assistant for a new database.
func TestRealKeePassXCWithoutGroup(t *testing.T) {
	s := keePassXC(t, screen(t), "")
	s.startKeePassXC(true)
	k := s.open()
	await(t, k, ErrNoCollection)
	for _, attended := range []bool{false, true} {
		if _, err := k.Probe(t.Context(), attended); !errors.Is(err, ErrNoCollection) || !strings.Contains(err.Error(), "Secret Service Integration") {
			t.Errorf("attended %v: %v", attended, err)
		}
	}
}
