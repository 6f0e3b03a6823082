package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/agent"
	"fob/internal/keychain"
)

func TestHomesAreApart(t *testing.T) {
	shared, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	store := func(data string) *homeStore {
		t.Helper()
		mark, err := homeMark(agent.Home{Data: filepath.Join(data, "data"), Config: filepath.Join(data, "config")})
		if err != nil {
			t.Fatal(err)
		}
		return &homeStore{now: shared, mark: mark}
	}
	one, other := t.TempDir(), t.TempDir()
	t.Setenv("FOB_HOME", one)
	a, b, again := store(one), store(other), store(one)
	t.Setenv("FOB_HOME", "")
	own := store(one)
	if err := a.Set(t.Context(), "token/work", []byte("a")); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*homeStore{"another FOB_HOME": b, "no FOB_HOME": own} {
		if _, err := s.Get(t.Context(), "token/work"); !errors.Is(err, keychain.ErrNotFound) {
			t.Errorf("%s has the token of the first: %v", name, err)
		}
	}
	if got, err := again.Get(t.Context(), "token/work"); err != nil || string(got) != "a" {
		t.Errorf("the same home again: %q %v", got, err)
	}
	if own.mark != "" || !strings.HasPrefix(a.mark, "home/") {
		t.Errorf("marks %q and %q", own.mark, a.mark)
	}
	if err := b.Delete(t.Context(), "token/work"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(t.Context(), "token/work"); err != nil {
		t.Errorf("deleted from another home: %v", err)
	}
}

// TestHomeIDIsFoundAgain breaks the id of a home in each way in one of its places: without it no login of the home would be found.
func TestHomeIDIsFoundAgain(t *testing.T) {
	t.Setenv("FOB_HOME", t.TempDir())
	for _, place := range []string{"data", "config"} {
		for name, damage := range map[string]func(path string) error{
			"empty":        func(path string) error { return os.Truncate(path, 0) },
			"cut short":    func(path string) error { return os.Truncate(path, 5) },
			"garbage":      func(path string) error { return os.WriteFile(path, []byte("\x00\x01\xff garbage"), 0o600) },
			"missing":      os.Remove,
			"renamed away": func(path string) error { return os.Rename(path, path+"~") },
			"half written": func(path string) error {
				return os.WriteFile(filepath.Join(filepath.Dir(path), ".new-1"), []byte("ab"), 0o600)
			},
		} {
			root := t.TempDir()
			home := agent.Home{Data: filepath.Join(root, "data"), Config: filepath.Join(root, "config")}
			before, err := homeMark(home)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(root, place, "home-id")); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it is mended, too
				if after, err := homeMark(home); err != nil || after != before {
					t.Errorf("%s %s: %q, was %q, %v", place, name, after, before, err)
				}
			}
			if text, err := os.ReadFile(filepath.Join(root, place, "home-id")); err != nil || len(text) != 13 {
				t.Errorf("%s %s is not mended: %q %v", place, name, text, err)
			}
		}
	}
}

// A copy of a home finds the locks of the original, and no other home's, also after the directory was cleared up.
func TestSpendersShareTheirLocks(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if a, b := spendersDir("home/0123456789ab/"), spendersDir("home/0123456789ab/"); a == "" || a != b {
		t.Errorf("%q and %q", a, b)
	}
	if a, b := spendersDir("home/0123456789ab/"), spendersDir(""); a == b {
		t.Errorf("two homes, one directory %q", a)
	}
	dir := spendersDir("home/0123456789ab/")
	if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	again := spendersDir("home/0123456789ab/")
	if info, err := os.Stat(again); again != dir || err != nil || !info.IsDir() {
		t.Errorf("cleared up, it is %q, %v", again, err)
	}
}

// TestDamagedChoiceOfStore damages what says which store was chosen, in each way, in each of its copies: the agent starts with the
// store that has the logins, says what it found, and keeps what was damaged.
func TestDamagedChoiceOfStore(t *testing.T) {
	t.Setenv("FOB_STORE", "")
	for name, damage := range map[string]func(path string) error{
		"truncated":  func(path string) error { return os.Truncate(path, 7) },
		"empty":      func(path string) error { return os.Truncate(path, 0) },
		"garbage":    func(path string) error { return os.WriteFile(path, []byte("\x00\xff"), 0o600) },
		"no store":   func(path string) error { return os.WriteFile(path, []byte(`{"store":"drawer"}`), 0o600) },
		"missing":    os.Remove,
		"unreadable": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(filepath.Base(path), path)) },
		"directory":  func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/mine", 0o700)) },
	} {
		for which, hit := range map[string][]string{"first": {""}, "second": {".copy"}, "both": {"", ".copy"}} {
			for _, kind := range []keychain.Kind{keychain.KindFile, keychain.KindKeychain} {
				if name == "missing" && which == "both" {
					continue // nobody chose
				}
				home := agent.Home{Data: t.TempDir()}
				if err := (choice{Kind: kind}).write(home); err != nil {
					t.Fatal(err)
				}
				if kind == keychain.KindFile {
					if err := os.MkdirAll(fileStoreDir(home), 0o700); err != nil {
						t.Fatal(err)
					}
					for _, file := range []string{"identity.age", "abc.age"} {
						if err := os.WriteFile(filepath.Join(fileStoreDir(home), file), nil, 0o600); err != nil {
							t.Fatal(err)
						}
					}
				}
				for _, copy := range hit {
					if err := damage(choiceFile(home) + copy); err != nil {
						t.Fatal(err)
					}
				}
				for start := range 2 {
					s := stores{home: home}
					k, err := s.first()
					if err != nil || k.Kind() != kind {
						t.Fatalf("%s %s: start %d uses %v, %v", which, name, start, k, err)
					}
					if silent := start == 1 || name == "missing" && which == "second"; (s.found == "") != silent {
						t.Errorf("%s %s: start %d says %q", which, name, start, s.found)
					}
				}
				aside, err := filepath.Glob(choiceFile(home) + "*.damaged-*")
				if err != nil || name != "missing" && len(aside) != len(hit) {
					t.Errorf("%s %s: kept %v, %v", which, name, aside, err)
				}
			}
		}
	}
}
