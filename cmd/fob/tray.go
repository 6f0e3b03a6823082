package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fob/internal/agent"
	"fob/internal/desktop"
	"fob/internal/durable"
	"fob/internal/session"
	"fob/internal/tray"
)

// trayIcon shows the tray icon and its reminders on the desktop that the agent knows, and does what is asked there.
type trayIcon struct {
	agent    *resident
	off      bool // --no-tray
	onHost   atomic.Bool
	notifier *desktop.Notifier
	work     sync.WaitGroup

	mu      sync.Mutex                    // guards what follows
	env     desktop.Env                   // of the desktop; empty until one is known
	running bool                          // the icon's goroutines run
	chosen  map[string]func(tray.Command) // by reminder: what a pressed button calls
	buttons map[string][]tray.Command     // by reminder: what its buttons stand for, the default last
}

func newTrayIcon(r *resident, off bool) *trayIcon {
	t := &trayIcon{agent: r, off: off, env: desktop.Env{}, chosen: map[string]func(tray.Command){}, buttons: map[string][]tray.Command{}}
	t.notifier = desktop.NewNotifier(t.pressed)
	return t
}

// attach tells of a desktop. The latest one counts: it is where the user is. The icon appears with the first one that has a
// session bus, or any desktop at all on systems without one.
func (t *trayIcon) attach(env map[string]string) {
	if !hasDesktop(env) {
		return
	}
	t.mu.Lock()
	t.env = maps.Clone(desktop.Env(env))
	defer t.mu.Unlock()
	if !t.running && !t.off && t.agent.life.Err() == nil {
		t.running = true
		t.start(t.agent.life) // under the lock, so that wait does not wait beside it
	}
}

func (t *trayIcon) desk() desktop.Env {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.env
}

func (t *trayIcon) start(ctx context.Context) {
	icon := tray.New(tray.Options{
		Actions: tray.Actions{
			OpenWindow: func(profile string) { t.report("window", profile, t.openWindow(profile)) },
			Login:      func(name string) { t.report("login "+name, name, t.login(ctx, name)) },
			Copy:       func(name string, form agent.Form) { t.copy(ctx, name, form) },
			Refresh: func(name string) {
				_, err := t.agent.engine.Refresh(ctx, name)
				t.report("refresh "+name, name, err)
			},
			Logout: func(name string) {
				_, err := t.agent.engine.Logout(ctx, name, false)
				t.report("logout "+name, name, err)
			},
			CopyProxy: func(name, id string) {
				err := t.agent.server.CopyProxy(ctx, id, t.desk())
				t.report("proxy of "+name, name, err)
				if err == nil {
					t.copied(name, "the address of its proxy")
				}
			},
			StopProxy: func(name, id string) { t.report("proxy of "+name, name, t.agent.server.StopProxy(id)) },
			Lock:      func() { t.report("lock", "", t.agent.engine.Lock(session.ByUser)) },
			Unlock:    func() { t.report("lock", "", t.agent.engine.Unlock(session.ByUser)) },
			Quit:      t.agent.server.Stop,
		},
		Notifier: t, Memory: t.remembered(), Remember: t.remember,
		OnHost: t.onHost.Store, Forms: t.forms,
		Env:    func(key string) string { return t.desk()[key] },
		Quiet:  func(now time.Time) (time.Time, bool) { return t.agent.server.Settings().Quiet(now) },
		Failed: func(err error) { t.agent.log.Info("reminder", "problem", err.Error()) },
	})
	t.work.Go(func() {
		if err := icon.Run(ctx); err != nil {
			t.agent.log.Warn("tray", "problem", err.Error())
		}
	})
	t.work.Go(func() {
		// Ends with ctx; the icon shows all profiles, so each change shows all.
		_ = t.agent.engine.Watch(ctx, func(bool, []session.Status, []string) error {
			all, err := t.agent.engine.Status()
			if err == nil {
				icon.Show(all)
			}
			select { // many that change one after the other are shown together: 10,000 once a second
			case <-time.After(time.Duration(len(all)) * 100 * time.Microsecond):
			case <-ctx.Done():
			}
			return nil
		})
	})
}

// shown says whether a panel shows the icon.
func (t *trayIcon) shown() bool { return t.onHost.Load() }

// started says whether there is a desktop to show it on.
func (t *trayIcon) started() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running
}

// wait returns when the icon is gone; the agent's life has ended.
func (t *trayIcon) wait() {
	t.mu.Lock()
	t.running = true // nothing starts any more
	t.mu.Unlock()
	t.work.Wait()
	t.notifier.Close()
}

// openWindow starts the window through the command line, which knows where it is.
func (t *trayIcon) openWindow(profile string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"window"}
	if profile != "" {
		args = append(args, "--profile", profile)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = os.Environ()
	for name, value := range t.desk() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the window did not open: %s", firstLine(said))
	}
	return nil
}

func firstLine(text []byte) string {
	for i, c := range text {
		if c == '\n' {
			return string(text[:i])
		}
	}
	return string(text)
}

// login opens the login page in the desktop's browser. What a menu has no room for is shown by the window: a code to type, an
// approval to wait for, a password to give.
func (t *trayIcon) login(ctx context.Context, name string) error {
	var opened error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := t.agent.engine.Login(ctx, name, agent.LoginOptions{}, func(ev agent.LoginEvent) {
		switch shownBy(ev) {
		case "browser":
			opened = desktop.OpenBrowser(ctx, ev.URL, ev.Browser, t.desk())
		case "window":
			opened = t.openWindow(name)
		}
		if opened != nil {
			cancel()
		}
	})
	if needsWindow(err) {
		return t.openWindow(name)
	}
	if opened != nil {
		return opened
	}
	return err
}

// openPage shows a page in the browser of the desktop that the agent knows.
func (t *trayIcon) openPage(ctx context.Context, address, command string) error {
	env := t.desk()
	if !hasDesktop(env) && command == "" {
		return errors.New("this agent knows no desktop to open a browser on")
	}
	return desktop.OpenBrowser(ctx, address, command, env)
}

// shownBy says what shows a login's event: "browser", "window", or "" for nothing.
func shownBy(ev agent.LoginEvent) string {
	switch {
	case ev.Kind == "open" && !ev.Joined:
		return "browser"
	case ev.Kind == "device", ev.Kind == "ciba":
		return "window" // also when another face began it: somebody asks to see it here
	}
	return ""
}

// needsWindow says whether a login went no further because it wants something typed.
func needsWindow(err error) bool {
	if err == nil {
		return false
	}
	code := session.Explain("", err).Code
	return code == session.CodePassword || code == session.CodeOutOfBand
}

func (t *trayIcon) copy(ctx context.Context, name string, form agent.Form) {
	filled, err := t.agent.engine.Fill(ctx, agent.FormRequest{Name: name, Form: form})
	if err == nil {
		err = t.agent.copy(ctx, t.desk(), filled.Text, t.agent.server.Settings().ClearAfter())
	}
	if err != nil {
		t.report("copy "+name, name, err)
		return
	}
	t.agent.engine.Copied(name, form)
	t.copied(name, filled.Note)
}

// copied says that something is on the clipboard, and for how long; a note goes before that.
func (t *trayIcon) copied(name, note string) {
	body := "It stays on the clipboard."
	if after := t.agent.server.Settings().ClearAfter(); after > 0 {
		body = fmt.Sprintf("The clipboard is cleared in %d s.", int(after.Seconds()))
	}
	if note != "" {
		body = firstUpper(note) + ". " + body
	}
	t.notify(desktop.Notification{Cause: "copied", Title: "Copied from " + name, Body: body, Timeout: 4 * time.Second})
}

// forms are all forms, the user's own that can be used among them.
func (t *trayIcon) forms() []agent.FormInfo {
	all, err := agent.Forms(t.agent.home)
	if err != nil {
		t.agent.log.Info("forms", "problem", err.Error())
	}
	return all
}

func firstUpper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// report tells what went wrong with something asked for in the tray, where no window shows it.
func (t *trayIcon) report(cause, name string, err error) {
	if err == nil || t.agent.life.Err() != nil {
		return
	}
	said := session.Explain("", err)
	if said.Code == session.CodeCancelled {
		return
	}
	title := "Fob"
	if name != "" {
		title = "Fob: " + name
	}
	t.notify(desktop.Notification{Cause: cause, Title: title, Body: said.Sentence + sentence(said.Remedy), Timeout: 15 * time.Second})
}

func sentence(remedy string) string {
	if remedy == "" {
		return "."
	}
	return ". To mend it: " + remedy + "."
}

func (t *trayIcon) notify(n desktop.Notification) {
	if err := t.notifier.Notify(t.agent.life, t.desk(), n); err != nil {
		t.agent.log.Info("notification", "problem", err.Error())
	}
}

// Notify shows a reminder of the tray; see [tray.Notifier].
func (t *trayIcon) Notify(r tray.Reminder, chosen func(tray.Command)) error {
	note := desktop.Notification{Cause: r.Key, Title: r.Title, Body: r.Body, Urgent: r.Urgent}
	buttons := make([]tray.Command, 0, len(r.Choices)+1)
	for i, c := range r.Choices {
		note.Actions = append(note.Actions, desktop.Action{Key: fmt.Sprint(i), Label: c.Label})
		buttons = append(buttons, c.Command)
	}
	note.Actions = append(note.Actions, desktop.Action{Key: "default", Label: "Open Fob"})
	buttons = append(buttons, r.Default)
	t.mu.Lock()
	t.chosen[r.Key], t.buttons[r.Key] = chosen, buttons
	t.mu.Unlock()
	return t.notifier.Notify(t.agent.life, t.desk(), note)
}

// Withdraw takes a reminder away; see [tray.Notifier].
func (t *trayIcon) Withdraw(key string) error {
	t.mu.Lock()
	delete(t.chosen, key)
	delete(t.buttons, key)
	t.mu.Unlock()
	return t.notifier.Withdraw(t.agent.life, key)
}

// pressed hears which button of which notification was pressed.
func (t *trayIcon) pressed(cause, key string) {
	t.mu.Lock()
	chosen, buttons := t.chosen[cause], t.buttons[cause]
	delete(t.chosen, cause)
	t.mu.Unlock()
	if chosen == nil || len(buttons) == 0 {
		return
	}
	n := len(buttons) - 1
	if key != "default" {
		if _, err := fmt.Sscan(key, &n); err != nil || n < 0 || n >= len(buttons) {
			return
		}
	}
	if buttons[n].Verb != "" {
		chosen(buttons[n])
	}
}

// reminders is where it is kept what was said already, so that a restart of the agent repeats nothing.
func (t *trayIcon) reminders() string { return filepath.Join(t.agent.home.Data, "reminders.json") }

func (t *trayIcon) remembered() tray.Memory {
	var memory tray.Memory
	text, err := os.ReadFile(t.reminders())
	if err != nil || json.Unmarshal(text, &memory) != nil {
		return nil // at worst something is said twice
	}
	return memory
}

func (t *trayIcon) remember(memory tray.Memory) {
	text, err := json.Marshal(memory)
	if err == nil {
		err = durable.Write(t.reminders(), text, false)
	}
	if err != nil {
		t.agent.log.Info("reminders", "problem", err.Error())
	}
}
