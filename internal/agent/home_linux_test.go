package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// A cron job, which has no XDG_RUNTIME_DIR, finds the agent of the desktop; where nobody is logged in, the data directory serves.
func TestHomeOfACronJob(t *testing.T) {
	before := loginDirs
	defer func() { loginDirs = before }()
	loginDirs = t.TempDir()
	home := t.TempDir()
	for name, value := range map[string]string{"HOME": home, "FOB_HOME": "", "FOB_SOCKET": "", "XDG_RUNTIME_DIR": "", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""} {
		t.Setenv(name, value)
	}
	if h, err := HomeFromEnv(); err != nil || h.Runtime != filepath.Join(home, ".local", "share", "fob", "run") {
		t.Errorf("nobody is logged in: %s, %v", h.Runtime, err)
	}
	own := filepath.Join(loginDirs, strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	job, err := HomeFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", own)
	desktop, err := HomeFromEnv()
	if err != nil || job.Socket() != desktop.Socket() {
		t.Errorf("a cron job asks at %s, the desktop at %s (%v)", job.Socket(), desktop.Socket(), err)
	}
}
