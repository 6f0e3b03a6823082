//go:build darwin && cgo

package tray

import (
	"context"

	"fob/assets"

	"fyne.io/systray"
)

// barShelf is the icon in the menu bar of macOS.
type barShelf struct {
	menu drawing
	view view
}

// run must be on the main thread, where AppKit wants its event loop; it returns when the application ends.
func (t *Tray) run(ctx context.Context) error {
	s := &barShelf{}
	s.menu.clicked = t.do
	systray.Run(func() {
		t.opts.OnHost(true)
		go func() {
			t.draw(ctx, s)
			systray.Quit()
		}()
	}, nil)
	return nil
}

func (s *barShelf) posts() <-chan func() { return nil }

func (s *barShelf) show(v view) {
	if s.view.state != v.state {
		// A template: macOS takes the shape alone and colours it for the menu bar, so the badge's shape must do.
		icon := assets.TrayIcon(v.state, assets.LightPanel)
		systray.SetTemplateIcon(icon, icon)
	}
	if s.view.tooltip != v.tooltip {
		systray.SetTooltip(v.tooltip)
	}
	s.menu.set(v.items)
	s.view = v
}

// literal is the label as it is: macOS menus have no marks for access keys.
func literal(label string) string { return label }
