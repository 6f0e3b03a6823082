//go:build !windows

package profiles

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A dotfile manager keeps profiles.json in a repository and links it: the link stays, the file behind it is replaced.
func TestSymlinkStays(t *testing.T) {
	path := profilesFile(t, "")
	dotfiles := filepath.Join(t.TempDir(), "dotfiles")
	for _, dir := range []string{filepath.Dir(path), dotfiles} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(dotfiles, "fob.json")
	relative, err := filepath.Rel(filepath.Dir(path), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(relative, path); err != nil { // to a file that is not there yet
		t.Fatal(err)
	}
	f := open(t, path)
	for _, name := range []string{"a", "b"} {
		if err := f.Put(minimal(name), "", true); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Fatalf("the link is gone: %v, %v", info, err)
		}
		if !strings.Contains(read(t, target), `"name": "`+name+`"`) {
			t.Errorf("%s is not in the file behind the link", name)
		}
	}
	if err := os.Symlink("loop", filepath.Join(dotfiles, "loop")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(filepath.Join(dotfiles, "loop")); err == nil {
		t.Error("a link to itself was opened")
	}
}
