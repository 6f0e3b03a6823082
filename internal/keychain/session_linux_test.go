//go:build e2e && linux

package keychain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const password = "correct horse"

// session is a session bus of the test's own, with a HOME and XDG folders of its own, so that nothing reaches the user's
// keyring. The daemon on it is the real gnome-keyring-daemon.
type session struct {
	t      *testing.T
	root   string
	env    []string
	spy    *dbus.Conn // the test's own eyes on the bus
	daemon *exec.Cmd
}

// newSession starts a bus on which nothing can be activated but what activatable (name, program, in turns) lists.
func newSession(t *testing.T, env []string, activatable ...string) *session {
	t.Helper()
	root, err := os.MkdirTemp("", "fobkey") // short: a socket's path has 108 bytes
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	services := filepath.Join(root, "services")
	must(t, os.Mkdir(services, 0o700))
	for i := 0; i < len(activatable); i += 2 {
		must(t, os.WriteFile(filepath.Join(services, activatable[i]+".service"),
			[]byte("[D-BUS Service]\nName="+activatable[i]+"\nExec="+activatable[i+1]+"\n"), 0o600))
	}
	config := filepath.Join(root, "bus.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `<busconfig><type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>
<servicedir>%s</servicedir><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`, root, services), 0o600))
	s := &session{t: t, root: root, env: append(os.Environ(), "HOME="+root, "XDG_RUNTIME_DIR="+root, "XDG_DATA_HOME="+root+"/data",
		"XDG_CONFIG_HOME="+root+"/config", "XDG_CACHE_HOME="+root+"/cache", "LC_ALL=C.UTF-8", "NO_AT_BRIDGE=1", "GTK_A11Y=none", "GSETTINGS_BACKEND=memory")}
	s.env = append(s.env, env...)
	bus := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", "--config-file="+config)
	bus.Env = s.env
	out, err := bus.StdoutPipe()
	must(t, err)
	begin(t, bus)
	line := make([]byte, 256)
	n, err := out.Read(line)
	must(t, err)
	address := strings.TrimSpace(string(line[:n]))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	t.Setenv("HOME", root)
	s.env = append(s.env, "DBUS_SESSION_BUS_ADDRESS="+address)
	s.spy, err = dbus.Connect(address)
	must(t, err)
	t.Cleanup(func() {
		// godbus shares one connection per process: the next test must not find this one's.
		shared, err := dbus.SessionBus()
		s.kill()
		s.spy.Close()
		_ = bus.Process.Kill()
		_ = bus.Wait()
		if err == nil {
			<-shared.Context().Done()
		}
	})
	return s
}

// begin starts a process that does not outlive the test binary, however that ends.
func begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
}

// owned starts waiting for name to be owned, or to be free; the returned function ends the wait.
func (s *session) owned(name string, want bool) (wait func()) {
	s.t.Helper()
	signals := make(chan *dbus.Signal, 32)
	s.spy.Signal(signals)
	match := []dbus.MatchOption{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name)}
	must(s.t, s.spy.AddMatchSignal(match...))
	return func() {
		s.t.Helper()
		defer s.spy.RemoveSignal(signals)
		late := time.After(time.Minute)
		for {
			select {
			case signal := <-signals:
				if len(signal.Body) == 3 && signal.Body[0] == name && (signal.Body[2] != "") == want {
					return
				}
			case <-late:
				s.t.Fatalf("%s: owned=%v did not happen", name, want)
			}
		}
	}
}

// start starts gnome-keyring-daemon; with unlock it has, or gets, a login collection under our password.
func (s *session) start(unlock bool) {
	s.t.Helper()
	args := []string{"--foreground", "--components=secrets"}
	if unlock {
		args = append(args, "--unlock")
	}
	s.launch(exec.Command("gnome-keyring-daemon", args...))
}

// launch starts a Secret Service, which reads our password from standard input, and waits until it is on the bus.
func (s *session) launch(daemon *exec.Cmd) {
	s.t.Helper()
	wait := s.owned(secretsName, true)
	s.daemon = daemon
	s.daemon.Env = s.env
	s.daemon.Stdin = strings.NewReader(password + "\n")
	if filepath.Base(daemon.Path) == "gnome-keyring-daemon" { // takes all of it for the password
		s.daemon.Stdin = strings.NewReader(password)
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	defer log.Close()
	s.daemon.Stderr = log
	begin(s.t, s.daemon)
	wait()
}

// log is what the daemon complains about.
func (s *session) log() string { return filepath.Join(s.root, "daemon.log") }

// kill is kill -9, and waits until the bus knows.
func (s *session) kill() {
	if s.daemon == nil {
		return
	}
	wait := s.owned(secretsName, false)
	was := s.has(secretsName)
	_ = s.daemon.Process.Kill()
	if err := s.daemon.Wait(); err.Error() != "signal: killed" || !was {
		s.t.Errorf("the daemon had ended already: %v", err)
		s.daemon = nil
		return
	}
	s.daemon = nil
	wait()
}

func (s *session) signal(sig syscall.Signal) {
	s.t.Helper()
	must(s.t, s.daemon.Process.Signal(sig))
	if sig == syscall.SIGSTOP { // it stops when the kernel gets to it
		var status syscall.WaitStatus
		_, err := syscall.Wait4(s.daemon.Process.Pid, &status, syscall.WUNTRACED, nil)
		must(s.t, err)
	}
}

// lock locks the login collection, as a screen lock may.
func (s *session) lock() {
	s.t.Helper()
	s.lockCollection(loginCollection)
}

func (s *session) lockCollection(path dbus.ObjectPath) {
	s.t.Helper()
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	must(s.t, s.spy.Object(secretsName, secretsPath).Call(secretInterface+"Service.Lock", 0, []dbus.ObjectPath{path}).Store(&done, &prompt))
	if prompt != noPath { // KeePassXC's way; nobody is asked when everything is saved
		must(s.t, s.spy.Object(secretsName, prompt).Call(secretInterface+"Prompt.Prompt", 0, "").Err)
	}
}

func (s *session) has(name string) bool {
	s.t.Helper()
	var owned bool
	must(s.t, s.spy.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&owned))
	return owned
}

// open opens the OS keychain with a folder of the session's own.
func (s *session) open() *Keychain {
	s.t.Helper()
	k, err := Open(KindKeychain, filepath.Join(s.root, "sealed"))
	must(s.t, err)
	return k
}

// screen starts Xvfb with openbox and returns its display, for the real prompt of gcr.
func screen(t *testing.T) string {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset")
	x.ExtraFiles = []*os.File{w}
	begin(t, x)
	w.Close()
	line := make([]byte, 16)
	n, err := r.Read(line)
	must(t, err)
	display := ":" + strings.TrimSpace(string(line[:n]))
	wm := exec.Command("openbox", "--sm-disable")
	wm.Env = append(os.Environ(), "DISPLAY="+display, "HOME="+t.TempDir())
	begin(t, wm)
	for tick := time.Tick(20 * time.Millisecond); ; <-tick { // a window that comes before its manager gets no keys
		check := exec.CommandContext(t.Context(), "wmctrl", "-m")
		check.Env = wm.Env
		if check.Run() == nil {
			break
		}
	}
	t.Cleanup(func() {
		_ = wm.Process.Kill()
		_ = wm.Wait()
		_ = x.Process.Kill()
		_ = x.Wait()
	})
	return display
}

// person waits for a prompt on the screen and does things in turn: a key, "type:TEXT", "spoof" (somebody else on the bus says that
// the prompt is done), "kill" (the daemon). Then the prompt must go; the next one would be taken for it otherwise.
func (s *session) person(ctx context.Context, display string, acts ...string) error {
	prompt := []string{"search", "--onlyvisible", "--class", "gcr-prompter"}
	out, err := xdotool(ctx, display, "search", "--sync", "--onlyvisible", "--class", "gcr-prompter")
	for err == nil && len(acts) > 0 {
		for _, act := range acts {
			if err := s.act(ctx, display, act); err != nil {
				return err
			}
		}
		// gcr shows its window before it takes keys: what was typed too early is typed again. Half a password is refused and asked anew.
		tick, late := time.Tick(20*time.Millisecond), time.After(3*time.Second)
		for again := false; !again; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-late:
				again = true
			case <-tick:
				if _, err := xdotool(ctx, display, prompt...); err != nil {
					return nil // none found
				}
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}

func (s *session) act(ctx context.Context, display, act string) error {
	args := []string{"key", act}
	switch {
	case act == "spoof":
		return s.spoof()
	case act == "kill":
		return s.daemon.Process.Kill()
	case strings.HasPrefix(act, "type:"):
		args = []string{"type", "--delay", "60", act[len("type:"):]}
	}
	if out, err := xdotool(ctx, display, args...); err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}

// spoof sends everybody on the bus what go-keyring takes for the end of a prompt: other signals, and Completed from a stranger.
func (s *session) spoof() error {
	var names []string
	if err := s.spy.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		return err
	}
	var daemon string
	if err := s.spy.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, secretsName).Store(&daemon); err != nil {
		return err
	}
	sent := 0
	for _, name := range names {
		if !strings.HasPrefix(name, ":") || name == daemon {
			continue
		}
		for i := range 20 {
			for _, member := range []string{"org.freedesktop.Secret.Prompt.Completed", "org.gtk.Settings.Changed"} {
				iface, short := member[:strings.LastIndex(member, ".")], member[strings.LastIndex(member, ".")+1:]
				body := []any{true, dbus.MakeVariant("")}
				c := s.spy.Send(&dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
					dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(fmt.Sprintf("%s/prompt/u%d", secretsPath, i))), dbus.FieldInterface: dbus.MakeVariant(iface),
					dbus.FieldMember: dbus.MakeVariant(short), dbus.FieldDestination: dbus.MakeVariant(name),
					dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
				}, Body: body}, nil)
				if c.Err != nil {
					return c.Err
				}
				sent++
			}
		}
	}
	if sent == 0 {
		return fmt.Errorf("nobody on the bus to spoof")
	}
	return nil
}

func xdotool(ctx context.Context, display string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
