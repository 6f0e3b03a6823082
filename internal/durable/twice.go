package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	text, _, _, trouble = t.read(valid)
	return text, trouble
}

func (t Twice) read(valid func([]byte) error) (text []byte, missing, bad []string, trouble error) {
	for _, path := range t.places() {
		found, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, path)
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
	if text != nil && slices.Contains(missing, string(t)) { // a version before this one kept no second copy: that one may be missing
		trouble = fmt.Errorf("%s is gone", string(t))
	}
	return text, missing, bad, trouble
}

// Mend is [Twice.Read] for who owns the file: what is damaged is moved aside, and both copies are made again of a good one, or, where
// there is none, of otherwise. At no moment is there neither, nor after a crash or on a full disk: that would look as if nothing had ever
// been written. The error says what was found and what was done; text counts also then.
func (t Twice) Mend(valid func([]byte) error, otherwise func() []byte) (text []byte, found error) {
	return t.mend(valid, otherwise, nil)
}

func (t Twice) mend(valid func([]byte) error, otherwise func() []byte, step func(string)) (text []byte, found error) {
	text, missing, bad, found := t.read(valid)
	if found == nil {
		return text, nil
	}
	done := errors.New("its copy took its place")
	if text == nil {
		text, done = otherwise(), nil
	}
	for _, path := range missing { // before the last one there is, which is damaged, moves
		if err := replace(path, text, true, nil, step); err != nil {
			return text, errors.Join(found, err)
		}
	}
	for _, path := range bad {
		aside, err := Aside(path)
		if err != nil {
			return text, errors.Join(found, err)
		}
		found = errors.Join(found, fmt.Errorf("it was moved to %s", aside))
		if step != nil {
			step("moved")
		}
		if err := replace(path, text, true, nil, step); err != nil {
			return text, errors.Join(found, err)
		}
	}
	return text, errors.Join(found, done)
}
