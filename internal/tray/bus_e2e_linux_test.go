//go:build e2e && linux

package tray

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"
	"time"

	"fob/assets"
	"fob/internal/agent"
)

// argb is a picture of ours as it travels on the bus: plain colours, no alpha multiplied in.
func argb(t *testing.T, state State, panel assets.Panel) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(assets.TrayIcon(state, panel)))
	if err != nil {
		t.Fatal(err)
	}
	var pix []byte
	for y := range 44 {
		for x := range 44 {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			pix = append(pix, c.A, c.R, c.G, c.B)
		}
	}
	return string(pix)
}

func ago(d time.Duration) *time.Time {
	at := time.Now().Add(-d)
	return &at
}

// Issue 2, "Tray" and "Proof": click a tray menu entry over D-Bus.
func TestMenuOnTheBusDoesWhatItSays(t *testing.T) {
	b := newBus(t)
	conn := b.connect(t)
	w := newWatcher(t, conn)
	p := newProgram(t, b.env())
	p.show(
		agent.Status{Name: "Acme_API & Co", Environment: "production", State: agent.LoggedIn, Refreshable: true, HasIDToken: true, ExpiresAt: ago(-150 * time.Minute)},
		agent.Status{Name: "Keycloak", Environment: "staging", State: agent.LoginRequired},
	)
	item := w.wait(t)
	p.hear("host true")
	const acme, keycloak = "● Acme__API & Co — expires in 2 h 25 min", "▲ Keycloak — log in again"
	for label, says := range map[string]string{
		acme + "/Copy token":        "copy access_token Acme_API & Co",
		acme + "/Copy header":       "copy header Acme_API & Co",
		acme + "/Copy ID token":     "copy id_token Acme_API & Co",
		acme + "/Refresh now":       "refresh Acme_API & Co",
		acme + "/Log out":           "logout Acme_API & Co",
		keycloak + "/Log in again…": "login Keycloak",
		"Open Fob":                  "open ",
	} {
		click(t, conn, item, label)
		p.hear(says)
	}
	entries := menu(t, conn, item)
	for label, enabled := range map[string]bool{
		"production": false, acme: true, acme + "/Copy curl": false, acme + "/Copy token": true, keycloak + "/Copy token": false, keycloak + "/Refresh now": false,
	} {
		if got, ok := entries[label]; !ok || got.enabled != enabled {
			t.Errorf("entry %q: %+v, there %t; want enabled %t", label, got, ok, enabled)
		}
	}
	if err := conn.Object(item, "/StatusNotifierItem").Call("org.kde.StatusNotifierItem.Activate", 0, int32(0), int32(0)).Err; err != nil {
		t.Error(err)
	}
	p.hear("open ")
	click(t, conn, item, "Quit")
	p.hear("quit")
	p.hear("ended")
}

// Issue 2, "Tray": the icon's states; words change in place, so that entries keep their ids, and a rebuild gives new ones.
func TestIconAndWordsFollowTheState(t *testing.T) {
	b := newBus(t)
	conn := b.connect(t)
	w := newWatcher(t, conn)
	p := newProgram(t, b.env())
	item := w.wait(t)
	status := agent.Status{Name: "Acme", State: agent.LoggedIn, ExpiresAt: ago(-90 * time.Second)}
	other := agent.Status{Name: "Zitadel", State: agent.LoggedIn}
	for _, c := range []struct {
		state agent.State
		icon  State
		label string
	}{
		{agent.LoggedIn, assets.Well, "● Acme — expires in 1 min"},
		{agent.Expiring, assets.Expiring, "◐ Acme — expires in 1 min"},
		{agent.Offline, assets.Offline, "⊘ Acme — offline, expires in 1 min"},
		{agent.LoginRequired, assets.LoginNeeded, "▲ Acme — log in again"},
	} {
		status.State, status.ExpiresAt = c.state, ago(-119*time.Second)
		p.show(status, other)
		want := argb(t, c.icon, assets.AnyPanel)
		until(t, "the icon "+string(c.icon), func() bool { return picture(t, conn, item) == want })
		until(t, "the words "+c.label, func() bool { _, ok := menu(t, conn, item)[c.label]; return ok })
	}
	p.show()
	until(t, "the hollow icon", func() bool { return picture(t, conn, item) == argb(t, assets.None, assets.AnyPanel) })

	p.show(status, other)
	until(t, "a menu of two", func() bool { return menu(t, conn, item)["● Zitadel — no expiry/Copy token"].id != 0 })
	before := menu(t, conn, item)["● Zitadel — no expiry/Copy token"].id
	other.ExpiresAt = ago(-3*time.Hour - time.Minute)
	p.show(status, other)
	until(t, "new words", func() bool { _, ok := menu(t, conn, item)["● Zitadel — expires in 3 h"]; return ok })
	if after := menu(t, conn, item)["● Zitadel — expires in 3 h/Copy token"].id; after != before {
		t.Errorf("new words gave the entry a new id: %d, then %d", before, after)
	}
}

// platform.md, "Tray": the session bus ends and comes back; the icon comes back with it, with what happened in between.
func TestIconSurvivesTheBus(t *testing.T) {
	b := newBus(t)
	w := newWatcher(t, b.connect(t))
	p := newProgram(t, b.env())
	p.show(agent.Status{Name: "Acme", State: agent.LoggedIn})
	w.wait(t)
	p.hear("host true")
	for range 2 {
		end(b.daemon)
		p.hear("host false")
		p.show(agent.Status{Name: "Acme", State: agent.LoginRequired}, agent.Status{Name: "Zitadel", State: agent.LoggedIn})
		b.up(t)
		conn := b.connect(t)
		w = newWatcher(t, conn)
		item := w.wait(t)
		p.hear("host true")
		until(t, "the icon of what happened meanwhile", func() bool {
			return picture(t, conn, item) == argb(t, assets.LoginNeeded, assets.AnyPanel)
		})
		click(t, conn, item, "▲ Acme — log in again/Log in again…")
		p.hear("login Acme")
		p.show(agent.Status{Name: "Acme", State: agent.LoggedIn})
		until(t, "the next icon", func() bool {
			return picture(t, conn, item) == argb(t, assets.Well, assets.AnyPanel)
		})
	}
}

// platform.md, "Tray": without a tray host Fob runs and says so, and the icon comes when a panel comes.
func TestTrayWithoutAHostWaitsForOne(t *testing.T) {
	b := newBus(t)
	p := newProgram(t, b.env())
	p.show(agent.Status{Name: "Acme", State: agent.LoggedIn})
	p.hear("host false")
	conn := b.connect(t)
	w := newWatcher(t, conn)
	item := w.wait(t)
	p.hear("host true")
	click(t, conn, item, "Copy token")
	p.hear("copy access_token Acme")
}

// An agent started without a session bus (over ssh) shows its icon once there is one.
func TestTrayFindsABusThatComesLater(t *testing.T) {
	b := newBus(t)
	end(b.daemon)
	p := newProgram(t, b.env())
	p.hear("host false")
	b.up(t)
	newWatcher(t, b.connect(t)).wait(t)
	p.hear("host true")
}

// The icon follows the desktop's colour scheme, as the settings portal tells it.
func TestIconFollowsTheColourScheme(t *testing.T) {
	b := newBus(t)
	conn := b.connect(t)
	w := newWatcher(t, conn)
	portal := newPortal(t, conn)
	p := newProgram(t, b.env())
	p.show(agent.Status{Name: "Acme", State: agent.LoggedIn})
	item := w.wait(t)
	until(t, "the icon for any panel", func() bool { return picture(t, conn, item) == argb(t, assets.Well, assets.AnyPanel) })
	portal.set(t, conn, 1)
	until(t, "the icon for a dark panel", func() bool { return picture(t, conn, item) == argb(t, assets.Well, assets.DarkPanel) })
	portal.set(t, conn, 2)
	until(t, "the icon for any panel again", func() bool { return picture(t, conn, item) == argb(t, assets.Well, assets.AnyPanel) })
}
