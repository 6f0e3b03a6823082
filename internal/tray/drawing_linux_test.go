package tray

import "testing"

// Removing an entry must not close the channel that a click may be on its way into: that would end the agent (drawing.go).
func TestRebuildLeavesClickChannelsOpen(t *testing.T) {
	d := drawing{clicked: func(Command) {}}
	d.set([]Item{{Label: "a", Command: Command{Verb: VerbOpen}}, {Label: "b", Command: Command{Profile: "b"}, Items: []Item{{Label: "c", Command: Command{Verb: VerbCopy, Profile: "b"}}}}})
	entries := d.entries
	var channels []chan struct{}
	for _, entry := range entries {
		channels = append(channels, entry.ClickedCh)
	}
	d.set([]Item{{Label: "other", Command: Command{Verb: VerbQuit}}})
	for i, c := range channels {
		select {
		case <-c:
			t.Errorf("entry %d: its channel is closed", i)
		default:
		}
	}
	if d.entries[0] == entries[0] {
		t.Error("another command stands in the place of the old entry, under its id")
	}
}

// A click is kept until it is read, and each entry does what it says after its words have changed in place.
func TestClicksReachTheirCommand(t *testing.T) {
	clicked := make(chan Command)
	d := drawing{clicked: func(c Command) { clicked <- c }}
	items := []Item{{Label: "a", Command: Command{Verb: VerbOpen}}, {Separator: true}, {Label: "b", Command: Command{Verb: VerbRefresh, Profile: "b"}}}
	d.set(items)
	first := d.entries[0]
	for range 2 {
		d.entries[0].ClickedCh <- struct{}{}
		if c := <-clicked; c.Verb != VerbOpen {
			t.Errorf("a asks for %+v", c)
		}
		d.entries[2].ClickedCh <- struct{}{}
		if c := <-clicked; c.Verb != VerbRefresh || c.Profile != "b" {
			t.Errorf("b asks for %+v", c)
		}
		d.set([]Item{{Label: "new words", Command: Command{Verb: VerbOpen}, Disabled: true}, {Separator: true}, {Label: "b", Command: Command{Verb: VerbRefresh, Profile: "b"}}})
	}
	if d.entries[0] != first || !first.Disabled() {
		t.Error("new words made a new entry, or did not disable the old one")
	}
}
