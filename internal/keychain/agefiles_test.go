package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const passphrase = "correct horse battery"

// openAge is a file store in dir whose scrypt costs nothing, with these variables in the agent's environment.
func openAge(t *testing.T, dir string, env map[string]string) (*Keychain, *ageFiles) {
	t.Helper()
	a := newAgeFiles(dir)
	a.work, a.env = 10, func(name string) string { return env[name] }
	k, err := openFiles(a)
	must(t, err)
	return k, a
}

// unlocked is a store that was just made.
func unlocked(t *testing.T) (*Keychain, *ageFiles) {
	t.Helper()
	k, a := openAge(t, filepath.Join(t.TempDir(), "store"), nil)
	must(t, k.Unlock(t.Context(), passphrase, true))
	return k, a
}

// A list opens a file once, and lets others have their turn in between; what is stored, removed and damaged since is seen all the same.
func TestFileStoreListsMany(t *testing.T) {
	ctx := t.Context()
	k, a := unlocked(t)
	a.page = 8
	var want []string
	for i := range 2*a.page + 3 {
		want = append(want, fmt.Sprintf("token/%03d", i))
		must(t, a.set(want[i], "value"))
	}
	lists := func(what string, opened int) {
		t.Helper()
		before := a.opened
		names, err := k.List(ctx)
		slices.Sort(names)
		if err != nil || !slices.Equal(names, want) {
			t.Errorf("%s: %d names, want %d, %v", what, len(names), len(want), err)
		}
		if n := a.opened - before; n != opened {
			t.Errorf("%s: %d files opened, want %d", what, n, opened)
		}
	}
	first, next, err := a.list("")
	if err != nil || len(first) != a.page || next == "" {
		t.Errorf("a turn lists %d names, until %q, %v", len(first), next, err)
	}
	lists("first", len(want)-a.page)
	lists("again", 0)
	must(t, a.set("token/more", "value"))
	want = append(want, "token/more")
	lists("one more", 1)
	must(t, a.set(want[0], "another value"))
	lists("one is new", 1)
	must(t, os.Truncate(a.path(itemFile(want[1])), 100))
	must(t, a.remove(want[2]))
	want = slices.Delete(want, 1, 3)
	lists("one damaged, one removed", 1)
	lists("in the end", 0)
	if len(a.seen) != len(want)+1 {
		t.Errorf("%d are remembered", len(a.seen))
	}
}

// every size comes back from the file store after a restart, in private files that hold nothing in plain.
func TestFileStoreKeeps(t *testing.T) {
	ctx := t.Context()
	k, a := unlocked(t)
	values := map[string][]byte{
		"token/work@1": secret("canary", 100), "100 KB": secret("canary", 100<<10), "1 MB": secret("canary", 1<<20), "empty": {},
		"binary\u00e9": {0, 1, 0xff, '\n', '\r'}, strings.Repeat("é", maxKey/2): []byte("grüße 🔑\nfob item 1"), "../../up": []byte("x"),
	}
	for name, value := range values {
		must(t, k.Set(ctx, name, []byte("before")))
		must(t, k.Set(ctx, name, value))
	}
	next, _ := openAge(t, a.dir, nil)
	if _, err := next.Get(ctx, "empty"); !errors.Is(err, ErrLocked) || !errors.Is(err, ErrSealed) {
		t.Errorf("locked: %v", err)
	}
	must(t, next.Unlock(ctx, passphrase, false))
	for name, value := range values {
		got, err := next.Get(ctx, name)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q: %d bytes, %v", name, len(got), err)
		}
	}
	names, err := next.List(ctx)
	if err != nil || len(names) != len(values) {
		t.Errorf("list: %q, %v", names, err)
	}
	files := sealedFiles(t, a.dir)
	if len(files) != len(values)+1 {
		t.Errorf("files: %q", files)
	}
	for _, file := range files {
		info, err := os.Stat(a.path(file))
		must(t, err)
		content, err := os.ReadFile(a.path(file))
		must(t, err)
		if info.Mode().Perm() != 0o600 || bytes.Contains(content, []byte("canary")) || bytes.Contains(content, []byte("token/work")) {
			t.Errorf("%s: mode %v, or in plain", file, info.Mode())
		}
	}
	if info, err := os.Stat(a.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
	for name := range values {
		must(t, next.Delete(ctx, name))
		if _, err := next.Get(ctx, name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q deleted: %v", name, err)
		}
	}
	if files := sealedFiles(t, a.dir); !slices.Equal(files, []string{identityFile}) {
		t.Errorf("left: %q", files)
	}
}

// Before there is a passphrase, nothing is stored; a wrong one says so, changes nothing, and the right one still opens.
func TestFileStorePassphrase(t *testing.T) {
	ctx := t.Context()
	k, a := openAge(t, filepath.Join(t.TempDir(), "store"), nil)
	for call, err := range map[string]error{"set": k.Set(ctx, "k", []byte("v")), "unlock": k.Unlock(ctx, passphrase, false), "change": k.SetPassphrase(ctx, passphrase, passphrase+"2")} {
		if !errors.Is(err, ErrNoPassphrase) || !strings.Contains(err.Error(), "fob store unlock") {
			t.Errorf("%s without a passphrase: %v", call, err)
		}
	}
	if err := k.Unlock(ctx, "short", true); !errors.Is(err, ErrWeakPassphrase) {
		t.Errorf("short: %v", err)
	}
	if files := sealedFiles(t, a.dir); len(files) != 0 {
		t.Errorf("files %q", files)
	}
	must(t, k.Unlock(ctx, passphrase, true))
	must(t, k.Set(ctx, "k", []byte("v")))
	identity, err := os.ReadFile(a.path(identityFile))
	must(t, err)

	k, _ = openAge(t, a.dir, nil)
	for _, wrong := range []string{"", "wrong passphrase", passphrase + "\n"} {
		if err := k.Unlock(ctx, wrong, true); !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := k.SetPassphrase(ctx, "wrong passphrase", "another passphrase"); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("changed with a wrong one: %v", err)
	}
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrSealed) {
		t.Errorf("still locked: %v", err)
	}
	if now, _ := os.ReadFile(a.path(identityFile)); !bytes.Equal(now, identity) {
		t.Error("the identity was changed")
	}
	must(t, k.SetPassphrase(ctx, passphrase, "another passphrase"))
	k, _ = openAge(t, a.dir, nil)
	if err := k.Unlock(ctx, passphrase, false); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("the old one: %v", err)
	}
	must(t, k.Unlock(ctx, "another passphrase", false))
	if got, err := k.Get(ctx, "k"); err != nil || string(got) != "v" {
		t.Errorf("%q, %v", got, err)
	}
}

// What is damaged is said and named, and never replaced by itself; a new login replaces an item.
func TestFileStoreDamage(t *testing.T) {
	ctx := t.Context()
	damages := map[string]func(path string) error{
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"changed": flip,
		"foreign": func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			k, a := unlocked(t)
			must(t, k.Set(ctx, "k", secret("v", 5000)))
			item := a.path(itemFile("k"))
			must(t, damage(item))
			before, err := os.ReadFile(item)
			must(t, err)
			if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), item) || !strings.Contains(err.Error(), "log in again") {
				t.Errorf("item: %v", err)
			}
			if after, _ := os.ReadFile(item); !bytes.Equal(before, after) {
				t.Error("the damaged item was touched")
			}
			must(t, k.Set(ctx, "k", []byte("again")))
			if got, err := k.Get(ctx, "k"); err != nil || string(got) != "again" {
				t.Errorf("logged in again: %q, %v", got, err)
			}

			must(t, damage(a.path(identityFile)))
			before, err = os.ReadFile(a.path(identityFile))
			must(t, err)
			next, _ := openAge(t, a.dir, nil)
			if err := next.Unlock(ctx, passphrase, true); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("identity: %v", err)
			}
			if after, _ := os.ReadFile(a.path(identityFile)); !bytes.Equal(before, after) {
				t.Error("the damaged identity was touched")
			}
		})
	}
	t.Run("identity gone", func(t *testing.T) {
		k, a := unlocked(t)
		must(t, k.Set(ctx, "k", []byte("v")))
		must(t, os.Remove(a.path(identityFile)))
		next, _ := openAge(t, a.dir, nil)
		for call, err := range map[string]error{"unlock": next.Unlock(ctx, passphrase, true), "set": next.Set(ctx, "k", []byte("x"))} {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "1 items") {
				t.Errorf("%s: %v", call, err)
			}
		}
		if files := sealedFiles(t, a.dir); len(files) != 1 {
			t.Errorf("a new identity was made over old items: %q", files)
		}
	})
	t.Run("another item's file", func(t *testing.T) {
		k, a := unlocked(t)
		must(t, k.Set(ctx, "prod", []byte("v")))
		must(t, k.Set(ctx, "test", []byte("w")))
		must(t, os.Rename(a.path(itemFile("prod")), a.path(itemFile("test"))))
		if got, err := k.Get(ctx, "test"); !errors.Is(err, ErrDamaged) {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("another store's item", func(t *testing.T) {
		k, a := unlocked(t)
		other, b := unlocked(t)
		must(t, k.Set(ctx, "k", []byte("v")))
		must(t, other.Set(ctx, "k", []byte("w")))
		must(t, os.Rename(b.path(itemFile("k")), a.path(itemFile("k"))))
		if got, err := k.Get(ctx, "k"); !errors.Is(err, ErrDamaged) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// the process ends at every step of every operation; the old value or the new one is there, whole, and no litter.
func TestFileStoreCrash(t *testing.T) {
	operations := map[string]func(*ageFiles) error{
		"set":        func(a *ageFiles) error { return a.set("k", "new") },
		"remove":     func(a *ageFiles) error { return a.remove("k") },
		"passphrase": func(a *ageFiles) error { return a.change(passphrase, "another passphrase") },
	}
	for name, operate := range operations {
		_, undisturbed := unlocked(t)
		must(t, undisturbed.set("k", "old"))
		steps := 0
		undisturbed.step = func(string) { steps++ }
		must(t, operate(undisturbed))
		if steps < 3 {
			t.Errorf("%s has only %d steps", name, steps)
		}
		for n := range steps {
			_, a := unlocked(t)
			must(t, a.set("k", "old"))
			count, done := 0, make(chan struct{})
			a.step = func(string) {
				if count++; count == n+1 {
					runtime.Goexit() // as kill -9 would
				}
			}
			go func() { defer close(done); _ = operate(a) }()
			<-done
			next, b := openAge(t, a.dir, nil)
			err := next.Unlock(t.Context(), passphrase, true)
			if name == "passphrase" && errors.Is(err, ErrWrongPassphrase) {
				err = next.Unlock(t.Context(), "another passphrase", true)
			}
			must(t, err)
			got, err := b.get("k")
			if !(err == nil && (got == "old" || got == "new" && name == "set") || errors.Is(err, ErrNotFound) && name == "remove") {
				t.Errorf("%s ended at step %d: %q, %v", name, n, got, err)
			}
			for _, file := range sealedFiles(t, a.dir) {
				if strings.HasPrefix(file, newFile) || strings.HasPrefix(file, ".new-") {
					t.Errorf("%s ended at step %d: litter %s", name, n, file)
				}
			}
		}
	}
}

// The passphrase comes from a file that only the user can read, or from systemd; the agent then opens, and makes, the store alone.
func TestPassphraseSources(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), mode))
		must(t, os.Chmod(path, mode))
		return path
	}
	good := write("good", passphrase+"\n", 0o600)
	write("credentials/"+credentialName, passphrase, 0o440) // the group's bit is an access list's mask
	write("wrong/"+credentialName, "not the passphrase", 0o400)
	cases := []struct {
		name  string
		env   map[string]string
		want  error // nil: it opens
		words string
	}{
		{"file", map[string]string{PassphraseFileEnv: good}, nil, ""},
		{"file with CRLF", map[string]string{PassphraseFileEnv: write("crlf", passphrase+"\r\n", 0o400)}, nil, ""},
		{"credential", map[string]string{credentialsEnv: dir + "/credentials"}, nil, ""},
		{"credential named as file", map[string]string{credentialsEnv: dir + "/credentials", PassphraseFileEnv: dir + "/credentials/" + credentialName}, nil, ""},
		{"the file comes first", map[string]string{PassphraseFileEnv: good, credentialsEnv: dir + "/wrong"}, nil, ""},
		{"no credential of that name", map[string]string{credentialsEnv: dir}, ErrSealed, "fob store unlock"},
		{"none", nil, ErrSealed, "fob store unlock"},
		{"others can read it", map[string]string{PassphraseFileEnv: write("open", passphrase, 0o644)}, ErrSealed, "chmod 600"},
		{"the group can read it", map[string]string{PassphraseFileEnv: write("group", passphrase, 0o640)}, ErrSealed, "chmod 600"},
		{"gone", map[string]string{PassphraseFileEnv: dir + "/gone"}, ErrSealed, PassphraseFileEnv},
		{"a folder", map[string]string{PassphraseFileEnv: dir}, ErrSealed, "not a file"},
		{"empty", map[string]string{PassphraseFileEnv: write("empty", "\n", 0o600)}, ErrSealed, "one line"},
		{"two lines", map[string]string{PassphraseFileEnv: write("two", "a\nb\n", 0o600)}, ErrSealed, "one line"},
		{"huge", map[string]string{PassphraseFileEnv: write("huge", strings.Repeat("x", 5000), 0o600)}, ErrSealed, "too large"},
		{"wrong", map[string]string{credentialsEnv: dir + "/wrong"}, ErrWrongPassphrase, credentialName},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			made, a := unlocked(t)
			must(t, made.Set(ctx, "k", []byte("v")))
			k, _ := openAge(t, a.dir, c.env)
			got, err := k.Get(ctx, "k")
			if !errors.Is(err, c.want) || c.want == nil && string(got) != "v" {
				t.Fatalf("%q, %v", got, err)
			}
			if c.want == nil {
				fresh, _ := openAge(t, filepath.Join(t.TempDir(), "store"), c.env)
				must(t, fresh.Set(ctx, "k", []byte("w"))) // the first use makes it
				return
			}
			if !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), passphrase) || strings.Contains(err.Error(), "not the passphrase") {
				t.Errorf("said: %v", err)
			}
		})
	}
}

// A file whose passphrase does not fit costs scrypt once, not with each question, until it is changed.
func TestWrongPassphraseFileIsTriedOnce(t *testing.T) {
	made, a := unlocked(t)
	must(t, made.Set(t.Context(), "k", []byte("v")))
	file, then := filepath.Join(t.TempDir(), "passphrase"), time.Unix(1e9, 0)
	k, _ := openAge(t, a.dir, map[string]string{PassphraseFileEnv: file})
	for _, text := range []string{strings.Repeat("x", len(passphrase)), passphrase} { // the right one in the clothes of the wrong one
		must(t, os.WriteFile(file, []byte(text), 0o600))
		must(t, os.Chtimes(file, then, then))
		if _, err := k.Get(t.Context(), "k"); !errors.Is(err, ErrWrongPassphrase) {
			t.Fatalf("it was tried again: %v", err)
		}
	}
	must(t, os.Chtimes(file, then, then.Add(time.Second)))
	if _, err := k.Get(t.Context(), "k"); err != nil {
		t.Errorf("a changed file is not tried: %v", err)
	}
}

func TestOnlyTheFileStoreHasAPassphrase(t *testing.T) {
	k, _, _ := openLimited(t)
	if err := k.Unlock(context.Background(), passphrase, true); !errors.Is(err, ErrRefused) || !strings.Contains(fmt.Sprint(err), "fob store move file") {
		t.Error(err)
	}
}
