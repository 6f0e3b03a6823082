// Package journal knows how to keep the answer to a request that can be made only once, until it rests where it belongs.
//
// Before a refresh token is spent, a slot on the disk says so and has room for the answer: a full disk is found before the token
// is gone. The answer is sealed into it before anybody sees it, and the slot is cleared when the keychain has the answer. Slots
// are files that stay, each as long as it was ever needed: an intent and an answer cost a flush each, and the next start reads as
// many files as there were requests side by side, however many logins there are.
package journal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"fob/internal/durable"
)

// A slot is a head of headSize bytes and the answer behind it. The head is a line of text that is not secret:
//
//	fob journal 1 SUM JSON
//
// SUM is a hash of the JSON, so that half a head is none. The head is filled up with line feeds; its last byte is an x once the item is
// to be removed. The answer is its length (8 bytes; 0: none yet), a nonce, and the
// ciphertext of XChaCha20-Poly1305 with the head's line as associated data: an answer opens with its own intent only.
const (
	version  = "fob journal 1 "
	headSize = 2048
	// room is what every slot has for an answer, at least: what fits into a keychain's item, several times over.
	room = 16 << 10
	// lengthSize is the length of an answer's length.
	lengthSize = 8
	removing   = 'x'
	// answerMax is no limit of the format: it keeps a foreign file from filling the memory.
	answerMax = 64 << 20
)

// Entry is what one slot says: that a login's token was about to be spent, and the answer, if it came.
type Entry struct {
	Name       string    `json:"name"` // of the profile
	Item       string    `json:"item"` // the keychain item where the answer belongs
	Generation int64     `json:"gen"`  // of the token set that was spent
	At         time.Time `json:"at"`
	ID         string    `json:"id"` // makes each intent its own

	Answered bool `json:"-"` // there is an answer; whether it is whole, Open tells
	Removing bool `json:"-"` // the item was about to be removed
	line     string
	sealed   []byte
}

// NewKey returns a key.
func NewKey() []byte {
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key) // never fails (crypto/rand since Go 1.24)
	return key
}

// ErrUnreadable is an answer that was cut short, changed, or sealed with another key.
var ErrUnreadable = errors.New("the answer in the journal cannot be read")

// Journal is the slots of one home. A nil Journal keeps nothing. It is safe for concurrent use; one process opens it.
type Journal struct {
	dir  string
	step func(string) // tells a test where we are; nil otherwise

	mu    sync.Mutex       // guards what follows; not held over I/O
	slots []*slot          // all there are
	taken map[string]*slot // by profile
	next  int
}

// slot is one file. Who has taken it is the only one that writes it.
type slot struct {
	path string
	busy bool   // guarded by Journal.mu
	line string // of its head
	size int64  // what is known to be allocated
	name bool   // its name is known to be durable
}

// Open opens the journal in dir. What an earlier process left of a profile, Left returns; its slot is taken until it is cleared. The
// error is about slots that cannot be read; the others serve. step may be nil.
func Open(dir string, step func(string)) (*Journal, error) {
	j := &Journal{dir: dir, step: step, taken: map[string]*slot{}}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return j, fmt.Errorf("journal: %w", err)
	}
	since := map[string]time.Time{}
	var problems error
	for _, file := range files {
		number, ours := strings.CutPrefix(file.Name(), "slot-")
		n, err := strconv.Atoi(number)
		if !ours || err != nil {
			continue
		}
		j.next = max(j.next, n+1)
		s := &slot{path: filepath.Join(dir, file.Name())}
		left, err := read(s.path)
		if err != nil {
			problems = errors.Join(problems, err)
			continue // nor is it written
		}
		j.slots = append(j.slots, s)
		if left == nil {
			continue // cleared, or never finished: then nothing was spent
		}
		if before := j.taken[left.Name]; before != nil {
			if left.At.Before(since[left.Name]) {
				continue
			}
			before.busy = false
		}
		s.busy, s.line = true, left.line
		j.taken[left.Name], since[left.Name] = s, left.At
	}
	return j, problems
}

// Left returns what the journal has of the profile, nil when it has nothing.
func (j *Journal) Left(name string) *Entry {
	if j == nil {
		return nil
	}
	s := j.slotOf(name)
	if s == nil {
		return nil
	}
	left, err := read(s.path)
	if err != nil || left != nil && left.Name != name {
		return nil
	}
	return left
}

func (j *Journal) at(step string) {
	if j.step != nil {
		j.step(step)
	}
}

// Prepare sees that there is a free slot with room for an answer, for somebody who will need it later.
func (j *Journal) Prepare() error {
	if j == nil {
		return nil
	}
	s := j.take("", 0)
	err := j.reserve(s, 0)
	j.free("", s)
	return err
}

// Intend says durably that a token is about to be spent, with room on the disk for an answer of size bytes. One that the
// profile has in the journal already is replaced.
func (j *Journal) Intend(e Entry, size int) error { return j.intend(e, size, true) }

// Enter is Intend and Answer for a token set that no token was spent for, a new login's: it waits for the disk once.
func (j *Journal) Enter(e Entry, key, answer []byte) error {
	if err := j.intend(e, len(answer), false); err != nil {
		return err
	}
	return j.Answer(e.Name, key, answer)
}

func (j *Journal) intend(e Entry, size int, flushed bool) error {
	if j == nil {
		return nil
	}
	e.ID = rand.Text()
	line, err := e.head()
	if err != nil {
		return err
	}
	s := j.take(e.Name, size)
	err = j.reserve(s, size)
	j.at("reserved")
	if err == nil { // one write: the head, and that there is no answer yet
		err = s.write(0, append([]byte(line+strings.Repeat("\n", headSize-len(line))), make([]byte, lengthSize)...), flushed, func() { j.at("intent-written") })
	}
	if err == nil && !s.name {
		err = durable.SyncDir(j.dir)
		s.name = err == nil
	}
	if err != nil {
		_ = s.clear() // the error that matters is this one
		j.free(e.Name, s)
		return err
	}
	s.line = line
	j.at("intended")
	return nil
}

// Answer seals the answer to the profile's intent. When it returns nil the answer is on the disk.
func (j *Journal) Answer(name string, key, answer []byte) error {
	if j == nil {
		return nil
	}
	s := j.slotOf(name)
	if s == nil || s.line == "" {
		return errors.New("journal: an answer without an intent")
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	sealed := aead.Seal(nonce, nonce, answer, []byte(s.line))
	content := append(binary.BigEndian.AppendUint64(nil, uint64(len(sealed))), sealed...)
	if err := s.write(headSize, content, true, func() { j.at("answer-written") }); err != nil {
		return err
	}
	j.at("answered")
	return nil
}

// Clear forgets what the journal has of the profile. It need not be durable: what is cleared is older than the keychain's item,
// and says so.
func (j *Journal) Clear(name string) error {
	if j == nil {
		return nil
	}
	s := j.slotOf(name)
	if s == nil {
		return nil
	}
	err := s.clear()
	j.at("cleared")
	j.free(name, s)
	return err
}

// Removing notes, or takes back, that the profile's item is about to be removed: an answer that is left for an item that is gone is
// then known to be not wanted. When it returns nil no power failure undoes that, nor brings back what was cleared before.
func (j *Journal) Removing(name string, yes bool) error {
	if j == nil {
		return nil
	}
	if s := j.slotOf(name); s != nil {
		mark := byte('\n')
		if yes {
			mark = removing
		}
		if err := s.write(headSize-1, []byte{mark}, true, func() {}); err != nil {
			return err
		}
	}
	j.mu.Lock()
	slots := slices.Clone(j.slots)
	j.mu.Unlock()
	var problems error
	for _, s := range slots {
		problems = errors.Join(problems, s.flush())
	}
	return problems
}

func (j *Journal) slotOf(name string) *slot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.taken[name]
}

// take makes a slot the profile's: the one it has, the largest free one, or a new one.
func (j *Journal) take(name string, size int) *slot {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.taken[name]; s != nil {
		return s
	}
	var s *slot
	for _, free := range j.slots {
		if !free.busy && (s == nil || free.size > s.size) {
			s = free
		}
	}
	if s == nil {
		s = &slot{path: filepath.Join(j.dir, "slot-"+strconv.Itoa(j.next))}
		j.next++
		j.slots = append(j.slots, s)
	}
	s.busy = true
	if name != "" {
		j.taken[name] = s
	}
	return s
}

func (j *Journal) free(name string, s *slot) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.taken, name)
	s.busy, s.line = false, ""
}

// reserve sees that the slot's file is there and has blocks on the disk for an answer of size bytes, sealed.
func (j *Journal) reserve(s *slot, size int) error {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	want := int64(headSize + lengthSize + max(room, 2*size))
	if err := allocate(f, want); err != nil {
		return &fs.PathError{Op: "allocate", Path: s.path, Err: err}
	}
	s.size = max(s.size, want)
	return nil
}

// zeros makes a file as long as it should be, where the system allocates nothing by itself.
func zeros(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	_, err = f.WriteAt(make([]byte, size-info.Size()), info.Size())
	return err
}

// write writes, durably if flushed.
func (s *slot) write(offset int64, content []byte, flushed bool, written func()) error {
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, offset)
	written()
	if err == nil && flushed {
		err = syncData(f)
	}
	return errors.Join(err, f.Close())
}

// clear makes an empty slot of it, and noise of its answer, without waiting for the disk.
func (s *slot) clear() error {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	head := make([]byte, headSize+lengthSize)
	n, _ := f.ReadAt(head, 0) // shorter is fine
	over := int64(n)
	if n == len(head) {
		over += int64(min(binary.BigEndian.Uint64(head[headSize:]), answerMax))
	}
	if info, statErr := f.Stat(); statErr == nil {
		over = min(over, info.Size())
	}
	_, err = f.WriteAt(make([]byte, over), 0)
	return errors.Join(err, f.Close())
}

// flush waits until what the slot holds is on the disk.
func (s *slot) flush() error {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(syncData(f), f.Close())
}

func (e Entry) head() (string, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	line := version + sum(text) + " " + string(text) + "\n"
	if len(line) > headSize {
		return "", fmt.Errorf("journal: the name of profile %s is too long", e.Name)
	}
	return line, nil
}

func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return fmt.Sprintf("%x", hash[:8])
}

// read reads a slot; nil when it is cleared, or was never finished.
func read(path string) (*Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	head := make([]byte, headSize+lengthSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("journal: %w", err)
	}
	line, _, whole := bytes.Cut(head[:min(n, headSize)], []byte("\n"))
	rest, ours := bytes.CutPrefix(line, []byte(version))
	said, text, cut := bytes.Cut(rest, []byte(" "))
	e := &Entry{line: string(line) + "\n"}
	if !whole || !ours || !cut || sum(text) != string(said) || json.Unmarshal(text, e) != nil {
		return nil, nil
	}
	if n < len(head) {
		return e, nil // the answer is cut off
	}
	e.Removing = head[headSize-1] == removing
	length := binary.BigEndian.Uint64(head[headSize:])
	if length == 0 || length > answerMax {
		return e, nil
	}
	e.Answered, e.sealed = true, make([]byte, length)
	if n, err := io.ReadFull(f, e.sealed); err != nil {
		e.sealed = e.sealed[:n] // cut short: Open says so
	}
	return e, nil
}

// Open returns the answer of an entry that an earlier process left.
func (e Entry) Open(key []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if !e.Answered || len(e.sealed) < aead.NonceSize() {
		return nil, ErrUnreadable
	}
	nonce, sealed := e.sealed[:aead.NonceSize()], e.sealed[aead.NonceSize():]
	answer, err := aead.Open(nil, nonce, sealed, []byte(e.line))
	if err != nil {
		return nil, ErrUnreadable
	}
	return answer, nil
}
