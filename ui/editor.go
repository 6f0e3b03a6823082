package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/profiles"
)

// draft is a profile being written: a new one, one from a preset, or one that exists.
type draft struct {
	profile profiles.Profile
	was     string           // its name until now; "" for a new one
	preset  *profiles.Preset // whose questions are asked, or nil
	stored  []string         // keys of the secrets that the keychain holds for it; their values never come here
}

// editor is the form for a profile.
type editor struct {
	draft    draft
	begin    profiles.Profile // as it was when the form opened
	fields   []*field
	answers  []*field // the preset's questions
	advanced *advanced
	discover *discovery
	forget   *checkbox // removes a stored secret
	save     *button
	reason   *line
	taken    []string // names that other profiles have
	problems map[string]string

	accept func(agent.ProfileEdit)
	offer  func(*field, []profiles.Choice) // shows suggestions
	pass   func(fyne.Shortcut)             // takes shortcuts that are not a field's
}

func newEditor(d draft, taken []string) *editor {
	e := &editor{draft: d, begin: d.profile.Clone(), taken: slices.DeleteFunc(taken, func(n string) bool { return n == d.was }), problems: map[string]string{}}
	e.save = newButton("Save", nil, widget.HighImportance, func() { e.onSave() })
	e.reason = newShortLine("", muted)
	e.reason.look.align = fyne.TextAlignTrailing
	e.discover = newDiscovery()
	if d.preset != nil {
		for _, q := range d.preset.Questions {
			// A question for a field is that field; Keycloak's realm is not the field realm.
			if !strings.Contains(strings.Join(d.preset.Profile.Get(q.Key), " "), "{"+q.Key+"}") {
				e.answers = append(e.answers, e.watch(newField(profiles.Field{Key: "?" + q.Key, Label: q.Label, Help: q.Help, Example: q.Example, Default: q.Default, Kind: profiles.KindText})))
			}
		}
	}
	for _, about := range profiles.Fields() {
		if !about.Advanced {
			e.fields = append(e.fields, e.build(about))
		}
	}
	e.advanced = newAdvanced(e.buildAdvanced)
	e.advanced.search.shortcut = e.onShortcut
	e.check()
	return e
}

// build makes a field's widget with the draft's value in it.
func (e *editor) build(about profiles.Field) *field {
	f := newField(about)
	f.set(e.draft.profile.Get(about.Key))
	switch {
	case about.Kind == profiles.KindSecret && slices.Contains(e.draft.stored, about.Key):
		f.entry.SetPlaceHolder("stored; leave empty to keep it")
		e.forget = newCheckbox("Forget it", func(bool) { e.check() })
		f.put(e.forget)
	case about.Key == "issuer":
		f.put(e.discover.button)
	}
	return e.watch(f)
}

func (e *editor) watch(f *field) *field {
	f.typed = e.onTyped
	if f.entry != nil {
		f.entry.shortcut = e.onShortcut
	}
	f.pick = func(f *field) { e.offer(f, e.suggestions(f)) }
	return f
}

func (e *editor) onShortcut(s fyne.Shortcut) { e.pass(s) }

func (e *editor) buildAdvanced() []*field {
	var all []*field
	for _, about := range profiles.Fields() {
		if about.Advanced {
			f := e.build(about)
			e.discover.hint(f)
			all = append(all, f)
		}
	}
	return all
}

// all are the fields that exist as widgets.
func (e *editor) all() []*field {
	return slices.Concat(e.fields, e.advanced.fields)
}

func (e *editor) field(key string) *field {
	for _, f := range e.all() {
		if f.about.Key == key {
			return f
		}
	}
	return nil
}

// onTyped takes in what was typed: answers first, because they fill fields.
func (e *editor) onTyped() {
	e.answer()
	e.check()
}

// answer fills the preset's answers into the fields that the user has not changed.
func (e *editor) answer() {
	if e.draft.preset == nil || len(e.answers) == 0 {
		return
	}
	given := map[string]string{}
	for _, q := range e.answers {
		given[strings.TrimPrefix(q.about.Key, "?")] = strings.Join(q.values(), "")
	}
	filled, err := e.draft.preset.New("x", given)
	if err != nil {
		return
	}
	for _, f := range e.all() {
		if !f.touched && f.about.Key != "name" && f.about.Kind != profiles.KindSecret && strings.Contains(strings.Join(e.draft.preset.Profile.Get(f.about.Key), " "), "{") {
			f.set(filled.Get(f.about.Key))
		}
	}
	for _, about := range profiles.Fields() { // those that have no widget yet
		if e.field(about.Key) == nil && about.Kind != profiles.KindSecret && strings.Contains(strings.Join(e.draft.preset.Profile.Get(about.Key), " "), "{") {
			_ = e.draft.profile.Set(about.Key, filled.Get(about.Key)...) // what does not fit is found by Validate
		}
	}
}

// check validates everything and says what is wrong: under a field once it was touched, and beside Save, which is only to
// be pressed when nothing is.
func (e *editor) check() {
	clear(e.problems)
	for _, f := range e.all() {
		var err error
		if f.about.Kind == profiles.KindSecret {
			err = profiles.ValidateValue(f.about.Key, f.entry.Text)
		} else {
			err = e.draft.profile.Set(f.about.Key, f.values()...)
		}
		e.blame(f.about.Key, err)
	}
	for _, q := range e.answers {
		for _, question := range e.draft.preset.Questions {
			if "?"+question.Key == q.about.Key {
				_, err := question.Check(strings.Join(q.values(), ""))
				e.blame(q.about.Key, err)
			}
		}
	}
	for _, p := range e.draft.profile.Validate() {
		e.blame(p.Key, p)
	}
	if slices.Contains(e.taken, e.draft.profile.Name) {
		e.blame("name", profiles.Problem{Key: "name", Message: "belongs to another profile; choose a different one"})
	}
	e.show()
}

// blame keeps the first problem of each field.
func (e *editor) blame(key string, err error) {
	var p profiles.Problem
	if err == nil || e.problems[key] != "" {
		return
	}
	if errors.As(err, &p) {
		e.problems[key] = p.Message
	} else {
		e.problems[key] = err.Error()
	}
}

// show is the only code that changes the form's widgets after they are built.
func (e *editor) show() {
	reason := ""
	for _, f := range slices.Concat(e.answers, e.fields, e.advanced.fields) {
		problem := e.problems[f.about.Key]
		if problem != "" && reason == "" {
			reason = f.about.Label + " " + problem
		}
		if !f.touched && strings.HasPrefix(problem, "is missing") {
			problem = "" // nobody is told of a mistake before making one
		}
		f.show(problem)
		if _, real := profiles.FieldByKey(f.about.Key); real {
			visible(f.content, f.about.Shown(e.draft.profile) && e.advanced.wants(f))
		}
	}
	for key, problem := range e.problems {
		if reason == "" {
			reason = key + " " + problem // an advanced field that has no widget yet
		}
	}
	look := muted
	look.align = fyne.TextAlignTrailing
	e.reason.setLook(reason, look)
	enable(e.save, reason == "")
	e.advanced.count(e.draft.profile)
	e.discover.offer(e.problems["issuer"] == "" && e.draft.profile.Issuer != "")
}

// refused says why the agent did not take the profile.
func (e *editor) refused(err error) {
	look := muted
	look.align, look.color = fyne.TextAlignTrailing, colorNeed
	e.reason.setLook(sentence(err.Error()), look)
	enable(e.save, true)
}

// changed says whether leaving would lose something.
func (e *editor) changed() bool {
	return !e.draft.profile.Equal(e.begin) || len(e.secrets()) > 0
}

// secrets are the secrets to store: those that were typed, and those to forget as empty ones. A secret that was left alone
// is not in it and stays as it is.
func (e *editor) secrets() map[string]string {
	secrets := map[string]string{}
	for _, f := range e.all() {
		if f.about.Kind != profiles.KindSecret {
			continue
		}
		if f.entry.Text != "" {
			secrets[f.about.Key] = f.entry.Text
		} else if e.forget != nil && e.forget.Checked {
			secrets[f.about.Key] = ""
		}
	}
	return secrets
}

func (e *editor) onSave() {
	e.check()
	if e.save.Disabled() {
		return
	}
	enable(e.save, false)
	edit := agent.ProfileEdit{Profile: e.draft.profile.Clone(), Secrets: e.secrets(), Create: e.draft.was == ""}
	if e.draft.was != "" && e.draft.was != e.draft.profile.Name {
		edit.Rename = e.draft.was
	}
	e.accept(edit)
}

// suggestions are the values a field offers: its own, or the scopes that the server said it knows.
func (e *editor) suggestions(f *field) []profiles.Choice {
	if f.about.Key == "scope" {
		var all []profiles.Choice
		for _, scope := range e.discover.found.ScopesSupported {
			all = append(all, profiles.Choice{Value: scope, Label: scope})
		}
		return all
	}
	return f.about.Choices
}

// body is the form: what a preset has to say, the fields everyone needs, and the rest.
func (e *editor) body(openURL func(string)) fyne.CanvasObject {
	form := column(6)
	if e.draft.preset != nil {
		form.Add(inset(0, 8, 0, 0, guide(*e.draft.preset, openURL)))
	}
	for _, f := range e.answers {
		form.Add(f.content)
	}
	for _, f := range e.fields {
		form.Add(f.content)
		if f.about.Key == "issuer" {
			form.Add(e.discover.content)
		}
	}
	form.Add(e.advanced.content)
	return form
}

// guide is what a preset says about registering a client there.
func guide(p profiles.Preset, openURL func(string)) fyne.CanvasObject {
	lines := container.New(tight{})
	if p.Register != "" {
		register := paragraph("Register: " + p.Register + ".")
		register.TextStyle.Bold = true
		lines.Add(register)
	}
	for _, note := range p.Notes {
		lines.Add(paragraph(note))
	}
	links := container.NewHBox()
	link := func(label, address string) {
		if address != "" && !strings.Contains(address, "{") {
			links.Add(quiet(label, theme.ComputerIcon(), func() { openURL(address) }))
		}
	}
	link("Open the server's console", p.Console)
	link("Documentation", p.Documentation)
	return card(column(0, lines, links))
}

// advanced are the fields that most profiles leave alone, folded away until asked for, by group, with a search.
type advanced struct {
	content *fyne.Container
	toggle  *button
	search  *input
	inside  *fyne.Container
	fields  []*field
	heads   map[string]*fyne.Container
	build   func() []*field
	refresh func()
}

func newAdvanced(build func() []*field) *advanced {
	a := &advanced{build: build, search: newInput("Search the advanced fields"), heads: map[string]*fyne.Container{}}
	a.toggle = quiet("Advanced", theme.MenuExpandIcon(), func() { a.unfold() })
	a.search.OnChanged = func(string) { a.filter() }
	a.search.SetIcon(theme.SearchIcon())
	a.inside = column(6)
	a.inside.Hide()
	a.content = column(6, besides(0, a.toggle), a.inside)
	return a
}

// unfold shows or hides the fields; they are made when first asked for.
func (a *advanced) unfold() {
	if a.fields == nil {
		a.fields = a.build()
		a.inside.Add(a.search)
		for _, f := range a.fields {
			if a.heads[f.about.Group] == nil {
				a.heads[f.about.Group] = inset(10, 2, 0, 0, newLine(strings.ToUpper(f.about.Group), section))
				a.inside.Add(a.heads[f.about.Group])
			}
			a.inside.Add(f.content)
		}
		a.filter()
	}
	open := !a.inside.Visible()
	visible(a.inside, open)
	a.toggle.SetIcon(map[bool]fyne.Resource{true: theme.MenuDropDownIcon(), false: theme.MenuExpandIcon()}[open])
	a.content.Refresh()
}

// wants says whether the search keeps a field.
func (a *advanced) wants(f *field) bool {
	if !f.about.Advanced {
		return true
	}
	text := strings.ToLower(f.about.Label + " " + f.about.Key + " " + f.about.Help + " " + f.about.Group)
	return containsAll(text, strings.Fields(strings.ToLower(a.search.Text)))
}

func (a *advanced) filter() {
	a.refresh()
	for group, head := range a.heads {
		visible(head, slices.ContainsFunc(a.fields, func(f *field) bool { return f.about.Group == group && f.content.Visible() }))
	}
	a.content.Refresh()
}

// count says on the fold how many of the fields have a value.
func (a *advanced) count(p profiles.Profile) {
	n := 0
	for _, about := range profiles.Fields() {
		if about.Advanced && about.Key != "preset" && len(p.Get(about.Key)) > 0 {
			n++
		}
	}
	text := "Advanced"
	if n > 0 {
		text = fmt.Sprintf("Advanced (%d set)", n)
	}
	if a.toggle.Text != text {
		a.toggle.SetText(text)
	}
}
