package ui

import (
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// key is one shortcut with Ctrl (⌘ on a Mac), and what the sheet says of it.
type key struct {
	name  fyne.KeyName
	shown string
	does  string
	do    func()
	paged bool // also while a page covers the main view
}

func (w *Window) shortcuts() []key {
	return []key{
		{fyne.KeyF, "F", "Search", w.onFind, true},
		{fyne.KeyN, "N", "New profile", w.addProfile, false},
		{fyne.KeyU, "U", "New profile from an API's address", w.addFromURL, false},
		{fyne.KeyI, "I", "Import from another tool", func() { w.importFrom() }, false},
		{fyne.KeyC, "C", "Copy the selected profile's token", func() { w.copy(agent.FormAccessToken) }, false},
		{fyne.KeyR, "R", "Refresh the token now", w.onRefresh, false},
		{fyne.KeyE, "E", "Edit the profile", func() { w.onIntent(askEdit) }, false},
		{fyne.Key1, "1 … 7", "Token, claims, checks, wire, history, profile, try it", func() { w.onTab(0) }, false},
		{fyne.Key2, "", "", func() { w.onTab(1) }, false},
		{fyne.Key3, "", "", func() { w.onTab(2) }, false},
		{fyne.Key4, "", "", func() { w.onTab(3) }, false},
		{fyne.Key5, "", "", func() { w.onTab(4) }, false},
		{fyne.Key6, "", "", func() { w.onTab(5) }, false},
		{fyne.KeyL, "L", "Lock Fob, or unlock it", w.toggleLock, false},
		{fyne.Key7, "", "", w.onTry, false},
		{fyne.KeyReturn, "Enter", "Send the request, in Try it", w.onSendKey, false},
		{fyne.KeyComma, ",", "Settings", w.openSettings, false},
		{fyne.KeyS, "S", "Save, in a form", w.onAccept, true},
		{fyne.KeyW, "W or Q", "Close the window; the agent goes on", w.window.Close, true},
		{fyne.KeyQ, "", "", w.window.Close, true},
	}
}

// keys ties the keyboard to what it does.
func (w *Window) keys() {
	canvas := w.window.Canvas()
	for _, k := range w.shortcuts() {
		var shortcut fyne.Shortcut = &desktop.CustomShortcut{KeyName: k.name, Modifier: fyne.KeyModifierShortcutDefault}
		if k.name == fyne.KeyC {
			shortcut = &fyne.ShortcutCopy{} // Fyne makes its own of Ctrl+C
		}
		canvas.AddShortcut(shortcut, w.onShortcut)
	}
	w.sidebar.search.shortcut = w.onShortcut
	canvas.SetOnTypedKey(w.onKey)
}

// onShortcut reacts to a shortcut that no text field took.
func (w *Window) onShortcut(s fyne.Shortcut) {
	if w.window.Canvas().Overlays().Top() != nil {
		return
	}
	_, copying := s.(*fyne.ShortcutCopy)
	custom, _ := s.(*desktop.CustomShortcut)
	for _, k := range w.shortcuts() {
		if (w.page == nil || k.paged) && (copying && k.name == fyne.KeyC || custom != nil && custom.KeyName == k.name && custom.Modifier == fyne.KeyModifierShortcutDefault) {
			k.do()
			return
		}
	}
}

// onKey reacts to a key that no text field took.
func (w *Window) onKey(e *fyne.KeyEvent) {
	if top := w.window.Canvas().Overlays().Top(); top != nil {
		if e.Name == fyne.KeyEscape {
			w.window.Canvas().Overlays().Remove(top)
		}
		return
	}
	if w.page != nil {
		switch e.Name {
		case fyne.KeyEscape:
			w.page.leave()
		case fyne.KeyF1:
			w.showShortcuts()
		}
		return
	}
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
	}
}

// onFind puts the cursor into the search.
func (w *Window) onFind() {
	if w.page != nil {
		if w.page.find != nil {
			w.page.find()
		}
		return
	}
	w.window.Canvas().Focus(w.sidebar.search)
	w.sidebar.search.Entry.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// onRefresh refreshes when there is something to refresh with.
func (w *Window) onRefresh() {
	if s := w.model.status(w.selected); s != nil && s.Usable() && s.Refreshable && w.online {
		w.onIntent(askRefresh)
	}
}

// onTab shows one of the tabs. No field keeps the keys that nobody can see any more.
func (w *Window) onTab(index int) {
	w.detail.tabs.content.SelectIndex(index)
	if in, typing := w.window.Canvas().Focused().(*input); typing && index != tryTabIndex && w.detail.tabs.try.has(in) {
		w.window.Canvas().Unfocus()
	}
}

// onTry shows the tab that tries the API, ready to type into.
func (w *Window) onTry() {
	w.onTab(tryTabIndex)
	if try := w.detail.tabs.try; try.form.Visible() && w.detail.tabs.content.Visible() {
		w.window.Canvas().Focus(try.path)
	}
}

// onSendKey sends the request that is typed in, where one can be seen.
func (w *Window) onSendKey() {
	if w.detail.tabs.content.SelectedIndex() == tryTabIndex && w.detail.tabs.try.form.Visible() {
		w.detail.tabs.try.press()
	}
}

// onAccept saves the form that is open.
func (w *Window) onAccept() {
	if w.page != nil && w.page.accept != nil {
		w.page.accept()
	}
}

// onEscape takes back one thing: a search, or a login that waits.
func (w *Window) onEscape() {
	switch {
	case w.failure != nil:
		w.forget()
		return
	case w.sidebar.search.Text != "":
		w.sidebar.search.SetText("")
		return
	}
	if s := w.model.status(w.selected); s != nil && s.State == agent.LoggingIn && w.online {
		w.onIntent(askCancel)
	}
}

// showShortcuts is the sheet with all keys.
func (w *Window) showShortcuts() {
	modifier := "Ctrl"
	if runtime.GOOS == "darwin" {
		modifier = "⌘"
	}
	all := [][2]string{{"↑ ↓", "Move in the list, also from the search"}, {"Enter", "The primary action: log in, or copy the token"}, {"Esc", "Clear the search, cancel a login, leave a page"}, {"F1", "This sheet"}}
	for _, k := range w.shortcuts() {
		if k.shown != "" {
			all = append(all, [2]string{modifier + " " + k.shown, k.does})
		}
	}
	rows := column(7)
	for _, entry := range all {
		rows.Add(container.New(formRow{110}, newLine(entry[0], look{style: fyne.TextStyle{Monospace: true, Bold: true}}), inset(8, 0, 0, 0, newShortLine(entry[1], plain)), container.NewHBox()))
	}
	shut := newButton("Close", nil, widget.MediumImportance, nil)
	body := inset(12, 10, 20, 20, container.New(fixedWidth(420), column(10, newLine("Keyboard", look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}}), rows, across(0, 0, newLine("", plain), shut))))
	popUp := widget.NewModalPopUp(body, w.window.Canvas())
	shut.OnTapped = popUp.Hide
	popUp.Show()
	w.window.Canvas().Focus(shut)
}
