//go:build e2e && linux

package desktop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// GLib, which many desktops start their entries with, reads our quoting as we
// meant it.
func TestAutostartEntryStarts(t *testing.T) {
	dir := t.TempDir()
	path := program(t, dir, "fob $x", `printf '%s\n' "$@" >"${0%/*}/new"; mv "${0%/*}/new" "${0%/*}/args"`)
	words := []string{"agent", "a b", `q"q`, `s'\s`, "$HOME `id`", "100%u", "", "ü"}
	if err := Autostart(Env{"HOME": dir}, true, append([]string{path}, words...)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gio", "launch", filepath.Join(dir, ".config/autostart", AppID+".desktop"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gio (Debian package libglib2.0-bin): %v\n%s", err, out)
	}
	until(t, "started", func() bool {
		_, err := os.Stat(dir + "/args")
		return err == nil
	})
	if got, want := read(t, dir+"/args"), strings.Join(words, "\n")+"\n"; got != want {
		t.Errorf("started with %q, want %q", got, want)
	}
}
