//go:build e2e && linux

package desktop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// noteServer is a notification server that keeps what it was asked for.
type noteServer struct {
	conn *dbus.Conn
	able []string

	mu      sync.Mutex // guards the fields below
	instant string     // an action that is pressed before Notify answers
	next    uint32
	notes   []shownNote
	closed  []uint32
}

type shownNote struct {
	id, replaces     uint32
	app, title, body string
	actions          []string
	hints            map[string]dbus.Variant
	expire           int32
}

func (s *noteServer) GetCapabilities() ([]string, *dbus.Error) { return s.able, nil }

func (s *noteServer) Notify(app string, replaces uint32, _, title, body string, actions []string, hints map[string]dbus.Variant, expire int32) (uint32, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := replaces
	if id == 0 {
		s.next++
		id = s.next
	}
	s.notes = append(s.notes, shownNote{id, replaces, app, title, body, actions, hints, expire})
	if s.instant != "" {
		_ = s.conn.Emit(notifyPath, notifyName+".ActionInvoked", id, s.instant)
	}
	return id, nil
}

func (s *noteServer) CloseNotification(id uint32) *dbus.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, id)
	return nil
}

func (s *noteServer) last() shownNote {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) == 0 {
		return shownNote{}
	}
	return s.notes[len(s.notes)-1]
}

func (s *noteServer) closedOnes() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.closed)
}

func (s *noteServer) counts() (shown uint32, notes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next, len(s.notes)
}

// serveNotes starts one whose ids begin after first.
func serveNotes(t *testing.T, address string, first uint32, able ...string) *noteServer {
	t.Helper()
	s := &noteServer{conn: dialBus(t, address), able: able, next: first}
	if err := s.conn.Export(s, notifyPath, notifyName); err != nil {
		t.Fatal(err)
	}
	if reply, err := s.conn.RequestName(notifyName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("name: %v, %v", reply, err)
	}
	return s
}

type press struct{ cause, key string }

func newNotifier(t *testing.T) (*Notifier, chan press) {
	pressed := make(chan press, 10)
	n := NewNotifier(func(cause, key string) { pressed <- press{cause, key} })
	t.Cleanup(func() { n.Close() })
	return n, pressed
}

func TestNotifications(t *testing.T) {
	_, address := bus(t, filepath.Join(t.TempDir(), "bus"))
	env := Env{"DBUS_SESSION_BUS_ADDRESS": address}
	s := serveNotes(t, address, 40, "actions", "body", "body-markup")
	n, pressed := newNotifier(t)
	note := Notification{Cause: "expires work", Title: "Acme <b>", Body: "ends in <i>5 min</i> & more",
		Actions: []Action{{"login", "Log in"}, {"later", "Later"}}, Timeout: 12 * time.Second}
	show := func(note Notification) {
		t.Helper()
		if err := n.Notify(t.Context(), env, note); err != nil {
			t.Fatal(err)
		}
	}
	show(note)
	got := s.last()
	if got.app != "Fob" || got.title != "Acme <b>" || got.body != "ends in &lt;i&gt;5 min&lt;/i&gt; &amp; more" ||
		!slices.Equal(got.actions, []string{"login", "Log in", "later", "Later"}) || got.expire != 12000 || got.replaces != 0 ||
		got.hints["desktop-entry"].Value() != AppID || got.hints["urgency"].Value() != byte(1) {
		t.Errorf("asked for %+v", got)
	}
	// The same cause replaces, another does not.
	show(note)
	if got := s.last(); got.replaces != 41 {
		t.Errorf("the same cause: %+v", got)
	}
	show(Notification{Cause: "login home", Title: "x", Urgent: true})
	if got := s.last(); got.replaces != 0 || got.id != 42 || got.expire != 0 || got.hints["urgency"].Value() != byte(2) {
		t.Errorf("another cause: %+v", got)
	}
	// Actions are told apart; strangers' are not ours.
	for _, a := range []struct {
		id  uint32
		key string
	}{{7, "login"}, {42, "default"}, {41, "later"}} {
		if err := s.conn.Emit(notifyPath, notifyName+".ActionInvoked", a.id, a.key); err != nil {
			t.Fatal(err)
		}
	}
	presses := []press{<-pressed, <-pressed}
	if !slices.Contains(presses, press{"login home", "default"}) || !slices.Contains(presses, press{"expires work", "later"}) {
		t.Errorf("pressed %v", presses)
	}
	// A closed one is not replaced.
	if err := s.conn.Emit(notifyPath, notifyName+".NotificationClosed", uint32(41), uint32(2)); err != nil {
		t.Fatal(err)
	}
	until(t, "closed", func() bool {
		n.bus.mu.Lock()
		defer n.bus.mu.Unlock()
		return n.bus.shown["expires work"] == 0
	})
	show(note)
	if got := s.last(); got.replaces != 0 || got.id != 43 {
		t.Errorf("after it was closed: %+v", got)
	}
	if err := n.Withdraw(t.Context(), "expires work"); err != nil || !slices.Equal(s.closedOnes(), []uint32{43}) {
		t.Errorf("withdrawn: %v, %v", s.closedOnes(), err)
	}
	if err := n.Withdraw(t.Context(), "expires work"); err != nil || len(s.closedOnes()) != 1 {
		t.Errorf("withdrawn twice: %v, %v", s.closedOnes(), err)
	}
}

// Two at the same moment for one cause are one notification.
func TestNotifyConcurrently(t *testing.T) {
	_, address := bus(t, filepath.Join(t.TempDir(), "bus"))
	s := serveNotes(t, address, 0, "body")
	n, _ := newNotifier(t)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			err := n.Notify(t.Context(), Env{"DBUS_SESSION_BUS_ADDRESS": address}, Notification{Cause: "one", Title: fmt.Sprint(i), Body: "<b>"})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	shown, notes := s.counts()
	if got := s.last(); shown != 1 || notes != 10 || got.body != "<b>" || len(got.actions) != 0 {
		t.Errorf("%d shown, last %+v", shown, got)
	}
}

func TestActionBeforeTheAnswer(t *testing.T) {
	_, address := bus(t, filepath.Join(t.TempDir(), "bus"))
	s := serveNotes(t, address, 0, "actions")
	s.mu.Lock()
	s.instant = "login"
	s.mu.Unlock()
	n, pressed := newNotifier(t)
	for range 20 {
		if err := n.Notify(t.Context(), Env{"DBUS_SESSION_BUS_ADDRESS": address}, Notification{Cause: "c", Title: "t"}); err != nil {
			t.Fatal(err)
		}
		if p := <-pressed; p != (press{"c", "login"}) {
			t.Fatalf("pressed %v", p)
		}
		if err := n.Withdraw(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
	}
}

// Neither a new notification server nor a new bus is the end.
func TestNotifierSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	daemon, address := bus(t, path)
	n, pressed := newNotifier(t)
	// Only the path is known, and the runtime directory.
	env := Env{"XDG_RUNTIME_DIR": filepath.Dir(path)}
	note := Notification{Cause: "c", Title: "t", Actions: []Action{{"a", "A"}}}
	if err := n.Notify(t.Context(), env, note); err == nil || err.Error() != "notification: the desktop has no notification server" {
		t.Errorf("without a server: %v", err)
	}
	first := serveNotes(t, address, 100, "actions")
	if err := n.Notify(t.Context(), env, note); err != nil || first.last().id != 101 {
		t.Fatalf("%v, %+v", err, first.last())
	}
	// The new one's ids are its own: 101 may be somebody else's now.
	first.conn.Close()
	var second *noteServer
	until(t, "the name is free", func() bool {
		var owned bool
		err := dialBus(t, address).BusObject().Call(busName+".NameHasOwner", 0, notifyName).Store(&owned)
		return err == nil && !owned
	})
	second = serveNotes(t, address, 200)
	until(t, "the new server is known", func() bool {
		n.bus.mu.Lock()
		defer n.bus.mu.Unlock()
		return len(n.bus.shown) == 0
	})
	if err := n.Notify(t.Context(), env, note); err != nil || second.last().replaces != 0 || len(second.last().actions) != 0 {
		t.Errorf("%v, %+v", err, second.last())
	}
	lost := n.bus
	if err := daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-lost.conn.Context().Done()
	if err := n.Notify(t.Context(), env, note); err == nil || !strings.Contains(err.Error(), "bus") {
		t.Errorf("without a bus: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	bus(t, path)
	third := serveNotes(t, address, 300, "actions")
	if err := n.Notify(t.Context(), env, note); err != nil || third.last().id != 301 {
		t.Errorf("%v, %+v", err, third.last())
	}
	if err := third.conn.Emit(notifyPath, notifyName+".ActionInvoked", uint32(301), "a"); err != nil {
		t.Fatal(err)
	}
	if p := <-pressed; p != (press{"c", "a"}) {
		t.Errorf("pressed %v", p)
	}
	if err := n.Notify(t.Context(), Env{}, note); err == nil || !strings.Contains(err.Error(), "no session bus") {
		t.Errorf("without an address: %v", err)
	}
	n.Close()
	if err := n.Notify(t.Context(), env, note); err == nil {
		t.Error("notified after Close")
	}
}

// The real thing: dunst shows it, and its action comes back.
func TestDunst(t *testing.T) {
	dir := t.TempDir()
	_, address := bus(t, filepath.Join(dir, "bus"))
	display := xvfb(t)
	environ := append(os.Environ(), "DISPLAY="+display, "DBUS_SESSION_BUS_ADDRESS="+address)
	conf := filepath.Join(dir, "dunstrc")
	if err := os.WriteFile(conf, []byte("[global]\nidle_threshold = 0\nmarkup = full\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	printed := &lines{}
	dunst := exec.Command("dunst", "-conf", conf, "-print")
	dunst.Env, dunst.Stdout = environ, printed
	run(t, dunst)
	watch := dialBus(t, address)
	until(t, "dunst is there", func() bool {
		var owned bool
		err := watch.BusObject().Call(busName+".NameHasOwner", 0, notifyName).Store(&owned)
		return err == nil && owned
	})
	n, pressed := newNotifier(t)
	note := Notification{Cause: "expires work", Title: "Acme API ends in 5 min", Body: "a < b & c", Actions: []Action{{"default", "Log in"}}}
	for range 2 {
		if err := n.Notify(t.Context(), Env{"DBUS_SESSION_BUS_ADDRESS": address}, note); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "printed", func() bool { return printed.has("Acme API ends in 5 min") })
	ctl := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("dunstctl", args...)
		cmd.Env = environ
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("dunstctl %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	until(t, "one is shown", func() bool { return ctl("count", "displayed") == "1" && ctl("count", "waiting") == "0" })
	if !printed.has("a &lt; b &amp; c") && !printed.has("a < b & c") {
		t.Errorf("dunst printed:\n%s", printed)
	}
	ctl("action", "0")
	if p := <-pressed; p != (press{"expires work", "default"}) {
		t.Errorf("pressed %v", p)
	}
}
