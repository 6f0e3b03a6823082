package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// page covers the whole window for a while: a title and a way back above, what it is about in the middle, and its buttons
// below.
type page struct {
	content fyne.CanvasObject
	leave   func() // Escape, and the arrow at the top
	accept  func() // Ctrl+S; nil when there is nothing to accept
	find    func() // Ctrl+F; nil when there is nothing to search
	focus   fyne.Focusable
	about   any // which view it shows
	scroll  *container.Scroll
}

// pageWidth keeps lines short enough to read.
const pageWidth = 720

// newPage frames body; below may be nil.
func newPage(heading string, beside, body, below fyne.CanvasObject, leave func()) *page {
	back := quiet("", theme.NavigateBackIcon(), leave)
	top := []fyne.CanvasObject{back, newShortLine(heading, title)}
	if beside != nil {
		top = append(top, beside)
	}
	line := func() fyne.CanvasObject { return container.New(hairline{}, newFill(theme.ColorNameSeparator, 0)) }
	head := container.NewVBox(inset(10, 8, 12, 20, across(8, 1, top...)), line())
	var foot fyne.CanvasObject
	if below != nil {
		foot = container.NewVBox(line(), inset(8, 10, 20, 20, container.New(middle{pageWidth}, below)))
	}
	scroll := container.NewVScroll(inset(16, 20, 20, 20, container.New(middle{pageWidth}, body)))
	p := &page{leave: leave, scroll: scroll}
	p.content = container.NewStack(newFill(theme.ColorNameBackground, 0), container.NewBorder(head, foot, nil, nil, scroll))
	return p
}

// reveal scrolls until an object of the page's body is in sight: Fyne does not follow the keyboard's focus by itself.
func (p *page) reveal(o fyne.CanvasObject) {
	driver := fyne.CurrentApp().Driver()
	if driver.CanvasForObject(o) == nil {
		return
	}
	top := driver.AbsolutePositionForObject(o).Y - driver.AbsolutePositionForObject(p.scroll.Content).Y
	bottom, offset, height := top+o.Size().Height, p.scroll.Offset.Y, p.scroll.Size().Height
	const margin = 16
	switch {
	case top-margin < offset:
		offset = max(0, top-margin)
	case bottom+margin > offset+height:
		offset = bottom + margin - height
	default:
		return
	}
	p.scroll.ScrollToOffset(fyne.NewPos(0, offset))
}

// lead scrolls until an object is at the top, with what follows it in sight.
func (p *page) lead(o fyne.CanvasObject) {
	driver := fyne.CurrentApp().Driver()
	if driver.CanvasForObject(o) == nil {
		return
	}
	top := driver.AbsolutePositionForObject(o).Y - driver.AbsolutePositionForObject(p.scroll.Content).Y
	most := max(0, p.scroll.Content.Size().Height-p.scroll.Size().Height)
	p.scroll.ScrollToOffset(fyne.NewPos(0, min(most, max(0, top-16))))
}

// middle centres its content and keeps it no wider than a width.
type middle struct{ most float32 }

func (middle) MinSize(objects []fyne.CanvasObject) fyne.Size {
	size := fyne.Size{}
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	return size
}

func (l middle) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	width := min(l.most, size.Width)
	for _, o := range objects {
		o.Move(fyne.NewPos((size.Width-width)/2, 0))
		o.Resize(fyne.NewSize(width, size.Height))
	}
}

// hairline is one unit high.
type hairline struct{}

func (hairline) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(1, 1) }

func (hairline) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

// open puts a page over the main view.
func (w *Window) open(p *page) {
	w.page = p
	w.detail.tabs.token.mask()
	if len(w.layers.Objects) > 1 {
		w.layers.Objects = w.layers.Objects[:1]
	}
	w.layers.Objects[0].Hide()
	w.layers.Add(p.content)
	if p.focus != nil {
		w.window.Canvas().Focus(p.focus)
	} else {
		w.window.Canvas().Unfocus()
	}
}

// back shows the main view again.
func (w *Window) back() {
	if w.page == nil {
		return
	}
	w.page = nil
	w.layers.Objects = w.layers.Objects[:1]
	w.layers.Objects[0].Show()
	w.layers.Refresh()
	w.window.Canvas().Focus(w.sidebar.rows)
}

// confirm asks before something that cannot be undone.
func (w *Window) confirm(heading, text, yes string, danger bool, do func()) {
	ask := newQuestion(heading, text, yes, danger)
	w.latest.question = ask
	ask.show(w.window, do)
}

// question is a small dialog with two buttons.
type question struct {
	popUp  *widget.PopUp
	yes    *button
	no     *button
	layout fyne.CanvasObject
}

func newQuestion(heading, text, yes string, danger bool) *question {
	q := &question{yes: newButton(yes, nil, widget.HighImportance, nil), no: newButton("Cancel", nil, widget.MediumImportance, nil)}

	if danger {
		q.yes.Importance = widget.DangerImportance
	}
	words := paragraph(text)
	q.layout = inset(10, 10, 12, 12, container.New(fixedWidth(380), column(8, inset(2, 0, 8, 8, newShortLine(heading, look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}})),
		words, across(8, 0, newLine("", plain), q.no, q.yes))))
	return q
}

func (q *question) show(window fyne.Window, do func()) {
	q.popUp = widget.NewModalPopUp(q.layout, window.Canvas())
	q.no.OnTapped = q.popUp.Hide
	q.yes.OnTapped = func() {
		q.popUp.Hide()
		do()
	}
	q.popUp.Show()
	window.Canvas().Focus(q.no)
}
