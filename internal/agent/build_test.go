package agent

import (
	"testing"
	"time"
)

// Issue 4, "One spender": who takes over from whom. The order is strict: two programs never take over from each other by turns.
func TestNewerThan(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(version string, built time.Time) Build { return Build{Version: version, Modified: built} }
	for _, c := range []struct {
		what string
		a, b Build
		want bool
	}{
		{"a later release", at("0.10.0", noon), at("0.9.3", noon.Add(time.Hour)), true},
		{"a release as git describes it", at("v1.0.0-3-gabc-dirty", noon), at("0.9.0", noon), true},
		{"the same file", at("0.2.0", noon), at("0.2.0", noon), false},
		{"the same release, built later", at("0.2.0", noon.Add(time.Second)), at("0.2.0", noon), true},
		{"what has no release, built later", at("devel", noon.Add(time.Second)), at("0.2.0", noon), true},
		{"an agent that does not say its build", at("0.3.0", noon), at("", time.Time{}), false},
		{"a program that cannot be looked at", at("devel", time.Time{}), at("devel", noon), false},
	} {
		if got := c.a.NewerThan(c.b); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
		if c.a.NewerThan(c.b) && c.b.NewerThan(c.a) {
			t.Errorf("%s: each is newer than the other", c.what)
		}
	}
}
