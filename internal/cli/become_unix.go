//go:build !windows

package cli

import (
	"errors"
	"io/fs"
	"syscall"
)

// become makes this process the command: terminal, signals, descriptors and exit code are then its own.
func become(path string, words, env []string) error {
	err := syscall.Exec(path, words, env)
	if errors.Is(err, syscall.ENOEXEC) { // a script without #!, which shells run by themselves
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, words[1:]...), env)
	}
	return failed("exec", "", "%s", &fs.PathError{Op: "exec", Path: path, Err: err})
}
