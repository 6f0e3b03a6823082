package oauth

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// The data of vendorerrors.json: complete, in one voice, and in an order in which the first that fits is the right one.
func TestVendorErrorsAreWellFormed(t *testing.T) {
	text, err := os.ReadFile("vendorerrors.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	var all []struct{ Vendor, Match, Sentence, Remedy, Kind string }
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, e := range all {
		count[e.Vendor]++
		if e.Vendor == "" || e.Match == "" || e.Sentence == "" || e.Remedy == "" {
			t.Errorf("%s: a text is missing", e.Match)
		}
		if !slices.Contains([]string{"login", "wait", "fix", "admin"}, e.Kind) {
			t.Errorf("%s: its kind is %q", e.Match, e.Kind)
		}
		for _, said := range []string{e.Sentence, e.Remedy} {
			if strings.HasSuffix(said, ".") || strings.TrimSpace(said) != said {
				t.Errorf("%s: %q ends like a text of its own; it is part of one", e.Match, said)
			}
		}
		for _, earlier := range all[:i] {
			if earlier.Vendor == e.Vendor && strings.Contains(strings.ToLower(e.Match), strings.ToLower(earlier.Match)) {
				t.Errorf("%s is never reached: %s comes first", e.Match, earlier.Match)
			}
		}
	}
	// What the requirements ask for at least.
	for vendor, least := range map[string]int{"Microsoft": 40, "Auth0": 15, "Okta": 10, "Google": 15, "Keycloak": 5, "GitHub": 4, "Slack": 5, "Facebook": 4} {
		if count[vendor] < least {
			t.Errorf("%d errors of %s, want %d", count[vendor], vendor, least)
		}
	}
}
