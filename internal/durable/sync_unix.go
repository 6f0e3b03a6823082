//go:build !windows

package durable

import "os"

// SyncDir makes a new, renamed or removed name in dir durable.
func SyncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer handle.Close()
	return handle.Sync()
}
