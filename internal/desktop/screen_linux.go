package desktop

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	sessionIface    = "org.freedesktop.login1.Session"
	propertiesIface = "org.freedesktop.DBus.Properties"
	// screenRetry is how often a bus that is away is looked for again.
	screenRetry = 30 * time.Second
)

// screenSavers are the interfaces that tell ActiveChanged, with the name on the bus and the object of each: the common one, GNOME's,
// and its kin's.
var screenSavers = map[string]dbus.ObjectPath{
	"org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
	"org.gnome.ScreenSaver":       "/org/gnome/ScreenSaver",
	"org.cinnamon.ScreenSaver":    "/org/cinnamon/ScreenSaver",
	"org.mate.ScreenSaver":        "/org/mate/ScreenSaver",
	"org.xfce.ScreenSaver":        "/org/xfce/ScreenSaver",
}

func watchScreen(ctx context.Context, env func() Env, report func(bool)) {
	words := &screenWords{report: report, locked: map[string]bool{}}
	var both sync.WaitGroup
	both.Go(func() {
		onBus(ctx, systemBusAddress, func(conn *dbus.Conn, signals <-chan *dbus.Signal) { watchLogin(ctx, conn, signals, words) })
	})
	both.Go(func() {
		onBus(ctx, func() string { return sessionBus(env()) }, func(conn *dbus.Conn, signals <-chan *dbus.Signal) {
			watchSaver(ctx, conn, signals, words)
		})
	})
	both.Wait()
}

// screenWords is what each source said last: the screen is locked while one of them says so.
type screenWords struct {
	report func(bool)

	mu     sync.Mutex // guards what follows and orders the reports
	locked map[string]bool
	said   bool // something was reported
	last   bool
}

func (w *screenWords) say(source string, locked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locked[source] = locked
	now := false
	for _, one := range w.locked {
		now = now || one
	}
	if !w.said || now != w.last {
		w.said, w.last = true, now
		w.report(now)
	}
}

// onBus connects to a bus and calls listen, again and again until ctx ends.
func onBus(ctx context.Context, address func() string, listen func(*dbus.Conn, <-chan *dbus.Signal)) {
	for ctx.Err() == nil {
		if at := address(); at != "" {
			if conn, cancel, err := connectBus(ctx, at); err == nil {
				signals := make(chan *dbus.Signal, 16)
				conn.Signal(signals)
				listen(conn, signals)
				conn.Close()
				cancel()
			}
		}
		pause := time.NewTimer(screenRetry)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// sessionBus is the address of the desktop's bus, "" when none is known.
func sessionBus(env Env) string {
	if address := env["DBUS_SESSION_BUS_ADDRESS"]; address != "" {
		return address
	}
	if dir := env["XDG_RUNTIME_DIR"]; dir != "" {
		if _, err := os.Stat(dir + "/bus"); err == nil {
			return "unix:path=" + dir + "/bus"
		}
	}
	return ""
}

// watchLogin hears logind: it asks a session to lock or unlock, and the locker tells how that went (org.freedesktop.login1(5)).
func watchLogin(ctx context.Context, conn *dbus.Conn, signals <-chan *dbus.Signal, words *screenWords) {
	const source = "org.freedesktop.login1"
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(loginName), dbus.WithMatchInterface(sessionIface)},
		{dbus.WithMatchSender(loginName), dbus.WithMatchInterface(propertiesIface), dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchArg(0, sessionIface)},
	} {
		if conn.AddMatchSignalContext(ctx, match...) != nil {
			return
		}
	}
	asked, stop := context.WithTimeout(ctx, 10*time.Second)
	for _, path := range ownSessions(asked, conn) {
		if hint, ok := lockedHint(asked, conn, path); ok {
			words.say(source+string(path), hint)
		}
	}
	stop()
	each(ctx, signals, func(signal *dbus.Signal) {
		switch signal.Name {
		case sessionIface + ".Lock", sessionIface + ".Unlock":
			if ownSession(ctx, conn, signal.Path) {
				words.say(source+string(signal.Path), signal.Name == sessionIface+".Lock")
			}
		case propertiesIface + ".PropertiesChanged":
			var iface string
			var changed map[string]dbus.Variant
			var gone []string
			if dbus.Store(signal.Body, &iface, &changed, &gone) != nil || iface != sessionIface {
				return
			}
			if hint, ok := changed["LockedHint"].Value().(bool); ok && ownSession(ctx, conn, signal.Path) {
				words.say(source+string(signal.Path), hint)
			}
		}
	})
}

// each calls do with each signal until the connection or ctx ends.
func each(ctx context.Context, signals <-chan *dbus.Signal, do func(*dbus.Signal)) {
	for {
		select {
		case signal, ok := <-signals:
			if !ok {
				return
			}
			do(signal)
		case <-ctx.Done():
			return
		}
	}
}

// ownSessions are the sessions of this user.
func ownSessions(ctx context.Context, conn *dbus.Conn) (own []dbus.ObjectPath) {
	var all []struct {
		ID   string
		User uint32
		Name string
		Seat string
		Path dbus.ObjectPath
	}
	if conn.Object(loginName, "/org/freedesktop/login1").CallWithContext(ctx, loginIface+".ListSessions", 0).Store(&all) != nil {
		return nil
	}
	for _, one := range all {
		if int(one.User) == os.Getuid() {
			own = append(own, one.Path)
		}
	}
	return own
}

// ownSession says whether a session is this user's: others of the machine lock theirs.
func ownSession(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, own := range ownSessions(ctx, conn) {
		if own == path {
			return true
		}
	}
	return false
}

func lockedHint(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) (hint, known bool) {
	var value dbus.Variant
	if conn.Object(loginName, path).CallWithContext(ctx, propertiesIface+".Get", 0, sessionIface, "LockedHint").Store(&value) != nil {
		return false, false
	}
	hint, known = value.Value().(bool)
	return hint, known
}

// watchSaver hears the desktop's screen saver.
func watchSaver(ctx context.Context, conn *dbus.Conn, signals <-chan *dbus.Signal, words *screenWords) {
	if conn.AddMatchSignalContext(ctx, dbus.WithMatchMember("ActiveChanged")) != nil {
		return
	}
	asked, stop := context.WithTimeout(ctx, 10*time.Second)
	for name, path := range screenSavers {
		var there, active bool
		if conn.BusObject().CallWithContext(asked, busName+".NameHasOwner", 0, name).Store(&there) == nil && there &&
			conn.Object(name, path).CallWithContext(asked, name+".GetActive", dbus.FlagNoAutoStart).Store(&active) == nil {
			words.say(name, active)
		}
	}
	stop()
	each(ctx, signals, func(signal *dbus.Signal) {
		iface, found := strings.CutSuffix(signal.Name, ".ActiveChanged")
		var active bool
		if _, known := screenSavers[iface]; found && known && dbus.Store(signal.Body, &active) == nil {
			words.say(iface, active)
		}
	})
}
