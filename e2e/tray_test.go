//go:build e2e && linux

package e2e

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// trayIcon is the agent's icon as a panel sees it: over D-Bus.
type trayIcon struct {
	f    *fob
	name string
	bus  *dbus.Conn
	menu dbus.BusObject
}

// entry is one node of a menu (com.canonical.dbusmenu).
type entry struct {
	ID       int32
	Props    map[string]dbus.Variant
	Children []dbus.Variant
}

func (e entry) label() string { text, _ := e.Props["label"].Value().(string); return text }

func (e entry) enabled() bool {
	enabled, given := e.Props["enabled"].Value().(bool)
	return enabled || !given
}

// tray waits for the icon of the agent that runs.
func (f *fob) tray(bus *dbus.Conn) *trayIcon {
	f.t.Helper()
	i := &trayIcon{f: f, bus: bus, name: fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", f.agent())}
	var path dbus.ObjectPath
	until(f.t, "tray icon", func() bool {
		err := bus.Object(i.name, "/StatusNotifierItem").StoreProperty("org.kde.StatusNotifierItem.Menu", &path)
		return err == nil
	})
	i.menu = bus.Object(i.name, path)
	return i
}

// entries are all entries of the menu, submenus included.
func (i *trayIcon) entries() (all []entry) {
	i.f.t.Helper()
	var revision uint32
	var root entry
	if i.menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root) != nil {
		return nil // the agent is on its way out, or the menu is being replaced
	}
	var walk func(entry)
	walk = func(e entry) {
		all = append(all, e)
		for _, child := range e.Children {
			var below entry
			if dbus.Store([]any{child.Value()}, &below) == nil {
				walk(below)
			}
		}
	}
	walk(root)
	return all[1:]
}

// labels is the menu in words.
func (i *trayIcon) labels() (labels []string) {
	for _, e := range i.entries() {
		if text := e.label(); text != "" {
			labels = append(labels, text)
		}
	}
	return labels
}

// says waits until an entry's label begins with the words.
func (i *trayIcon) says(words string) {
	i.f.t.Helper()
	defer func() {
		if i.f.t.Failed() {
			i.f.t.Logf("the menu: %q", i.labels())
		}
	}()
	until(i.f.t, "menu entry "+words, func() bool {
		for _, label := range i.labels() {
			if strings.HasPrefix(label, words) {
				return true
			}
		}
		return false
	})
}

// click clicks on the entry with that label as soon as it can be clicked on.
func (i *trayIcon) click(label string) {
	i.f.t.Helper()
	until(i.f.t, "a click on "+label, func() bool {
		for _, e := range i.entries() {
			if e.label() == label && e.enabled() {
				// Quit may end the agent before it has answered.
				err := i.menu.Call("com.canonical.dbusmenu.Event", 0, e.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
				return err == nil || i.f.agent() == 0
			}
		}
		return false
	})
}

// green says whether the panel shows the icon of "all is well": the badge is green.
func (d *desk) green() bool {
	d.t.Helper()
	panel := image.Rect(1100, 800-32, 1280, 800)
	return len(coloured(d.picture(), panel, func(r, g, b int) bool { return g > r+50 && g > b+20 })) > 12
}

// Everything from the panel, without a window: log in, copy, refresh, log out, quit.
func TestTray(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t), startProvider(t)
	f := newFob(d)
	f.settings(`{"clipboard_seconds": 2}`)
	who := newPerson(d)
	f.addNative("work", p, "--set", "browser="+who.command, "--set", "api_base_url="+p.issuer+"/me")
	icon := f.tray(dialBus(d))
	icon.says("○ work")
	if labels := icon.labels(); labels[0] != "Open Fob" || labels[len(labels)-1] != "Quit" {
		t.Errorf("the menu: %q", labels)
	}
	until(t, "icon in the panel", func() bool { return strings.Contains(f.run("doctor").out, "tray            shown") })
	if d.green() {
		t.Error("the panel shows green though nobody is logged in")
	}
	d.settled("tray-1-logged-out")

	icon.click("Log in")
	who.saw()
	icon.says("● work — expires in")
	until(t, "the icon of all is well", d.green)
	d.settled("tray-2-well")

	token := f.token("work")
	for label, want := range map[string]string{"Copy token": token, "Copy header": "Authorization: Bearer " + token} {
		icon.click(label)
		until(t, label+" on the clipboard", func() bool { return d.clipboard() == want })
		until(t, "the clipboard cleared", func() bool { return d.clipboard() == "" })
	}
	icon.click("Copy curl")
	until(t, "a curl command on the clipboard", func() bool {
		text := d.clipboard()
		return strings.HasPrefix(text, "curl ") && strings.Contains(text, token) && strings.Contains(text, p.issuer+"/me")
	})
	d.settled("tray-3-copied")
	refreshes := p.order("seen").Refresh
	icon.click("Refresh now")
	until(t, "a refresh", func() bool { return p.order("seen").Refresh == refreshes+1 && f.token("work") != token })

	// The server goes away: the icon says offline, and comes back by itself.
	p.order("down")
	f.refreshEnds("work", 5)
	icon.says("⊘ work")
	d.settled("tray-4-offline")
	p.order("up")
	f.run("refresh", "work").ok()
	icon.says("● work")

	icon.click("Log out")
	until(t, "logged out", func() bool { return f.status("work").State == "logged_out" })
	icon.says("○ work")
	until(t, "the icon of nobody logged in", func() bool { return !d.green() })

	icon.click("Open Fob")
	until(t, "window", func() bool { _, err := d.do("xdotool", "search", "--onlyvisible", "--name", "^Fob"); return err == nil })
	d.must("wmctrl", "-c", "Fob")
	until(t, "window closed", func() bool { _, err := d.do("xdotool", "search", "--onlyvisible", "--name", "^Fob"); return err != nil })
	icon.click("Quit")
	until(t, "agent gone", func() bool { return f.agent() == 0 })
	d.settled("tray-5-quit")
}
