package desktop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Autostart lets the given command be started when the user logs in, or not
// any more. The command is a list of words, the program's whole path first.
// Switching off what is not on is no error.
func Autostart(env Env, enabled bool, command []string) error {
	if enabled {
		if len(command) == 0 || !filepath.IsAbs(command[0]) {
			return errors.New("start at login: the program's whole path is needed")
		}
	}
	if err := setAutostart(env, enabled, command); err != nil {
		return fmt.Errorf("start at login: %w", err)
	}
	return nil
}

// AutostartEnabled tells whether Fob is started when the user logs in.
func AutostartEnabled(env Env) (bool, error) {
	on, err := autostart(env)
	if err != nil {
		return false, fmt.Errorf("start at login: %w", err)
	}
	return on, nil
}

// replaceFile writes the file whole or not at all.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing of that name
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// removeFile is content with a file that is not there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
