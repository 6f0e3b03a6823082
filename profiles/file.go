package profiles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// File is profiles.json: {"version": 1, "profiles": [ … ]}. Only the agent opens it. It is safe for concurrent use;
// reading it never waits for the disk.
//
// People edit the file by hand, too. Every write reads it again first, so that nothing made meanwhile is lost: other
// profiles, members that Fob does not know and even profiles that cannot be read stay as they are in the file. Of two
// edits of one profile the last one wins.
type File struct {
	path string
	turn sync.Mutex // orders those who read or write the file; it guards no field
	now  atomic.Pointer[snapshot]
	step func(string, *os.File) // called before each step of a write; tests end the process there
}

// snapshot is the file at one moment. It is never changed.
type snapshot struct {
	doc    *document
	info   fs.FileInfo // nil: there was no file
	read   time.Time   // when its text was read or written
	text   string      // of the file, damaged or not
	damage *DamagedError
	newer  *VersionError
}

// fileMax is far beyond any list of profiles: 10,000 of them take 5 MB.
const fileMax = 64 << 20

// OpenFile reads profiles.json at path; a missing file is an empty one, and is made by the first write.
//
// With a [*DamagedError] the File is usable too: it is empty, the damaged text has been copied aside, and only an
// explicit [File.Put] or [File.Remove] replaces it, after the copy was found identical. With a [*VersionError] the
// File is usable and empty. With any other error there is no File.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	f.now.Store(&snapshot{doc: &document{version: fileVersion}})
	_, err := f.Reload()
	if err == nil {
		return f, nil
	}
	var damaged *DamagedError
	var newer *VersionError
	if errors.As(err, &damaged) || errors.As(err, &newer) {
		return f, err
	}
	return nil, err
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// All returns the profiles in the order of the file. They can be read, which does not mean that they are valid: ask
// [Profile.Validate].
func (f *File) All() []Profile {
	d := f.now.Load().doc
	all := make([]Profile, 0, len(d.byName))
	for _, e := range d.entries {
		if e.problems == nil {
			all = append(all, e.profile.Clone())
		}
	}
	return all
}

// Shared is All for readers of many profiles: it returns the file's own, which must not be changed.
func (f *File) Shared() []*Profile {
	d := f.now.Load().doc
	all := make([]*Profile, 0, len(d.byName))
	for _, e := range d.entries {
		if e.problems == nil {
			all = append(all, &e.profile)
		}
	}
	return all
}

// Get returns the profile of that name.
func (f *File) Get(name string) (Profile, bool) {
	d := f.now.Load().doc
	i, ok := d.byName[name]
	if !ok {
		return Profile{}, false
	}
	return d.entries[i].profile.Clone(), true
}

// Bad is an element of the file that cannot be used as a profile. It stays in the file as it is.
type Bad struct {
	Name     string    `json:"name,omitempty"` // "" when even that could not be read
	Line     int       `json:"line"`           // where it begins, counted from 1
	Column   int       `json:"column"`
	Problems []Problem `json:"problems"`
}

// Bad returns what cannot be used as a profile, and why.
func (f *File) Bad() []Bad {
	var all []Bad
	d := f.now.Load().doc
	for _, e := range d.entries {
		if e.problems != nil {
			line, column := position(d.text, e.at)
			all = append(all, Bad{Name: e.profile.Name, Line: line, Column: column, Problems: append([]Problem(nil), e.problems...)})
		}
	}
	return all
}

// Damage is why the file on disk cannot be read, or nil. What [File.All] returns is then what was read last.
func (f *File) Damage() *DamagedError { return f.now.Load().damage }

// ReadOnly is why the file cannot be written: it was made by a newer Fob. It is nil when it can.
func (f *File) ReadOnly() error {
	if newer := f.now.Load().newer; newer != nil {
		return newer
	}
	return nil
}

// Put writes a profile: it replaces the one of that name, or is added at the end. rename is the name until now when it
// changes, else ""; create refuses a name that is taken. The errors: [*InvalidError] for a profile that is not valid,
// [ErrNotFound], [ErrExists], [*DamagedError] when the damaged file could not be copied aside, [*VersionError], or what
// the file system says.
func (f *File) Put(p Profile, rename string, create bool) error {
	p = p.Clone()
	return f.edit(func(d *document) (*document, error) { return d.put(p, rename, create) })
}

// Remove takes a profile out of the file, one that cannot be used too. The error is as for [File.Put].
func (f *File) Remove(name string) error {
	return f.edit(func(d *document) (*document, error) { return d.remove(name) })
}

// Reload picks up what was changed by hand; it costs one stat when nothing was. changed says that the profiles are not
// the same as before. As long as the file is damaged the error is the same [*DamagedError] and the profiles stay those
// that were read last.
func (f *File) Reload() (changed bool, err error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.reload()
}

func (f *File) reload() (changed bool, err error) {
	was := f.now.Load()
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if was.info == nil {
			return false, nil
		}
		f.now.Store(&snapshot{doc: &document{version: fileVersion}})
		return true, nil
	case err != nil:
		return false, fmt.Errorf("profiles: %w", err)
	case was.fresh(info):
		return false, was.err()
	}
	next, err := readSnapshot(f.path)
	if err != nil {
		return false, err
	}
	if was.info != nil && was.text == next.text {
		same := *was
		same.info, same.read = next.info, next.read
		f.now.Store(&same)
		return false, same.err()
	}
	doc, err := parseDocument(f.path, next.text)
	var bad *damage
	switch {
	case err == nil:
		next.doc = doc
		if doc.version > fileVersion {
			next.newer = &VersionError{Path: f.path, Version: doc.version}
		}
	case errors.As(err, &next.newer):
		next.doc = &document{version: next.newer.Version}
	case errors.As(err, &bad):
		next.doc = was.doc // what was read last goes on working while somebody mends the file
		next.damage = newDamagedError(f.path, next.text, bad)
	default:
		return false, err
	}
	f.now.Store(next)
	if doc == nil {
		return false, next.err()
	}
	return true, nil
}

// err is what a reader is told of the snapshot.
func (s *snapshot) err() error {
	switch {
	case s.damage != nil:
		return s.damage
	case s.newer != nil && len(s.doc.entries) == 0:
		return s.newer
	}
	return nil
}

// stampTrust is the coarsest time stamp of a file system in use (FAT: 2 s). A file that was changed less than that
// before it was read may have been changed again under the same time stamp.
const stampTrust = 2 * time.Second

// fresh says that the file is certainly still the one that was read.
func (s *snapshot) fresh(info fs.FileInfo) bool {
	return s.info != nil && os.SameFile(s.info, info) && s.info.Size() == info.Size() && s.info.ModTime().Equal(info.ModTime()) &&
		s.read.Sub(info.ModTime()) > stampTrust
}

func readSnapshot(path string) (*snapshot, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for ever
		return nil, fmt.Errorf("profiles: %s is not a file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	defer file.Close()
	// The time and the stamp come before the text: what changes while reading is then found by the next look.
	now := time.Now().Round(0)
	if info, err = file.Stat(); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	var text strings.Builder
	text.Grow(int(min(info.Size(), fileMax)) + 1)
	if _, err := io.Copy(&text, io.LimitReader(file, fileMax+1)); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if text.Len() > fileMax {
		return nil, fmt.Errorf("profiles: %s is larger than %d MB; is it the right file?", path, fileMax>>20)
	}
	return &snapshot{info: info, read: now, text: text.String()}, nil
}

// edit changes the file: read again, change, write. When somebody writes it in between, it begins anew.
func (f *File) edit(change func(*document) (*document, error)) error {
	f.turn.Lock()
	defer f.turn.Unlock()
	for attempt := 0; ; attempt++ {
		_, err := f.reload()
		var damaged *DamagedError
		if err != nil && !errors.As(err, &damaged) {
			return err
		}
		was := f.now.Load()
		if was.newer != nil {
			return was.newer
		}
		doc, err := change(was.doc)
		if err != nil {
			return err
		}
		if doc == was.doc && was.damage == nil {
			return nil
		}
		if was.damage != nil {
			if err := was.damage.secure(was.text); err != nil {
				return err
			}
			doc = doc.with(doc.entries) // what is written is never the damaged text
		}
		info, err := f.write(doc.text, was)
		if errors.Is(err, errOvertaken) && attempt < 10 {
			continue
		}
		if err != nil {
			return fmt.Errorf("profiles: %w", err)
		}
		f.now.Store(&snapshot{doc: doc, info: info, read: time.Now().Round(0), text: doc.text})
		return nil
	}
}
