package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// badge is a small word on the amber of a warning, at what is weak.
type badge struct {
	widget.BaseWidget
	text *line
}

func newBadge(text string) *badge {
	b := &badge{text: newLine(text, look{color: colorSoon, size: theme.SizeNameCaptionText, style: fyne.TextStyle{Bold: true}})}
	b.ExtendBaseWidget(b)
	return b
}

// CreateRenderer is for Fyne.
func (b *badge) CreateRenderer() fyne.WidgetRenderer {
	r := &badgeRenderer{badge: b, back: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type badgeRenderer struct {
	badge *badge
	back  *canvas.Rectangle
}

func (r *badgeRenderer) Destroy() {}
func (r *badgeRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.badge.text}
}

func (r *badgeRenderer) MinSize() fyne.Size {
	return r.badge.text.MinSize().Add(fyne.NewSize(14, 4))
}

func (r *badgeRenderer) Layout(size fyne.Size) {
	least := r.MinSize()
	r.back.Resize(fyne.NewSize(size.Width, least.Height))
	r.back.Move(fyne.NewPos(0, (size.Height-least.Height)/2))
	r.badge.text.Move(fyne.NewPos(7, (size.Height-least.Height)/2+2))
	r.badge.text.Resize(r.badge.text.MinSize())
}

func (r *badgeRenderer) Refresh() {
	r.back.FillColor, r.back.CornerRadius = theme.Color(colorSoonTint), 5
	r.back.StrokeColor, r.back.StrokeWidth = theme.Color(colorSoon), 1
	r.badge.text.Refresh()
	canvas.Refresh(r.badge)
}
