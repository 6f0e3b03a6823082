package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// chip is a suggestion that is taken and given back by a press.
type chip struct {
	widget.BaseWidget
	words            *line
	value            string
	on               bool
	hovered, focused bool
	tapped           func()
}

func newChoice(value string, tapped func()) *chip {
	c := &chip{words: newLine(value, look{size: theme.SizeNameCaptionText, style: fyne.TextStyle{Monospace: true}}), value: value, tapped: tapped}
	c.ExtendBaseWidget(c)
	return c
}

// show says whether the value is taken: by a tick and a colour.
func (c *chip) show(on bool) {
	if c.on == on {
		return
	}
	c.on = on
	text := c.value
	if on {
		text = "✓ " + text
	}
	c.words.set(text)
	c.Refresh()
}

// Tapped is for Fyne.
func (c *chip) Tapped(*fyne.PointEvent) { c.tapped() }

// MouseIn is for Fyne.
func (c *chip) MouseIn(*desktop.MouseEvent) { c.hovered = true; c.Refresh() }

// MouseMoved is for Fyne.
func (c *chip) MouseMoved(*desktop.MouseEvent) {}

// MouseOut is for Fyne.
func (c *chip) MouseOut() { c.hovered = false; c.Refresh() }

// FocusGained is for Fyne.
func (c *chip) FocusGained() { c.focused = true; c.Refresh() }

// FocusLost is for Fyne.
func (c *chip) FocusLost() { c.focused = false; c.Refresh() }

// TypedRune is for Fyne.
func (c *chip) TypedRune(rune) {}

// TypedKey is for Fyne.
func (c *chip) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		c.tapped()
	default:
		passKey(c, e)
	}
}

// CreateRenderer is for Fyne.
func (c *chip) CreateRenderer() fyne.WidgetRenderer {
	r := &chipRenderer{chip: c, back: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type chipRenderer struct {
	chip *chip
	back *canvas.Rectangle
}

func (r *chipRenderer) Destroy() {}
func (r *chipRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.chip.words}
}
func (r *chipRenderer) MinSize() fyne.Size { return r.chip.words.MinSize().Add(fyne.NewSize(16, 8)) }

func (r *chipRenderer) Layout(size fyne.Size) {
	r.back.Resize(size)
	r.chip.words.Move(fyne.NewPos(8, 4))
	r.chip.words.Resize(size.Subtract(fyne.NewSize(16, 8)))
}

func (r *chipRenderer) Refresh() {
	r.back.CornerRadius, r.back.StrokeWidth = 6, 1
	r.back.FillColor, r.back.StrokeColor = theme.Color(theme.ColorNameButton), color.Transparent
	if r.chip.on {
		r.back.FillColor = theme.Color(colorSelected)
	}
	if r.chip.hovered || r.chip.focused {
		r.back.StrokeColor = theme.Color(theme.ColorNamePrimary)
	}
	r.chip.words.Refresh()
	canvas.Refresh(r.chip)
}
