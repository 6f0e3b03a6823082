package tray

import (
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// a locked Fob offers to unlock, and nothing that it would refuse; logging out works.
func TestMenuOfALockedFob(t *testing.T) {
	one := []agent.Status{{Name: "work", State: agent.LoggedIn, Attended: true, Refreshable: true, APIBaseURL: "https://api.example.com", Locked: true}}
	enabled := func(all []agent.Status) (verbs []Verb) {
		for _, item := range Menu(all, common, time.Now()) {
			if item.Command.Verb != "" && !item.Disabled {
				verbs = append(verbs, item.Command.Verb)
			}
		}
		return verbs
	}
	words := func(verbs []Verb) string {
		var all []string
		for _, v := range verbs {
			all = append(all, string(v))
		}
		return strings.Join(all, " ")
	}
	if got := words(enabled(one)); got != "open logout unlock quit" {
		t.Errorf("locked: %s", got)
	}
	if got := Tooltip(one, time.Now()); got != "Fob is locked" {
		t.Errorf("tooltip %q", got)
	}
	one[0].Locked = false
	if got := words(enabled(one)); got != "open copy copy copy refresh login logout lock quit" {
		t.Errorf("open: %s", got)
	}
	if got := words(enabled(nil)); got != "open quit" {
		t.Errorf("without profiles: %s", got)
	}
	done := make(chan string, 2)
	tray := New(Options{Actions: Actions{Lock: func() { done <- "locked" }, Unlock: func() { done <- "unlocked" }}})
	for verb, want := range map[Verb]string{VerbLock: "locked", VerbUnlock: "unlocked"} {
		tray.do(Command{Verb: verb})
		if got := <-done; got != want {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
