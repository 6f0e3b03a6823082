package keychain

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secret returns a text of n bytes with a mark that can be searched for.
func secret(mark string, n int) []byte {
	return bytes.Repeat([]byte(mark+"."), n/(len(mark)+1)+1)[:n]
}

func sealedFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func openLimited(t *testing.T) (*Keychain, *limited, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sealed")
	back := newLimited()
	k, err := open(back, dir)
	if err != nil {
		t.Fatal(err)
	}
	return k, back, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// every size round-trips through a keychain that refuses more than 2,560 bytes.
func TestSizes(t *testing.T) {
	ctx := context.Background()
	values := map[string][]byte{
		"empty": {}, "small": secret("s", 100), "largest inline": secret("s", itemLimit-len(itemText)),
		"smallest sealed": secret("s", itemLimit-len(itemText)+1), "100 KB": secret("s", 100<<10), "1 MB": secret("s", 1<<20),
		"binary": {0, 1, 0xff, '\n', '\r', 0x7f}, "large binary": bytes.Repeat([]byte{0, 0xfe}, 4000),
		"placeholders": []byte(`{"s":"{USERNAME}{REF:P@T:x}{title}"}`), "looks like ours": []byte("fob1 sealed x y"), "utf-8": []byte("grüße 🔑"),
	}
	longKey := strings.Repeat("é", maxKey/2)
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"k", longKey} {
				k, back, dir := openLimited(t)
				must(t, k.Set(ctx, key, value))
				got, err := k.Get(ctx, key)
				if err != nil || !bytes.Equal(got, value) {
					t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(value))
				}
				if n := len(back.items[key]); n > itemLimit {
					t.Errorf("item of %d bytes", n)
				}
				wantFiles := 0
				if len(inline(value)) > itemLimit {
					wantFiles = 1
				}
				if files := sealedFiles(t, dir); len(files) != wantFiles {
					t.Errorf("files %v, want %d", files, wantFiles)
				}
			}
		})
	}
}

// The macOS command line that go-keyring builds stays under its 4,096 bytes with the largest item and the worst key.
func TestItemLimitFitsMacOS(t *testing.T) {
	quoted := len(`''`) + maxKey*len(`'"'"'`)
	command := len("add-generic-password -U -s ") + len(service) + len(" -a ") + quoted + len(" -w ") +
		len("go-keyring-base64:") + base64.StdEncoding.EncodedLen(itemLimit) + 2 + 1
	if command > 4096 {
		t.Fatalf("%d bytes", command)
	}
}

//
func TestModes(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "a", "sealed")
	must(t, os.MkdirAll(dir, 0o755))
	k, err := open(newLimited(), dir)
	must(t, err)
	must(t, k.Set(ctx, "k", secret("s", 5000)))
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v", info.Mode())
	}
	for _, name := range sealedFiles(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("file %v", info.Mode())
		}
	}
}

// nothing of a large secret is in the folder in plain, nor of the key that seals it.
func TestCanary(t *testing.T) {
	ctx := context.Background()
	k, back, dir := openLimited(t)
	must(t, k.Set(ctx, "k", secret("canary-7f3a", 100<<10)))
	it, err := parseItem(back.items["k"])
	must(t, err)
	for _, name := range sealedFiles(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		if bytes.Contains(content, []byte("canary")) || bytes.Contains(content, it.key) {
			t.Errorf("%s holds the secret in plain", name)
		}
	}
}

// Every Set has its own file and key; the old file is gone afterwards, and so is the last after Delete.
func TestReplaceAndDelete(t *testing.T) {
	ctx := context.Background()
	k, back, dir := openLimited(t)
	seen := map[string]bool{}
	for i := range 5 {
		must(t, k.Set(ctx, "k", secret(fmt.Sprint("v", i), 5000)))
		it, err := parseItem(back.items["k"])
		must(t, err)
		if seen[it.file] || seen[string(it.key)] {
			t.Error("file name or key used twice")
		}
		seen[it.file], seen[string(it.key)] = true, true
		if files := sealedFiles(t, dir); len(files) != 1 || files[0] != it.file {
			t.Errorf("files %v, want %s alone", files, it.file)
		}
	}
	must(t, k.Set(ctx, "k", []byte("small")))
	if files := sealedFiles(t, dir); len(files) != 0 {
		t.Errorf("%v left after a value that needs none", files)
	}
	must(t, k.Set(ctx, "k", secret("v", 5000)))
	must(t, k.Delete(ctx, "k"))
	must(t, k.Delete(ctx, "k"))
	if files := sealedFiles(t, dir); len(files) != 0 || len(back.items) != 0 {
		t.Errorf("left after Delete: %v, %d items", files, len(back.items))
	}
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

// Shredding writes over the content before the name goes: a second name (a backup's hard link) reads nothing any more.
func TestShredOverwrites(t *testing.T) {
	ctx := context.Background()
	k, _, dir := openLimited(t)
	must(t, k.Set(ctx, "k", secret("v", 5000)))
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Link(filepath.Join(dir, sealedFiles(t, dir)[0]), link))
	must(t, k.Delete(ctx, "k"))
	content, err := os.ReadFile(link)
	must(t, err)
	if len(content) < 5000 || len(bytes.Trim(content, "\x00")) != 0 {
		t.Error("the content is still there")
	}
}

// A sealed file that is missing, cut, changed, swapped or foreign is ErrDamaged, names the file, and the item stays.
func TestDamaged(t *testing.T) {
	ctx := context.Background()
	damage := map[string]func(path, other string) error{
		"missing":        func(path, _ string) error { return os.Remove(path) },
		"empty":          func(path, _ string) error { return os.Truncate(path, 0) },
		"cut in header":  func(path, _ string) error { return os.Truncate(path, 5) },
		"cut in nonce":   func(path, _ string) error { return os.Truncate(path, int64(len(header("k"))+10)) },
		"cut by a byte":  func(path, _ string) error { return os.Truncate(path, 5000) },
		"bit flipped":    func(path, _ string) error { return flip(path) },
		"another item's": func(path, other string) error { return os.Rename(other, path) },
		"a folder":       func(path, _ string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"a link":         func(path, other string) error { return errors.Join(os.Remove(path), os.Symlink(other, path)) },
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			k, back, dir := openLimited(t)
			must(t, k.Set(ctx, "k", secret("v", 5000)))
			must(t, k.Set(ctx, "other", secret("w", 5000)))
			it, err := parseItem(back.items["k"])
			must(t, err)
			other, err := parseItem(back.items["other"])
			must(t, err)
			before := back.items["k"]
			path := filepath.Join(dir, it.file)
			must(t, harm(path, filepath.Join(dir, other.file)))
			_, err = k.Get(ctx, "k")
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), `"k"`) {
				t.Errorf("got %v", err)
			}
			if back.items["k"] != before {
				t.Error("the item was touched")
			}
			if name == "a folder" {
				return
			}
			must(t, k.Set(ctx, "k", secret("x", 6000))) // logging in again is the remedy
			got, err := k.Get(ctx, "k")
			if err != nil || !bytes.Equal(got, secret("x", 6000)) {
				t.Errorf("after Set: %v", err)
			}
		})
	}
}

func flip(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content[len(content)/2] ^= 1
	return os.WriteFile(path, content, 0o600)
}

// The key name is bound into the ciphertext: one item's text under another name opens nothing.
func TestItemMovedToAnotherKey(t *testing.T) {
	ctx := context.Background()
	k, back, _ := openLimited(t)
	must(t, k.Set(ctx, "production", secret("v", 5000)))
	back.items["staging"] = back.items["production"]
	if _, err := k.Get(ctx, "staging"); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// What is not ours is reported, never printed and never followed out of the folder.
func TestForeignItems(t *testing.T) {
	ctx := context.Background()
	key := base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	for _, text := range []string{"", "canary-plain", "fob2 text canary", "fob1 base64 canary!!", "fob1 sealed canary", "fob1 sealed ../precious " + key, "fob1 sealed sealed-" + strings.Repeat("A", 26) + " c2hvcnQ",
		"fob1 sealed sealed-" + strings.Repeat("A", 26) + " " + key + " cmVsYXRpdmU"} {
		k, back, dir := openLimited(t)
		outside := filepath.Join(dir, "..", "precious")
		must(t, os.WriteFile(outside, []byte("keep me"), 0o600))
		back.items["k"] = text
		_, err := k.Get(ctx, "k")
		if !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
		must(t, k.Set(ctx, "k", []byte("new")))
		back.items["k"] = text
		must(t, k.Delete(ctx, "k"))
		if content, err := os.ReadFile(outside); err != nil || string(content) != "keep me" {
			t.Errorf("%q led out of the folder: %v", text, err)
		}
	}
}

func TestKeys(t *testing.T) {
	ctx := context.Background()
	k, _, _ := openLimited(t)
	for _, key := range []string{"", "a\nb", "a\x00b", "\xff", strings.Repeat("x", maxKey+1)} {
		if err := k.Set(ctx, key, []byte("v")); err == nil {
			t.Errorf("%q accepted", key)
		}
	}
	if err := k.Set(ctx, strings.Repeat("x", maxKey+1), nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("long key: %v", err)
	}
	if err := k.Set(ctx, "k", make([]byte, maxValue+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("huge value: %v", err)
	}
}

func TestOpen(t *testing.T) {
	ctx := context.Background()
	if _, err := Open("vault", t.TempDir()); err == nil || !strings.Contains(err.Error(), "no such store") || !strings.Contains(err.Error(), "FOB_STORE=memory") {
		t.Errorf("vault: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "none")
	k, err := Open(KindMemory, dir)
	must(t, err)
	must(t, k.Set(ctx, "k", secret("v", 100<<10)))
	got, err := k.Get(ctx, "k")
	if err != nil || !bytes.Equal(got, secret("v", 100<<10)) {
		t.Errorf("memory: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the memory store wrote to the disk")
	}
	must(t, k.Delete(ctx, "k"))
	if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
	report, err := k.Probe(ctx, false)
	if err != nil || report.Kind != KindMemory {
		t.Errorf("%+v, %v", report, err)
	}
	if n, err := k.Sweep(ctx, nil); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// Sweep takes orphans only: not what an item names, not what is young, not what may belong to a keychain that is elsewhere.
func TestSweep(t *testing.T) {
	ctx := context.Background()
	k, back, dir := openLimited(t)
	orphan := func(key string) string {
		file, _, err := k.files.seal(key, secret("v", 100))
		must(t, err)
		return file
	}
	age := func(file string) {
		old := time.Now().Add(-2 * sweepAge)
		must(t, os.Chtimes(filepath.Join(dir, file), old, old))
	}
	must(t, k.Set(ctx, "live", secret("v", 5000)))
	it, err := parseItem(back.items["live"])
	must(t, err)
	must(t, k.Set(ctx, "forgotten in the list", secret("v", 5000)))
	unlisted, err := parseItem(back.items["forgotten in the list"])
	must(t, err)
	back.items["foreign"] = "fob2 something"
	keep := []string{it.file, unlisted.file, orphan("elsewhere"), orphan("foreign"), "profiles.json"}
	must(t, os.WriteFile(filepath.Join(dir, "profiles.json"), nil, 0o600))
	half := newSealedName()
	must(t, os.WriteFile(filepath.Join(dir, half), []byte("fob se"), 0o600))
	gone := []string{orphan("live"), orphan("removed"), half}
	for _, file := range append(keep, gone...) {
		age(file)
	}
	keep = append(keep, orphan("live")) // young
	n, err := k.Sweep(ctx, []string{"live", "elsewhere", "foreign"})
	if err != nil || n != len(gone) {
		t.Errorf("swept %d, %v; want %d", n, err, len(gone))
	}
	left := strings.Join(sealedFiles(t, dir), " ")
	for _, file := range keep {
		if !strings.Contains(left, file) {
			t.Errorf("%s is gone", file)
		}
	}
	for _, file := range gone {
		if strings.Contains(left, file) {
			t.Errorf("%s is still there", file)
		}
	}
	must(t, os.Chtimes(filepath.Join(dir, keep[5]), time.Unix(0, 0), time.Unix(0, 0)))
	back.before = func(string) error { return problem(ErrLocked, "", nil) }
	if n, err := k.Sweep(ctx, nil); n != 0 || !errors.Is(err, ErrLocked) {
		t.Errorf("with the keychain locked: swept %d, %v", n, err)
	}
}
