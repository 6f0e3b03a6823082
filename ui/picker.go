package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// picker is Fyne's drop-down, and checkbox its box, but for the keys that are the window's: Fyne's own swallow Escape.
type picker struct{ widget.Select }

func newPicker(options []string, changed func(string)) *picker {
	p := &picker{}
	p.Options, p.OnChanged = options, changed
	p.ExtendBaseWidget(p)
	return p
}

// TypedKey is for Fyne.
func (p *picker) TypedKey(e *fyne.KeyEvent) {
	if windowKey(e) {
		passKey(p, e)
		return
	}
	p.Select.TypedKey(e)
}

type checkbox struct{ widget.Check }

func newCheckbox(text string, changed func(bool)) *checkbox {
	c := &checkbox{}
	c.Text, c.OnChanged = text, changed
	c.ExtendBaseWidget(c)
	return c
}

// TypedKey is for Fyne.
func (c *checkbox) TypedKey(e *fyne.KeyEvent) {
	if windowKey(e) {
		passKey(c, e)
		return
	}
	c.Check.TypedKey(e)
}

func windowKey(e *fyne.KeyEvent) bool { return e.Name == fyne.KeyEscape || e.Name == fyne.KeyF1 }
