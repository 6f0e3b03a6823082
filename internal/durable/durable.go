// Package durable knows how to replace a private file so that a crash leaves the old one or the new one, whole, and what to do with one
// that is damaged all the same.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// temporary is what the names of unfinished files begin with.
const temporary = ".new-"

// Steps are those of [Replace], in their order; a crash may come after each.
var Steps = []string{"created", "written", "synced", "renamed", "kept"}

// Write replaces a file of mode 0600 by a temporary file and a rename, and makes its directory. Flushed, it waits until both are on
// the disk; else a power loss may leave an older file, or an empty one. Where path is a symbolic link, what it points to is replaced.
func Write(path string, text []byte, flushed bool) error {
	return replace(path, text, flushed, nil, nil)
}

// Replace is [Write], flushed, for what must be right: check sees what is read back before it takes the file's place, and step is
// told of each of Steps. Either may be nil.
func Replace(path string, text []byte, check func(back []byte) error, step func(string)) error {
	return replace(path, text, true, check, step)
}

func replace(path string, text []byte, flushed bool, check func([]byte) error, step func(string)) (err error) {
	if step == nil {
		step = func(string) {}
	}
	if path, err = target(path); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := makeDir(dir, flushed); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close() // of one that is closed, an error that tells nothing
			os.Remove(file.Name())
		}
	}()
	step("created")
	if _, err := file.Write(text); err != nil {
		return err
	}
	step("written")
	if flushed {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	step("synced")
	if check != nil {
		back, err := os.ReadFile(file.Name())
		if err == nil {
			err = check(back)
		}
		if err != nil {
			return err
		}
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	step("renamed")
	if flushed {
		if err := SyncDir(dir); err != nil {
			return err
		}
	}
	step("kept")
	return nil
}

// linksMax is how many links are followed, as the system does.
const linksMax = 40

// target is the file that path stands for: a rename over a link would leave the file behind it, in somebody's backup or dotfiles, as
// it was.
func target(path string) (string, error) {
	for range linksMax {
		to, err := os.Readlink(path)
		if err != nil { // not a link, or nothing there yet
			return path, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// makeDir makes dir and what is missing above it; flushed, so that it is there after a power loss.
func makeDir(dir string, flushed bool) error {
	var above []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		above = append(above, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if flushed {
		for _, parent := range above {
			if err := SyncDir(parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// Aside moves what stands at path out of the way, to a name beside it that says when, and returns that. Nothing is lost, whatever it
// is: a file that makes no sense, one that cannot be read, a directory.
func Aside(path string) (aside string, err error) {
	stem := path + ".damaged-" + time.Now().Format("20060102-150405")
	for n := 1; n < 1000; n++ {
		aside = stem
		if n > 1 {
			aside += "-" + strconv.Itoa(n)
		}
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(path, aside)
		}
	}
	return "", fmt.Errorf("%s: there are too many damaged ones", path)
}

// Sweep removes what crashes have left of unfinished files in dir, where nobody else writes now.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), temporary) && entry.Type().IsRegular() {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	return nil
}
