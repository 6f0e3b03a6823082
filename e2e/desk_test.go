//go:build e2e && linux

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// desk is a private desktop made by dev/desktop.sh: X server, session bus, window manager, panel, notifications, keychain, and a
// HOME of its own.
type desk struct {
	t    *testing.T
	root string   // home/, run/, log/
	vars []string // the desktop's environment
}

// What a test that needs no screen leaves out.
var bare = []string{"--no-panel", "--no-notify", "--no-wm"}

// newDesk makes a desktop that ends with the test, everything started on it included.
func newDesk(t *testing.T, options ...string) *desk {
	t.Helper()
	root, err := os.MkdirTemp("", "fob-e2e-") // short: sockets live below it
	must(t, err)
	d := &desk{t: t, root: root}
	said := filepath.Join(root, "env")
	args := append(append([]string{"--keep", root}, options...), "--", "sh", "-c", `env -0 >"$1.new" && mv "$1.new" "$1" && exec cat <&3`, "sh", said)
	cmd := exec.Command(filepath.Join(repository(t), "dev", "desktop.sh"), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "FOB_") || strings.HasPrefix(pair, "BROWSER=") || strings.HasPrefix(pair, "SSH_")
	})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	// The desktop lasts as long as this pipe: also a test that crashes leaves none behind.
	theirs, ours, err := os.Pipe()
	must(t, err)
	cmd.ExtraFiles = []*os.File{theirs}
	must(t, cmd.Start())
	theirs.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		ours.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the desktop does not end")
			_ = cmd.Process.Kill()
		}
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	until(t, "desktop", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the desktop did not come up (make test installs what it needs): %v\n%s", err, stderr.String())
		default:
		}
		text, err := os.ReadFile(said)
		d.vars = strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		return err == nil
	})
	if !slices.Contains(options, "--no-keyring") && !slices.Contains(options, "--locked") {
		// gnome-keyring owns its name a moment before the password has opened the collection.
		until(t, "keychain unlocked", func() bool {
			out, err := d.do("gdbus", "call", "--session", "-d", "org.freedesktop.secrets", "-o", "/org/freedesktop/secrets/collection/login",
				"-m", "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked")
			return err == nil && strings.Contains(out, "false")
		})
	}
	return d
}

// env is the desktop's environment with changes; a later pair wins, as in exec.Cmd.
func (d *desk) env(pairs ...string) []string { return append(slices.Clone(d.vars), pairs...) }

func (d *desk) lookup(name string) string {
	for _, pair := range d.vars {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

// log is what a part of the desktop has printed so far: dunst, panel, keyring.
func (d *desk) log(part string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.root, "log", part+".log"))
	must(d.t, err)
	return string(text)
}

// do runs a program on the desktop and returns what it printed.
func (d *desk) do(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = d.env()
	cmd.WaitDelay = patience
	out, err := cmd.Output()
	return string(out), err
}

// must runs a program that has to succeed.
func (d *desk) must(name string, args ...string) string {
	d.t.Helper()
	out, err := d.do(name, args...)
	if err != nil {
		d.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

// shot saves a picture of the screen below build/e2e for people to look at.
func (d *desk) shot(name string) {
	d.t.Helper()
	d.must("import", "-window", "root", filepath.Join(pictures(d.t), name+".png"))
}

// repository is the root of Fob's sources.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	must(t, err)
	return root
}

// pictures is where screenshots go.
func pictures(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(repository(t), "build", "e2e")
	must(t, os.MkdirAll(dir, 0o755))
	return dir
}

// program is the path of one of Fob's programs.
func program(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("FOB_BIN")
	if dir == "" {
		t.Fatal("FOB_BIN is not set: run these tests with `make e2e`, or FOB_BIN=$PWD/build go test -tags e2e ./e2e after `make build`")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make build` first", err)
	}
	return path
}
