// Package keychain knows where secrets rest: the OS keychain, files sealed by a passphrase, or this process's memory.
//
// The keychain's item is the commit point. A value that fits every system's limit is the item; a larger one is sealed into a
// file under a fresh key, and the item holds that key and the file's name, so that setting the item switches from the old value
// to the new one at once. A crash at any instant leaves the one or the other.
//
// All traffic with the keychain goes one call at a time.
package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind names a store, as FOB_STORE does.
type Kind string

// The stores. The zero Kind is KindKeychain.
const (
	KindKeychain Kind = "keychain" // the operating system's keychain
	KindMemory   Kind = "memory"   // forgets everything when the process ends
	KindFile     Kind = "file"     // files sealed by a passphrase, for machines without a keychain
)

// Store keeps secrets by name. *Keychain is one.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
}

// Report says what stands behind a store.
type Report struct {
	Kind       Kind
	Owner      string // who keeps the items: on Linux the program that owns org.freedesktop.secrets, such as gnome-keyring-daemon
	Collection string // where they go: on Linux the collection's object path
	ItemLimit  int    // largest item the system takes, in bytes; 0 for no limit known. Larger values are stored all the same
	Lasts      bool   // items outlive the end of the session
	Program    string // Owner as a person calls it, with its version where it tells: Describe alone asks

	exe string // Owner's file, "" when that is hidden
}

// backend is a keychain as the system offers it: texts by name, one call at a time. All but ready may hang.
type backend interface {
	// ready makes the others work without a prompt, or says why they would not. Attended, it may prompt and wait.
	ready(ctx context.Context, attended bool) (Report, error)
	get(name string) (string, error)
	set(name, text string) error
	remove(name string) error // removing what is not there is fine
}

// lister is a backend that can say what it holds of ours, one page after the other: next is where the next one begins, "" after the
// last. The first begins at "".
type lister interface {
	list(from string) (names []string, next string, err error)
}

// Keychain is an open store. It is safe for concurrent use.
type Keychain struct {
	kind     Kind
	back     backend
	files    vault // dir is "" when the back-end has no limit
	turns    *turns
	attended bool
}

// Open returns the store of that kind. Values too large for the OS keychain are sealed into files in dir; the file store has all
// of its files there. dir is created with mode 0700. Open does not talk to the keychain: Probe does.
func Open(kind Kind, dir string) (*Keychain, error) {
	switch kind {
	case KindMemory:
		return &Keychain{kind: kind, back: memory{}, turns: newTurns(patience)}, nil
	case KindKeychain, "":
		return open(&osKeychain{}, dir)
	case KindFile:
		return openFiles(newAgeFiles(dir))
	}
	return nil, fmt.Errorf("FOB_STORE=%s: no such store; use FOB_STORE=keychain, FOB_STORE=file or FOB_STORE=memory", kind)
}

func open(back backend, dir string) (*Keychain, error) {
	if err := privateDir(dir); err != nil {
		return nil, err
	}
	return &Keychain{kind: KindKeychain, back: back, files: vault{dir: dir}, turns: newTurns(patience)}, nil
}

func openFiles(a *ageFiles) (*Keychain, error) {
	if err := privateDir(a.dir); err != nil {
		return nil, err
	}
	return &Keychain{kind: KindFile, back: a, turns: newTurns(filePatience)}, nil
}

func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700) // R-301, also when it was there before
}

// Kind is which store this is.
func (k *Keychain) Kind() Kind { return k.kind }

// ErrNoList means that the system does not say what its keychain holds.
var ErrNoList = errors.New("this system's keychain cannot be listed")

// List names the items of Fob that the store holds, of every home that uses it; ErrNoList where the system cannot say.
func (k *Keychain) List(ctx context.Context) ([]string, error) {
	var names []string
	for from := ""; ; {
		page, next, err := k.page(ctx, from) // a turn each: a token is not to wait for all of a long list
		if err != nil {
			return nil, about("keychain", err)
		}
		if names = append(names, page...); next == "" {
			return names, nil
		}
		from = next
	}
}

func (k *Keychain) page(ctx context.Context, from string) (names []string, next string, err error) {
	u, err := k.turns.take(ctx, k.attended)
	if err != nil {
		return nil, "", err
	}
	defer u.end()
	back, ok := k.back.(lister)
	if !ok {
		return nil, "", ErrNoList
	}
	if _, err := k.ready(ctx, u); err != nil {
		return nil, "", err
	}
	type answer struct {
		names []string
		next  string
	}
	got, err := ask(ctx, u, func(context.Context) (a answer, err error) {
		a.names, a.next, err = back.list(from)
		return a, err
	})
	return got.names, got.next, err
}

// Attended returns the same store for work that a person at the machine waits for: its calls may raise the keychain's own prompts
// (unlock, create) and wait for the answer as long as ctx lives. The calls of the store itself never prompt, and wait 5 s at most
// for their turn and 5 s for the keychain's answer.
func (k *Keychain) Attended() *Keychain {
	view := *k
	view.attended = true
	return &view
}

// Steps are what Watch names on the way of a value that replaces another, both too large for an item, in their order.
var Steps = []string{"sealing", "created", "written", "synced", "sealed", "setting", "set", "committed", "overwritten", "unlinked"}

// Watch has step told of each step on the way to a stored value, before anything is stored: tests end the process there.
func (k *Keychain) Watch(step func(string)) {
	k.files.step = step
	if files, ok := k.back.(*ageFiles); ok {
		files.step = step
	}
}

// Probe says whether the store works now, and if not, what is missing: ErrNoKeychain, ErrNoCollection, ErrLocked, ErrRefused,
// ErrTimeout. Attended, it asks the person to unlock or to create what is missing, and waits for them as long as ctx lives;
// unattended it never prompts and waits as Attended says. The report is filled as far as the answers went, also beside an error.
func (k *Keychain) Probe(ctx context.Context, attended bool) (Report, error) {
	u, err := k.turns.take(ctx, attended)
	if err != nil {
		return Report{Kind: k.kind}, about("keychain", err)
	}
	defer u.end()
	report, err := k.ready(ctx, u)
	return report, about("keychain", err)
}

// Describe is Probe, unattended, and asks the program behind the store who it is.
func (k *Keychain) Describe(ctx context.Context) (Report, error) {
	report, err := k.Probe(ctx, false)
	report.Program = program(ctx, report)
	return report, err
}

func (k *Keychain) ready(ctx context.Context, u *turn) (Report, error) {
	type outcome struct {
		report Report
		err    error
	}
	o, err := ask(ctx, u, func(ctx context.Context) (outcome, error) {
		report, err := k.back.ready(ctx, u.attended)
		return outcome{report, err}, nil
	})
	o.report.Kind = k.kind
	if err == nil {
		err = o.err // the report stands beside it
	}
	return o.report, err
}

// Get returns the value stored under key: ErrNotFound when there is none, ErrDamaged when its sealed file is gone or changed.
func (k *Keychain) Get(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := k.operate(ctx, key, func(u *turn) error {
		for before := ""; ; {
			it, err := k.read(ctx, u, key)
			if err != nil {
				return err
			}
			if it.file == "" {
				value = it.value
				return nil
			}
			value, err = k.files.of(it).unseal(it.file, key, it.key)
			if !errors.Is(err, ErrDamaged) || it.file == before {
				return err
			}
			before = it.file // another agent may have replaced the item, and shredded its file, meanwhile
		}
	})
	return value, err
}

// Set stores value under key. When it returns nil, the value is durable and has been read back. After an error the key holds
// the old value or the new one, whole; it can be the new one when the keychain went away or fell silent during the call (ErrTimeout,
// ErrNoKeychain, a cancelled ctx), and a Get tells.
func (k *Keychain) Set(ctx context.Context, key string, value []byte) error {
	if len(value) > maxValue {
		return &Error{Object: object(key), Kind: ErrTooLarge, Detail: fmt.Sprintf("a value of %d bytes", len(value))}
	}
	return k.operate(ctx, key, func(u *turn) error { return k.replace(ctx, u, key, value) })
}

// Delete removes what is stored under key and shreds its sealed file. Deleting what is not there is fine.
func (k *Keychain) Delete(ctx context.Context, key string) error {
	return k.operate(ctx, key, func(u *turn) error {
		old, err := k.read(ctx, u, key)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		// The item goes first: without its key the file is noise already, if we end between the two.
		_, err = ask(ctx, u, func(context.Context) (struct{}, error) { return struct{}{}, k.back.remove(key) })
		if _, readErr := k.read(ctx, u, key); !errors.Is(readErr, ErrNotFound) {
			if err == nil {
				err = problem(ErrRefused, "the item is still there", nil)
			}
			return err
		}
		k.files.at("removed")
		if old.file != "" {
			return k.files.shred(old.file)
		}
		return nil
	})
}

// operate runs one operation on a key in a turn of its own, with the keychain ready.
func (k *Keychain) operate(ctx context.Context, key string, work func(*turn) error) error {
	if err := checkKey(key); err != nil {
		return err
	}
	u, err := k.turns.take(ctx, k.attended)
	if err != nil {
		return about(object(key), err)
	}
	defer u.end()
	if _, err := k.ready(ctx, u); err != nil {
		return about(object(key), err)
	}
	return about(object(key), work(u))
}

func (k *Keychain) read(ctx context.Context, u *turn, key string) (item, error) {
	text, err := ask(ctx, u, func(context.Context) (string, error) { return k.back.get(key) })
	if err != nil {
		return item{}, err
	}
	return parseItem(text)
}

// replace is Set within a turn: seal when it does not fit, switch the item, read it back, shred what it held before.
func (k *Keychain) replace(ctx context.Context, u *turn, key string, value []byte) error {
	old, err := k.read(ctx, u, key)
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDamaged) {
		return err // what cannot be looked at is not replaced
	}
	text, file := inline(value), ""
	if len(text) > itemLimit && k.files.dir != "" {
		var sealKey []byte
		if file, sealKey, err = k.files.seal(key, value); err != nil {
			return err
		}
		text = pointer(file, sealKey, k.files.dir)
	}
	switched, err := k.commit(ctx, u, key, text)
	switch {
	case err == nil:
		k.files.at("committed")
		if old.file != "" {
			// Its key is overwritten, so a file that stays is noise, not a secret: the new value stands, and Sweep tries again.
			_ = k.files.shred(old.file)
		}
		return nil
	case !switched && file != "":
		_ = k.files.shred(file) // nobody refers to it; the error that matters is the commit's
	}
	return err
}

// commit sets an item and looks whether it is there. What Set says does not count: go-keyring reports a dismissed prompt as
// success and a kept item as failure when another signal comes first. switched is false only when the item is known to hold
// something else.
func (k *Keychain) commit(ctx context.Context, u *turn, key, text string) (switched bool, err error) {
	k.files.at("setting")
	_, err = ask(ctx, u, func(context.Context) (struct{}, error) { return struct{}{}, k.back.set(key, text) })
	k.files.at("set")
	if errors.Is(err, ErrTooLarge) {
		return false, err
	}
	back, readErr := ask(ctx, u, func(context.Context) (string, error) { return k.back.get(key) })
	switch {
	case readErr == nil && back == text:
		return true, nil
	case readErr == nil || errors.Is(readErr, ErrNotFound):
		if err == nil {
			err = problem(ErrRefused, "it did not keep the new value", nil)
		}
		return false, err
	case err == nil:
		err = readErr
	}
	return true, err
}

// sweepAge protects files that another process may be about to refer to.
const sweepAge = time.Hour

// Sealed is the folder of the values that are too large for an item, and how many there are; "" for a store that needs none.
func (k *Keychain) Sealed() (dir string, files int) {
	return k.files.dir, len(k.files.names())
}

// Abandoned names the sealed files that a crash left behind: Sweep shreds them. inUse lists every key that may hold a value. A file
// is abandoned when its item names another one, or when its item is missing and its key is not in use; a key in use whose item is
// missing keeps its file, for the item may be in a keychain that is not here now. Files younger than an hour are not.
func (k *Keychain) Abandoned(ctx context.Context, inUse []string) (files []string, err error) {
	return files, k.eachAbandoned(ctx, inUse, func(file string) error { files = append(files, file); return nil })
}

// Sweep shreds what is Abandoned, and returns how many files that were.
func (k *Keychain) Sweep(ctx context.Context, inUse []string) (swept int, err error) {
	return swept, k.eachAbandoned(ctx, inUse, func(file string) error {
		err := k.files.shred(file)
		if err == nil {
			swept++
		}
		return err
	})
}

// eachAbandoned hands each abandoned file to do, in the turn in which that was found out.
func (k *Keychain) eachAbandoned(ctx context.Context, inUse []string, do func(file string) error) error {
	used := make(map[string]bool, len(inUse))
	for _, key := range inUse {
		used[key] = true
	}
	for _, file := range k.files.names() {
		path := filepath.Join(k.files.dir, file)
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		key, ok := k.files.owner(file)
		if !ok { // never finished, so never referred to
			if err := do(file); err != nil {
				return err
			}
			continue
		}
		err := k.operate(ctx, key, func(u *turn) error {
			gone := false
			it, err := k.read(ctx, u, key)
			switch {
			case err == nil:
				gone = it.file != file
			case errors.Is(err, ErrNotFound):
				gone = !used[key]
			case !errors.Is(err, ErrDamaged): // an entry we cannot read may mean this file
				return err
			}
			if !gone {
				return nil
			}
			return do(file)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func object(key string) string { return fmt.Sprintf("keychain item %q", key) }

func checkKey(key string) error {
	switch {
	case len(key) > maxKey:
		return &Error{Object: object(key[:20] + "…"), Kind: ErrTooLarge, Detail: fmt.Sprintf("a name of %d bytes", len(key)), Remedy: "choose a shorter name"}
	case key == "" || !utf8.ValidString(key) || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%s: a name is printable text", object(key))
	}
	return nil
}
