package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// key is one shortcut, and what the sheet says of it.
type key struct {
	name     fyne.KeyName
	modifier fyne.KeyModifier
	shown    string
	does     string
	do       func()
}

func (w *Window) shortcuts() []key {
	ctrl := fyne.KeyModifierShortcutDefault
	return []key{
		{fyne.KeyF, ctrl, "F", "search", w.onFind},
		{fyne.KeyN, ctrl, "N", "new profile", w.addProfile},
		{fyne.KeyC, ctrl, "C", "copy the selected profile's token", func() { w.copy("access_token") }},
		{fyne.KeyR, ctrl, "R", "refresh the token now", func() { w.onIntent(askRefresh) }},
		{fyne.KeyE, ctrl, "E", "edit the profile", func() { w.onIntent(askEdit) }},
		{fyne.KeyComma, ctrl, ",", "settings", w.openSettings},
		{fyne.KeyW, ctrl, "W", "close the window", w.window.Close},
		{fyne.KeyQ, ctrl, "Q", "close the window; the agent goes on", w.window.Close},
	}
}

func (w *Window) keys() {
	canvas := w.window.Canvas()
	for _, k := range w.shortcuts() {
		if k.name == fyne.KeyC {
			canvas.AddShortcut(&fyne.ShortcutCopy{}, func(fyne.Shortcut) { k.do() })
			continue
		}
		canvas.AddShortcut(&desktop.CustomShortcut{KeyName: k.name, Modifier: k.modifier}, func(fyne.Shortcut) { k.do() })
	}
	canvas.SetOnTypedKey(func(e *fyne.KeyEvent) { w.onKey(e) })
	w.sidebar.search.shortcut = func(s fyne.Shortcut) {
		if handler, ok := canvas.(fyne.Shortcutable); ok {
			handler.TypedShortcut(s)
		}
	}
	w.sidebar.search.key = func(e *fyne.KeyEvent) bool {
		switch e.Name {
		case fyne.KeyUp, fyne.KeyDown, fyne.KeyPageUp, fyne.KeyPageDown, fyne.KeyEscape, fyne.KeyF1:
			return w.onKey(e)
		}
		return false
	}
}

// onKey reacts to a key that no text field took.
func (w *Window) onKey(e *fyne.KeyEvent) bool {
	move := func(by int) { w.onSelect(w.model.step(w.selected, by)) }
	switch e.Name {
	case fyne.KeyUp:
		move(-1)
	case fyne.KeyDown:
		move(1)
	case fyne.KeyPageUp:
		move(-w.sidebar.rows.page())
	case fyne.KeyPageDown:
		move(w.sidebar.rows.page())
	case fyne.KeyHome:
		move(-len(w.model.rows))
	case fyne.KeyEnd:
		move(len(w.model.rows))
	case fyne.KeyReturn, fyne.KeyEnter:
		w.onPrimary()
	case fyne.KeyF1:
		w.showShortcuts()
	case fyne.KeyEscape:
		w.onEscape()
	default:
		return false
	}
	return true
}

// onFind puts the cursor into the search.
func (w *Window) onFind() {
	w.window.Canvas().Focus(w.sidebar.search)
	w.sidebar.search.Entry.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// onEscape takes back one thing: a search, or a login that waits.
func (w *Window) onEscape() {
	if w.sidebar.search.Text != "" {
		w.sidebar.search.SetText("")
		return
	}
	if s := w.model.status(w.selected); s != nil && s.State == agentLoggingIn && w.online {
		w.onIntent(askCancel)
	}
}
