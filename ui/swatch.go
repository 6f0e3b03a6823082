package ui

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/profiles"
)

// swatches are the colours to choose from.
type swatches struct {
	content *fyne.Container
	value   string
	dots    []*swatch
	changed func()
}

func newSwatches(changed func()) *swatches {
	s := &swatches{changed: changed, content: container.NewHBox()}
	add := func(value string, fill color.Color) {
		dot := &swatch{value: value, fill: fill}
		dot.ExtendBaseWidget(dot)
		dot.tapped = func() {
			s.set(value)
			s.changed()
		}
		s.dots = append(s.dots, dot)
		s.content.Add(dot)
	}
	add("", nil)
	for _, c := range profiles.Palette() {
		add(c.Name, tintOf(c.Name))
	}
	s.set("")
	return s
}

// set chooses a colour; one that is not of the palette gets a dot of its own.
func (s *swatches) set(value string) {
	s.value = value
	if !slices.ContainsFunc(s.dots, func(d *swatch) bool { return d.value == value }) {
		dot := &swatch{value: value, fill: tintOf(value)}
		dot.ExtendBaseWidget(dot)
		dot.tapped = func() {
			s.set(value)
			s.changed()
		}
		s.dots = append(s.dots, dot)
		s.content.Add(dot)
	}
	for _, dot := range s.dots {
		dot.chosen = dot.value == value
		dot.Refresh()
	}
}

// swatch is one colour; without a fill it is "none".
type swatch struct {
	widget.BaseWidget
	value   string
	fill    color.Color
	chosen  bool
	focused bool
	tapped  func()
}

// Tapped is for Fyne.
func (s *swatch) Tapped(*fyne.PointEvent) { s.tapped() }

// FocusGained is for Fyne.
func (s *swatch) FocusGained() { s.focused = true; s.Refresh() }

// FocusLost is for Fyne.
func (s *swatch) FocusLost() { s.focused = false; s.Refresh() }

// TypedRune is for Fyne.
func (s *swatch) TypedRune(rune) {}

// TypedKey is for Fyne.
func (s *swatch) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace || e.Name == fyne.KeyReturn {
		s.tapped()
		return
	}
	passKey(s, e)
}

// CreateRenderer is for Fyne.
func (s *swatch) CreateRenderer() fyne.WidgetRenderer {
	r := &swatchRenderer{swatch: s, ring: canvas.NewCircle(color.Transparent), dot: canvas.NewCircle(color.Transparent)}
	r.Refresh()
	return r
}

type swatchRenderer struct {
	swatch    *swatch
	ring, dot *canvas.Circle
}

func (r *swatchRenderer) Destroy()                     {}
func (r *swatchRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.ring, r.dot} }
func (r *swatchRenderer) MinSize() fyne.Size           { return fyne.NewSize(28, 36) }

func (r *swatchRenderer) Layout(size fyne.Size) {
	place := func(c *canvas.Circle, side float32) {
		c.Move(fyne.NewPos((size.Width-side)/2, (size.Height-side)/2))
		c.Resize(fyne.NewSquareSize(side))
	}
	place(r.ring, 26)
	place(r.dot, 18)
}

func (r *swatchRenderer) Refresh() {
	r.ring.StrokeWidth, r.ring.StrokeColor = 0, color.Transparent
	if r.swatch.chosen {
		r.ring.StrokeWidth, r.ring.StrokeColor = 2, theme.Color(theme.ColorNameForeground)
	}
	if r.swatch.focused {
		r.ring.StrokeWidth, r.ring.StrokeColor = 2.5, theme.Color(theme.ColorNamePrimary)
	}
	r.dot.FillColor, r.dot.StrokeWidth = color.Transparent, 0
	if r.swatch.fill != nil {
		r.dot.FillColor = r.swatch.fill
	} else {
		r.dot.StrokeWidth, r.dot.StrokeColor = 1.5, theme.Color(colorMuted)
	}
	canvas.Refresh(r.swatch)
}
