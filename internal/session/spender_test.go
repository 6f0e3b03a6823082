//go:build linux

package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/authserver"
)

// spenderEnv tells a process of this test binary that it is an agent: the directory that it shares with the others, and its server.
const spenderEnv = "FOB_TEST_SPENDER"

// TestTwoProcessesThousandRefreshes has two processes, each with an engine and a home of its own, refresh one login of one keychain a
// thousand times each, as fast as they can, at a server that ends the login when a token comes twice.
func TestTwoProcessesThousandRefreshes(t *testing.T) {
	if shared := os.Getenv(spenderEnv); shared != "" {
		spendAThousand(t, shared, os.Getenv(spenderEnv+"_ISSUER"))
		return
	}
	server, err := authserver.Start(t.Context(), authserver.Options{AccessTokenTTL: time.Hour, RotationGrace: -1, AutoApprove: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	shared := t.TempDir()
	r := spenderRig(t, shared, server.Issuer())
	r.server = server
	r.login("work")
	r.engine.Close()
	var agents []*exec.Cmd
	var said [2]bytes.Buffer
	for i := range said {
		agent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		agent.Env = append(os.Environ(), spenderEnv+"="+shared, spenderEnv+"_ISSUER="+server.Issuer())
		agent.Stdout, agent.Stderr = &said[i], &said[i]
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		agents = append(agents, agent)
	}
	for i, agent := range agents {
		if err := agent.Wait(); err != nil {
			t.Errorf("agent %d: %v\n%s", i, err, said[i].String())
		}
	}
	stats := server.Stats()
	if stats.FamiliesRevoked != 0 || stats.ReuseDetected != 0 || stats.Logins != 1 {
		t.Errorf("%d families revoked, %d tokens spent twice, %d logins", stats.FamiliesRevoked, stats.ReuseDetected, stats.Logins)
	}
	if stats.Refreshes != 2*eachRefreshes {
		t.Errorf("%d refreshes, want %d", stats.Refreshes, 2*eachRefreshes)
	}
}

func spenderRig(t *testing.T, shared, issuer string) *rig {
	t.Helper()
	r := &rig{t: t, store: onDisk(filepath.Join(shared, "keychain")), dir: t.TempDir(), spenders: filepath.Join(shared, "turns")}
	if err := os.MkdirAll(r.spenders, 0o700); err != nil {
		t.Fatal(err)
	}
	r.open()
	p := r.profile("work")
	p.Issuer, p.APIBaseURL = issuer, ""
	r.put(p)
	return r
}

// spendAThousand is one agent.
func spendAThousand(t *testing.T, shared, issuer string) {
	r := spenderRig(t, shared, issuer)
	for n := range eachRefreshes {
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Fatalf("refresh %d: %v", n, err)
		}
	}
}

// TestLockOfAnotherAgent: whoever waits for another agent gives up when its caller's time is over, and gets the lock when the other ends.
func TestLockOfAnotherAgent(t *testing.T) {
	dir := t.TempDir()
	locks := spenders(func() string { return dir })
	release, err := locks.take(t.Context(), "token/work")
	if err != nil {
		t.Fatal(err)
	}
	other, err := locks.take(t.Context(), "token/other") // another login's
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := locks.take(ctx, "token/work"); !errors.Is(err, errTurn) {
		t.Fatalf("taken twice: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := locks.take(t.Context(), "token/work")
		if err == nil {
			again()
		}
		got <- err
	}()
	release()
	if err := <-got; err != nil {
		t.Error(err)
	}
	// What has cleared up the directory lets nobody through.
	cleared := t.TempDir()
	locks = func() string {
		if err := os.MkdirAll(cleared, 0o700); err != nil {
			t.Error(err)
		}
		return cleared
	}
	for range 2 {
		if err := os.RemoveAll(cleared); err != nil {
			t.Fatal(err)
		}
		if release, err = locks.take(t.Context(), "token/work"); err != nil {
			t.Fatal(err)
		}
		if _, err := locks.take(ctx, "token/work"); !errors.Is(err, errTurn) {
			t.Fatalf("taken twice where the directory was cleared up: %v", err)
		}
		release()
	}
	// Where there is no place for locks, nobody is kept from anything.
	if release, err := spenders(func() string { return filepath.Join(dir, "missing") }).take(t.Context(), "token/work"); err != nil {
		t.Error(err)
	} else {
		release()
	}
}
