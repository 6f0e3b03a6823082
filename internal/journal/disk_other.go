//go:build !linux

package journal

import "os"

// allocate gives the file size bytes of the disk, or says that there are none.
func allocate(f *os.File, size int64) error {
	if err := zeros(f, size); err != nil {
		return err
	}
	return f.Sync() // some file systems find a place for a block only now
}

// syncData waits until the content is on the disk.
func syncData(f *os.File) error { return f.Sync() }
