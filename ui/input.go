package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// input is a text field that lets the window's own shortcuts and keys through: Fyne gives every shortcut to the field that
// has the focus, and a field swallows those it does not know.
type input struct {
	widget.Entry
	arrows   bool                // up and down are the window's too: for the search
	shortcut func(fyne.Shortcut) // takes the shortcuts that are not the field's
	gained   func()              // it got the focus
}

func newInput(placeholder string) *input {
	i := &input{}
	i.ExtendBaseWidget(i)
	i.SetPlaceHolder(placeholder)
	return i
}

// FocusGained is for Fyne.
func (i *input) FocusGained() {
	i.Entry.FocusGained()
	if i.gained != nil {
		i.gained()
	}
}

// AcceptsTab is for Fyne: Tab goes on to the next field, also from one with several lines.
func (i *input) AcceptsTab() bool { return false }

// TypedShortcut is for Fyne. A copy without a selection means the selected profile's token, not an empty clipboard.
func (i *input) TypedShortcut(s fyne.Shortcut) {
	custom, foreign := s.(*desktop.CustomShortcut)
	if foreign {
		switch custom.KeyName {
		case fyne.KeyLeft, fyne.KeyRight, fyne.KeyBackspace, fyne.KeyDelete: // by words, the field's own
			foreign = false
		}
	}
	_, copying := s.(*fyne.ShortcutCopy)
	if foreign || (copying && i.SelectedText() == "") {
		if i.shortcut != nil {
			i.shortcut(s)
		}
		return
	}
	i.Entry.TypedShortcut(s)
}

// TypedKey is for Fyne.
func (i *input) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape, fyne.KeyF1:
		passKey(i, e)
		return
	case fyne.KeyUp, fyne.KeyDown, fyne.KeyPageUp, fyne.KeyPageDown:
		if i.arrows {
			passKey(i, e)
			return
		}
	}
	i.Entry.TypedKey(e)
}
