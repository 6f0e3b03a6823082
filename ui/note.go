package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// note is small text that wraps, in a colour of the theme. Fyne's label knows no quiet colour that is still readable.
type note struct {
	widget.RichText
	words *widget.TextSegment
}

func newNote(text string) *note {
	n := &note{words: &widget.TextSegment{Text: text, Style: widget.RichTextStyle{ColorName: colorMuted, SizeName: theme.SizeNameCaptionText}}}
	n.Scroll = container.ScrollNone
	n.Segments, n.Wrapping = []widget.RichTextSegment{n.words}, fyne.TextWrapWord
	n.ExtendBaseWidget(n)
	return n
}

// set changes the text and redraws only when something changed.
func (n *note) set(text string, color fyne.ThemeColorName) {
	if n.words.Text == text && n.words.Style.ColorName == color {
		return
	}
	n.words.Text, n.words.Style.ColorName = text, color
	n.Refresh()
}
