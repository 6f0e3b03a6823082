//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// settings writes the settings that the agent will start with.
func (f *fob) settings(text string) {
	f.t.Helper()
	must(f.t, writeFile(filepath.Join(f.home, "config", "settings.json"), text))
}

// The main job by hand: click, sign in, copy; and what becomes of the copy.
func TestWindow(t *testing.T) {
	t.Parallel()
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			t.Parallel()
			d, p := newDesk(t), startProvider(t)
			f := newFob(d)
			f.settings(`{"theme": "` + theme + `", "clipboard_seconds": 8}`)
			who := newPerson(d)
			f.addNative("Acme API", p, "--set", "browser="+who.command, "--set", "environment=staging")
			f.addNative("Other", p, "--set", "environment=production", "--set", "color=orange")
			w := f.openWindow("--profile", "Acme API")
			d.shot(theme + "-1-logged-out")

			if theme == "light" {
				w.keys("Return") // the primary action
			} else {
				w.press()
			}
			who.saw()
			until(t, "logged in", func() bool { return f.status("Acme API").State == "logged_in" })
			d.settled(theme + "-2-logged-in")

			token := f.token("Acme API")
			w.keys("ctrl+c")
			until(t, "token on the clipboard", func() bool { return d.clipboard() == token })
			d.shot(theme + "-3-copied")
			// What clipboard histories understand as "do not keep this".
			targets := strings.Fields(d.must("xclip", "-selection", "clipboard", "-o", "-t", "TARGETS"))
			if !slices.Contains(targets, "x-kde-passwordManagerHint") {
				t.Errorf("targets: %v", targets)
			}
			if hint := d.must("xclip", "-selection", "clipboard", "-o", "-t", "x-kde-passwordManagerHint"); hint != "secret" {
				t.Errorf("hint: %q", hint)
			}
			until(t, "clipboard cleared", func() bool { return d.clipboard() == "" })

			// What somebody else copied meanwhile stays.
			w.keys("ctrl+c")
			until(t, "token on the clipboard", func() bool { return d.clipboard() == token })
			d.put("mine")
			steady(t, 9*time.Second, "another program's copy is gone", func() bool { return d.clipboard() == "mine" })

			for i, tab := range []string{"claims", "checks", "history", "profile"} {
				before := d.must("import", "-window", "root", "rgb:-")
				w.keys("ctrl+" + string(rune('2'+i)))
				until(t, "tab "+tab, func() bool { return d.must("import", "-window", "root", "rgb:-") != before })
				d.settled(theme + "-4-" + tab)
			}
			w.keys("F1")
			d.settled(theme + "-5-shortcuts")
			w.keys("Escape", "ctrl+comma")
			d.settled(theme + "-6-settings")
			w.keys("Escape", "ctrl+n")
			d.settled(theme + "-7-new")
			w.keys("Escape")

			// Closing the window takes neither the copy nor the agent with it.
			d.settle()
			w.keys("ctrl+c")
			until(t, "token on the clipboard", func() bool { return d.clipboard() == token })
			pid := f.agent()
			w.close()
			if d.clipboard() != token || f.agent() != pid {
				t.Error("the window took the copy or the agent with it")
			}
		})
	}
}

// The agent is killed under the open window: the window says so, starts another, and goes on.
func TestWindowOutlivesAgent(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	f.login("work", newPerson(d))
	token := f.token("work")
	// Programs of its own, so that the agent's can be away for as long as somebody wants to look.
	dir := filepath.Join(d.root, "bin")
	for _, name := range []string{"fob", "fob-app"} {
		text, err := os.ReadFile(program(t, name))
		must(t, err)
		must(t, writeFile(filepath.Join(dir, name), string(text)))
		must(t, os.Chmod(filepath.Join(dir, name), 0o700))
	}
	w := f.openWindowOf(filepath.Join(dir, "fob-app"), "--profile", "work")
	d.shot("agent-1-before")
	must(t, os.Rename(filepath.Join(dir, "fob"), filepath.Join(dir, "away")))
	dead := f.agent()
	f.killAgent()
	until(t, "nothing to press without an agent", func() bool { _, found := w.primary(); return !found })
	d.settled("agent-2-killed")
	if f.agent() != 0 {
		t.Error("there is an agent")
	}
	must(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "fob")))
	until(t, "another agent", func() bool { pid := f.agent(); return pid != 0 && pid != dead })
	until(t, "something to press again", func() bool { _, found := w.primary(); return found })
	w.keys("ctrl+c")
	until(t, "token on the clipboard", func() bool { return d.clipboard() == token })
	d.settled("agent-3-after")
}

// The empty window invites to try the demo: two presses and one sign-in from nothing to a token.
func TestEmptyWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := newFob(d)
	w := f.openWindow()
	d.shot("empty-1")
	w.press()
	until(t, "demo profile", func() bool { return f.run("status", "Demo").code == 0 })
	d.settled("empty-2-demo")
	who := newPerson(d, "--user", "grace")
	f.run("profile", "set", "Demo", "browser="+who.command).ok()
	w.keys("Return")
	until(t, "logged in", func() bool { return f.status("Demo").State == "logged_in" })
	who.saw()
	d.settled("empty-3-logged-in")
	if account := f.status("Demo").Account; !strings.HasPrefix(account, "grace@") {
		t.Errorf("logged in as %q", account)
	}
}
