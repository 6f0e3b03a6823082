//go:build e2e && linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/authserver"
)

// copied is the same user's Fob in a copy of the home, as a restored backup is one: other agents, the same items in the keychain. Nothing
// may run in the home meanwhile.
func (two *twoFobs) copied() *twoFobs {
	two.t.Helper()
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		two.t.Fatal(err)
	}
	two.t.Cleanup(func() { os.RemoveAll(dir) })
	for _, part := range []string{two.home.Config, two.home.Data} {
		if err := os.CopyFS(filepath.Join(dir, filepath.Base(part)), os.DirFS(part)); err != nil {
			two.t.Fatal(err)
		}
	}
	twin := *two
	twin.home, twin.env = homeOf(dir), append(slices.Clone(two.env), "FOB_HOME="+dir) // the last one counts
	two.t.Cleanup(func() { stopAgent(two.t, dir) })
	return &twin
}

// The shipped programs, an older and a newer one, in two homes with one keychain: they spend the tokens of one login two hundred times, as
// fast as they can, at a server that ends the login when a token comes twice. R-307.
func TestTwoHomesOneKeychainRace(t *testing.T) {
	t.Run("small", func(t *testing.T) { raceTwoHomes(t, 80, "Ada") })
	t.Run("sealed", func(t *testing.T) {
		raceTwoHomes(t, 20, strings.Repeat("Augusta Ada King, Countess of Lovelace, ", 60))
	}) // too large for an item
}

func raceTwoHomes(t *testing.T, each int, account string) {
	two := newTwoFobs(t, "keychain")
	client := authserver.DemoClient()
	client.ID = "script"
	server, err := authserver.Start(t.Context(), authserver.Options{
		Clients: []authserver.Client{client}, AutoApprove: "ada", RotationGrace: -1, AccessTokenTTL: time.Hour, OpaqueTokens: true,
		Users: []authserver.User{{Login: "ada", Sub: "1", Name: account}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	two.server = server
	two.addAndLogIn("work")
	if sealed, err := filepath.Glob(filepath.Join(two.home.Data, "sealed", "sealed-*")); err != nil || len(sealed) > 0 != (len(account) > 1000) {
		t.Fatalf("sealed files %v, %v", sealed, err)
	}
	two.must(two.old, "stop")
	twin := two.copied()

	type home struct {
		*twoFobs
		program string
	}
	homes := []home{{two, two.old}, {twin, twin.new}}
	var clients sync.WaitGroup
	for _, h := range homes {
		ask := make(chan struct{}, each)
		clients.Go(func() {
			defer close(ask)
			for n := range each {
				if n%4 == 0 {
					ask <- struct{}{} // meanwhile
				}
				if _, said, code := h.run(h.program, "refresh", "work"); code != 0 {
					t.Errorf("fob refresh %d in %s: exit code %d, %s", n, h.home.Data, code, said)
					return
				}
			}
		})
		clients.Go(func() {
			for range ask {
				if out, said, code := h.run(h.program, "token", "work"); code != 0 || strings.TrimSpace(out) == "" {
					t.Errorf("fob token in %s: exit code %d, %s", h.home.Data, code, said)
				}
			}
		})
	}
	clients.Wait()

	stats := server.Stats()
	if stats.FamiliesRevoked != 0 || stats.ReuseDetected != 0 || stats.Logins != 1 {
		t.Errorf("%d families revoked, %d tokens spent twice, %d logins", stats.FamiliesRevoked, stats.ReuseDetected, stats.Logins)
	}
	if stats.Refreshes != 2*each {
		t.Errorf("%d refreshes, want %d", stats.Refreshes, 2*each)
	}
	if one, other := two.hello(), twin.hello(); one.PID == other.PID || one.Version == other.Version {
		t.Errorf("not two agents: %+v, %+v", one, other)
	}
	// What the one spends last, the other has, too.
	newest := ""
	for i, h := range homes {
		h.must(h.program, "refresh", "work")
		newest = h.must(h.program, "token", "work")
		for _, h := range homes {
			h.must(h.program, "stop")
			if h.must(h.program, "token", "work") != newest {
				t.Errorf("after home %d refreshed, %s has another token", i, h.home.Data)
			}
		}
	}
}
