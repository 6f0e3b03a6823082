package session

import (
	"errors"
	"io/fs"
)

// diskFull says that err is the want of room on a disk, or in a quota.
func diskFull(err error) bool {
	for _, full := range fullErrors {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}

// fullPath is the file that there was no room for.
func fullPath(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path
	}
	return err.Error()
}

// waits says where a token is that the keychain has not taken yet.
func (s *storeError) waits() string {
	if s.journaled {
		return "Fob keeps the token sealed on the disk and stores it when it can"
	}
	return "Fob keeps the token in memory and tries again"
}
