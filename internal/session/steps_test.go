package session

import (
	"slices"
	"strings"
	"testing"

	"fob/internal/authserver"
	"fob/internal/keychain"
)

// TestStepsOfARotation holds the list against what a rotation really passes: who kills an agent at each step must know them.
func TestStepsOfARotation(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	var passed []string
	r.engine.Close()
	r.step = func(step string) { passed = append(passed, step) }
	r.open()
	if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	r.engine.Close() // those who wait are told before the flight is over
	var want, stores []string
	for _, step := range Steps {
		if own, of := strings.CutPrefix(step, "keychain/"); of { // are named to package keychain's own hook, and held in its tests
			stores = append(stores, own)
		} else {
			want = append(want, step)
		}
	}
	if !slices.Equal(stores, keychain.Steps) {
		t.Errorf("the keychain's steps are %v, listed are %v", keychain.Steps, stores)
	}
	if !slices.Equal(passed, want) {
		t.Errorf("passed %v\nwant %v", passed, want)
	}
}
