package profiles

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDamageIsFound(t *testing.T) {
	tests := []struct {
		name, text   string
		line, column int
		reason       string
	}{
		{"cut off", "{\n  \"version\": 1,\n  \"profiles\": [\n    {\"name\": \"a\"", 4, 17, "ends in the middle"},
		{"comma", "{\"profiles\": [\n  {\"name\": \"ä\",}\n]}", 2, 16, "has a comma before this closing bracket; remove the comma"},
		{"comment", "{\n  // mine\n  \"profiles\": []\n}", 2, 3, "has a comment here"},
		{"no comma", "{\"profiles\": [{} {}]}", 1, 18, "invalid character '{' after array element"},
		{"no quotes", "{profiles: []}", 1, 2, "invalid character 'p'"},
		{"behind", "{\"profiles\": []}\n}", 2, 1, "invalid character '}' after top-level value"},
		{"array", "\n []", 2, 2, "holds an array where an object"},
		{"profiles", "{\n \"profiles\": {}}", 2, 14, "profiles is an object; it is an array"},
		{"twice", "{\"profiles\": [],\n \"profiles\": []}", 2, 2, "profiles is there twice"},
		{"version", "{\"version\": \"1\"}", 1, 13, "version is not a whole number from 1 on"},
		{"version 0", "{\"version\": 0}", 1, 13, "version is not a whole number from 1 on"},
		{"latin 1", "{\"profiles\": [{\"name\": \"\xe4\"}]}", 1, 25, "is not UTF-8 text"},
		{"mark", "\ufeff{\n x}", 2, 2, "invalid character 'x'"},
		{"zeros", "\x00\x00\x00", 1, 1, "invalid character"},
		{"blank", " \n", 2, 1, "is empty"},
	}
	for _, tt := range tests {
		path := profilesFile(t, tt.text)
		f, err := OpenFile(path)
		var damaged *DamagedError
		if !errors.As(err, &damaged) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if damaged.Line != tt.line || damaged.Column != tt.column || !strings.Contains(damaged.Reason, tt.reason) || damaged.Path != path {
			t.Errorf("%s: %v, want line %d, column %d, %q", tt.name, err, tt.line, tt.column, tt.reason)
		}
		if !strings.HasPrefix(damaged.SetAside, path+".damaged-") || read(t, damaged.SetAside) != tt.text || read(t, path) != tt.text {
			t.Errorf("%s: not copied aside to %s as it was", tt.name, damaged.SetAside)
		}
		if info, err := os.Stat(damaged.SetAside); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: the copy: %v, %v", tt.name, info.Mode(), err)
		}
		if f == nil || len(f.All()) != 0 || f.Damage() != damaged {
			t.Errorf("%s: the file is not usable and empty", tt.name)
		}
	}
}

func TestGoodWithMarkOrMissingParts(t *testing.T) {
	for _, text := range []string{"\ufeff{\"profiles\": [{\"name\":\"a\"}]}", "{\"version\":1,\"profiles\":[{\"name\":\"a\"}]}\r\n"} {
		if f := open(t, profilesFile(t, text)); names(f) != "a" {
			t.Errorf("%q holds %q", text, names(f))
		}
	}
	for _, text := range []string{"{}", "{\"profiles\": null}"} {
		f := open(t, profilesFile(t, text))
		if err := f.Put(minimal("a"), "", true); err != nil || names(open(t, f.Path())) != "a" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDamagedFileStaysUntilWritten(t *testing.T) {
	const damagedText = `{"profiles": [ {"name": "precious", } ]}`
	path := profilesFile(t, damagedText)
	f, err := OpenFile(path)
	var damaged *DamagedError
	if !errors.As(err, &damaged) {
		t.Fatal(err)
	}
	// Looking again and refused edits change nothing, and make no second copy.
	for range 3 {
		if changed, err := f.Reload(); changed || !errors.Is(err, error(damaged)) {
			t.Errorf("Reload = %t, %v", changed, err)
		}
	}
	if _, err := OpenFile(path); err == nil || !strings.Contains(err.Error(), damaged.SetAside) {
		t.Errorf("opened again: %v, want the same copy %s", err, damaged.SetAside)
	}
	if err := f.Remove("precious"); !errors.Is(err, ErrNotFound) || read(t, path) != damagedText {
		t.Errorf("Remove: %v", err)
	}
	// The copy was changed: it is no copy any more, and another one is made before the file is replaced.
	write(t, damaged.SetAside, "{}")
	if err := f.Put(minimal("new"), "", true); err != nil {
		t.Fatal(err)
	}
	copies, _ := filepath.Glob(path + ".damaged-*")
	kept := 0
	for _, c := range copies {
		if read(t, c) == damagedText {
			kept++
		}
	}
	if kept != 1 || len(copies) != 2 {
		t.Errorf("of %v, %d hold the damaged text", copies, kept)
	}
	if f.Damage() != nil || names(open(t, path)) != "new" {
		t.Errorf("after the write: %v, %q", f.Damage(), names(f))
	}
}

func TestDamageWithoutACopyIsNeverOverwritten(t *testing.T) {
	const damagedText = `{"profiles": [`
	// A name of 245 bytes: one for a copy of it is longer than file systems take, a temporary one is not.
	path := filepath.Join(t.TempDir(), strings.Repeat("p", 240)+".json")
	write(t, path, damagedText)
	f, err := OpenFile(path)
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.SetAside != "" || !strings.Contains(err.Error(), "nothing is written until then") {
		t.Fatalf("OpenFile: %v", err)
	}
	err = f.Put(minimal("new"), "", true)
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "cannot be copied aside") {
		t.Errorf("Put: %v", err)
	}
	if read(t, path) != damagedText {
		t.Fatal("the only damaged text was overwritten")
	}
	write(t, path, `{"profiles": []}`) // mended
	if err := f.Put(minimal("new"), "", true); err != nil || names(open(t, path)) != "new" {
		t.Errorf("Put after mending: %v", err)
	}
}

func TestTypoWhileRunningKeepsTheProfiles(t *testing.T) {
	f := open(t, profilesFile(t, ""))
	for _, name := range []string{"a", "b"} {
		if err := f.Put(minimal(name), "", true); err != nil {
			t.Fatal(err)
		}
	}
	good := read(t, f.Path())
	for _, text := range []string{strings.Replace(good, `"profiles"`, `profiles`, 1), ""} {
		write(t, f.Path(), text)
		changed, err := f.Reload()
		var damaged *DamagedError
		if changed || !errors.As(err, &damaged) || names(f) != "a b" {
			t.Errorf("%q: Reload = %t, %v with %q", text, changed, err, names(f))
		}
		write(t, f.Path(), good)
		if changed, err := f.Reload(); !changed || err != nil || f.Damage() != nil {
			t.Errorf("mended: %t, %v", changed, err)
		}
	}
	// A write in the meantime goes on from what was read last; the typo is kept aside.
	typo := strings.Replace(good, `"profiles"`, `profiles`, 1)
	write(t, f.Path(), typo)
	if err := f.Put(minimal("c"), "", true); err != nil {
		t.Fatal(err)
	}
	copies, _ := filepath.Glob(f.Path() + ".damaged-*")
	if names(open(t, f.Path())) != "a b c" || len(copies) != 1 || read(t, copies[0]) != typo {
		t.Errorf("written %q, copies %v", names(f), copies)
	}
}
