package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// input is a text field that lets the window's own shortcuts through: Fyne gives every shortcut to the field that has the
// focus, and a field swallows those it does not know.
type input struct {
	widget.Entry
	shortcut func(fyne.Shortcut)       // a shortcut that is not the field's
	key      func(*fyne.KeyEvent) bool // a key before the field sees it; true when it was for somebody else
}

func newInput(placeholder string) *input {
	i := &input{}
	i.ExtendBaseWidget(i)
	i.SetPlaceHolder(placeholder)
	return i
}

// TypedShortcut is for Fyne. A copy without a selection means the selected profile's token, not an empty clipboard.
func (i *input) TypedShortcut(s fyne.Shortcut) {
	_, custom := s.(*desktop.CustomShortcut)
	_, copying := s.(*fyne.ShortcutCopy)
	if i.shortcut != nil && ((custom && !editing(s)) || (copying && i.SelectedText() == "")) {
		i.shortcut(s)
		return
	}
	i.Entry.TypedShortcut(s)
}

// editing says whether a custom shortcut is one of a text field: moving by words.
func editing(s fyne.Shortcut) bool {
	custom := s.(*desktop.CustomShortcut)
	switch custom.KeyName {
	case fyne.KeyLeft, fyne.KeyRight, fyne.KeyBackspace, fyne.KeyDelete:
		return true
	}
	return false
}

// TypedKey is for Fyne.
func (i *input) TypedKey(event *fyne.KeyEvent) {
	if i.key != nil && i.key(event) {
		return
	}
	i.Entry.TypedKey(event)
}
