//go:build !windows

package desktop

import (
	"errors"
	"os"
)

// removeFile is content with a file that is not there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
