package main

import "fob/internal/desktop"

// trayIcon shows the tray icon and its reminders on the desktop that the agent knows.
type trayIcon struct {
	agent *resident
	off   bool // --no-tray
}

func newTrayIcon(r *resident, off bool) *trayIcon { return &trayIcon{agent: r, off: off} }

// attach shows the icon on the desktop that env describes, if there is none yet.
func (t *trayIcon) attach(env map[string]string) { _ = desktop.Env(env) }

// shown says whether the icon is shown.
func (t *trayIcon) shown() bool { return false }

// wait returns when the icon is gone.
func (t *trayIcon) wait() {}
