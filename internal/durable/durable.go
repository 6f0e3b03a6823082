// Package durable knows how to replace a private file so that a crash leaves the old one or the new one, whole.
package durable

import (
	"os"
	"path/filepath"
	"strings"
)

// temporary is what the names of unfinished files begin with.
const temporary = ".new-"

// Write writes a file of mode 0600 by a temporary file and a rename, and makes its directory. Flushed, it waits until both are on
// the disk; else a power loss may leave an older file, or an empty one.
func Write(path string, text []byte, flushed bool) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	if _, err := file.Write(text); err != nil {
		file.Close()
		return err
	}
	if flushed {
		if err := file.Sync(); err != nil {
			file.Close()
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil || !flushed {
		return err
	}
	return SyncDir(dir)
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
