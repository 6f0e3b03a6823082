package desktop

import (
	"context"
	"errors"
	"fmt"
	"html"
	"math"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

// notifyBus is one connection and what is shown over it.
type notifyBus struct {
	conn    *dbus.Conn
	address string
	cancel  context.CancelFunc
	pressed Pressed

	mu    sync.Mutex        // guards the fields below
	able  []string          // the server's capabilities; nil: not asked yet
	shown map[string]uint32 // cause → id
	early map[uint32]string // while a Notify is under way: actions with unknown ids
}

// connectNotify opens a private connection that lives until close, while only
// its opening is bound to ctx.
func connectNotify(ctx context.Context, address string, pressed Pressed) (*notifyBus, error) {
	conn, cancel, err := connectBus(ctx, address)
	if err != nil {
		return nil, err
	}
	b := &notifyBus{conn: conn, address: address, cancel: cancel, pressed: pressed,
		shown: make(map[string]uint32)}
	signals := make(chan *dbus.Signal, 32)
	conn.Signal(signals)
	matches := [][]dbus.MatchOption{
		{dbus.WithMatchSender(notifyName), dbus.WithMatchInterface(notifyName), dbus.WithMatchMember("ActionInvoked")},
		{dbus.WithMatchSender(notifyName), dbus.WithMatchInterface(notifyName), dbus.WithMatchMember("NotificationClosed")},
		{dbus.WithMatchSender(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, notifyName)},
	}
	for _, match := range matches {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			b.close()
			return nil, err
		}
	}
	go b.listen(signals)
	return b, nil
}

// connectBus opens a private connection; cancel ends it.
func connectBus(ctx context.Context, address string) (*dbus.Conn, context.CancelFunc, error) {
	life, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	conn, err := dbus.Connect(address, dbus.WithContext(life))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("bus: %w", err)
	}
	return conn, cancel, nil
}

func (b *notifyBus) close() {
	b.conn.Close()
	b.cancel()
}

// listen ends with the connection, which closes the channel.
func (b *notifyBus) listen(signals <-chan *dbus.Signal) {
	for signal := range signals {
		var id, reason uint32
		var key, name, before, after string
		switch signal.Name {
		case notifyName + ".ActionInvoked":
			if dbus.Store(signal.Body, &id, &key) == nil {
				if cause, ok := b.causeOf(id, key); ok {
					b.report(cause, key)
				}
			}
		case notifyName + ".NotificationClosed":
			if dbus.Store(signal.Body, &id, &reason) == nil {
				b.forget(id)
			}
		case busName + ".NameOwnerChanged":
			// A new server gives its own ids; ours may now be somebody else's.
			if dbus.Store(signal.Body, &name, &before, &after) == nil && name == notifyName {
				b.mu.Lock()
				b.able = nil
				clear(b.shown)
				b.mu.Unlock()
			}
		}
	}
}

// causeOf finds whose action it is. While a Notify is under way its id is not
// known yet: then the action is kept until the answer is read.
func (b *notifyBus) causeOf(id uint32, key string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for cause, known := range b.shown {
		if known == id {
			return cause, true
		}
	}
	if b.early != nil {
		b.early[id] = key
	}
	return "", false
}

func (b *notifyBus) report(cause, key string) {
	if b.pressed != nil {
		go b.pressed(cause, key)
	}
}

func (b *notifyBus) forget(id uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for cause, known := range b.shown {
		if known == id {
			delete(b.shown, cause)
		}
	}
}

func (b *notifyBus) notify(ctx context.Context, note Notification) error {
	able, err := b.capabilities(ctx)
	if err != nil {
		return err
	}
	body := note.Body
	if slices.Contains(able, "body-markup") {
		body = html.EscapeString(body)
	}
	actions := []string{}
	if slices.Contains(able, "actions") {
		for _, a := range note.Actions {
			actions = append(actions, a.Key, a.Label)
		}
	}
	hints := map[string]dbus.Variant{
		"desktop-entry": dbus.MakeVariant(AppID),
		"urgency":       dbus.MakeVariant(byte(1)),
	}
	expire := int32(-1) // as the server pleases
	if note.Urgent {
		hints["urgency"] = dbus.MakeVariant(byte(2))
		expire = 0 // never
	}
	if note.Timeout > 0 {
		expire = int32(min(note.Timeout.Milliseconds(), math.MaxInt32))
	}
	b.mu.Lock()
	replaces := b.shown[note.Cause]
	b.early = make(map[uint32]string)
	b.mu.Unlock()

	var id uint32
	err = b.call(ctx, "Notify", "Fob", replaces, AppID, note.Title, body, actions, hints, expire).Store(&id)

	b.mu.Lock()
	key, pressed := b.early[id]
	b.early = nil
	if err == nil {
		b.shown[note.Cause] = id
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	if pressed {
		b.report(note.Cause, key)
	}
	return nil
}

func (b *notifyBus) withdraw(ctx context.Context, cause string) error {
	b.mu.Lock()
	id, ok := b.shown[cause]
	delete(b.shown, cause)
	b.mu.Unlock()
	if !ok {
		return nil
	}
	return b.call(ctx, "CloseNotification", id).Err
}

// capabilities asks once per server.
func (b *notifyBus) capabilities(ctx context.Context) ([]string, error) {
	b.mu.Lock()
	able := b.able
	b.mu.Unlock()
	if able != nil {
		return able, nil
	}
	able = []string{}
	if err := b.call(ctx, "GetCapabilities").Store(&able); err != nil {
		var failed dbus.Error
		if errors.As(err, &failed) && failed.Name == "org.freedesktop.DBus.Error.ServiceUnknown" {
			return nil, errors.New("the desktop has no notification server")
		}
		return nil, err
	}
	b.mu.Lock()
	b.able = able
	b.mu.Unlock()
	return able, nil
}

func (b *notifyBus) call(ctx context.Context, method string, args ...any) *dbus.Call {
	return b.conn.Object(notifyName, notifyPath).CallWithContext(ctx, notifyName+"."+method, 0, args...)
}
