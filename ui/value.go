package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// value is text that wraps and is copied by a press. Fyne's selectable label would do, but it takes the keyboard with a
// click and gives no key back: the arrows, Enter and Ctrl+F would be dead after it.
type value struct {
	widget.Label
	tapped func(text string)
}

func newValue(text string, mono bool) *value {
	v := &value{}
	v.Text, v.Wrapping, v.TextStyle.Monospace = text, fyne.TextWrapBreak, mono
	v.ExtendBaseWidget(v)
	return v
}

// Tapped is for Fyne.
func (v *value) Tapped(*fyne.PointEvent) {
	if v.tapped != nil {
		v.tapped(v.Text)
	}
}

// Cursor is for Fyne.
func (v *value) Cursor() desktop.Cursor { return desktop.PointerCursor }
