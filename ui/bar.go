package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// bar is how much of something is left. It changes only when the change can be seen, so a countdown of hours does not
// repaint the window every second.
type bar struct {
	widget.BaseWidget
	part  float64 // 0 to 1
	color fyne.ThemeColorName
}

const barHeight = 6

func newBar() *bar {
	b := &bar{color: colorGood}
	b.ExtendBaseWidget(b)
	return b
}

func (b *bar) set(part float64, color fyne.ThemeColorName) {
	width := float64(b.Size().Width)
	if color == b.color && int(part*width) == int(b.part*width) && width > 0 {
		return
	}
	b.part, b.color = part, color
	b.Refresh()
}

// CreateRenderer is for Fyne.
func (b *bar) CreateRenderer() fyne.WidgetRenderer {
	r := &barRenderer{bar: b, track: canvas.NewRectangle(color.Transparent), fill: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type barRenderer struct {
	bar         *bar
	track, fill *canvas.Rectangle
}

func (r *barRenderer) Destroy()                     {}
func (r *barRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.track, r.fill} }
func (r *barRenderer) MinSize() fyne.Size           { return fyne.NewSize(60, barHeight) }

func (r *barRenderer) Layout(size fyne.Size) {
	top := (size.Height - barHeight) / 2
	for _, rect := range []*canvas.Rectangle{r.track, r.fill} {
		rect.CornerRadius = barHeight / 2
		rect.Move(fyne.NewPos(0, top))
	}
	r.track.Resize(fyne.NewSize(size.Width, barHeight))
	width := size.Width * float32(min(1, max(0, r.bar.part)))
	if width > 0 {
		width = max(width, barHeight)
	}
	r.fill.Resize(fyne.NewSize(width, barHeight))
	visible(r.fill, width > 0)
}

func (r *barRenderer) Refresh() {
	r.track.FillColor, r.fill.FillColor = theme.Color(colorTrack), theme.Color(r.bar.color)
	r.Layout(r.bar.Size())
	canvas.Refresh(r.bar)
}

// pill is a small tag: a dot in a profile's colour and a word. The word is in the text's colour, so that any colour a user
// picks stays readable.
type pill struct {
	widget.BaseWidget
	text *line
	tint color.Color // nil is no dot
}

func newPill() *pill {
	p := &pill{text: newShortLine("", look{size: theme.SizeNameCaptionText})}
	p.ExtendBaseWidget(p)
	return p
}

func (p *pill) set(text string, tint color.Color) {
	p.tint = tint
	p.text.set(text)
	visible(p, text != "")
	p.Refresh()
}

// CreateRenderer is for Fyne.
func (p *pill) CreateRenderer() fyne.WidgetRenderer {
	r := &pillRenderer{pill: p, back: canvas.NewRectangle(color.Transparent), dot: canvas.NewCircle(color.Transparent)}
	r.Refresh()
	return r
}

type pillRenderer struct {
	pill *pill
	back *canvas.Rectangle
	dot  *canvas.Circle
}

func (r *pillRenderer) Destroy() {}
func (r *pillRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.dot, r.pill.text}
}

func (r *pillRenderer) left() float32 {
	if r.pill.tint == nil {
		return 9
	}
	return 22
}

func (r *pillRenderer) MinSize() fyne.Size {
	text := fyne.MeasureText(r.pill.text.text, theme.Size(theme.SizeNameCaptionText), fyne.TextStyle{})
	return fyne.NewSize(min(180, r.left()+text.Width+10), text.Height+8)
}

func (r *pillRenderer) Layout(size fyne.Size) {
	height := r.MinSize().Height
	top := (size.Height - height) / 2
	r.back.Move(fyne.NewPos(0, top))
	r.back.Resize(fyne.NewSize(size.Width, height))
	r.back.CornerRadius = height / 2
	r.dot.Move(fyne.NewPos(9, (size.Height-8)/2))
	r.dot.Resize(fyne.NewSquareSize(8))
	text := r.pill.text.MinSize()
	r.pill.text.Move(fyne.NewPos(r.left(), (size.Height-text.Height)/2))
	r.pill.text.Resize(fyne.NewSize(size.Width-r.left()-8, text.Height))
}

func (r *pillRenderer) Refresh() {
	r.back.FillColor = theme.Color(theme.ColorNameButton)
	visible(r.dot, r.pill.tint != nil)
	if r.pill.tint != nil {
		r.dot.FillColor = r.pill.tint
	}
	r.pill.text.Refresh()
	r.Layout(r.pill.Size())
	canvas.Refresh(r.pill)
}
