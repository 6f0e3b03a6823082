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

// diskRefused is what a disk refuses for another reason than the want of room: it is read-only (one that fails is made so), it
// fails, or what is there is somebody else's; nil where err is something else.
func diskRefused(err error) *fs.PathError {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return nil
	}
	for _, refusal := range refuseErrors {
		if errors.Is(path.Err, refusal) {
			return path
		}
	}
	return nil
}

// refusedRemedy is what to do about it.
func refusedRemedy(path *fs.PathError) string {
	look := "see the system's log, and what of the disk can be saved"
	if errors.Is(path.Err, fs.ErrPermission) {
		look = "see whose it is: ls -ld " + quoteArg(path.Path) + " (a command that ran with sudo leaves files of root's)"
	}
	return look + "; nothing is lost, and Fob tries again by itself"
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
