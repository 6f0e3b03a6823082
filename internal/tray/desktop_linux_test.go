//go:build e2e && linux

package tray

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/agent"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// patience is how long a real desktop may take for anything on a busy machine of two cores.
const patience = 30 * time.Second

// start runs a program until the test ends and returns its process.
func start(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = env
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(name)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(cmd)
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", filepath.Base(name), text)
		}
		log.Close()
	})
	return cmd
}

// end ends a process that start began, once.
func end(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	cmd.Process.Signal(syscall.SIGTERM)
	ended := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	ended.Stop()
}

// until waits for something that has no event of its own.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("waited %v in vain: %s", patience, what)
		case <-tick.C:
		}
	}
}

// bus is a private session bus that can be ended and started again at the same address.
type bus struct {
	dir     string
	address string
	daemon  *exec.Cmd
}

func newBus(t *testing.T) *bus {
	dir := t.TempDir()
	b := &bus{dir: dir, address: "unix:path=" + filepath.Join(dir, "bus")}
	b.up(t)
	return b
}

func (b *bus) up(t *testing.T) {
	t.Helper()
	os.Remove(filepath.Join(b.dir, "bus"))
	b.daemon = start(t, b.env(), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+b.address)
	until(t, "the bus", func() bool {
		conn, err := dbus.Connect(b.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// env is an environment in which nothing of the real desktop is left.
func (b *bus) env(more ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_RUNTIME_DIR=" + b.dir, "XDG_CONFIG_HOME=" + b.dir + "/.config",
		"XDG_CACHE_HOME=" + b.dir + "/.cache", "XDG_DATA_HOME=" + b.dir + "/.local", "DBUS_SESSION_BUS_ADDRESS=" + b.address,
		"LANG=C.UTF-8", "NO_AT_BRIDGE=1", "GTK_A11Y=none", "GSETTINGS_BACKEND=memory",
	}
	return append(env, more...)
}

func (b *bus) connect(t *testing.T) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// watcher is a StatusNotifierWatcher that remembers who registers.
type watcher struct {
	registered chan string // the unique names of items
}

// RegisterStatusNotifierItem is the watcher's method on the bus.
func (w *watcher) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	w.registered <- string(sender)
	return nil
}

func newWatcher(t *testing.T, conn *dbus.Conn) *watcher {
	t.Helper()
	w := &watcher{registered: make(chan string, 8)}
	if err := conn.Export(w, watcherPath, watcherName); err != nil {
		t.Fatal(err)
	}
	_, err := prop.Export(conn, watcherPath, prop.Map{watcherName: {"IsStatusNotifierHostRegistered": {Value: true, Emit: prop.EmitTrue}}})
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("watcher: %v, %v", reply, err)
	}
	return w
}

// wait returns the unique name of the item that registers next.
func (w *watcher) wait(t *testing.T) string {
	t.Helper()
	select {
	case name := <-w.registered:
		return name
	case <-time.After(patience):
		t.Fatal("the icon does not register")
		return ""
	}
}

// ours finds a data race of which one side is code of this package.
var ours = regexp.MustCompile(`(?m)^\s*(Read|Write|Previous read|Previous write) at .*\n\s+fob/internal/tray\.`)

// program is the test binary as the agent's process.
type program struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out chan string
}

func newProgram(t *testing.T, env []string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0]), out: make(chan string, 64)}
	p.cmd.Env = append(env, "FOB_TRAY_TEST=1", "GOTRACEBACK=all", "GORACE=exitcode=0")
	var stderr strings.Builder
	p.cmd.Stderr = &stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in = in
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.out <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		kill := time.AfterFunc(5*time.Second, func() { p.cmd.Process.Kill() })
		<-ended
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("the tray's process: %v", err)
		}
		kill.Stop()
		// systray races with itself, harmlessly: GetLayout reads menuVersion, and D-Bus the icon's pixels, while they are
		// written. An access in a line of ours is ours.
		if ours.MatchString(stderr.String()) {
			t.Errorf("the tray's process races:\n%s", stderr.String())
		}
		if t.Failed() {
			t.Logf("stderr:\n%s", stderr.String())
		}
	})
	return p
}

func (p *program) show(all ...agent.Status) {
	p.t.Helper()
	line, err := json.Marshal(all)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.in, "%s\n", line); err != nil {
		p.t.Fatal(err)
	}
}

// hear waits until the program says exactly that.
func (p *program) hear(want string) {
	p.t.Helper()
	deadline := time.After(patience)
	var other []string
	for {
		select {
		case line := <-p.out:
			if line == want {
				return
			}
			other = append(other, line)
		case <-deadline:
			p.t.Fatalf("the tray does not say %q, but %q", want, other)
		}
	}
}

// layout is an entry of a menu as com.canonical.dbusmenu hands it out.
type layout struct {
	ID    int32
	Props map[string]dbus.Variant
	Sub   []dbus.Variant
}

type entry struct {
	id      int32
	enabled bool
}

// menu reads the whole menu: entries by their label, those of submenus as "label/label".
func menu(t *testing.T, conn *dbus.Conn, item string) map[string]entry {
	t.Helper()
	var revision uint32
	var root layout
	err := conn.Object(item, "/StatusNotifierItem/menu").Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		t.Fatal(err)
	}
	entries := make(map[string]entry)
	var read func(prefix string, sub []dbus.Variant)
	read = func(prefix string, sub []dbus.Variant) {
		for _, v := range sub {
			var l layout
			if err := dbus.Store([]any{v.Value()}, &l); err != nil {
				t.Fatal(err)
			}
			label, _ := l.Props["label"].Value().(string)
			enabled, _ := l.Props["enabled"].Value().(bool)
			if label != "" {
				entries[prefix+label] = entry{l.ID, enabled}
			}
			read(prefix+label+"/", l.Sub)
		}
	}
	read("", root.Sub)
	return entries
}

// click presses the menu's entry with that label.
func click(t *testing.T, conn *dbus.Conn, item, label string) {
	t.Helper()
	var found entry
	until(t, "the entry "+label, func() (ok bool) { found, ok = menu(t, conn, item)[label]; return ok })
	// No reply is waited for: Quit may be quicker than its own. What the click does is heard from the program.
	conn.Object(item, "/StatusNotifierItem/menu").Call("com.canonical.dbusmenu.Event", dbus.FlagNoReplyExpected, found.id, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
}

// picture returns the icon as the bus hands it out: ARGB pixels.
func picture(t *testing.T, conn *dbus.Conn, item string) string {
	t.Helper()
	var value dbus.Variant
	err := conn.Object(item, "/StatusNotifierItem").Call("org.freedesktop.DBus.Properties.Get", 0, "org.kde.StatusNotifierItem", "IconPixmap").Store(&value)
	if err != nil {
		t.Fatal(err)
	}
	var pixmaps []struct {
		W, H int32
		Pix  []byte
	}
	if err := dbus.Store([]any{value.Value()}, &pixmaps); err != nil {
		t.Fatal(err)
	}
	if len(pixmaps) != 1 || pixmaps[0].W != 44 || len(pixmaps[0].Pix) != 44*44*4 {
		t.Fatalf("icon: %d pictures", len(pixmaps))
	}
	return string(pixmaps[0].Pix)
}

// portal is a settings portal with one setting.
type portal struct{ scheme chan uint32 }

// Read is the portal's method on the bus; it wraps the value twice, as the real one does.
func (p *portal) Read(namespace, key string) (dbus.Variant, *dbus.Error) {
	scheme := <-p.scheme
	p.scheme <- scheme
	return dbus.MakeVariant(dbus.MakeVariant(scheme)), nil
}

func newPortal(t *testing.T, conn *dbus.Conn) *portal {
	t.Helper()
	p := &portal{scheme: make(chan uint32, 1)}
	p.scheme <- 0
	if err := conn.Export(p, portalPath, settings); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(portalName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *portal) set(t *testing.T, conn *dbus.Conn, scheme uint32) {
	t.Helper()
	<-p.scheme
	p.scheme <- scheme
	if err := conn.Emit(portalPath, settings+".SettingChanged", "org.freedesktop.appearance", "color-scheme", dbus.MakeVariant(scheme)); err != nil {
		t.Fatal(err)
	}
}
