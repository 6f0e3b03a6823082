package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// row is one row of the list: a heading, or a profile with its state as shape, word and colour, its account and its time.
type row struct {
	widget.BaseWidget
	profile  string // "" on a heading
	selected bool
	focused  bool
	hovered  bool
	tint     color.Color // the profile's own colour, or nil

	shape   *canvas.Image
	name    *line
	second  *line
	time    *line
	heading *line

	tapped, twice, menu func()
}

func newRow() *row {
	w := &row{shape: canvas.NewImageFromResource(nil)}
	w.shape.FillMode = canvas.ImageFillContain
	w.name, w.second, w.time, w.heading = newShortLine("", plain), newShortLine("", caption), newLine("", caption), newShortLine("", section)
	w.time.look.align = fyne.TextAlignTrailing
	w.ExtendBaseWidget(w)
	return w
}

// showHeading makes the row a heading.
func (w *row) showHeading(text string) {
	w.profile, w.tint = "", nil
	w.heading.set(strings.ToUpper(text))
	w.Refresh()
}

// show makes the row a profile.
func (w *row) show(s agent.Status, time string) {
	w.profile, w.tint = s.Name, tintOf(s.Color)
	w.name.set(s.Name)
	second := stateOf(s)
	if s.Account != "" {
		second += " · " + s.Account
	}
	w.second.set(second)
	look := caption
	look.align = fyne.TextAlignTrailing
	if s.State != agent.LoggedIn && s.State != agent.LoggedOut {
		look.color, look.style.Bold = stateColor(s.State), true
	}
	w.time.setLook(time, look)
	w.shape.Resource = stateIcon(s.State)
	w.Refresh()
}

// mark shows whether the row is selected, and whether the list has the keyboard.
func (w *row) mark(selected, focused bool) {
	if w.selected == selected && w.focused == focused {
		return
	}
	w.selected, w.focused = selected, focused
	w.Refresh()
}

// Tapped is for Fyne.
func (w *row) Tapped(*fyne.PointEvent) { w.tapped() }

// TappedSecondary is for Fyne.
func (w *row) TappedSecondary(*fyne.PointEvent) { w.menu() }

// MouseIn is for Fyne.
func (w *row) MouseIn(*desktop.MouseEvent) { w.hover(true) }

// MouseMoved is for Fyne.
func (w *row) MouseMoved(*desktop.MouseEvent) {}

// MouseOut is for Fyne.
func (w *row) MouseOut() { w.hover(false) }

func (w *row) hover(on bool) {
	if w.hovered != on {
		w.hovered = on
		w.Refresh()
	}
}

// CreateRenderer is for Fyne.
func (w *row) CreateRenderer() fyne.WidgetRenderer {
	r := &rowRenderer{row: w, back: canvas.NewRectangle(color.Transparent), stripe: canvas.NewRectangle(color.Transparent)}
	r.objects = []fyne.CanvasObject{r.back, r.stripe, w.shape, w.name, w.second, w.time, w.heading}
	r.Refresh()
	return r
}

type rowRenderer struct {
	row          *row
	back, stripe *canvas.Rectangle
	objects      []fyne.CanvasObject
}

func (r *rowRenderer) Destroy()                     {}
func (r *rowRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *rowRenderer) MinSize() fyne.Size           { return fyne.NewSize(120, headingHeight) }

// Layout places the parts by hand: a row is laid out on every scroll step.
func (r *rowRenderer) Layout(size fyne.Size) {
	const inset, shape = 8, 16
	w := r.row
	if w.profile == "" {
		h := w.heading.MinSize().Height
		w.heading.Move(fyne.NewPos(inset+8, size.Height-h-5))
		w.heading.Resize(fyne.NewSize(size.Width-2*(inset+8), h))
		return
	}
	r.back.Move(fyne.NewPos(inset, 1))
	r.back.Resize(fyne.NewSize(size.Width-2*inset, size.Height-2))
	r.stripe.Move(fyne.NewPos(inset+5, 10))
	r.stripe.Resize(fyne.NewSize(3, size.Height-20))
	left := float32(inset + 14)
	w.shape.Move(fyne.NewPos(left, (size.Height-shape)/2))
	w.shape.Resize(fyne.NewSquareSize(shape))
	left += shape + 10
	right := size.Width - inset - 9
	time := w.time.MinSize()
	nameHeight, secondHeight := w.name.MinSize().Height, w.second.MinSize().Height
	top := (size.Height - nameHeight - secondHeight - 1) / 2
	w.time.Move(fyne.NewPos(right-time.Width, top+(nameHeight-time.Height)/2))
	w.time.Resize(time)
	w.name.Move(fyne.NewPos(left, top))
	w.name.Resize(fyne.NewSize(max(0, right-time.Width-8-left), nameHeight))
	w.second.Move(fyne.NewPos(left, top+nameHeight+1))
	w.second.Resize(fyne.NewSize(max(0, right-left), secondHeight))
}

func (r *rowRenderer) Refresh() {
	w := r.row
	profile := w.profile != ""
	for _, part := range []fyne.CanvasObject{r.back, w.shape, w.name, w.second, w.time} {
		visible(part, profile)
	}
	visible(w.heading, !profile)
	visible(r.stripe, profile && w.tint != nil)
	if profile {
		r.back.CornerRadius = theme.Size(theme.SizeNameSelectionRadius)
		r.back.FillColor, r.back.StrokeWidth = color.Transparent, 0
		switch {
		case w.selected:
			r.back.FillColor = theme.Color(colorSelected)
		case w.hovered:
			r.back.FillColor = theme.Color(theme.ColorNameHover)
		}
		if w.selected && w.focused {
			r.back.StrokeColor, r.back.StrokeWidth = theme.Color(theme.ColorNamePrimary), 1.5
		}
		r.stripe.CornerRadius = 1.5
		if w.tint != nil {
			r.stripe.FillColor = w.tint
		}
		w.shape.Refresh()
	}
	r.Layout(w.Size())
	canvas.Refresh(w)
}

// visible hides or shows one object, without a redraw when it is so already.
func visible(o fyne.CanvasObject, on bool) {
	if o.Visible() == on {
		return
	}
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}
