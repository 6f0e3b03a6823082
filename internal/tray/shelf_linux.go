package tray

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"fob/assets"

	"fyne.io/systray"
)

// busShelf is the icon as a StatusNotifierItem on the session bus.
//
// House rules, for what systray does to us:
//   - SetIcon panics when the bus is gone, and every call then complains on stderr: nothing is called while the bus is known to be
//     down (its own connection tells, bus_linux.go), and what slips through is caught.
//   - It uses the process's shared session bus connection, whose address is read from the environment, and would start a bus of
//     its own when there is none: it is called only once the bus has answered at an address that is put into the environment.
//   - Ending it closes that shared connection under the keychain's feet, maybe during a Set: it is never ended. The icon goes
//     with the process.
type busShelf struct {
	work chan func()

	// The rest belongs to the goroutine that owns the icon.
	menu    drawing
	view    view
	panel   assets.Panel
	up      bool // the bus answers and systray is on it
	started bool // systray was on a bus before
	drawn   struct {
		icon    State
		panel   assets.Panel
		tooltip string
	}
}

func (t *Tray) run(ctx context.Context) error {
	s := &busShelf{work: make(chan func()), panel: assets.AnyPanel}
	s.menu.clicked = t.do
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.follow(ctx, t.opts)
	}()
	systray.SetTitle("Fob")
	systray.SetOnTapped(func() { t.do(Command{Verb: VerbOpen}) }) // before the start: ItemIsMenu is computed once
	t.draw(ctx, s)
	<-ended
	return nil
}

func (s *busShelf) posts() <-chan func() { return s.work }

func (s *busShelf) show(v view) {
	s.view = v
	if s.up {
		s.apply()
	}
}

// apply brings the icon to what it should be; it is only called while the library is not on a bus or its bus is up.
func (s *busShelf) apply() {
	defer func() {
		// The bus went a moment ago. What was not set is set again when it is back.
		if recover() != nil {
			s.up = false
		}
	}()
	if s.drawn.icon != s.view.state || s.drawn.panel != s.panel {
		s.drawn.icon, s.drawn.panel = "", ""
		systray.SetIcon(forSystray(assets.TrayIcon(s.view.state, s.panel)))
		s.drawn.icon, s.drawn.panel = s.view.state, s.panel
	}
	if s.drawn.tooltip != s.view.tooltip {
		systray.SetTooltip(s.view.tooltip)
		s.drawn.tooltip = s.view.tooltip
	}
	s.menu.set(s.view.items)
}

// begin puts the icon on the bus at that address, which has just answered.
func (s *busShelf) begin(address string) error {
	if err := os.Setenv("DBUS_SESSION_BUS_ADDRESS", address); err != nil {
		return fmt.Errorf("tray: session bus %s: %w", address, err)
	}
	if !s.started {
		s.apply() // first, so that the panel reads it all at once
	}
	start, _ := systray.RunWithExternalLoop(nil, nil)
	start()
	s.started, s.up = true, true
	s.apply()
	if !s.up {
		return errors.New("tray: the session bus went away")
	}
	return nil
}

// look changes the background that the icon is drawn for.
func (s *busShelf) look(panel assets.Panel) {
	s.panel = panel
	if s.up {
		s.apply()
	}
}

// literal escapes a label: '_' marks an access key in a dbusmenu, and two of them are one to read.
func literal(label string) string { return strings.ReplaceAll(label, "_", "__") }
