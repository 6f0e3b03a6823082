package agent

import (
	"os"
	"path/filepath"
	"testing"

	"fob/internal/fulldisk"
)

// TestSettingsOnAFullDisk: what cannot be chosen anew leaves the damaged settings where they were, for the next start to be as careful.
func TestSettingsOnAFullDisk(t *testing.T) {
	disk := fulldisk.New(t)
	path := filepath.Join(disk.Dir, "settings.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	disk.Fill()
	kept, _ := openSettings(path)
	if err := kept.put(Settings{Theme: "light"}); err == nil {
		t.Error("written to a full disk")
	}
	if next, err := openSettings(path); err == nil || !next.get().LockOnScreenLock {
		t.Errorf("the next start: %+v, %v", next.get(), err)
	}
	disk.Empty()
	if err := kept.put(Settings{Theme: "light"}); err != nil || kept.get().Theme != "light" {
		t.Errorf("with room again: %+v, %v", kept.get(), err)
	}
}
