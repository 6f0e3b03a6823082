package ui

import (
	"slices"
	"sort"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// The heights of a row, in Fyne's units.
const (
	profileHeight float32 = 46
	headingHeight float32 = 30
)

// rows is the list of profiles: only what is in sight exists as widgets, so 10,000 rows cost what 20 do. Fyne's own list
// looks at every row above the visible ones when rows differ in height, and cannot skip headings.
type rows struct {
	widget.BaseWidget
	scroll *container.Scroll
	sheet  *fyne.Container

	all      []listRow
	tops     []float32 // where each row begins, and at the end where the last one ends
	live     map[int]*row
	spare    []*row
	selected int // index, or -1
	focused  bool

	fill    func(listRow, *row)  // writes a profile into a row
	choose  func(name string)    // the user selected one
	menu    func(string, *row)   // the user asks for a profile's menu
	typed   func(*fyne.KeyEvent) // a key while the list has the focus
	primary func()               // a double tap
}

func newRows() *rows {
	r := &rows{live: map[int]*row{}, selected: -1}
	r.sheet = container.New(sheetLayout{r})
	r.scroll = container.NewVScroll(r.sheet)
	r.scroll.OnScrolled = func(fyne.Position) { r.arrange() }
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer is for Fyne.
func (r *rows) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.scroll) }

// Resize is for Fyne: more height shows more rows.
func (r *rows) Resize(size fyne.Size) {
	r.BaseWidget.Resize(size)
	r.arrange()
}

// set replaces all rows.
func (r *rows) set(all []listRow, selected string) {
	r.all = slices.Clone(all)
	r.tops = r.tops[:0]
	top := float32(4)
	r.selected = -1
	for i, row := range r.all {
		r.tops = append(r.tops, top)
		if row.name == "" {
			top += headingHeight
		} else {
			top += profileHeight
		}
		if row.name != "" && row.name == selected {
			r.selected = i
		}
	}
	r.tops = append(r.tops, top+4)
	for i, view := range r.live {
		r.retire(i, view)
	}
	r.sheet.Objects = nil
	r.scroll.Refresh() // another height
	r.arrange()
	canvas.Refresh(r.sheet)
}

// refreshRow redraws the row at index if it is in sight.
func (r *rows) refreshRow(index int) {
	if view := r.live[index]; view != nil {
		r.fill(r.all[index], view)
	}
}

// refreshVisible redraws the rows that are in sight.
func (r *rows) refreshVisible() {
	for index := range r.live {
		r.refreshRow(index)
	}
}

// sel marks the row at index as the selected one and brings it into sight.
func (r *rows) sel(index int) {
	old := r.selected
	r.selected = index
	for _, i := range []int{old, index} {
		if view := r.live[i]; view != nil {
			view.mark(i == r.selected, r.focused)
		}
	}
	r.reveal(index)
}

// reveal scrolls until the row at index is in sight, with its heading when it is the first below one.
func (r *rows) reveal(index int) {
	if index < 0 || index >= len(r.all) {
		return
	}
	top, bottom := r.tops[index], r.tops[index+1]
	if index > 0 && r.all[index-1].name == "" {
		top = r.tops[index-1]
	}
	offset, height := r.scroll.Offset.Y, r.scroll.Size().Height
	switch {
	case height <= 0:
		return
	case top < offset:
		offset = top
	case bottom > offset+height:
		offset = bottom - height
	default:
		return
	}
	r.scroll.ScrollToOffset(fyne.NewPos(0, offset))
	r.arrange()
}

// page is how many profiles fit into sight.
func (r *rows) page() int { return max(1, int(r.scroll.Size().Height/profileHeight)-1) }

// arrange gives each row in sight a widget and takes back those out of sight.
func (r *rows) arrange() {
	height := r.scroll.Size().Height
	if height <= 0 || r.fill == nil {
		return
	}
	from, to := r.scroll.Offset.Y, r.scroll.Offset.Y+height
	first := max(0, sort.Search(len(r.all), func(i int) bool { return r.tops[i+1] > from }))
	changed := false
	for i, view := range r.live {
		if i < first || r.tops[i] >= to {
			r.retire(i, view)
			changed = true
		}
	}
	for i := first; i < len(r.all) && r.tops[i] < to; i++ {
		view := r.live[i]
		if view == nil {
			view = r.fresh()
			r.live[i] = view
			r.fill(r.all[i], view)
			view.mark(i == r.selected, r.focused)
			changed = true
		}
		view.Move(fyne.NewPos(0, r.tops[i]))
		view.Resize(fyne.NewSize(r.scroll.Size().Width, r.tops[i+1]-r.tops[i]))
	}
	if changed {
		r.sheet.Objects = r.sheet.Objects[:0]
		for _, view := range r.live {
			r.sheet.Objects = append(r.sheet.Objects, view)
		}
		canvas.Refresh(r.sheet)
	}
}

func (r *rows) fresh() *row {
	if n := len(r.spare); n > 0 {
		view := r.spare[n-1]
		r.spare = r.spare[:n-1]
		return view
	}
	view := newRow()
	view.tapped = func() {
		if view.profile != "" {
			r.choose(view.profile)
		}
	}
	view.menu = func() {
		if view.profile != "" {
			r.menu(view.profile, view)
		}
	}
	view.twice = func() {
		if view.profile != "" && r.primary != nil {
			r.primary()
		}
	}
	return view
}

func (r *rows) retire(index int, view *row) {
	delete(r.live, index)
	view.hovered = false
	r.spare = append(r.spare, view)
}

// FocusGained is for Fyne.
func (r *rows) FocusGained() { r.setFocus(true) }

// FocusLost is for Fyne.
func (r *rows) FocusLost() { r.setFocus(false) }

func (r *rows) setFocus(on bool) {
	r.focused = on
	if view := r.live[r.selected]; view != nil {
		view.mark(true, on)
	}
}

// TypedRune is for Fyne.
func (r *rows) TypedRune(rune) {}

// TypedKey is for Fyne.
func (r *rows) TypedKey(event *fyne.KeyEvent) {
	if r.typed != nil {
		r.typed(event)
	}
}

// sheetLayout gives the sheet the height of all rows; the rows place themselves.
type sheetLayout struct{ rows *rows }

func (l sheetLayout) Layout([]fyne.CanvasObject, fyne.Size) {}

func (l sheetLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	if n := len(l.rows.tops); n > 0 {
		return fyne.NewSize(0, l.rows.tops[n-1])
	}
	return fyne.NewSize(0, 0)
}
