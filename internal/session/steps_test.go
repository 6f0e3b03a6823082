package session

import (
	"slices"
	"testing"

	"fob/internal/authserver"
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
	var want []string
	for _, step := range Steps {
		if len(step) < 9 || step[:9] != "keychain/" { // package keychain's own are named to its own hook
			want = append(want, step)
		}
	}
	if !slices.Equal(passed, want) {
		t.Errorf("passed %v\nwant %v", passed, want)
	}
}
