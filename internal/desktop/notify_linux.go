package desktop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	notifyName  = "org.freedesktop.Notifications"
	notifyPath  = "/org/freedesktop/Notifications"
	busName     = "org.freedesktop.DBus"
	notifyLimit = 10 * time.Second // for one call when ctx has no end of its own
)

// Notifier shows notifications through org.freedesktop.Notifications (Desktop
// Notifications Specification 1.2) on a bus connection of its own, which it
// opens when first needed and again when it was lost. It is not polled.
type Notifier struct {
	pressed Pressed
	turn    chan struct{} // holds one token: calls come one after the other, so that a cause is never shown twice

	mu     sync.Mutex // guards the fields below
	bus    *notifyBus
	closed bool
}

// NewNotifier returns a Notifier that calls pressed, on a goroutine of its own,
// for every action that the user chooses. pressed may be nil.
func NewNotifier(pressed Pressed) *Notifier {
	n := &Notifier{pressed: pressed, turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	return n
}

// Notify shows the notification on the desktop that env names. An error says
// that there is no notification server to be reached; nothing depends on it.
func (n *Notifier) Notify(ctx context.Context, env Env, note Notification) error {
	return n.with(ctx, env, func(ctx context.Context, b *notifyBus) error { return b.notify(ctx, note) })
}

// Withdraw takes away what is shown for the cause, if anything is.
func (n *Notifier) Withdraw(ctx context.Context, cause string) error {
	n.mu.Lock()
	bus := n.bus
	n.mu.Unlock()
	if bus == nil || !bus.conn.Connected() {
		return nil
	}
	return n.with(ctx, Env{"DBUS_SESSION_BUS_ADDRESS": bus.address}, func(ctx context.Context, b *notifyBus) error {
		return b.withdraw(ctx, cause)
	})
}

// Close ends the bus connection. What is shown stays.
func (n *Notifier) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.bus != nil {
		n.bus.close()
		n.bus = nil
	}
	return nil
}

// with runs use in turn, on a live connection; a connection that turns out
// lost is replaced once.
func (n *Notifier) with(ctx context.Context, env Env, use func(context.Context, *notifyBus) error) error {
	ctx, cancel := context.WithTimeout(ctx, notifyLimit)
	defer cancel()
	select {
	case <-n.turn:
		defer func() { n.turn <- struct{}{} }()
	case <-ctx.Done():
		return fmt.Errorf("notification: %w", ctx.Err())
	}
	var err error
	for range 2 {
		var bus *notifyBus
		if bus, err = n.connected(ctx, env); err != nil {
			break
		}
		if err = use(ctx, bus); err == nil || bus.conn.Connected() {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	return nil
}

func (n *Notifier) connected(ctx context.Context, env Env) (*notifyBus, error) {
	address := env["DBUS_SESSION_BUS_ADDRESS"]
	if address == "" && env["XDG_RUNTIME_DIR"] != "" {
		address = "unix:path=" + dbus.EscapeBusAddressValue(env["XDG_RUNTIME_DIR"]+"/bus")
	}
	if address == "" {
		return nil, errors.New("there is no session bus here (DBUS_SESSION_BUS_ADDRESS is empty)")
	}
	n.mu.Lock()
	defer func() { n.mu.Unlock() }()
	if n.closed {
		return nil, errors.New("closed")
	}
	if n.bus != nil {
		if n.bus.address == address && n.bus.conn.Connected() {
			return n.bus, nil
		}
		n.bus.close()
		n.bus = nil
	}
	n.mu.Unlock() // with's turn keeps others out of here meanwhile
	bus, err := connectNotify(ctx, address, n.pressed)
	n.mu.Lock()
	if err != nil {
		return nil, err
	}
	if n.closed {
		bus.close()
		return nil, errors.New("closed")
	}
	n.bus = bus
	return bus, nil
}
