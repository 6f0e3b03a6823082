package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Twice is a small file that is kept in two copies beside each other, for what nobody could find out again when one is damaged.
type Twice string

func (t Twice) places() []string { return []string{string(t), string(t) + ".copy"} }

// Write replaces both copies, flushed, the first one first: where a crash comes between, the second is what was in force before.
func (t Twice) Write(text []byte) error {
	for _, path := range t.places() {
		if err := Write(path, text, true); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes both copies. Where a crash comes between, the second one is left.
func (t Twice) Remove() error {
	removed := false
	for _, path := range t.places() {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return SyncDir(filepath.Dir(string(t)))
}

// Read returns the first copy that valid accepts, nil where there is none; trouble is what is wrong with the others, nil where both are as they
// should be, or neither is there. Nothing is changed.
func (t Twice) Read(valid func([]byte) error) (text []byte, trouble error) {
	text, _, trouble = t.read(valid)
	return text, trouble
}

func (t Twice) read(valid func([]byte) error) (text []byte, bad []string, trouble error) {
	missing := ""
	for _, path := range t.places() {
		found, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if missing == "" {
				missing = path
			}
			continue
		case err == nil:
			err = valid(found)
		}
		if err != nil {
			bad, trouble = append(bad, path), errors.Join(trouble, fmt.Errorf("%s: %w", path, err))
		} else if text == nil {
			text = found
		}
	}
	if missing == string(t) && text != nil { // a version before this one kept no second copy: that one may be missing
		trouble = fmt.Errorf("%s is gone", missing)
	}
	return text, bad, trouble
}

// Mend is [Twice.Read] for who owns the file: what is damaged is moved aside, and both copies are made again of a good one. The error says
// what was found and what was done; text counts also then.
func (t Twice) Mend(valid func([]byte) error) (text []byte, found error) {
	text, bad, found := t.read(valid)
	for _, path := range bad {
		aside, err := Aside(path)
		if err != nil {
			return text, errors.Join(found, err)
		}
		found = errors.Join(found, fmt.Errorf("it was moved to %s", aside))
	}
	if found != nil && text != nil {
		if err := t.Write(text); err != nil {
			return text, errors.Join(found, err)
		}
		found = errors.Join(found, errors.New("its copy took its place"))
	}
	return text, found
}
