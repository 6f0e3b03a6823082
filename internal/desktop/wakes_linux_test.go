package desktop

import (
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"
)

// the end of a sleep and a network that works wake; the rest does not.
func TestSystemSignals(t *testing.T) {
	const sleep, state = loginIface + ".PrepareForSleep", nmName + ".StateChanged"
	signals := make(chan *dbus.Signal, 10)
	for _, s := range []dbus.Signal{
		{Name: sleep, Body: []any{true}}, {Name: sleep, Body: []any{false}}, {Name: sleep, Body: []any{"odd"}}, {Name: sleep},
		{Name: state, Body: []any{uint32(20)}}, {Name: state, Body: []any{uint32(60)}}, {Name: state, Body: []any{uint32(70)}},
		{Name: "org.freedesktop.DBus.NameAcquired", Body: []any{"x"}},
	} {
		signals <- &s
	}
	close(signals)
	var got []Wake
	listenSystem(t.Context(), signals, func(w Wake) { got = append(got, w) })
	if want := []Wake{{Resumed: true}, {Network: true}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
