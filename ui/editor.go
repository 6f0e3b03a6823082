package ui

import (
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
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

// editor is the form for a profile. A field has a widget only once it is shown: there are far more fields than any one grant
// uses.
type editor struct {
	draft    draft
	begin    profiles.Profile // as it was when the form opened
	known    *profiles.Preset // the server's, for its words and scopes; nil for one that Fob does not know
	front    *fyne.Container  // what everybody needs
	fields   []*field         // of front, in the order to show them
	answers  []*field         // the preset's questions
	guide    *guide           // what a preset has to say, or nil
	advanced *advanced
	discover *discovery
	save     *button
	reason   *line
	taken    []string // names that other profiles have
	problems map[string]string

	accept func(agent.ProfileEdit)
	offer  func(*field, []profiles.Choice) // shows suggestions
	file   func(*field)                    // lets the user choose a file for the field
	copied func(string)                    // puts something that is no secret on the clipboard
	reveal func(fyne.CanvasObject)         // brings a field into sight
	pass   func(fyne.Shortcut)             // takes shortcuts that are not a field's
}

func newEditor(d draft, taken []string) *editor {
	e := &editor{draft: d, begin: d.profile.Clone(), taken: slices.DeleteFunc(taken, func(n string) bool { return n == d.was }), problems: map[string]string{}}
	e.save = newButton("Save", nil, widget.HighImportance, func() { e.onSave() })
	e.reason = newShortLine("", muted)
	e.reason.look.align = fyne.TextAlignTrailing
	e.discover = newDiscovery()
	e.front = column(6)
	e.known = d.preset
	if preset, ok := profiles.PresetByID(d.profile.Preset); ok && e.known == nil {
		e.known = &preset
	}
	if d.preset != nil {
		e.guide = newGuide(*d.preset, func(text string) { e.copied(text) })
		for _, q := range d.preset.Questions {
			// A question for a field is that field; Keycloak's realm is not the field realm.
			if !strings.Contains(strings.Join(d.preset.Profile.Get(q.Key), " "), "{"+q.Key+"}") {
				e.answers = append(e.answers, e.watch(newField(profiles.Field{Key: "?" + q.Key, Label: q.Label, Help: q.Help, Example: q.Example, Default: q.Default, Kind: profiles.KindText})))
			}
		}
	}
	e.advanced = newAdvanced(e.build, e.check)
	e.advanced.search.shortcut = e.onShortcut
	e.check()
	return e
}

// frontFields are the fields that are not folded away: the grant stands before what depends on it.
func frontFields() []profiles.Field {
	var all []profiles.Field
	for _, about := range profiles.Fields() {
		if !about.Advanced && about.Key != "grant_type" {
			all = append(all, about)
		}
		if about.Key == "color" {
			grant, _ := profiles.FieldByKey("grant_type")
			all = append(all, grant)
		}
	}
	return all
}

// build makes a field's widget with the draft's value in it.
func (e *editor) build(about profiles.Field) *field {
	f := newField(about)
	f.set(e.draft.profile.Get(about.Key))
	if e.known != nil {
		f.word = e.known.Words[about.Key]
	}
	switch {
	case about.Kind == profiles.KindSecret && slices.Contains(e.draft.stored, about.Key):
		f.entry.SetPlaceHolder("stored; leave empty to keep it")
		f.forget = newCheckbox("Forget it", func(bool) { e.check() })
		f.put(f.forget)
	case about.Key == "issuer":
		f.put(e.discover.button)
	case about.Key == "scope":
		e.offerScopes(f)
	}
	e.discover.hint(f)
	return e.watch(f)
}

func (e *editor) watch(f *field) *field {
	f.typed = e.onTyped
	if f.entry != nil {
		f.entry.shortcut = e.onShortcut
		f.entry.gained = func() { e.reveal(f.content) }
	}
	f.pick = func(f *field) { e.offer(f, f.about.Choices) }
	f.open = func(f *field) { e.file(f) }
	return f
}

func (e *editor) onShortcut(s fyne.Shortcut) { e.pass(s) }

// all are the fields that exist as widgets.
func (e *editor) all() []*field {
	return slices.Concat(e.fields, e.advanced.fields())
}

// built is the field's widget, or nil while it has none.
func (e *editor) built(key string) *field {
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

// given are the answers to the preset's questions.
func (e *editor) given() map[string]string {
	given := map[string]string{}
	for _, q := range e.answers {
		given[strings.TrimPrefix(q.about.Key, "?")] = strings.Join(q.values(), "")
	}
	return given
}

// answer fills the preset's answers into the fields that the user has not changed.
func (e *editor) answer() {
	if e.draft.preset == nil || len(e.answers) == 0 {
		return
	}
	filled, err := e.draft.preset.New("x", e.given())
	if err != nil {
		return
	}
	for _, about := range profiles.Fields() {
		if about.Kind == profiles.KindSecret || about.Key == "name" || !strings.Contains(strings.Join(e.draft.preset.Profile.Get(about.Key), " "), "{") {
			continue
		}
		if f := e.built(about.Key); f == nil {
			_ = e.draft.profile.Set(about.Key, filled.Get(about.Key)...) // what does not fit is found by Validate
		} else if !f.touched {
			f.set(filled.Get(about.Key))
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
	key, _, _ = strings.Cut(key, ".") // a parameter's problem is shown at its field
	if err == nil || e.problems[key] != "" {
		return
	}
	if errors.As(err, &p) {
		e.problems[key] = p.Message
	} else {
		e.problems[key] = err.Error()
	}
}

// wanted says whether a field has a meaning for the draft, or something that is wrong about it.
func (e *editor) wanted(about profiles.Field) bool {
	if e.problems[about.Key] != "" && about.Key != "preset" {
		return true // else nobody could mend it
	}
	return about.Shown(e.draft.profile)
}

// show is the only code that changes the form's widgets after they are built.
func (e *editor) show() {
	e.arrange()
	e.advanced.arrange(e.wanted, e.draft.profile)
	weak := map[string]string{}
	for _, w := range e.draft.profile.Weaknesses() {
		weak[w.Key] = strings.TrimSpace(weak[w.Key] + " " + w.Sentence)
	}
	for _, f := range slices.Concat(e.answers, e.fields, e.advanced.fields()) {
		problem := e.problems[f.about.Key]
		if !f.touched && strings.HasPrefix(problem, "is missing") {
			problem = "" // nobody is told of a mistake before making one
		}
		f.show(problem, weak[f.about.Key])
		f.mark()
	}
	look := muted
	look.align = fyne.TextAlignTrailing
	reason := e.firstProblem()
	e.reason.setLook(reason, look)
	enable(e.save, reason == "")
	e.discover.offer(e.problems["issuer"] == "" && e.draft.profile.Issuer != "")
	if e.guide != nil {
		e.guide.show(e.draft.profile, e.given())
	}
}

// firstProblem is what stands between the user and Save: the first in the order of the form.
func (e *editor) firstProblem() string {
	for _, q := range e.answers {
		if problem := e.problems[q.about.Key]; problem != "" {
			return q.about.Label + " " + problem
		}
	}
	for _, about := range slices.Concat(frontFields(), profiles.Fields()) {
		if problem := e.problems[about.Key]; problem != "" {
			return about.Label + " " + problem
		}
	}
	for key, problem := range e.problems {
		return key + " " + problem
	}
	return ""
}

// arrange puts the fields that the draft's grant and method use into the form, each in its place.
func (e *editor) arrange() {
	var now []*field
	var inside []fyne.CanvasObject
	for _, about := range frontFields() {
		i := slices.IndexFunc(e.fields, func(f *field) bool { return f.about.Key == about.Key })
		if i < 0 && !e.wanted(about) {
			continue
		}
		var f *field
		if i < 0 {
			f = e.build(about)
		} else {
			f = e.fields[i]
		}
		now = append(now, f)
		visible(f.content, e.wanted(about))
		inside = append(inside, f.content)
		if about.Key == "issuer" {
			inside = append(inside, e.discover.content)
		}
	}
	e.fields = now
	if !slices.Equal(inside, e.front.Objects) {
		e.front.Objects = inside
		e.front.Refresh()
	}
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
// is not in it and stays as it is; so does one that the profile does not use.
func (e *editor) secrets() map[string]string {
	secrets := map[string]string{}
	for _, f := range e.all() {
		if f.about.Kind != profiles.KindSecret {
			continue
		}
		if f.forget != nil && f.forget.Checked {
			secrets[f.about.Key] = ""
		} else if f.entry.Text != "" && f.about.Shown(e.draft.profile) {
			secrets[f.about.Key] = f.entry.Text
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

// body is the form: what a preset has to say, the fields everyone needs, and the rest.
func (e *editor) body(openURL func(string)) fyne.CanvasObject {
	form := column(6)
	if e.guide != nil {
		e.guide.open = openURL
		form.Add(inset(0, 8, 0, 0, e.guide.content))
	}
	for _, f := range e.answers {
		form.Add(f.content)
	}
	form.Add(e.front)
	form.Add(e.advanced.content)
	return form
}
