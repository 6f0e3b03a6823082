package tray

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/assets"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"
	portalName  = "org.freedesktop.portal.Desktop"
	portalPath  = "/org/freedesktop/portal/desktop"
	settings    = "org.freedesktop.portal.Settings"

	// answerWithin is how long a desktop service may take; a panel that is starting can be slow, a hung one must not hold us.
	answerWithin = 3 * time.Second
	// retryMost is the longest pause between two attempts to reach a session bus: 2 wake-ups a minute without one.
	retryMost = 30 * time.Second
)

// errLost is that the session bus, or systray's connection to it, is gone.
var errLost = errors.New("tray: the session bus went away")

// follow keeps the icon on the session bus until ctx ends, and comes back with the bus. It has a connection of its own, because
// systray's does not tell when it is lost.
func (s *busShelf) follow(ctx context.Context, opts Options) {
	pause := time.Second
	host := hostNews{tell: opts.OnHost}
	for ctx.Err() == nil {
		began := time.Now()
		_ = s.session(ctx, opts, &host) // why it ended changes nothing: try again until there is a bus
		s.post(ctx, func() { s.up = false })
		if ctx.Err() != nil {
			return
		}
		host.is(false)
		if time.Since(began) > retryMost {
			pause = time.Second // it worked for a while
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost)
	}
}

// session is one life of the bus: it returns when the bus is gone.
func (s *busShelf) session(ctx context.Context, opts Options, host *hostNews) error {
	address, err := busAddress(opts.Env)
	if err != nil {
		return err
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("tray: session bus: %w", err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	item := fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", os.Getpid()) // as systray names it
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, item)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, portalName)},
		{dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
		{dbus.WithMatchInterface(settings), dbus.WithMatchMember("SettingChanged"), dbus.WithMatchArg(0, "org.freedesktop.appearance")},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return fmt.Errorf("tray: session bus: %w", err)
		}
	}
	panel := readPanel(ctx, conn, opts.Env)
	err = errLost
	s.post(ctx, func() { s.panel = panel; err = s.begin(address) })
	if err != nil {
		return err
	}
	if !owned(ctx, conn, item) {
		return errLost
	}
	return s.listen(ctx, opts, conn, signals, item, host)
}

// listen follows one life of the bus by its signals.
func (s *busShelf) listen(ctx context.Context, opts Options, conn *dbus.Conn, signals <-chan *dbus.Signal, item string, host *hostNews) error {
	grace := time.NewTimer(hostGrace)
	defer grace.Stop()
	asked := func() {
		if hostPresent(ctx, conn) {
			grace.Stop()
			host.is(true)
		} else {
			grace.Reset(hostGrace)
		}
	}
	asked()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-conn.Context().Done():
			return errLost
		case <-grace.C:
			host.is(hostPresent(ctx, conn))
		case signal := <-signals:
			if signal == nil {
				return errLost
			}
			name, _ := first[string](signal.Body)
			switch {
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && name == item:
				if len(signal.Body) == 3 && signal.Body[2] == "" {
					return errLost // systray's connection is gone, ours is not
				}
			case signal.Name == settings+".SettingChanged" || name == portalName:
				panel := readPanel(ctx, conn, opts.Env)
				s.post(ctx, func() { s.look(panel) })
			default:
				asked()
			}
		}
	}
}

// post has the owner of the icon do something and waits until it is done, or ctx ends.
func (s *busShelf) post(ctx context.Context, what func()) {
	done := make(chan struct{})
	select {
	case <-ctx.Done():
	case s.work <- func() { defer close(done); what() }:
		<-done
	}
}

// hostNews tells whether a panel shows the icon, once for each change.
type hostNews struct {
	tell    func(bool)
	known   bool
	present bool
}

func (h *hostNews) is(present bool) {
	if !h.known || h.present != present {
		h.known, h.present = true, present
		h.tell(present)
	}
}

// busAddress is where the session bus is; it never starts one.
func busAddress(env func(string) string) (string, error) {
	if address := env("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return address, nil
	}
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		path := filepath.Join(dir, "bus")
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
		}
	}
	return "", errors.New("tray: there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set")
}

func owned(ctx context.Context, conn *dbus.Conn, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var has bool
	return conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has) == nil && has
}

// hostPresent asks the watcher whether a panel shows icons. It starts no watcher.
func hostPresent(ctx context.Context, conn *dbus.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var value dbus.Variant
	err := conn.Object(watcherName, watcherPath).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart,
		watcherName, "IsStatusNotifierHostRegistered").Store(&value)
	present, _ := value.Value().(bool)
	return err == nil && present
}

// readPanel finds out what the icon stands on.
func readPanel(ctx context.Context, conn *dbus.Conn, env func(string) string) assets.Panel {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var value dbus.Variant
	// Read and not ReadOne: older portals have only this one. It wraps the value once more.
	err := conn.Object(portalName, portalPath).CallWithContext(ctx, settings+".Read", dbus.FlagNoAutoStart,
		"org.freedesktop.appearance", "color-scheme").Store(&value)
	for inner, ok := value.Value().(dbus.Variant); ok; inner, ok = value.Value().(dbus.Variant) {
		value = inner
	}
	scheme, _ := value.Value().(uint32)
	if err != nil {
		scheme = 0
	}
	return panelFor(env("XDG_CURRENT_DESKTOP"), scheme)
}

// panelFor guesses the panel's background from the desktop and its colour scheme (0 no preference, 1 dark, 2 light). The scheme
// is about windows: a dark desktop has a dark panel, but a light one may have either (Breeze Twilight, Xfce's default), and
// there an icon with an outline is right on both.
func panelFor(desktop string, scheme uint32) assets.Panel {
	for _, name := range strings.Split(desktop, ":") {
		switch strings.ToLower(name) {
		case "gnome", "gnome-classic", "unity": // a black top bar in both schemes
			return assets.DarkPanel
		}
	}
	if scheme == 1 {
		return assets.DarkPanel
	}
	return assets.AnyPanel
}

// first is the first argument of a signal.
func first[T any](body []any) (value T, ok bool) {
	if len(body) > 0 {
		value, ok = body[0].(T)
	}
	return value, ok
}
