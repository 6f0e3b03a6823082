package durable

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// A process that ends at any step leaves the old file or the new one, whole, and litter that the next start sweeps.
func TestCrashAtEveryStepOfAWrite(t *testing.T) {
	for i, last := range Steps {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		must(t, Write(path, []byte("old"), true))
		var passed []string
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = Replace(path, []byte("new"), nil, func(step string) {
				if passed = append(passed, step); step == last {
					crash()
				}
			})
		}()
		<-ended
		if !slices.Equal(passed, Steps[:i+1]) {
			t.Fatalf("passed %v", passed)
		}
		want := "old"
		if i >= slices.Index(Steps, "renamed") {
			want = "new"
		}
		if got := content(t, path); got != want {
			t.Errorf("ended after %s: %q", last, got)
		}
		must(t, Sweep(dir))
		if left := namesIn(t, dir); !slices.Equal(left, []string{"file"}) {
			t.Errorf("ended after %s: %v", last, left)
		}
	}
}

// crash ends the writer where it is. Its deferred functions run, as they would not after SIGKILL: what they remove is litter only, and
// the test of the litter is the next one.
func crash() { runtime.Goexit() }

func TestSweepRemovesLitterAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{temporary + "123", "file", "other.new-1", "new-1"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, temporary+"dir"), 0o700))
	must(t, Sweep(dir))
	if left := namesIn(t, dir); !slices.Equal(left, []string{temporary + "dir", "file", "new-1", "other.new-1"}) {
		t.Errorf("left %v", left)
	}
	must(t, Sweep(filepath.Join(dir, "nowhere")))
}

func TestWriteIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "file")
	for _, flushed := range []bool{true, false} {
		must(t, Write(path, []byte("text"), flushed))
		must(t, os.Chmod(path, 0o644)) // as a backup may restore it
		must(t, Write(path, []byte("text2"), flushed))
		if runtime.GOOS != "windows" {
			for path, want := range map[string]fs.FileMode{path: 0o600, dir: 0o700, filepath.Dir(dir): 0o700} {
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v, %v", path, info.Mode(), err)
				}
			}
		}
		must(t, os.RemoveAll(filepath.Dir(dir)))
	}
}

// What is refused changes nothing and leaves nothing.
func TestRefusedWrites(t *testing.T) {
	dir := t.TempDir()
	path, busy := filepath.Join(dir, "file"), filepath.Join(dir, "busy")
	must(t, Write(path, []byte("old"), true))
	must(t, os.MkdirAll(filepath.Join(busy, "full"), 0o700))
	refused := errors.New("not what was written")
	for name, err := range map[string]error{
		"the check":                    Replace(path, []byte("new"), func(back []byte) error { return refused }, nil),
		"a directory in its place":     Write(busy, []byte("new"), true),
		"a file where a folder should": Write(filepath.Join(path, "below"), []byte("new"), true),
	} {
		if err == nil || name == "the check" && !errors.Is(err, refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := content(t, path); got != "old" {
		t.Errorf("the file is %q", got)
	}
	if left := namesIn(t, dir); !slices.Equal(left, []string{"busy", "file"}) {
		t.Errorf("left %v", left)
	}
	must(t, Replace(path, []byte("new"), func(back []byte) error {
		if string(back) != "new" || content(t, path) != "old" {
			t.Errorf("checked %q while the file is %q", back, content(t, path))
		}
		return nil
	}, nil))
}

// A link stays one: people keep their settings in a repository of dotfiles.
func TestWriteThroughLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where links want a privilege
	}
	dir := t.TempDir()
	real := filepath.Join(dir, "repository", "settings.json")
	must(t, Write(real, []byte("old"), true))
	for _, one := range [][2]string{{"absolute", real}, {"relative", "repository/settings.json"}, {"chained", "relative"}, {"dangling", "repository/none"}} {
		link, to := one[0], one[1]
		path := filepath.Join(dir, link)
		must(t, os.Symlink(to, path))
		must(t, Write(path, []byte(link), true))
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 || content(t, path) != link {
			t.Errorf("%s: %v, %v", link, info.Mode(), err)
		}
	}
	loop := filepath.Join(dir, "loop")
	must(t, os.Symlink("loop", loop))
	if err := Write(loop, []byte("x"), true); err == nil || !strings.Contains(err.Error(), "links") {
		t.Errorf("a loop: %v", err)
	}
}

func TestAsideLosesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"one", "two", "three"} { // within a second
		must(t, os.WriteFile(path, []byte(text), 0o600))
		aside, err := Aside(path)
		if err != nil || content(t, aside) != text {
			t.Errorf("%s is at %q, %v", text, aside, err)
		}
	}
	must(t, os.MkdirAll(filepath.Join(path, "below"), 0o700))
	if aside, err := Aside(path); err != nil || !slices.Equal(namesIn(t, aside), []string{"below"}) {
		t.Errorf("a directory: %q, %v", aside, err)
	}
	if left := namesIn(t, dir); len(left) != 4 || slices.Contains(left, "file") {
		t.Errorf("left %v", left)
	}
}

// Each way in which a file can be damaged, at the first copy, the second, and both.
func TestTwice(t *testing.T) {
	damages := map[string]func(path string) error{
		"truncated":  func(path string) error { return os.Truncate(path, 5) },
		"empty":      func(path string) error { return os.Truncate(path, 0) },
		"garbage":    func(path string) error { return os.WriteFile(path, []byte("\x00\xff{garbage"), 0o600) },
		"missing":    os.Remove,
		"unreadable": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)) },
		"directory":  func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/below", 0o700)) },
	}
	valid := func(text []byte) error { return json.Unmarshal(text, new(map[string]string)) }
	const good, otherwise = `{"store":"file"}`, `{"store":"keychain"}`
	instead := func() []byte { return []byte(otherwise) }
	for name, damage := range damages {
		for which, hit := range map[string][]int{"first": {0}, "second": {1}, "both": {0, 1}} {
			dir := t.TempDir()
			file := Twice(filepath.Join(dir, "file"))
			must(t, file.Write([]byte(good)))
			for _, i := range hit {
				must(t, damage(file.places()[i]))
			}
			before, trouble := file.Read(valid)
			text, found := file.Mend(valid, instead)
			want, was := good, good
			if which == "both" {
				if want, was = otherwise, ""; name == "missing" {
					want = ""
				}
			}
			if string(text) != want || string(before) != was {
				t.Errorf("%s %s: read %q, mended %q", which, name, before, text)
			}
			// A missing second copy is how a version before left it, and two missing ones are no file.
			if silent := name == "missing" && which != "first"; (found == nil) != silent || (trouble == nil) != silent {
				t.Errorf("%s %s: found %v, %v", which, name, trouble, found)
			}
			if aside, err := filepath.Glob(filepath.Join(dir, "*.damaged-*")); name != "missing" && (err != nil || len(aside) != len(hit) || !strings.Contains(found.Error(), aside[0])) {
				t.Errorf("%s %s: kept %v, said %v", which, name, aside, found)
			}
			if again, found := file.Mend(valid, instead); string(again) != want || found != nil {
				t.Errorf("%s %s: the next start reads %q, %v", which, name, again, found)
			}
		}
	}
}

// A mender that ends at any step never leaves neither copy, which would look as if there had been none; the next start finishes.
func TestCrashAtEveryStepOfAMend(t *testing.T) {
	valid := func(text []byte) error { return json.Unmarshal(text, new(map[string]string)) }
	const good, otherwise = `{"store":"file"}`, `{"store":"keychain"}`
	instead := func() []byte { return []byte(otherwise) }
	for _, state := range [][2]string{{"", good}, {"{", good}, {good, "{"}, {"{", "{"}, {"{", ""}, {"", "{"}} { // "": missing
		want := otherwise
		if slices.Contains(state[:], good) {
			want = good
		}
		for last, ended := 1, false; !ended; last++ {
			file := Twice(filepath.Join(t.TempDir(), "file"))
			for i, path := range file.places() {
				if state[i] != "" {
					must(t, os.WriteFile(path, []byte(state[i]), 0o600))
				}
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				steps := 0
				_, _ = file.mend(valid, instead, func(string) {
					if steps++; steps == last {
						crash()
					}
				})
				ended = true
			}()
			<-over
			if left, err := filepath.Glob(string(file) + "*"); err != nil || !slices.ContainsFunc(file.places(), func(path string) bool { return slices.Contains(left, path) }) {
				t.Errorf("%q, ended after step %d: %v", state, last, left)
			}
			text, _ := file.Mend(valid, instead)
			if again, trouble := file.Read(valid); string(text) != want || string(again) != want || trouble != nil {
				t.Errorf("%q, ended after step %d: the next start mends %q, and reads %q, %v", state, last, text, again, trouble)
			}
		}
	}
}

// Nothing is left of what was removed, and removing nothing is fine.
func TestTwiceRemove(t *testing.T) {
	dir := t.TempDir()
	file := Twice(filepath.Join(dir, "file"))
	must(t, file.Remove())
	must(t, file.Write([]byte("{}")))
	must(t, file.Remove())
	if left := namesIn(t, dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
