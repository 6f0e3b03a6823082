package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// fact is a name and a value.
type fact struct{ name, value string }

// facts are names on the left and values, which are copied by a press, on the right.
type facts struct {
	content *fyne.Container
	shown   []fact
	values  []*value
	mono    bool
	least   float32                 // width of the names, so that lists under each other line up
	copied  func(name, text string) // the user pressed a value
}

func newFacts() *facts {
	f := &facts{least: 90}
	f.content = container.New(pairs{f})
	return f
}

// show writes the facts; where only values changed, only they are redrawn.
func (f *facts) show(all []fact) {
	if slices.Equal(all, f.shown) {
		return
	}
	if slices.EqualFunc(all, f.shown, func(a, b fact) bool { return a.name == b.name }) {
		for i, fact := range all {
			if f.shown[i].value != fact.value {
				f.values[i].SetText(fact.value)
			}
		}
		f.shown = slices.Clone(all)
		return
	}
	f.shown = slices.Clone(all)
	f.values = f.values[:0]
	f.content.Objects = nil
	for _, fact := range all {
		value := newValue(fact.value, f.mono)
		value.tapped = func(text string) {
			if f.copied != nil {
				f.copied(fact.name, text)
			}
		}
		f.values = append(f.values, value)
		name := newShortLine(fact.name, look{color: colorMuted, style: fyne.TextStyle{Monospace: f.mono}})
		f.content.Objects = append(f.content.Objects, name, value)
	}
	f.content.Refresh()
}

// pairs lays out names in a column as wide as they need (within reason) and values beside them, close together.
type pairs struct{ facts *facts }

const (
	pairInset   = 8 // what a label keeps free around its text
	pairOverlap = 10
)

func (p pairs) nameWidth(objects []fyne.CanvasObject, width float32) float32 {
	widest := p.facts.least
	for i := 0; i+1 < len(objects); i += 2 {
		name := objects[i].(*line)
		widest = max(widest, fyne.MeasureText(name.text, textSize(name.look.size), name.look.style).Width)
	}
	return min(widest, max(p.facts.least, width*0.4))
}

func (p pairs) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for i := 0; i+1 < len(objects); i += 2 {
		height += max(objects[i].MinSize().Height, objects[i+1].MinSize().Height-pairOverlap)
	}
	return fyne.NewSize(200, height+pairOverlap/2)
}

func (p pairs) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	left, y := p.nameWidth(objects, size.Width), float32(0)
	for i := 0; i+1 < len(objects); i += 2 {
		name, value := objects[i], objects[i+1]
		value.Resize(fyne.NewSize(size.Width-left-pairInset, value.MinSize().Height))
		height := value.MinSize().Height
		value.Resize(fyne.NewSize(size.Width-left-pairInset, height))
		value.Move(fyne.NewPos(left+pairInset, y-pairOverlap/2))
		nameSize := name.MinSize()
		name.Resize(fyne.NewSize(left, nameSize.Height))
		name.Move(fyne.NewPos(0, y-pairOverlap/2+pairInset))
		y += max(nameSize.Height, height-pairOverlap)
	}
}
