package tray

import (
	"context"
	"runtime"
	"strings"
	"time"

	"fob/assets"

	"fyne.io/systray"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// winShelf is the icon in the notification area of the taskbar.
type winShelf struct {
	menu  drawing
	view  view
	panel assets.Panel
	work  chan func()
}

// run gives the tray a thread of its own: an open menu blocks it, and nothing of ours waits on it.
func (t *Tray) run(ctx context.Context) error {
	s := &winShelf{work: make(chan func()), panel: taskbar()}
	s.menu.clicked = t.do
	systray.SetOnTapped(func() { t.do(Command{Verb: VerbOpen}) })
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // a window's messages come to the thread that made it
		systray.Run(func() { close(ready) }, nil)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(hostGrace):
		t.opts.OnHost(false)
		<-ctx.Done()
		return nil
	case <-ready:
	}
	t.opts.OnHost(true)
	go s.followTaskbar(ctx)
	t.draw(ctx, s)
	systray.Quit()
	select {
	case <-ended:
	case <-time.After(time.Second): // a menu is open
	}
	return nil
}

func (s *winShelf) posts() <-chan func() { return s.work }

func (s *winShelf) show(v view) {
	if s.view.state != v.state {
		systray.SetIcon(assets.TrayIcon(v.state, s.panel))
	}
	if s.view.tooltip != v.tooltip {
		systray.SetTooltip(short(v.tooltip, 127)) // NOTIFYICONDATAW.szTip, without its end
	}
	s.menu.set(v.items)
	s.view = v
}

const themes = `Software\Microsoft\Windows\CurrentVersion\Themes\Personalize`

// taskbar reads whether the taskbar is light; one that does not say is dark, as it was before it could be light.
func taskbar() assets.Panel {
	key, err := registry.OpenKey(registry.CURRENT_USER, themes, registry.QUERY_VALUE)
	if err != nil {
		return assets.DarkPanel
	}
	defer key.Close()
	if light, _, err := key.GetIntegerValue("SystemUsesLightTheme"); err == nil && light == 1 {
		return assets.LightPanel
	}
	return assets.DarkPanel
}

// followTaskbar draws the icon anew when the taskbar changes its colour. It sleeps in the kernel, in a thread of its own, until
// there is a change or the process ends.
func (s *winShelf) followTaskbar(ctx context.Context) {
	key, err := registry.OpenKey(registry.CURRENT_USER, themes, registry.NOTIFY)
	if err != nil {
		return
	}
	defer key.Close()
	for windows.RegNotifyChangeKeyValue(windows.Handle(key), false, windows.REG_NOTIFY_CHANGE_LAST_SET, 0, false) == nil {
		panel := taskbar()
		select {
		case <-ctx.Done():
			return
		case s.work <- func() {
			if s.panel != panel {
				s.panel = panel
				systray.SetIcon(assets.TrayIcon(s.view.state, panel))
			}
		}:
		}
	}
}

// literal escapes a label: '&' marks an access key in a Windows menu, and two of them are one to read.
func literal(label string) string { return strings.ReplaceAll(label, "&", "&&") }
