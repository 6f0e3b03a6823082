package profiles

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"work", "Work-staging", "home", "github"}
	for typed, want := range map[string]string{
		"wrok": "work", "wok": "work", "WORK": "work", "wo": "work Work-staging", "githb": "github", "zzz": "", "h": "",
	} {
		got := strings.Join(Nearest(names, typed), " ")
		if typed == "WORK" {
			got = strings.Fields(got)[0]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	for pair, want := range map[[2]string]int{{"", "abc"}: 3, {"kitten", "sitting"}: 3, {"same", "same"}: 0} {
		if got := edits(pair[0], pair[1]); got != want {
			t.Errorf("%v: %d, want %d", pair, got, want)
		}
	}
}
