//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Without a keychain Fob says so, and what the choices are, before anybody logs in for nothing; and never writes plain text.
func TestNoKeychain(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, append([]string{"--no-keyring"}, bare...)...), startProvider(t)
	browsed := filepath.Join(d.root, "browsed")
	check := func(f *fob, words ...string) {
		t.Helper()
		f.addNative("work", p)
		said := f.run("login", "work", "--browser", "touch "+browsed).exits(1).saying(append(words, "FOB_STORE=memory")...)
		if strings.Contains(said.err, "login page") {
			t.Errorf("a page was opened:\n%s", said.err)
		}
		if _, err := os.Stat(browsed); err == nil {
			t.Error("a browser was opened")
		}
		if said := f.run("doctor"); said.code != 1 || !strings.Contains(said.out, "problem  store") {
			t.Errorf("fob doctor, exit code %d:\n%s", said.code, said.out)
		}
		f.run("stop").ok()
	}
	check(newFob(d, "DBUS_SESSION_BUS_ADDRESS=unix:path="+d.root+"/none"), "session bus", "gnome-keyring", "KeePassXC")

	// A bus that knows no program to start for it, as on a server.
	config := filepath.Join(d.root, "bus.conf")
	must(t, os.WriteFile(config, []byte(`<busconfig><type>session</type><listen>unix:path=`+d.root+`/run/empty</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600))
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile")
	bus.Env = d.env()
	must(t, bus.Start())
	t.Cleanup(func() { _ = bus.Process.Kill(); _ = bus.Wait() })
	until(t, "bus", func() bool { _, err := os.Stat(d.root + "/run/empty"); return err == nil })
	empty := "DBUS_SESSION_BUS_ADDRESS=unix:path=" + d.root + "/run/empty"
	f := newFob(d, empty)
	f.home += "-2"
	f.vars[0] = "FOB_HOME=" + f.home
	check(f, "org.freedesktop.secrets", "gnome-keyring", "KeePassXC")

	// In memory it works, and says in its words what that means.
	f.vars = append(f.vars, "FOB_STORE=memory")
	f.login("work", newPerson(d))
	if who, _ := p.whoami(f.token("work")); who != "alice@example.com" {
		t.Errorf("the token works as %q", who)
	}
	if out := f.run("doctor").out; !strings.Contains(out, "memory: every login is forgotten") {
		t.Errorf("fob doctor does not say what memory means:\n%s", out)
	}
	f.run("stop").ok()
	f.run("token", "work").exits(3)
}

// A locked keychain: whoever asks in passing is told, and no prompt comes up; a login prompts, and goes on when it is answered.
func TestLockedKeychain(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, "--no-panel", "--no-notify"), startProvider(t)
	k, f := openKeyring(d), newFob(d)
	f.addNative("work", p)
	f.login("work", newPerson(d))
	want := f.token("work")
	f.killAgent()
	k.lock()
	f.run("token", "work").exits(5).saying("the keychain is locked", "unlock it", "FOB_STORE=memory")
	if s := f.status("work"); s.Account != "alice@example.com" {
		t.Errorf("status with a locked keychain: %+v", s)
	}
	if k.prompting() {
		t.Error("somebody was prompted for a token asked for in passing")
	}

	w := f.start("work", "--browser", newPerson(d).command)
	until(t, "the keychain's prompt", func() bool {
		_, err := d.do("xdotool", "search", "--onlyvisible", "--name", "Unlock")
		return err == nil
	})
	if strings.Contains(w.stderr.String(), "login page") {
		t.Error("the login page was opened before the keychain")
	}
	d.shot("keychain-prompt")
	d.must("xdotool", "key", "Escape")
	w.end().exits(1).saying("dismissed")

	who := newPerson(d)
	w = f.start("work", "--browser", who.command)
	until(t, "the keychain's prompt", func() bool {
		_, err := d.do("xdotool", "search", "--onlyvisible", "--name", "Unlock")
		return err == nil
	})
	d.must("xdotool", "type", "--delay", "120", "test")
	d.must("xdotool", "key", "Return")
	w.end().exits(0)
	who.saw()
	if f.token("work") == want {
		t.Error("the new login gave the token of before")
	}
}
