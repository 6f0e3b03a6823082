//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// keyring looks into the desktop's Secret Service as any program of the user's can.
type keyring struct {
	t    *testing.T
	bus  *dbus.Conn
	root dbus.BusObject
}

const (
	secretName      = "org.freedesktop.secrets"
	secretPath      = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = secretPath + "/collection/login"
	prompter        = "org.gnome.keyring.SystemPrompter"
)

func openKeyring(d *desk) *keyring {
	d.t.Helper()
	bus := dialBus(d)
	return &keyring{t: d.t, bus: bus, root: bus.Object(secretName, secretPath)}
}

func dialBus(d *desk) *dbus.Conn {
	d.t.Helper()
	bus, err := dbus.Connect(d.lookup("DBUS_SESSION_BUS_ADDRESS"))
	must(d.t, err)
	d.t.Cleanup(func() { bus.Close() })
	return bus
}

// secrets are the values of all items of Fob's.
func (k *keyring) secrets() (values []string) {
	k.t.Helper()
	for name, value := range k.items() {
		if !strings.HasSuffix(name, "journal/key") {
			values = append(values, value)
		}
	}
	return values
}

// journalKey is the item that the answers in the journal are sealed with: it belongs to the home and outlives each profile.
func (k *keyring) journalKey() string {
	k.t.Helper()
	for name, value := range k.items() {
		if strings.HasSuffix(name, "journal/key") {
			_, key, _ := strings.Cut(strings.TrimPrefix(value, "fob1 "), " ")
			return key
		}
	}
	return ""
}

// items are the values of Fob's items by their names.
func (k *keyring) items() map[string]string {
	k.t.Helper()
	values := map[string]string{}
	var none dbus.Variant
	var session dbus.ObjectPath
	must(k.t, k.root.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session))
	var unlocked, locked []dbus.ObjectPath
	must(k.t, k.root.Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"service": "app.fob.Fob"}).Store(&unlocked, &locked))
	for _, item := range unlocked {
		var secret struct {
			Session     dbus.ObjectPath
			Parameters  []byte
			Value       []byte
			ContentType string
		}
		must(k.t, k.bus.Object(secretName, item).Call("org.freedesktop.Secret.Item.GetSecret", 0, session).Store(&secret))
		attributes, err := k.bus.Object(secretName, item).GetProperty("org.freedesktop.Secret.Item.Attributes")
		must(k.t, err)
		values[attributes.Value().(map[string]string)["username"]] = string(secret.Value)
	}
	return values
}

// lock locks the login collection, as the desktop's lock or a logout may do.
func (k *keyring) lock() {
	k.t.Helper()
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	must(k.t, k.root.Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginCollection}).Store(&done, &prompt))
}

// prompting says whether somebody is asked for the keychain's password.
func (k *keyring) prompting() bool {
	k.t.Helper()
	var owned bool
	must(k.t, k.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, prompter).Store(&owned))
	return owned
}
