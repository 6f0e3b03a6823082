package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// line is one line of text in a colour and size of the theme. It is far lighter than a label, and ends in an ellipsis
// where it does not fit.
type line struct {
	widget.BaseWidget
	text  string
	look  look
	short bool // may shrink to a few letters; otherwise the whole text is its smallest width
}

// look is how a line is written.
type look struct {
	color fyne.ThemeColorName // "" is the foreground
	size  fyne.ThemeSizeName  // "" is normal text
	style fyne.TextStyle
	align fyne.TextAlign
}

var (
	plain   = look{}
	muted   = look{color: colorMuted}
	caption = look{color: colorMuted, size: theme.SizeNameCaptionText}
	strong  = look{style: fyne.TextStyle{Bold: true}}
	title   = look{size: theme.SizeNameHeadingText, style: fyne.TextStyle{Bold: true}}
	section = look{color: colorMuted, size: theme.SizeNameCaptionText, style: fyne.TextStyle{Bold: true}}
)

func newLine(text string, l look) *line {
	w := &line{text: text, look: l}
	w.ExtendBaseWidget(w)
	return w
}

// newShortLine is a line that gives way to its neighbours.
func newShortLine(text string, l look) *line {
	w := newLine(text, l)
	w.short = true
	return w
}

// set changes the text and redraws only when something changed.
func (w *line) set(text string) { w.setLook(text, w.look) }

func (w *line) setLook(text string, l look) {
	if w.text == text && w.look == l {
		return
	}
	w.text, w.look = text, l
	w.Refresh()
}

// CreateRenderer is for Fyne.
func (w *line) CreateRenderer() fyne.WidgetRenderer {
	r := &lineRenderer{line: w, text: canvas.NewText("", nil)}
	r.Refresh()
	return r
}

type lineRenderer struct {
	line *line
	text *canvas.Text
	full fyne.Size
}

func (r *lineRenderer) Destroy()                     {}
func (r *lineRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.text} }

func (r *lineRenderer) MinSize() fyne.Size {
	if r.line.short {
		return fyne.NewSize(min(r.full.Width, 24), r.full.Height)
	}
	return r.full
}

func (r *lineRenderer) Layout(size fyne.Size) {
	r.text.Resize(size)
	r.text.Text = ellipsis(r.line.text, size.Width, r.full.Width, r.text.TextSize, r.text.TextStyle)
	r.text.Refresh()
}

func (r *lineRenderer) Refresh() {
	l := r.line.look
	if l.color == "" {
		l.color = theme.ColorNameForeground
	}
	if l.size == "" {
		l.size = theme.SizeNameText
	}
	r.text.Color, r.text.TextSize = theme.Color(l.color), theme.Size(l.size)
	r.text.TextStyle, r.text.Alignment = l.style, l.align
	r.full = fyne.MeasureText(r.line.text, r.text.TextSize, l.style)
	if r.line.text == "" {
		r.full.Height = fyne.MeasureText("M", r.text.TextSize, l.style).Height
	}
	r.Layout(r.line.Size())
}

// ellipsis is as much of text as fits into width, ended by an ellipsis when it is not all. full is the width of all of it.
func ellipsis(text string, width, full, size float32, style fyne.TextStyle) string {
	// Half a pixel of rounding must not cost a letter.
	if full <= width+0.5 || width <= 0 {
		return text
	}
	letters := []rune(text)
	low, high := 0, len(letters)
	for low < high {
		middle := (low + high + 1) / 2
		if fyne.MeasureText(string(letters[:middle])+"…", size, style).Width <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return string(letters[:low]) + "…"
}

// textSize is a size of the theme; "" is normal text.
func textSize(name fyne.ThemeSizeName) float32 {
	if name == "" {
		name = theme.SizeNameText
	}
	return theme.Size(name)
}
