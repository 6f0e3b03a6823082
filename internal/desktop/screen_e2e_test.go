//go:build e2e && linux

package desktop

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// fakeLogind answers for two sessions, one of them ours.
type fakeLogind struct{ hint bool }

const ownPath, otherPath = dbus.ObjectPath("/org/freedesktop/login1/session/_31"), dbus.ObjectPath("/org/freedesktop/login1/session/_32")

// ListSessions is org.freedesktop.login1.Manager's.
func (fakeLogind) ListSessions() ([]struct {
	ID   string
	User uint32
	Name string
	Seat string
	Path dbus.ObjectPath
}, *dbus.Error) {
	type session = struct {
		ID   string
		User uint32
		Name string
		Seat string
		Path dbus.ObjectPath
	}
	me := uint32(os.Getuid())
	return []session{{"1", me, "me", "seat0", ownPath}, {"2", me + 1, "other", "seat0", otherPath}}, nil
}

// Get is org.freedesktop.DBus.Properties'.
func (f fakeLogind) Get(string, string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(f.hint), nil
}

// expect repeats emit until the screen is said to be locked or not; what else is said is a mistake.
func expect(t *testing.T, said <-chan bool, want bool, emit func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for {
		select {
		case got := <-said:
			if got != want {
				t.Fatalf("said locked %v, want %v", got, want)
			}
			return
		case <-tick.C:
			if err := emit(); err != nil {
				t.Fatal(err)
			}
		case <-end:
			t.Fatalf("nobody said that locked is %v", want)
		}
	}
}

// logind's and the desktop's words lock, and unlock when both say so; other users' sessions are their own.
func TestScreenLocks(t *testing.T) {
	_, system := bus(t, filepath.Join(t.TempDir(), "system"))
	_, session := bus(t, filepath.Join(t.TempDir(), "session"))
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", system)
	logind, saver := dialBus(t, system), dialBus(t, session)
	fake := fakeLogind{hint: true} // the agent starts behind a locked screen
	for path, iface := range map[dbus.ObjectPath]string{"/org/freedesktop/login1": loginIface, ownPath: propertiesIface, otherPath: propertiesIface} {
		if err := logind.Export(fake, path, iface); err != nil {
			t.Fatal(err)
		}
	}
	for conn, name := range map[*dbus.Conn]string{logind: loginName, saver: "org.gnome.ScreenSaver"} {
		if _, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	said, ended := make(chan bool, 100), make(chan struct{})
	go func() {
		defer close(ended)
		Screen(ctx, func() Env { return Env{"DBUS_SESSION_BUS_ADDRESS": session} }, func(locked bool) { said <- locked })
	}()
	hint := func(path dbus.ObjectPath, locked bool) func() error {
		return func() error {
			return logind.Emit(path, propertiesIface+".PropertiesChanged", sessionIface, map[string]dbus.Variant{"LockedHint": dbus.MakeVariant(locked)}, []string{})
		}
	}
	active := func(locked bool) func() error {
		return func() error {
			return saver.Emit("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver.ActiveChanged", locked)
		}
	}
	nothing := func() error { return nil }
	expect(t, said, true, nothing) // what the hint says at the start
	expect(t, said, false, hint(ownPath, false))
	expect(t, said, true, func() error { return logind.Emit(ownPath, sessionIface+".Lock") })
	expect(t, said, false, func() error { return logind.Emit(ownPath, sessionIface+".Unlock") })
	expect(t, said, true, active(true))
	// Somebody else's session says nothing of ours, whatever it says; and one word of two does not unlock.
	if err := hint(otherPath, true)(); err != nil {
		t.Fatal(err)
	}
	if err := hint(ownPath, true)(); err != nil {
		t.Fatal(err)
	}
	if err := active(false)(); err != nil {
		t.Fatal(err)
	}
	expect(t, said, false, hint(ownPath, false))
	expect(t, said, true, active(true))
	if err := saver.Close(); err != nil { // the desktop goes with its screen locked: nobody says that it was unlocked
		t.Fatal(err)
	}
	cancel()
	<-ended
	if len(said) > 0 {
		t.Errorf("said locked %v beside", <-said)
	}
}
