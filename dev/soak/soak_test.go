//go:build e2e && linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSoak is the soak, short: the real agent is killed while its refresh tokens rotate, with the disk full, with the keychain daemon
// killed, and at each step that it names. `make soak` does it a thousand times.
func TestSoak(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{"fob": {"-tags", "soak", "../../cmd/fob"}, "soak": {"."}} {
		if said, err := exec.Command("go", append([]string{"build", "-trimpath", "-o", filepath.Join(dir, name)}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	args := []string{filepath.Join(dir, "soak"), filepath.Join(dir, "fob")}
	if os.Getuid() != 0 { // a small disk of one's own needs no privilege in a user namespace
		args = append([]string{"unshare", "--map-root-user", "--mount"}, args...)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SOAK_REFRESHES=30", "SOAK_KILLS=10", "SOAK_MINUTES=10", "SOAK_DIR="+dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	t.Log(said.String()) // the seed first
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Complete || r.FamiliesRevoked != 0 || r.LoginsAsked != 0 || r.EndedByServer != 1 || r.Kills < 10 {
		t.Errorf("complete: %t; %d families revoked, %d logins asked for, %d ended by the server, %d kills", r.Complete, r.FamiliesRevoked, r.LoginsAsked, r.EndedByServer, r.Kills)
	}
	refreshes, kills := 0, 0
	for _, p := range r.Phases {
		if p.Refreshes < 0 || p.Kills < 0 {
			t.Errorf("%s: %d refreshes, %d kills", p.Name, p.Refreshes, p.Kills)
		}
		refreshes, kills = refreshes+p.Refreshes, kills+p.Kills
	}
	if refreshes != r.Refreshes || kills != r.Kills {
		t.Errorf("the phases have %d refreshes and %d kills, the whole %d and %d", refreshes, kills, r.Refreshes, r.Kills)
	}
}
