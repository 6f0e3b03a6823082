package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/profiles"
)

// field is one field of a profile in the editor: its label, a widget by its kind, and below it what it is for, or what is
// wrong with what was typed.
type field struct {
	content *fyne.Container
	about   profiles.Field
	entry   *input    // nil for a choice, a box or a colour; beside an open choice it holds what is not offered
	choice  *picker   // nil for the others
	box     *checkbox // nil for the others
	colors  *swatches
	hint    *note
	weak    *badge          // says that what is chosen is weak
	beside  *fyne.Container // room for buttons, such as the issuer's
	below   *fyne.Container // room for what is offered, such as scopes
	forget  *checkbox       // removes a stored secret; nil where none is stored
	word    string          // what the server's own pages call it
	source  string          // which file the value was read from
	typed   func()          // the value changed
	pick    func(*field)    // the user asks for the suggestions
	open    func(*field)    // the user wants the value from a file
	touched bool
	quietly bool // a value is being set by the program
	had     []string
}

const labelWidth = 168

// another is the choice that opens an entry for what is not offered.
const another = "Another, by its name …"

func newField(about profiles.Field) *field {
	f := &field{about: about, hint: newNote(about.Help), beside: container.NewHBox(), weak: newBadge("weak")}
	f.below = column(4)
	f.weak.Hide()
	f.below.Hide()
	f.beside.Hide() // until something is put there
	control := f.control()
	if f.entry != nil && (about.Kind == profiles.KindSecret || about.Kind == profiles.KindPEM || about.Kind == profiles.KindJSON) {
		label := ""
		if about.Multiline {
			label = "Open file …"
		}
		f.put(quiet(label, theme.FolderOpenIcon(), func() { f.open(f) }))
	}
	name := across(6, 0, newLabel(about.Label), f.weak)
	f.content = container.New(formRow{labelWidth}, name, column(4, across(6, 0, control, f.beside), f.below), f.hint)
	return f
}

// newLabel is a field's name, on two lines where one is too short for it.
func newLabel(text string) fyne.CanvasObject {
	words := strings.Fields(text)
	n := len(words)
	for n > 1 && fyne.MeasureText(strings.Join(words[:n], " "), textSize(""), fyne.TextStyle{}).Width > labelWidth-14 {
		n--
	}
	lines := column(1, newShortLine(strings.Join(words[:n], " "), plain))
	if n < len(words) {
		lines.Add(newShortLine(strings.Join(words[n:], " "), plain))
	}
	return lines
}

// control is the widget of the field's kind.
func (f *field) control() fyne.CanvasObject {
	about := f.about
	switch {
	case about.Kind == profiles.KindColor:
		f.colors = newSwatches(func() { f.changed() })
		return f.colors.content
	case about.Kind == profiles.KindBool:
		f.box = newCheckbox("Yes", func(bool) { f.changed() })
		return f.box
	case about.Kind == profiles.KindChoice && !about.Open:
		f.choice = newPicker(labels(about.Choices), func(string) { f.changed() })
		return f.choice
	case about.Kind == profiles.KindChoice:
		f.entry = newInput("for example urn:example:grant-type:custom")
		f.entry.OnChanged = func(string) { f.changed() }
		f.entry.Hide()
		f.choice = newPicker(append(labels(about.Choices), another), func(chosen string) {
			visible(f.entry, chosen == another)
			f.content.Refresh()
			f.changed()
		})
		return column(4, f.choice, f.entry)
	}
	f.entry = newInput(example(about))
	f.entry.OnChanged = func(string) {
		f.source = ""
		f.changed()
	}
	f.entry.MultiLine = about.Multiline || about.Kind == profiles.KindList || about.Kind == profiles.KindParameters
	if f.entry.MultiLine {
		f.entry.Wrapping = fyne.TextWrapBreak
		f.entry.SetMinRowsVisible(2)
	}
	if about.Multiline {
		f.entry.TextStyle.Monospace = true
		f.entry.SetMinRowsVisible(4)
	}
	f.entry.Password = about.Kind == profiles.KindSecret
	if f.entry.Password {
		f.entry.ActionItem = newReveal(f.entry)
	}
	if len(about.Choices) > 0 {
		f.suggestions()
	}
	return f.entry
}

// fileMost is how much of a file becomes a value: keys and certificates are of a few kilobytes.
const fileMost = 256 << 10

// take reads the value from a file.
func (f *field) take(name string, from io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(from, fileMost+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read: %w", name, err)
	case len(text) > fileMost:
		return fmt.Errorf("%s is larger than %d KB: it is no value of a profile", name, fileMost>>10)
	}
	f.entry.SetText(strings.TrimRight(string(text), "\r\n"))
	f.source = name
	f.touched = true
	f.typed()
	return nil
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
	case (f.choice != nil || f.box != nil) && !f.touched:
		return f.had // a default that was written out stays written out
	case f.box != nil && f.box.Checked:
		return []string{"true"}
	case f.box != nil:
		return nil
	case f.choice != nil && f.choice.Selected == another:
		return nonEmpty(f.entry.Text)
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
	case f.box != nil:
		f.box.SetChecked(strings.Join(values, "") == "true")
	case f.choice != nil:
		value := strings.Join(values, "")
		if f.about.Key == "grant_type" {
			value = profiles.Profile{GrantType: value}.Grant() // its URI names the same grant
		}
		for _, c := range f.about.Choices {
			if c.Value == value || value == "" && c.Value == f.about.Default {
				f.choice.SetSelected(c.Label)
				return
			}
		}
		if f.about.Open {
			f.entry.SetText(value)
			f.choice.SetSelected(another)
		}
	case f.about.Kind == profiles.KindParameters:
		f.entry.SetText(strings.Join(values, "\n"))
	default:
		f.entry.SetText(strings.Join(values, " "))
	}
}

// show writes what is wrong under the field, or what is weak about it, or what it is for.
func (f *field) show(problem, weakness string) {
	visible(f.weak, weakness != "")
	switch {
	case problem != "":
		f.hint.set(f.about.Label+" "+problem+".", colorNeed)
	case weakness != "":
		f.hint.set(weakness, colorSoon)
	default:
		help := f.about.Help
		if f.word != "" && !strings.EqualFold(f.word, f.about.Label) {
			help = "There it is called “" + f.word + "”. " + help
		}
		if f.source != "" {
			help = fmt.Sprintf("Read from %s, %d characters. ", f.source, len(f.entry.Text)) + help
		}
		f.hint.set(help, colorMuted)
	}
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
