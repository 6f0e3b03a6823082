//go:build e2e && linux

package e2e

import (
	"testing"
	"time"
)

// patience is how long a condition may take to become true: what takes a moment here takes seconds on a busy machine.
const patience = 30 * time.Second

// until asks again and again; the condition is somebody else's to make true.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	untilWithin(t, patience, what, condition)
}

func untilWithin(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// steady asks for a while and fails as soon as the condition does not hold.
func steady(t *testing.T, while time.Duration, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	end := time.After(while)
	for {
		if !condition() {
			t.Fatal(what)
		}
		select {
		case <-tick.C:
		case <-end:
			return
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
