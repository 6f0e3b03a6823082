//go:build linux || windows || (darwin && cgo)

package tray

import (
	"reflect"

	"fyne.io/systray"
)

// drawing is the menu as the library holds it. One goroutine calls set.
//
// House rules, for what systray does to us:
//   - Items are changed in place while the menu's commands stay the same, because a rebuild gives every entry a new id and costs
//     the desktop three messages for each; a click on an old id is lost, which is right when the entry now means another profile.
//   - MenuItem.Remove closes ClickedCh while a click may be on its way into it: a panic in a goroutine of the D-Bus library, so the
//     end of the agent. The field is cleared first, which Remove respects.
//   - A click is dropped unless somebody receives at that instant, so each channel is replaced by one with room for a click.
type drawing struct {
	clicked func(Command)
	items   []Item
	entries []*systray.MenuItem // of items and their submenus in reading order, nil for a separator
	stop    chan struct{}       // ends the goroutine that listens for clicks
	stopped chan struct{}
}

// set makes the menu show items.
func (d *drawing) set(items []Item) {
	if d.stop != nil && sameCommands(d.items, items) {
		d.update(items)
	} else {
		d.items = nil
		d.rebuild(items)
	}
	d.items = items
}

func (d *drawing) update(items []Item) {
	before, after := flat(d.items), flat(items)
	for i, entry := range d.entries {
		if before[i].Label != after[i].Label {
			entry.SetTitle(literal(after[i].Label))
		}
		if before[i].Disabled != after[i].Disabled {
			if after[i].Disabled {
				entry.Disable()
			} else {
				entry.Enable()
			}
		}
	}
}

func (d *drawing) rebuild(items []Item) {
	if d.stop != nil {
		close(d.stop)
		<-d.stopped
		for _, entry := range d.entries {
			if entry != nil {
				entry.ClickedCh = nil
			}
		}
		systray.ResetMenu()
	}
	d.entries = nil
	for _, item := range items {
		if item.Separator {
			systray.AddSeparator()
			d.entries = append(d.entries, nil)
			continue
		}
		d.fill(d.add(systray.AddMenuItem(literal(item.Label), ""), item), item.Items)
	}
	if len(d.entries) > 0 && d.entries[len(d.entries)-1] != nil {
		d.entries[len(d.entries)-1].SetTooltip("") // passes systray's lock once more, so that clicks see the new channels
	}
	d.listen(flat(items))
}

// fill adds a submenu's entries, and those of its own submenus.
func (d *drawing) fill(parent *systray.MenuItem, items []Item) {
	for _, item := range items {
		if item.Separator {
			parent.AddSeparator()
			d.entries = append(d.entries, nil)
			continue
		}
		d.fill(d.add(parent.AddSubMenuItem(literal(item.Label), ""), item), item.Items)
	}
}

func (d *drawing) add(entry *systray.MenuItem, item Item) *systray.MenuItem {
	entry.ClickedCh = make(chan struct{}, 1)
	if item.Disabled {
		entry.Disable()
	}
	d.entries = append(d.entries, entry)
	return entry
}

// listen passes clicks on until the menu is rebuilt: one goroutine for all entries.
func (d *drawing) listen(items []Item) {
	d.stop, d.stopped = make(chan struct{}), make(chan struct{})
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(d.stop)}}
	var commands []Command
	for i, entry := range d.entries {
		if entry != nil && items[i].Command.Verb != "" {
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(entry.ClickedCh)})
			commands = append(commands, items[i].Command)
		}
	}
	stopped, clicked := d.stopped, d.clicked
	go func() {
		defer close(stopped)
		for {
			i, _, _ := reflect.Select(cases)
			if i == 0 {
				return
			}
			clicked(commands[i-1])
		}
	}()
}

// flat is a menu in reading order.
func flat(items []Item) []Item {
	var all []Item
	for _, item := range items {
		all = append(append(all, item), flat(item.Items)...)
	}
	return all
}

// sameCommands says whether b is a with other words: entry by entry the same command at the same depth.
func sameCommands(a, b []Item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Separator != b[i].Separator || a[i].Command != b[i].Command || !sameCommands(a[i].Items, b[i].Items) {
			return false
		}
	}
	return true
}
