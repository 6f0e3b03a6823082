//go:build e2e && linux

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
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

// The end of a login that needs a person is told of ahead, where the server says it; quiet hours hold that back, and it is said once when
// they are over. Another agent does not say it again.
func TestForecastWaitsForQuietHoursToEnd(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","refresh_expires_in":1800}`)
	}))
	t.Cleanup(server.Close)
	d := newDesk(t, "--no-notify")
	n, f := startNotices(d, "Log in"), newFob(d)
	end := time.Now().Add(70 * time.Second).Truncate(time.Minute) // 10 s to 70 s from now
	must(t, os.MkdirAll(filepath.Join(f.home, "config"), 0o700))
	must(t, writeFile(filepath.Join(f.home, "config", "settings.json"), `{"quiet_from": "`+end.Add(-2*time.Hour).Format("15:04")+`", "quiet_to": "`+end.Format("15:04")+`"}`))
	f.run("profile", "add", "work", "--client-id", "x", "--set", "authorization_endpoint="+server.URL+"/authorize", "--set", "token_endpoint="+server.URL+"/token", "--set", "reminder_before=2h").ok()
	f.runWith("r", "login", "work", "--refresh-token-stdin").ok()
	if out := f.run("status", "work", "--json").ok(); !strings.Contains(out, `"ends_soon"`) || !strings.Contains(out, "refresh_expires_in") {
		t.Fatalf("no end is seen coming:\n%s", out)
	}
	if out := f.run("status", "work").ok(); !strings.Contains(out, "the login ends ") || !strings.Contains(out, "refresh_expires_in") {
		t.Errorf("people are not told of it:\n%s", out)
	}
	for time.Until(end) > time.Second {
		steady(t, time.Second/2, "quiet hours were not quiet", func() bool { return len(n.titles()) == 0 || time.Now().After(end) })
	}
	untilWithin(t, 2*patience, "the reminder, when they are over", func() bool { return n.count("work: the login ends in ") == 1 })
	if time.Now().Before(end) {
		t.Error("it came before their end")
	}
	d.settled("notice-3-ends")
	f.run("refresh", "work").ok() // which does not put off the end
	f.killAgent()
	f.run("status").ok()
	steady(t, 3*time.Second, "it was told twice", func() bool { return len(n.titles()) == 1 })
}
