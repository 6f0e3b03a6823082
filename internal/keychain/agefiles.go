package keychain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"fob/internal/durable"
)

// The file store, FOB_STORE=file: a folder for machines without a keychain, in the format of age (age-encryption.org/v1), so that
// the plain `age` tool opens it too:
//
//	identity.age        an X25519 identity, sealed by the passphrase (age's scrypt)
//	item-….age          one item, sealed to that identity: a version, the item's name, its text, a line each but the last
//
// The slow part is paid once, when the agent opens the identity; it then holds the identity in memory, and nothing else ever
// sees the passphrase. A file is named by a hash, so that any name fits every file system; the name inside is what counts.
const (
	identityFile = "identity.age"
	ageItem      = "fob item 1\n"
)

// workFactor is log2 of scrypt's N. 2^17 with age's r = 8 is what OWASP's password storage cheat sheet asks for: 128 MB for half
// a second. age's own 2^18 takes 256 MB, which a small server may not have to spare.
const workFactor = 17

// workFactorMax refuses an identity that somebody else made to take the machine's memory: 2^20 is 1 GB.
const workFactorMax = 20

// pageFiles is how many files list opens in a turn: some 200 ms.
const pageFiles = 512

// passphraseMin is the shortest passphrase that a store is made with, in characters (NIST SP 800-63B §5.1.1.2).
const passphraseMin = 8

// ageFiles is the folder as a back-end. The turn guards its fields.
type ageFiles struct {
	dir      string
	env      func(string) string // where the passphrase's file may be named
	step     func(string)        // tells a test where we are; nil otherwise
	work     int                 // scrypt's work factor: tests have no half seconds to spare
	identity *age.X25519Identity // nil while locked
	refused  string              // the passphrase file and identity that did not fit last; see fromFile
	seen     map[string]seenItem // by file, what list found there; nil while locked
	opened   int                 // how many it had to open
	page     int                 // how many it opens in a turn
}

// seenItem is whose file it was, "" when it was damaged, and how it looked then.
type seenItem struct {
	name    string
	size    int64
	changed time.Time
}

func newAgeFiles(dir string) *ageFiles {
	return &ageFiles{dir: dir, env: os.Getenv, work: workFactor, page: pageFiles}
}

func (a *ageFiles) at(step string) {
	if a.step != nil {
		a.step(step)
	}
}

func (a *ageFiles) path(file string) string { return filepath.Join(a.dir, file) }

// ready opens the store when a file holds the passphrase. Who is attended is asked by the face, not by us: see ErrSealed.
func (a *ageFiles) ready(context.Context, bool) (Report, error) {
	report := Report{Owner: "Fob, in files that age opens with the passphrase", Collection: a.dir, Lasts: true}
	if a.identity != nil {
		return report, nil
	}
	return report, a.fromFile()
}

// fromFile takes the passphrase from the file that the agent's environment names, if it names one.
func (a *ageFiles) fromFile() error {
	_, err := os.Stat(a.path(identityFile))
	made := err == nil
	file, err := passphraseFile(a.env)
	switch {
	case err != nil:
		return err
	case file == "" && made:
		return problem(ErrSealed, "", nil)
	case file == "":
		if err := a.orphaned(); err != nil {
			return err
		}
		return problem(ErrNoPassphrase, "", nil)
	}
	// What did not fit is not tried again until one of the two changes: each try takes half a second of a core.
	attempt := stamp(file) + stamp(a.path(identityFile))
	if attempt == a.refused {
		return &Error{Kind: ErrWrongPassphrase, Detail: "the one in " + file, Remedy: "put the right one there, or give it to `fob store unlock`"}
	}
	passphrase, err := readPassphrase(file)
	if err == nil {
		err = a.open(passphrase, !made)
	}
	if errors.Is(err, ErrWrongPassphrase) {
		a.refused = attempt
		return &Error{Kind: ErrWrongPassphrase, Detail: "the one in " + file, Remedy: "put the right one there, or give it to `fob store unlock`"}
	}
	return err
}

func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return path
	}
	return fmt.Sprintf("%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
}

// open opens the store with its passphrase; with create a store that is not there yet is made with it.
func (a *ageFiles) open(passphrase string, create bool) error {
	sealed, err := readSealed(a.path(identityFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := a.orphaned(); err != nil {
			return err
		}
		if !create {
			return problem(ErrNoPassphrase, "", nil)
		}
		return a.create(passphrase)
	case err != nil:
		return err
	}
	identity, err := a.unsealIdentity(sealed, passphrase)
	debug.FreeOSMemory() // scrypt's
	if err != nil {
		return err
	}
	a.identity, a.seen = identity, nil
	a.tidy()
	return nil
}

// orphaned refuses to begin a new store over items that only a lost identity opens.
func (a *ageFiles) orphaned() error {
	if items := a.items(); len(items) > 0 {
		return &Error{Kind: ErrDamaged, Detail: fmt.Sprintf("%s is gone, and without it nothing opens the %d items beside it", a.path(identityFile), len(items)),
			Remedy: "restore it from a backup, or move the folder " + a.dir + " away to begin anew"}
	}
	return nil
}

func (a *ageFiles) create(passphrase string) error {
	if err := checkPassphrase(passphrase); err != nil {
		return err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	err = a.sealIdentity(identity, passphrase)
	debug.FreeOSMemory() // scrypt's
	if err == nil {
		a.identity = identity
	}
	return err
}

// change seals the identity anew. The items stay as they are.
func (a *ageFiles) change(before, passphrase string) error {
	if err := checkPassphrase(passphrase); err != nil {
		return err
	}
	if err := a.open(before, false); err != nil {
		return err
	}
	return a.sealIdentity(a.identity, passphrase)
}

func checkPassphrase(passphrase string) error {
	if utf8.RuneCountInString(passphrase) < passphraseMin {
		return &Error{Kind: ErrWeakPassphrase, Detail: fmt.Sprintf("it has fewer than %d characters", passphraseMin), Remedy: "choose a longer one: several words are good"}
	}
	return nil
}

// sealIdentity makes the passphrase that of the store, in one step: before and after, exactly one opens it.
func (a *ageFiles) sealIdentity(identity *age.X25519Identity, passphrase string) error {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	recipient.SetWorkFactor(a.work)
	content, err := ageSeal(identity.String()+"\n", recipient)
	if err != nil {
		return err
	}
	return a.write(identityFile, content, func(back []byte) error {
		again, err := a.unsealIdentity(back, passphrase)
		if err == nil && again.String() != identity.String() {
			err = problem(ErrDamaged, a.path(identityFile)+" does not hold what was written", nil)
		}
		return err
	})
}

func (a *ageFiles) unsealIdentity(sealed []byte, passphrase string) (*age.X25519Identity, error) {
	damaged := func() error {
		return &Error{Kind: ErrDamaged, Detail: a.path(identityFile) + " is cut short or was changed",
			Remedy: "restore it from a backup; without it nothing opens the items. To begin anew, move the folder " + a.dir + " away and log in again"}
	}
	if passphrase == "" {
		return nil, problem(ErrWrongPassphrase, "", nil)
	}
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	key.SetMaxWorkFactor(workFactorMax)
	text, err := ageOpen(sealed, key)
	var noMatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &noMatch):
		return nil, problem(ErrWrongPassphrase, "", nil)
	case err != nil:
		return nil, damaged()
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, damaged()
	}
	return identity, nil
}

// itemFile is how the file of an item is called.
func itemFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "item-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])) + ".age"
}

var itemFileName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^item-[a-z2-7]{32}\.age$`) })

// items are the files of items.
func (a *ageFiles) items() (files []string) {
	entries, _ := os.ReadDir(a.dir) // what cannot be read is said by whoever opens it
	for _, entry := range entries {
		if itemFileName().MatchString(entry.Name()) {
			files = append(files, entry.Name())
		}
	}
	return files
}

func (a *ageFiles) get(name string) (string, error) {
	_, text, err := a.read(itemFile(name))
	return text, err
}

// read opens one file of an item: the name inside has to be the one that the file is called for.
func (a *ageFiles) read(file string) (name, text string, err error) {
	sealed, err := readSealed(a.path(file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", problem(ErrNotFound, "", nil)
	}
	if err != nil {
		return "", "", err
	}
	content, err := ageOpen(sealed, a.identity)
	if err != nil {
		return "", "", problem(ErrDamaged, a.path(file)+" is cut short, was changed or belongs to another store", nil)
	}
	rest, ok := strings.CutPrefix(string(content), ageItem)
	name, text, found := strings.Cut(rest, "\n")
	if !ok || !found || itemFile(name) != file {
		return "", "", problem(ErrDamaged, a.path(file)+" is not what Fob wrote", nil)
	}
	return name, text, nil
}

func (a *ageFiles) set(name, text string) error {
	content, err := ageSeal(ageItem+name+"\n"+text, a.identity.Recipient())
	if err != nil {
		return err
	}
	return a.write(itemFile(name), content, nil) // the caller reads it back
}

// remove takes the name away first: an item is whole or not there, also when we end midway.
func (a *ageFiles) remove(name string) error {
	gone := newFile + itemFile(name)
	err := os.Rename(a.path(itemFile(name)), a.path(gone))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	a.at("renamed")
	if err == nil {
		err = durable.SyncDir(a.dir)
	}
	if err != nil {
		return err
	}
	// Old blocks of the disk may live on, as ciphertext: see docs/security.md.
	return vault{dir: a.dir, step: a.step}.shred(gone)
}

// list names what is stored; what is damaged has no name any more. The names are inside, and a file of the same look is not opened
// again for its own: 10,000 of them take seconds.
func (a *ageFiles) list(from string) (names []string, next string, err error) {
	if from == "" || a.seen == nil {
		a.forgetGone()
	}
	opened := 0
	for _, file := range a.items() {
		if file < from {
			continue
		}
		info, err := os.Lstat(a.path(file))
		if err != nil {
			continue // removed since
		}
		one, known := a.seen[file]
		if !known || one.size != info.Size() || !one.changed.Equal(info.ModTime()) {
			if opened++; opened > a.page {
				return names, file, nil
			}
			a.opened++
			one = seenItem{size: info.Size(), changed: info.ModTime()}
			if one.name, _, err = a.read(file); errors.Is(err, ErrNotFound) {
				continue
			} else if err != nil && !errors.Is(err, ErrDamaged) {
				return nil, "", err
			}
			a.seen[file] = one
		}
		if one.name != "" {
			names = append(names, one.name)
		}
	}
	return names, "", nil
}

// forgetGone keeps of what was seen what is still there.
func (a *ageFiles) forgetGone() {
	before := a.seen
	a.seen = map[string]seenItem{}
	for _, file := range a.items() {
		if one, known := before[file]; known {
			a.seen[file] = one
		}
	}
}

// newFile begins the name of a file that is being removed; versions before wrote new ones under it, too.
const newFile = "new-"

// write replaces a file of the store.
func (a *ageFiles) write(file string, content []byte, check func(back []byte) error) error {
	return durable.Replace(a.path(file), content, check, a.at)
}

// tidy removes what a crash left unfinished: nobody else writes here, and we have the turn.
func (a *ageFiles) tidy() {
	left, _ := filepath.Glob(a.path(newFile + "*"))
	for _, path := range left {
		_ = os.Remove(path) // it is tried again
	}
	_ = durable.Sweep(a.dir) // so is this
}

func ageSeal(text string, recipient age.Recipient) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

// ageOpen returns the content when all of it is authentic.
func ageOpen(sealed []byte, identity age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
