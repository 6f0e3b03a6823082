package desktop

import (
	"context"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	loginName  = "org.freedesktop.login1"
	loginIface = "org.freedesktop.login1.Manager"
	nmName     = "org.freedesktop.NetworkManager"
	// NM_STATE_CONNECTED_GLOBAL, NetworkManager's D-Bus reference.
	nmConnected = 70
	// A system bus that was away is asked for again this often.
	busRetry = 5 * time.Minute
)

func watch(ctx context.Context, report func(Wake)) {
	go watchRoutes(ctx, report)
	go watchSystem(ctx, systemBusAddress(), report)
}

func systemBusAddress() string {
	if address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); address != "" {
		return address
	}
	return "unix:path=/run/dbus/system_bus_socket"
}

// watchSystem listens on the system bus; while there is no logind to be heard,
// it looks at the clocks, and asks for the bus again from time to time.
func watchSystem(ctx context.Context, address string, report func(Wake)) {
	for {
		if conn, cancel, err := connectBus(ctx, address); err == nil {
			signals := make(chan *dbus.Signal, 16)
			conn.Signal(signals)
			if hearSystem(ctx, conn) {
				listenSystem(ctx, signals, report)
			}
			conn.Close()
			cancel()
		}
		pause, stop := context.WithTimeout(ctx, busRetry)
		watchClock(pause, report)
		stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// hearSystem subscribes and tells whether logind is there.
func hearSystem(ctx context.Context, conn *dbus.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(loginName), dbus.WithMatchInterface(loginIface), dbus.WithMatchMember("PrepareForSleep")},
		{dbus.WithMatchSender(nmName), dbus.WithMatchInterface(nmName), dbus.WithMatchMember("StateChanged")},
	} {
		if conn.AddMatchSignalContext(ctx, match...) != nil {
			return false
		}
	}
	var there bool
	err := conn.BusObject().CallWithContext(ctx, busName+".NameHasOwner", 0, loginName).Store(&there)
	return err == nil && there
}

// listenSystem reports until the connection or ctx ends.
func listenSystem(ctx context.Context, signals <-chan *dbus.Signal, report func(Wake)) {
	for {
		select {
		case signal, ok := <-signals:
			if !ok {
				return
			}
			var asleep bool
			var state uint32
			switch signal.Name {
			case loginIface + ".PrepareForSleep":
				// True before the sleep, false after it (org.freedesktop.login1(5)).
				if dbus.Store(signal.Body, &asleep) == nil && !asleep {
					report(Wake{Resumed: true})
				}
			case nmName + ".StateChanged":
				if dbus.Store(signal.Body, &state) == nil && state >= nmConnected {
					report(Wake{Network: true})
				}
			}
		case <-ctx.Done():
			return
		}
	}
}
