package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// fillOf is a rectangle in a colour of the theme, with round corners.
type fillOf struct {
	widget.BaseWidget
	color  fyne.ThemeColorName
	border fyne.ThemeColorName // "" is none
	radius float32
}

func newFill(color fyne.ThemeColorName, radius float32) *fillOf {
	f := &fillOf{color: color, radius: radius}
	f.ExtendBaseWidget(f)
	return f
}

// CreateRenderer is for Fyne.
func (f *fillOf) CreateRenderer() fyne.WidgetRenderer {
	r := &fillRenderer{fill: f, rect: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type fillRenderer struct {
	fill *fillOf
	rect *canvas.Rectangle
}

func (r *fillRenderer) Destroy()                     {}
func (r *fillRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.rect} }
func (r *fillRenderer) MinSize() fyne.Size           { return fyne.NewSize(0, 0) }
func (r *fillRenderer) Layout(size fyne.Size)        { r.rect.Resize(size) }

func (r *fillRenderer) Refresh() {
	r.rect.FillColor, r.rect.CornerRadius = theme.Color(r.fill.color), r.fill.radius
	r.rect.StrokeWidth = 0
	if r.fill.border != "" {
		r.rect.StrokeColor, r.rect.StrokeWidth = theme.Color(r.fill.border), 1
	}
	r.rect.Refresh()
}

// inset puts space around an object.
func inset(top, bottom, left, right float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(top, bottom, left, right), o)
}

// column stacks objects with a gap between them.
func column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(gap), objects...)
}

// besides puts objects side by side with a gap between them, each at its smallest width.
func besides(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(gap), objects...)
}

// stretch puts objects side by side with a gap; the one at grow takes the width that is left. All are centred in height.
type stretch struct {
	gap  float32
	grow int
}

func (l stretch) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size, n := fyne.Size{}, 0
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		least := o.MinSize()
		size.Width += least.Width
		size.Height = max(size.Height, least.Height)
		n++
	}
	size.Width += l.gap * float32(max(0, n-1))
	return size
}

func (l stretch) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	spare := max(0, size.Width-l.MinSize(objects).Width)
	x := float32(0)
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		least := o.MinSize()
		if i == l.grow {
			least.Width += spare
		}
		o.Move(fyne.NewPos(x, (size.Height-least.Height)/2))
		o.Resize(least)
		x += least.Width + l.gap
	}
}

func across(gap float32, grow int, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(stretch{gap, grow}, objects...)
}

// card is a group of values on a quiet background.
func card(content fyne.CanvasObject) fyne.CanvasObject {
	back := newFill(colorCard, 8)
	back.border = theme.ColorNameSeparator
	return container.NewStack(back, inset(12, 12, 14, 14, content))
}

// square is a drawing of one size.
func square(resource fyne.Resource, side float32) *canvas.Image {
	image := canvas.NewImageFromResource(resource)
	image.FillMode = canvas.ImageFillContain
	image.SetMinSize(fyne.NewSquareSize(side))
	return image
}

// paragraph is text that wraps.
func paragraph(text string) *widget.Label {
	label := widget.NewLabel(text)
	label.Wrapping = fyne.TextWrapWord
	return label
}
