package session

import (
	"os"
	"testing"
)

// TestMain puts the tests' files into memory where the system has a place for that: each refresh waits for the disk, which is
// right, but tests that do it thousands of times would wait for nothing else.
func TestMain(m *testing.M) {
	os.Exit(inMemory(m))
}

func inMemory(m *testing.M) int {
	if dir, err := os.MkdirTemp("/dev/shm", "fob-session-*"); err == nil {
		defer os.RemoveAll(dir)
		os.Setenv("TMPDIR", dir)
	}
	return m.Run()
}
