//go:build linux

package fulldisk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Disk is one that can be full: a small file system of its own where the test may mount one, else the limit that the system puts
// on the size of every file that this process writes.
type Disk struct {
	Dir     string // made for the test, and removed after it
	t       *testing.T
	mounted bool
	limit   unix.Rlimit
}

// New returns a disk with room.
func New(t *testing.T) *Disk {
	t.Helper()
	d := &Disk{t: t, Dir: t.TempDir()}
	if err := unix.Mount("tmpfs", d.Dir, "tmpfs", 0, "size=512k,mode=0700"); err == nil {
		d.mounted = true
		t.Cleanup(func() {
			if err := unix.Unmount(d.Dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		return d
	}
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &d.limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Empty)
	return d
}

// KeepsRoom says that a file keeps the room that it has when the disk is full; the limit takes it.
func (d *Disk) KeepsRoom() bool { return d.mounted }

// Fill leaves no room.
func (d *Disk) Fill() {
	if !d.mounted {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: d.limit.Max}); err != nil {
			d.t.Error(err)
		}
		return
	}
	ballast, err := os.Create(filepath.Join(d.Dir, "ballast"))
	if err != nil {
		d.t.Error(err)
		return
	}
	defer ballast.Close()
	for size := 64 << 10; size > 0; {
		if n, err := ballast.Write(make([]byte, size)); err == nil || n > 0 {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			d.t.Error(err)
			return
		}
		size /= 2
	}
}

// Refuse lets nothing be written any more: the file system is made read-only, as one is that had an error, or where the test may not
// do that, everything on it is made unwritable. Nothing on it may be open for writing.
func (d *Disk) Refuse() {
	if d.mounted {
		d.remount(unix.MS_RDONLY)
	} else {
		d.chmod(0o500)
	}
}

// Permit lets things be written again.
func (d *Disk) Permit() {
	if d.mounted {
		d.remount(0)
	} else {
		d.chmod(0o700)
	}
}

func (d *Disk) remount(flags uintptr) {
	if err := unix.Mount("", d.Dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
		d.t.Error(err)
	}
}

func (d *Disk) chmod(mode fs.FileMode) {
	err := filepath.WalkDir(d.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		d.t.Error(err)
	}
}

// Empty makes room again.
func (d *Disk) Empty() {
	if !d.mounted {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &d.limit); err != nil {
			d.t.Error(err)
		}
		return
	}
	if err := os.Remove(filepath.Join(d.Dir, "ballast")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Error(err)
	}
}
