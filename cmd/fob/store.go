package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/agent"
	"fob/internal/durable"
	"fob/internal/keychain"
)

// homeStore keeps the items of one home apart from those of others in the same keychain: two profiles called "work" in two
// FOB_HOMEs are two logins. The home of the user's own directories has no mark, so that its items outlive those directories.
//
// Which store it is can change while the agent runs: see move.
type homeStore struct {
	mark  string
	gate  sync.RWMutex // held for reading while an item is written, so that a move's last step has the store to itself; guards no field
	moves sync.Mutex   // one move at a time; guards no field

	mu      sync.Mutex // guards what follows
	now     *keychain.Keychain
	touched map[string]bool // what was written since a move began to copy; nil while none copies
}

func (s *homeStore) current() *keychain.Keychain {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// touch returns the store to write key to, and lets a move that copies know.
func (s *homeStore) touch(key string) *keychain.Keychain {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touched != nil {
		s.touched[key] = true
	}
	return s.now
}

// watch begins to notice what is written, for a move.
func (s *homeStore) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched = map[string]bool{}
}

func (s *homeStore) unwatch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched = nil
}

// written is what was written since watch.
func (s *homeStore) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.touched))
}

// shut waits until nothing is being written and lets nothing be written until the gate is unlocked. It does not stand in the way of
// others while it waits: one of them may wait for a person.
func (s *homeStore) shut(ctx context.Context) error {
	for tick := time.Tick(10 * time.Millisecond); !s.gate.TryLock(); {
		select {
		case <-tick:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *homeStore) switchTo(k *keychain.Keychain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = k
}

// Get returns the value of key in this home.
func (s *homeStore) Get(ctx context.Context, key string) ([]byte, error) {
	for {
		k := s.current()
		value, err := k.Get(ctx, s.mark+key)
		if k == s.current() {
			return value, err
		}
	}
}

// Set stores the value of key in this home.
func (s *homeStore) Set(ctx context.Context, key string, value []byte) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.touch(s.mark+key).Set(ctx, s.mark+key, value)
}

// Delete removes key of this home.
func (s *homeStore) Delete(ctx context.Context, key string) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.touch(s.mark+key).Delete(ctx, s.mark+key)
}

// marked are the keys as the store knows them.
func (s *homeStore) marked(keys []string) []string {
	marked := make([]string, len(keys))
	for i, key := range keys {
		marked[i] = s.mark + key
	}
	return marked
}

// homeItems is what the items of every home but the user's own begin with.
const homeItems = "home/"

// split tells the items of this home from those of other homes, which it counts by home ("" for the user's own).
func (s *homeStore) split(names []string) (ours []string, others map[string]int) {
	others = map[string]int{}
	for _, name := range names {
		switch home := homeIn(name); home {
		case homeIn(s.mark):
			ours = append(ours, name)
		default:
			others[home]++
		}
	}
	return ours, others
}

// homeIn is the home whose mark an item has, "" when it has none.
func homeIn(name string) string {
	rest, marked := strings.CutPrefix(name, homeItems)
	home, _, cut := strings.Cut(rest, "/")
	if !marked || !cut {
		return ""
	}
	return home
}

// homeMark is what the items of a home begin with. It rests in the home, in two places, because without it no login of the home is
// found again; it moves and is copied with it: a restored backup finds the tokens that it is the backup of.
func homeMark(home agent.Home) (string, error) {
	if os.Getenv("FOB_HOME") == "" {
		return "", nil
	}
	places := []string{filepath.Join(home.Data, "home-id"), filepath.Join(home.Config, "home-id")}
	var id string
	var lacking []string
	for _, path := range places {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("the id of this FOB_HOME: %w", err)
		}
		found := strings.TrimSpace(string(text))
		switch whole := homeID().MatchString(found); {
		case !whole || id != "" && found != id:
			lacking = append(lacking, path)
		case id == "":
			id = found
		}
	}
	if id == "" {
		fresh := make([]byte, 6)
		rand.Read(fresh) // never fails
		id = hex.EncodeToString(fresh)
	}
	for _, path := range lacking {
		if err := durable.Write(path, []byte(id+"\n"), true); err != nil {
			return "", fmt.Errorf("the id of this FOB_HOME: %w", err)
		}
	}
	return homeItems + id + "/", nil
}

var homeID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{12}$`) })

// spendersDir is where all agents of this user that share items under mark find each other's locks, made where it is gone, "" when there
// is no such place: a copy of a home has the same items, whatever its environment says.
func spendersDir(mark string) string {
	base := filepath.Join(os.TempDir(), fmt.Sprintf("fob-%d-turns", os.Getuid()))
	if run := fmt.Sprintf("/run/user/%d", os.Getuid()); runtime.GOOS == "linux" && ours(run) {
		base = filepath.Join(run, "fob-turns")
	}
	dir := filepath.Join(base, strings.ReplaceAll(strings.Trim(mark, "/"), "/", "-"))
	if err := os.MkdirAll(dir, 0o700); err != nil || !ours(base) {
		return ""
	}
	return dir
}

// choice is what `fob store move` chose for this home, in a file of its data directory. FOB_STORE overrules it.
type choice struct {
	Kind keychain.Kind `json:"store"`

	// A move that is under way, or was interrupted.
	Copying keychain.Kind `json:"copying,omitempty"` // before the switch: where copies of Items may be
	Leaving keychain.Kind `json:"leaving,omitempty"` // after it: where the originals may still be
	Items   []string      `json:"items,omitempty"`
}

// copied is what an interrupted move may have left in the store of that kind.
func (c choice) copied(to keychain.Kind) []string {
	if c.Copying != to {
		return nil
	}
	return c.Items
}

func choiceFile(home agent.Home) string { return filepath.Join(home.Data, "store.json") }

// validChoice reads a choice.
func validChoice(text []byte) (c choice, err error) {
	if err = json.Unmarshal(text, &c); err == nil && c.Kind != keychain.KindKeychain && c.Kind != keychain.KindFile {
		err = fmt.Errorf("there is no store %q", string(c.Kind))
	}
	return c, err
}

func checkChoice(text []byte) error { _, err := validChoice(text); return err }

// readChoice returns the zero choice where nobody chose. One that cannot be read is an error: another store would look as if every
// login were gone.
func readChoice(home agent.Home) (choice, error) {
	text, trouble := durable.Twice(choiceFile(home)).Read(checkChoice)
	switch {
	case text != nil:
		return validChoice(text)
	case trouble != nil:
		return choice{}, fmt.Errorf("which store holds the logins is not known: %w; write {\"store\":\"keychain\"} or {\"store\":\"file\"} there", trouble)
	}
	return choice{}, nil
}

// mendChoice is readChoice for an agent that starts. A damaged choice is moved aside, and its copy takes its place; where both are
// damaged, it is found out which store has logins: a file store with items in it is one that was chosen, for nobody makes one
// by accident. What was found and done is the error; the choice counts also then.
func mendChoice(home agent.Home) (c choice, found error) {
	why := ""
	text, found := durable.Twice(choiceFile(home)).Mend(checkChoice, func() []byte {
		guess := keychain.KindKeychain
		why = "no logins are in "
		if items, err := filepath.Glob(filepath.Join(fileStoreDir(home), "*.age")); err == nil && len(items) > 1 { // the identity, and an item
			guess, why = keychain.KindFile, "logins are in "
		}
		return fmt.Appendf(nil, `{"store":%q}`, guess)
	})
	if text == nil {
		return choice{}, nil
	}
	c, err := validChoice(text)
	if why != "" {
		err = fmt.Errorf("the %s is used, for %s%s", c.Kind, why, fileStoreDir(home))
	}
	return c, errors.Join(found, err)
}

// write makes the choice durable, whole or not at all, and twice.
func (c choice) write(home agent.Home) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return durable.Twice(choiceFile(home)).Write(append(text, '\n'))
}

func fileStoreDir(home agent.Home) string { return home.Data + "/store" }

// stores are the stores of this agent, each opened once: a file store stays unlocked.
type stores struct {
	home   agent.Home
	forced keychain.Kind // FOB_STORE
	found  string        // what was wrong with the choice at the start, and what was done about it

	mu     sync.Mutex // guards opened
	opened map[keychain.Kind]*keychain.Keychain
}

// open returns the store of that kind; it does not talk to it.
func (s *stores) open(kind keychain.Kind) (*keychain.Keychain, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.opened[kind]; k != nil {
		return k, nil
	}
	dir := s.home.Data + "/sealed"
	if kind == keychain.KindFile {
		dir = fileStoreDir(s.home)
	}
	k, err := keychain.Open(kind, dir)
	if err != nil {
		return nil, err
	}
	if s.opened == nil {
		s.opened = map[keychain.Kind]*keychain.Keychain{}
	}
	s.opened[k.Kind()] = k
	return k, nil
}

// first opens the store that this agent begins with: FOB_STORE's, else the chosen one, else the keychain.
func (s *stores) first() (*keychain.Keychain, error) {
	s.forced = keychain.Kind(os.Getenv("FOB_STORE"))
	chosen, found := mendChoice(s.home)
	if found != nil {
		s.found = "which store holds the logins: " + strings.ReplaceAll(found.Error(), "\n", "; ")
	}
	kind := s.forced
	if kind == "" {
		kind = chosen.Kind
	}
	if kind == "" {
		kind = keychain.KindKeychain
	}
	return s.open(kind)
}

// contradiction says that FOB_STORE overrules what was chosen, "" when it does not.
func (s *stores) contradiction() string {
	chosen, err := readChoice(s.home)
	switch {
	case err != nil:
		return err.Error()
	case s.forced == "" || chosen.Kind == "" || s.forced == chosen.Kind:
		return ""
	}
	return fmt.Sprintf("FOB_STORE=%s overrules the store that was chosen with fob store move, which is %s: logins kept there are not seen", s.forced, chosen.Kind)
}
