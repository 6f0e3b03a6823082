package desktop

import (
	"errors"
	"fmt"
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
