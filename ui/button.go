package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// button is a button that Enter presses as well, and that leaves every other key to the window: Fyne's own swallows them
// while it has the focus, which it takes with every click.
type button struct {
	widget.Button
}

func newButton(text string, icon fyne.Resource, importance widget.Importance, tapped func()) *button {
	b := &button{}
	b.Text, b.Icon, b.Importance, b.OnTapped = text, icon, importance, tapped
	b.ExtendBaseWidget(b)
	return b
}

// quiet is a button that does not ask to be pressed.
func quiet(text string, icon fyne.Resource, tapped func()) *button {
	return newButton(text, icon, widget.LowImportance, tapped)
}

// TypedKey is for Fyne.
func (b *button) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace:
		b.Button.TypedKey(e)
	case fyne.KeyReturn, fyne.KeyEnter:
		b.Button.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		passKey(b, e)
	}
}

// passKey gives a key to the window.
func passKey(from fyne.CanvasObject, e *fyne.KeyEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(from); c != nil && c.OnTypedKey() != nil {
		c.OnTypedKey()(e)
	}
}
