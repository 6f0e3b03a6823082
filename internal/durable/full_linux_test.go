package durable

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fob/internal/fulldisk"
)

// A full disk refuses, keeps the file as it was, and holds no litter that would keep it full.
func TestWriteToAFullDisk(t *testing.T) {
	disk := fulldisk.New(t)
	path := filepath.Join(disk.Dir, "file")
	must(t, Write(path, []byte("old"), true))
	disk.Fill()
	for _, flushed := range []bool{true, false} {
		if err := Write(path, []byte(strings.Repeat("new", 10000)), flushed); !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EFBIG) {
			t.Errorf("a full disk: %v", err)
		}
	}
	if got := content(t, path); got != "old" {
		t.Errorf("the file is %.10q", got)
	}
	disk.Empty()
	if left := namesIn(t, disk.Dir); !slices.Equal(left, []string{"file"}) {
		t.Errorf("left %v", left)
	}
	must(t, Write(path, []byte("new"), true))
}
