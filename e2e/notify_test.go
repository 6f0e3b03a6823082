//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// notices is a notification daemon that prints what it shows, and whose menu of actions is a script.
type notices struct {
	d       *desk
	printed safeBuffer
}

// startNotices starts dunst; choose is the label of the action that the person takes from its menu.
func startNotices(d *desk, choose string) *notices {
	d.t.Helper()
	menu := filepath.Join(d.root, "menu")
	must(d.t, os.WriteFile(menu, []byte("#!/bin/sh\nexec grep -m1 -F '#"+choose+"'\n"), 0o700))
	config := filepath.Join(d.root, "notices")
	must(d.t, writeFile(config, "[global]\n    dmenu = "+menu+"\n    width = (220, 420)\n    offset = 16x16\n    font = DejaVu Sans 10\n    idle_threshold = 0\n    icon_path = \"\"\n[urgency_normal]\n    timeout = 60\n[urgency_critical]\n    timeout = 0\n"))
	n := &notices{d: d}
	cmd := exec.Command("dunst", "-conf", config, "-print")
	cmd.Env = d.env()
	cmd.Stdout = &n.printed
	must(d.t, cmd.Start())
	d.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	bus := dialBus(d)
	until(d.t, "dunst", func() bool {
		var owned bool
		return bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.Notifications").Store(&owned) == nil && owned
	})
	return n
}

var summary = regexp.MustCompile(`(?m)^\s*summary: '(.*)'$`)

// titles are those of all notifications shown so far.
func (n *notices) titles() (titles []string) {
	for _, match := range summary.FindAllStringSubmatch(n.printed.String(), -1) {
		titles = append(titles, match[1])
	}
	return titles
}

// count is how many notifications with a title like that were shown.
func (n *notices) count(like string) (count int) {
	for _, title := range n.titles() {
		if strings.Contains(title, like) {
			count++
		}
	}
	return count
}

// none says whether nothing is on the screen.
func (n *notices) none() bool {
	n.d.t.Helper()
	return strings.TrimSpace(n.d.must("dunstctl", "count", "displayed")) == "0"
}

// A login is needed: one notification, whatever happens meanwhile, and its button opens the browser.
func TestReminderOfEndedLogin(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, "--no-notify"), startProvider(t, "--access-ttl", "4")
	n, f := startNotices(d, "Log in"), newFob(d)
	who := newPerson(d, "--user", "bob")
	f.addNative("work", p, "--set", "browser="+who.command)
	f.login("work", newPerson(d, "--user", "alice"))

	p.order("revoke") // and nobody does anything
	until(t, "a notification", func() bool { return n.count("work: log in again") == 1 })
	d.settled("notice-1-login-needed")
	f.run("token", "work").exits(3)
	f.run("refresh", "work").exits(3)
	steady(t, 2*time.Second, "the same cause was told twice", func() bool { return n.count("work") == 1 })

	d.must("dunstctl", "context") // the menu of the notification's buttons
	who.saw()
	until(t, "logged in", func() bool { return f.status("work").State == "logged_in" })
	if who, _ := p.whoami(f.token("work", "--min-ttl", "1s")); who != "bob@example.com" {
		t.Errorf("logged in as %q", who)
	}
	until(t, "the notification taken back", n.none)

	// Another cause is another notification; another agent does not say it again.
	p.order("revoke")
	until(t, "another notification", func() bool { return n.count("work: log in again") == 2 })
	f.killAgent()
	f.run("status").ok()
	f.tray(dialBus(d)).says("▲ work")
	steady(t, 2*time.Second, "another agent told the same cause again", func() bool { return n.count("work") == 2 })
}

// A token that cannot be refreshed: one reminder before its end, one when a login is needed; the login takes it back.
func TestReminderBeforeTheEnd(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, "--no-notify"), startProvider(t, "--access-ttl", "9")
	n, f := startNotices(d, "Log in"), newFob(d)
	f.run("profile", "add", "work", "--issuer", p.issuer, "--client-id", "fob-once", "--scope", "openid", "--scope", "email", "--set", "reminder_before=6s").ok()
	f.login("work", newPerson(d))
	if s := f.status("work"); s.Refreshable || s.State != "logged_in" {
		t.Errorf("status: %+v", s)
	}
	f.run("refresh", "work").exits(3).saying("no refresh token")
	until(t, "a reminder before the end", func() bool { return n.count("work expires in") == 1 })
	if s := f.status("work"); s.State != "expiring" {
		t.Errorf("status: %+v", s)
	}
	d.settled("notice-2-expiring")
	until(t, "a notification at the end", func() bool { return n.count("work: log in again") == 1 })
	f.run("token", "work").exits(3)
	steady(t, 3*time.Second, "the same cause was told twice", func() bool { return len(n.titles()) == 2 })
	f.login("work", newPerson(d))
	until(t, "the notification taken back", n.none)
}
