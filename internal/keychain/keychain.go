// Package keychain knows where secrets rest: the OS keychain, or this process's memory.
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
	"slices"
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
	KindFile     Kind = "file"     // sealed by a passphrase; Open says that it comes later
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
}

// backend is a keychain as the system offers it: texts by name, one call at a time. All but ready may hang.
type backend interface {
	// ready makes the others work without a prompt, or says why they would not. Attended, it may prompt and wait.
	ready(ctx context.Context, attended bool) (Report, error)
	get(name string) (string, error)
	set(name, text string) error
	remove(name string) error // removing what is not there is fine
}

// Keychain is an open store. It is safe for concurrent use.
type Keychain struct {
	kind     Kind
	back     backend
	files    vault // dir is "" when the back-end has no limit
	turns    *turns
	attended bool
}

// Open returns the store of that kind. Values too large for the OS keychain are sealed into files in dataDir, which is created
// with mode 0700. Open does not talk to the keychain: Probe does.
func Open(kind Kind, dataDir string) (*Keychain, error) {
	switch kind {
	case KindMemory:
		return &Keychain{kind: kind, back: memory{}, turns: newTurns()}, nil
	case KindKeychain, "":
		return open(&osKeychain{}, dataDir)
	case KindFile:
		return nil, errors.New("FOB_STORE=file: the passphrase-sealed file is not built yet; use FOB_STORE=keychain or FOB_STORE=memory")
	}
	return nil, fmt.Errorf("FOB_STORE=%s: no such store; use FOB_STORE=keychain or FOB_STORE=memory", kind)
}

func open(back backend, dataDir string) (*Keychain, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dataDir, 0o700); err != nil { // R-301, also when it was there before
		return nil, err
	}
	return &Keychain{kind: KindKeychain, back: back, files: vault{dir: dataDir}, turns: newTurns()}, nil
}

// Attended returns the same store for work that a person at the machine waits for: its calls may raise the keychain's own prompts
// (unlock, create) and wait for the answer as long as ctx lives. The calls of the store itself never prompt, and wait 5 s at most
// for their turn and 5 s for the keychain's answer.
func (k *Keychain) Attended() *Keychain {
	view := *k
	view.attended = true
	return &view
}

// Watch has step told of each step on the way to a stored value, before anything is stored: tests end the process there.
func (k *Keychain) Watch(step func(string)) { k.files.step = step }

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
		it, err := k.read(ctx, u, key)
		if err != nil {
			return err
		}
		value = it.value
		if it.file != "" {
			value, err = k.files.unseal(it.file, key, it.key)
		}
		return err
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
		text = pointer(file, sealKey)
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

// Sweep shreds sealed files that a crash left behind, and returns how many. inUse lists every key that may hold a value. A file
// goes when its item names another one, or when its item is missing and its key is not in use; a key in use whose item is
// missing keeps its file, for the item may be in a keychain that is not here now. Files younger than an hour stay.
func (k *Keychain) Sweep(ctx context.Context, inUse []string) (int, error) {
	if k.files.dir == "" {
		return 0, nil
	}
	entries, err := os.ReadDir(k.files.dir)
	if err != nil {
		return 0, err
	}
	swept := 0
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !sealedName.MatchString(entry.Name()) || !info.Mode().IsRegular() || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		gone, err := k.sweepFile(ctx, entry.Name(), inUse)
		if err != nil {
			return swept, err
		}
		if gone {
			swept++
		}
	}
	return swept, nil
}

func (k *Keychain) sweepFile(ctx context.Context, file string, inUse []string) (gone bool, err error) {
	key, ok := k.files.owner(file)
	if !ok { // never finished, so never referred to
		return true, k.files.shred(file)
	}
	err = k.operate(ctx, key, func(u *turn) error {
		it, err := k.read(ctx, u, key)
		switch {
		case err == nil:
			gone = it.file != file
		case errors.Is(err, ErrNotFound):
			gone = !slices.Contains(inUse, key)
		case !errors.Is(err, ErrDamaged): // an entry we cannot read may mean this file
			return err
		}
		if !gone {
			return nil
		}
		return k.files.shred(file)
	})
	if err != nil {
		return false, fmt.Errorf("%s: %w", filepath.Join(k.files.dir, file), err)
	}
	return gone, nil
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
