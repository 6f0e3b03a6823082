package ui

import (
	"image/color"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/profiles"
)

// field is one field of a profile in the editor: its label, a widget by its kind, and below it what it is for, or what is
// wrong with what was typed.
type field struct {
	content *fyne.Container
	about   profiles.Field
	entry   *input  // nil for a choice or a colour
	choice  *picker // nil for the others
	colors  *swatches
	hint    *note
	beside  *fyne.Container // room for a button, for the issuer's
	typed   func()          // the value changed
	pick    func(*field)    // the user asks for the suggestions
	touched bool
	quietly bool // a value is being set by the program
	had     []string
}

const labelWidth = 168

func newField(about profiles.Field) *field {
	f := &field{about: about, hint: newNote(about.Help), beside: container.NewHBox()}
	var control fyne.CanvasObject
	switch {
	case about.Kind == profiles.KindColor:
		f.colors = newSwatches(func() { f.changed() })
		control = f.colors.content
	case about.Kind == profiles.KindChoice && !about.Open:
		f.choice = newPicker(labels(about.Choices), func(string) { f.changed() })
		control = f.choice
	default:
		f.entry = newInput(example(about))
		f.entry.OnChanged = func(string) { f.changed() }
		f.entry.MultiLine = about.Kind == profiles.KindList || about.Kind == profiles.KindParameters
		if f.entry.MultiLine {
			f.entry.Wrapping = fyne.TextWrapBreak
			f.entry.SetMinRowsVisible(2)
		}
		f.entry.Password = about.Kind == profiles.KindSecret
		if f.entry.Password {
			f.entry.ActionItem = newReveal(f.entry)
		}
		control = f.entry
		if len(about.Choices) > 0 {
			f.suggestions()
		}
	}
	name := newShortLine(about.Label, plain)
	f.beside.Hide() // until something is put there
	f.content = container.New(formRow{labelWidth}, name, across(6, 0, control, f.beside), f.hint)
	return f
}

// newReveal shows what is typed into a password field. It is Fyne's own button, named so that the field keeps it.
func newReveal(e *input) fyne.CanvasObject {
	button := quiet("", theme.VisibilityIcon(), nil)
	button.OnTapped = func() {
		e.Password = !e.Password
		if e.Password {
			button.SetIcon(theme.VisibilityIcon())
		} else {
			button.SetIcon(theme.VisibilityOffIcon())
		}
		e.Refresh()
	}
	return button
}

// suggestions puts a button into the field that offers its choices.
func (f *field) suggestions() {
	if f.entry == nil || f.entry.ActionItem != nil {
		return
	}
	f.entry.ActionItem = quiet("", theme.MenuDropDownIcon(), func() { f.pick(f) })
	f.entry.Refresh()
}

func (f *field) changed() {
	if f.quietly || f.typed == nil {
		return
	}
	f.touched = true
	f.typed()
}

// put adds something at the field's right.
func (f *field) put(o fyne.CanvasObject) {
	f.beside.Add(o)
	f.beside.Show()
}

// values is what the field holds, as text.
func (f *field) values() []string {
	switch {
	case f.colors != nil:
		return nonEmpty(f.colors.value)
	case f.choice != nil && !f.touched:
		return f.had // a default that was written out stays written out
	case f.choice != nil:
		for _, c := range f.about.Choices {
			if c.Label == f.choice.Selected && c.Value != f.about.Default {
				return nonEmpty(c.Value)
			}
		}
		return nil
	case f.about.Kind == profiles.KindParameters:
		var pairs []string
		for line := range strings.Lines(f.entry.Text) {
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				pairs = append(pairs, line)
			}
		}
		return pairs
	default:
		return nonEmpty(f.entry.Text)
	}
}

func nonEmpty(value string) []string {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	return []string{value}
}

// set writes values into the field without asking what follows.
func (f *field) set(values []string) {
	f.quietly, f.had = true, values
	defer func() { f.quietly = false }()
	switch {
	case f.colors != nil:
		f.colors.set(strings.Join(values, ""))
	case f.choice != nil:
		value := strings.Join(values, "")
		for _, c := range f.about.Choices {
			if c.Value == value || value == "" && c.Value == f.about.Default {
				f.choice.SetSelected(c.Label)
			}
		}
	case f.about.Kind == profiles.KindParameters:
		f.entry.SetText(strings.Join(values, "\n"))
	default:
		f.entry.SetText(strings.Join(values, " "))
	}
}

// show writes what is wrong under the field, or what it is for.
func (f *field) show(problem string) {
	if problem != "" {
		f.hint.set(f.about.Label+" "+problem+".", colorNeed)
		return
	}
	f.hint.set(f.about.Help, colorMuted)
}

func labels(choices []profiles.Choice) []string {
	all := make([]string, 0, len(choices))
	for _, c := range choices {
		all = append(all, c.Label)
	}
	return all
}

// example is what stands in an empty field: its default, or what a value looks like.
func example(f profiles.Field) string {
	if f.Kind == profiles.KindSecret {
		return ""
	}
	if f.Default != "" {
		return f.Default
	}
	if f.Example != "" {
		return "for example " + f.Example
	}
	return ""
}

// formRow is a label on the left, a control on the right and a hint below the control.
type formRow struct{ left float32 }

func (l formRow) MinSize(objects []fyne.CanvasObject) fyne.Size {
	control, hint := objects[1].MinSize(), objects[2].MinSize()
	return fyne.NewSize(l.left+max(control.Width, hint.Width), control.Height+hint.Height-hintLift)
}

// hintLift brings the hint closer to its control than a label's own space would.
const hintLift = 8

func (l formRow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	control, hint := objects[1], objects[2]
	height := control.MinSize().Height
	name := objects[0].MinSize()
	objects[0].Move(fyne.NewPos(0, 9))
	objects[0].Resize(fyne.NewSize(l.left-12, name.Height))
	control.Move(fyne.NewPos(l.left, 0))
	control.Resize(fyne.NewSize(size.Width-l.left, height))
	hint.Resize(fyne.NewSize(size.Width-l.left+8, hint.MinSize().Height))
	hint.Move(fyne.NewPos(l.left-6, height-hintLift/2))
	hint.Resize(fyne.NewSize(size.Width-l.left+8, hint.MinSize().Height))
}

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

// holds says whether a value is among the field's.
func (f *field) holds(value string) bool {
	if f.about.Kind == profiles.KindList {
		return slices.Contains(strings.Fields(f.entry.Text), value)
	}
	return f.entry.Text == value
}

// choose takes a suggestion: a list gets it, or loses it when it has it already.
func (f *field) choose(value string) {
	if f.about.Kind != profiles.KindList {
		f.entry.SetText(value)
		return
	}
	all := strings.Fields(f.entry.Text)
	if i := slices.Index(all, value); i >= 0 {
		all = slices.Delete(all, i, i+1)
	} else {
		all = append(all, value)
	}
	f.entry.SetText(strings.Join(all, " "))
}
