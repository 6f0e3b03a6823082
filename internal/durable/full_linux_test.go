package durable

import (
	"encoding/json"
	"errors"
	"os"
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

// On a full disk nothing is mended, and nothing is lost by trying, however often.
func TestMendOnAFullDisk(t *testing.T) {
	valid := func(text []byte) error { return json.Unmarshal(text, new(map[string]string)) }
	instead := func() []byte { return []byte(`{"instead":"1"}`) }
	for _, state := range [][2]string{{"{", "{"}, {"{", ""}, {"", "{"}} {
		disk := fulldisk.New(t)
		file := Twice(filepath.Join(disk.Dir, "file"))
		for i, path := range file.places() {
			if state[i] != "" {
				must(t, os.WriteFile(path, []byte(state[i]), 0o600))
			}
		}
		disk.Fill()
		for range 3 {
			if text, found := file.Mend(valid, instead); string(text) != string(instead()) || !errors.Is(found, syscall.ENOSPC) && !errors.Is(found, syscall.EFBIG) {
				t.Errorf("%q: a full disk: %q, %v", state, text, found)
			}
		}
		disk.Empty()
		text, found := file.Mend(valid, instead)
		if back, trouble := file.Read(valid); string(text) != string(instead()) || found == nil || string(back) != string(text) || trouble != nil {
			t.Errorf("%q: with room again: %q, %v; read %q, %v", state, text, found, back, trouble)
		}
	}
}
