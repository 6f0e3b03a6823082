//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// startBus starts a message bus of its own and returns its address.
func startBus(d *desk, name string) string {
	d.t.Helper()
	socket, config := filepath.Join(d.root, name), filepath.Join(d.root, name+".conf")
	must(d.t, writeFile(config, `<busconfig><type>session</type><listen>unix:path=`+socket+`</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`))
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile")
	bus.Env = d.env()
	must(d.t, bus.Start())
	d.t.Cleanup(func() { _ = bus.Process.Kill(); _ = bus.Wait() })
	until(d.t, "the bus "+name, func() bool { _, err := os.Stat(socket); return err == nil })
	return "unix:path=" + socket
}

// service is a program of the desktop's or the system's on a bus.
type service struct {
	t   *testing.T
	bus *dbus.Conn
}

func startService(d *desk, address, name string) *service {
	d.t.Helper()
	bus, err := dbus.Connect(address)
	must(d.t, err)
	d.t.Cleanup(func() { bus.Close() })
	_, err = bus.RequestName(name, dbus.NameFlagDoNotQueue)
	must(d.t, err)
	return &service{d.t, bus}
}

func (s *service) emit(path dbus.ObjectPath, signal string, values ...any) {
	s.t.Helper()
	must(s.t, s.bus.Emit(path, signal, values...))
}

const (
	login1      = "org.freedesktop.login1"
	login1Path  = dbus.ObjectPath("/org/freedesktop/login1")
	ourSession  = login1Path + "/session/_31"
	properties  = "org.freedesktop.DBus.Properties"
	saver       = "org.freedesktop.ScreenSaver"
	saverPath   = dbus.ObjectPath("/org/freedesktop/ScreenSaver")
	networks    = "org.freedesktop.NetworkManager"
	networkPath = dbus.ObjectPath("/org/freedesktop/NetworkManager")
)

// logind knows one session, this user's, whose screen is not locked.
type logind struct{}

// ListSessions is the manager's.
func (logind) ListSessions() ([]struct {
	ID   string
	User uint32
	Name string
	Seat string
	Path dbus.ObjectPath
}, *dbus.Error) {
	return []struct {
		ID   string
		User uint32
		Name string
		Seat string
		Path dbus.ObjectPath
	}{{"1", uint32(os.Getuid()), "me", "seat0", ourSession}}, nil
}

// Get is of LockedHint.
func (logind) Get(string, string) (dbus.Variant, *dbus.Error) { return dbus.MakeVariant(false), nil }

func startLogind(d *desk, address string) *service {
	d.t.Helper()
	s := startService(d, address, login1)
	must(d.t, s.bus.Export(logind{}, login1Path, login1+".Manager"))
	must(d.t, s.bus.Export(logind{}, ourSession, properties))
	return s
}

// hear asks again and again until the agent has heard: nobody tells when it has begun to listen, and it looks for a bus each 30 s.
func hear(t *testing.T, what string, emit func(), heard func() bool) {
	t.Helper()
	untilWithin(t, 2*patience, what, func() bool {
		emit()
		return heard()
	})
}

// tokens is an authorization server for a profile that needs nobody; while it is ill it answers 503.
type tokens struct {
	*httptest.Server
	ill   atomic.Bool
	asked atomic.Int64
}

func startTokens(t *testing.T, life int) *tokens {
	s := &tokens{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.asked.Add(1)
		if s.ill.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, life)
	}))
	t.Cleanup(s.Close)
	return s
}

// onBuses is a Fob on two buses of its own, where logind, a screen saver and NetworkManager are.
func onBuses(t *testing.T, s *tokens) (f *fob, logind, screen, network *service) {
	t.Helper()
	f = newQuiet(t)
	d := f.desk
	system, session := startBus(d, "system"), startBus(d, "session")
	f.vars = append(f.vars, "DBUS_SYSTEM_BUS_ADDRESS="+system, "DBUS_SESSION_BUS_ADDRESS="+session, "DISPLAY=:none") // a desktop, as far as signals go
	logind, network, screen = startLogind(d, system), startService(d, system, networks), startService(d, session, saver)
	must(t, os.MkdirAll(filepath.Join(f.home, "config"), 0o700))
	must(t, writeFile(filepath.Join(f.home, "config", "settings.json"), `{"lock_on_screen_lock": true}`))
	f.run("profile", "add", "work", "--client-id", "x", "--set", "grant_type=client_credentials", "--set", "token_endpoint="+s.URL+"/token").ok()
	f.runWith("secret", "profile", "set", "work", "client_secret=-").ok()
	f.token("work")
	return f, logind, screen, network
}

// The screen's lock locks the agent when the user wishes it, whoever tells of it: logind's request, its hint, or the desktop's screen
// saver. Then nothing is handed out; unlocked, it is as before; and what the user has locked the screen does not open. R-302
func TestScreenLocksTheAgent(t *testing.T) {
	t.Parallel()
	f, logind, screen, _ := onBuses(t, startTokens(t, 3600))
	hint := func(locked bool) func() {
		return func() {
			logind.emit(ourSession, properties+".PropertiesChanged", login1+".Session", map[string]dbus.Variant{"LockedHint": dbus.MakeVariant(locked)}, []string{})
		}
	}
	for _, words := range []struct {
		of           string
		lock, unlock func()
	}{
		{"logind's Lock", func() { logind.emit(ourSession, login1+".Session.Lock") }, func() { logind.emit(ourSession, login1+".Session.Unlock") }},
		{"logind's LockedHint", hint(true), hint(false)},
		{"the screen saver", func() { screen.emit(saverPath, saver+".ActiveChanged", true) }, func() { screen.emit(saverPath, saver+".ActiveChanged", false) }},
	} {
		hear(t, words.of+" locks", words.lock, func() bool { return f.run("token", "work").code == 3 })
		f.run("token", "work").exits(3).saying("Fob is locked with the screen since", "it hands out nothing", "fob: hint: unlock it: fob unlock")
		f.run("header", "work").exits(3)
		f.run("login", "work").exits(3)
		hear(t, words.of+" unlocks", words.unlock, func() bool { return f.run("token", "work").code == 0 })
	}
	f.run("lock").ok()
	screen.emit(saverPath, saver+".ActiveChanged", true)
	screen.emit(saverPath, saver+".ActiveChanged", false)
	steady(t, time.Second, "the screen opens what the user has locked", func() bool { return f.run("token", "work").code == 3 })
	f.run("unlock").ok()
	f.token("work")
}

// A resume, and a network that comes up, are heard by the agent: what failed and would wait is tried at once. R-309
func TestSignalsWakeTheAgent(t *testing.T) {
	t.Parallel()
	s := startTokens(t, 4)
	f, logind, _, network := onBuses(t, s)
	log := func() string {
		text, err := os.ReadFile(filepath.Join(f.home, "data", "agent.log"))
		must(t, err)
		return string(text)
	}
	s.ill.Store(true)
	// Each failure doubles the pause: 5 s, 10 s, 20 s. What comes in the midst of the last is the signal's doing.
	var failures struct{ Problem struct{ Failures int } }
	untilWithin(t, 2*patience, "three failures", func() bool {
		must(t, json.Unmarshal([]byte(f.run("status", "work", "--json").ok()), &failures))
		return failures.Problem.Failures >= 3
	})
	for _, word := range []struct {
		of, why string
		emit    func()
	}{
		{"logind", "resumed", func() { logind.emit(login1Path, login1+".Manager.PrepareForSleep", false) }},
		{"NetworkManager", "network", func() { network.emit(networkPath, networks+".StateChanged", uint32(70)) }},
	} {
		before, wakes := s.asked.Load(), strings.Count(log(), "wake")
		began := time.Now()
		word.emit()
		until(t, word.of+" wakes the loop", func() bool { return s.asked.Load() > before })
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("%s: the server was asked after %v, by the schedule", word.of, took)
		}
		if strings.Count(log(), "wake") == wakes {
			t.Errorf("%s: no wake-up in the agent's log:\n%s", word.of, log())
		}
	}
	s.ill.Store(false)
	logind.emit(login1Path, login1+".Manager.PrepareForSleep", false)
	until(t, "a token again", func() bool { return f.status("work").State == "logged_in" })
}
