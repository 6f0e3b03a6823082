package profiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// DamagedError is returned when profiles.json cannot be read. Its text has been copied aside, and the file stays as it
// is until somebody mends or removes it, or a profile is written.
type DamagedError struct {
	Path     string
	Line     int    // counted from 1
	Column   int    // in characters, counted from 1
	Reason   string // what is wrong there
	SetAside string // the copy; "" when there is none

	cause error // why there is no copy
}

// Error says where the file is damaged, where the copy is, and what to do.
func (e *DamagedError) Error() string {
	text := fmt.Sprintf("profiles: %s, line %d, column %d: %s", e.Path, e.Line, e.Column, e.Reason)
	if e.SetAside != "" {
		return text + "; mend the file or remove it (a copy is kept in " + e.SetAside + ")"
	}
	if e.cause != nil {
		return text + "; mend the file or remove it (nothing is written until then, as it cannot be copied aside: " + e.cause.Error() + ")"
	}
	return text
}

// VersionError is returned when profiles.json was made by a newer Fob. It is read as far as it is understood and never
// written.
type VersionError struct {
	Path    string
	Version int // of the file
}

// Error says which version the file has and which is known.
func (e *VersionError) Error() string {
	return fmt.Sprintf("profiles: %s has version %d and this Fob knows version %d: it is only read; update Fob to change it",
		e.Path, e.Version, fileVersion)
}

func newDamagedError(path, text string, bad *damage) *DamagedError {
	line, column := position(text, bad.offset)
	e := &DamagedError{Path: path, Line: line, Column: column, Reason: bad.reason}
	if text != "" { // of nothing there is no copy to keep
		e.SetAside, e.cause = setAside(path, text)
	}
	return e
}

// secure returns nil when the damaged text is safe: a copy is there and identical.
func (e *DamagedError) secure(text string) error {
	if text == "" {
		return nil
	}
	if e.SetAside != "" {
		if data, err := os.ReadFile(e.SetAside); err == nil && string(data) == text {
			return nil
		}
	}
	// The copy is gone or not what it was: make another one.
	copied, err := setAside(e.Path, text)
	if err != nil {
		return fmt.Errorf("%w; it cannot be copied aside: %w", e, err)
	}
	if data, err := os.ReadFile(copied); err != nil || string(data) != text {
		return fmt.Errorf("%w; its copy %s cannot be read back, so it is not replaced", e, copied)
	}
	return nil
}

// setAside copies a damaged text beside the file, unless a copy of it is there.
func setAside(path, text string) (string, error) {
	base := path + ".damaged-"
	copies, _ := filepath.Glob(escapeGlob(base) + "*")
	for _, c := range copies {
		if info, err := os.Lstat(c); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(text)) {
			if data, err := os.ReadFile(c); err == nil && string(data) == text {
				return c, nil
			}
		}
	}
	base += time.Now().Format("20060102-150405")
	for n := 1; n < 100; n++ {
		name := base
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = file.WriteString(text)
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			os.Remove(name)
			return "", err
		}
		return name, nil
	}
	return "", errors.New("too many copies named " + base)
}
