package ui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/internal/carry"
	"fob/profiles"
)

// importView takes profiles over from another tool's file, a folder, or what is pasted. Everything that it would do stands on the
// screen before it is done: which profiles, what they change, how many secrets, and what stays behind.
type importView struct {
	content   *fyne.Container
	file      *button
	folder    *button
	paste     *input
	what      *line   // which format, and where it is from
	within    *picker // one of the source's own environments
	values    *button // a file with values for the source's variables
	options   *fyne.Container
	formats   *picker // when the source could be read in several ways
	ambiguous *fyne.Container
	source    *fyne.Container // what was read, and what can be chosen about it
	wrong     *note
	result    *fyne.Container
	cards     *fyne.Container
	secrets   *checkbox
	left      *fyne.Container
	leftTitle *line
	accept    *button
	busy      bool
	all       []*importCard
	found     carry.Found
	present   map[string]profiles.Profile // those that a draft's name meets
	with      func(path string)           // reads the source again with the values of a file
	shortcut  func(fyne.Shortcut)
}

// importCard is one profile that was found.
type importCard struct {
	view   *importView
	draft  carry.Draft
	take   *checkbox
	name   *input
	needs  map[string]*input // by key, what the source does not say
	wrong  *note
	change *fyne.Container
}

func newImportView() *importView {
	v := &importView{paste: newInput("or paste it here: a curl command, an authorization URL, JSON, YAML"), what: newShortLine("", strong), wrong: newNote(""),
		cards: column(8), left: column(3), leftTitle: newShortLine("", section), present: map[string]profiles.Profile{}}
	v.file = newButton("Choose a file …", theme.FileIcon(), widget.MediumImportance, nil)
	v.folder = newButton("Choose a folder …", theme.FolderOpenIcon(), widget.MediumImportance, nil)
	v.paste.MultiLine, v.paste.Wrapping = true, fyne.TextWrapOff
	v.paste.SetMinRowsVisible(4)
	v.secrets = newCheckbox("", func(bool) { v.check() })
	v.secrets.Checked = true
	v.accept = newButton("Import", nil, widget.HighImportance, nil)
	v.within = newPicker(nil, nil)
	v.values = quiet("Values from a file …", theme.FileIcon(), nil)
	v.options = across(8, 1, newFixed(110, newShortLine("Environment", muted)), v.within, v.values)
	v.formats = newPicker(nil, nil)
	v.ambiguous = across(8, 1, newFixed(110, newShortLine("Read it as", muted)), v.formats)
	v.ambiguous.Hide()
	v.source = column(12, v.what, v.options)
	v.result = column(12, v.cards, v.secrets, column(4, v.leftTitle, v.left))
	v.content = column(12,
		newShortLine("From another tool", look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}}),
		newLine("Postman, Insomnia, Bruno, OpenAPI, IntelliJ, kubeconfig, oidc-agent, Google's client JSON, or Fob's own.", muted),
		across(8, 2, v.file, v.folder, newLine("or drop it on this window", muted)), v.paste, v.ambiguous, v.source, v.wrong, v.result)
	v.empty()
	return v
}

// readSource is what a source holds, with the profiles that its names meet.
type readSource struct {
	found   carry.Found
	present map[string]profiles.Profile
}

// empty shows that nothing is read, or something new: nothing can be chosen about it yet.
func (v *importView) empty() {
	v.show(carry.Found{}, "", nil)
	v.showOptions(carry.Found{})
	visible(v.source, false)
	visible(v.ambiguous, false)
}

// show is the only code that shows what was found. What can be chosen about the source stays as it is.
func (v *importView) show(found carry.Found, what string, present map[string]profiles.Profile) {
	v.found, v.present, v.all, v.busy = found, present, nil, false
	v.wrong.set("", colorNeed)
	visible(v.wrong, false)
	v.cards.Objects, v.left.Objects = nil, nil
	for _, d := range found.Drafts {
		c := v.newCard(d)
		v.all = append(v.all, c)
		v.cards.Add(card(c.content()))
	}
	if what != "" {
		v.what.set(found.Format.Label + " · " + what)
	}
	if len(found.Left) > 0 {
		v.leftTitle.set("NOT CARRIED OVER")
	}
	for _, l := range found.Left {
		words := l.What + ": " + l.Why
		if l.Profile != "" && len(found.Drafts) > 1 {
			words = l.Profile + " · " + words
		}
		v.left.Add(remark(words, colorMuted))
	}
	words := carry.SecretWords(found.Drafts)
	v.secrets.SetText("Store " + words + " in the keychain")
	visible(v.secrets, words != "")
	visible(v.leftTitle, len(found.Left) > 0)
	visible(v.result, what != "")
	rows := 4
	if what != "" {
		rows = 2 // what was found is what matters now
	}
	v.paste.SetMinRowsVisible(rows)
	v.content.Refresh()
	v.check()
}

// noEnvironment is the choice of none: a source of several is then read as it stands.
const noEnvironment = "None of its own"

// showOptions shows what can be chosen about the source. Where there is no choice there is nothing to see.
func (v *importView) showOptions(found carry.Found) {
	v.within.Options = append([]string{noEnvironment}, found.Environments...)
	if !slices.Contains(v.within.Options, v.within.Selected) {
		v.within.Selected = noEnvironment // without asking anew
	}
	v.within.Refresh()
	enable(v.within, len(found.Environments) > 0)
	visible(v.values, found.Format.Variables())
	visible(v.options, found.Format.Variables())
	visible(v.source, true)
}

// choose asks in which of several formats the source is.
func (v *importView) choose(ids []string) {
	v.formats.Options = nil
	for _, f := range carry.Formats() {
		if slices.Contains(ids, f.ID) {
			v.formats.Options = append(v.formats.Options, f.Label)
		}
	}
	v.formats.ClearSelected()
	visible(v.ambiguous, true)
	v.content.Refresh()
}

// remark is small text in line with what stands above it: Fyne gives a text that wraps a margin of its own.
func remark(text string, color fyne.ThemeColorName) fyne.CanvasObject {
	n := newNote("")
	n.set(text, color)
	return inset(-7, -7, -8, -8, n)
}

// say shows why nothing was found, or not imported.
func (v *importView) say(text string) {
	v.wrong.set(text, colorNeed)
	visible(v.wrong, text != "")
	v.content.Refresh()
}

func (v *importView) newCard(d carry.Draft) *importCard {
	c := &importCard{view: v, draft: d, name: newInput("Name"), needs: map[string]*input{}, wrong: newNote(""), change: column(2)}
	c.name.SetText(d.Profile.Name)
	c.name.OnChanged = func(string) { v.check() }
	c.name.shortcut = v.shortcut
	_, meets := v.present[d.Profile.Name]
	c.take = newCheckbox(d.Profile.Name, func(bool) { v.check() })
	c.take.Checked = !meets // to change what is there is asked for by a tick
	for _, need := range d.Needs {
		if f, known := profiles.FieldByKey(need.Key); known && f.Kind != profiles.KindSecret && !f.Multiline {
			field := newInput(f.Label + ", like " + f.Example)
			field.shortcut = v.shortcut
			field.OnChanged = func(string) { v.check() }
			c.needs[need.Key] = field
		}
	}
	return c
}

// content puts a card's widgets together.
func (c *importCard) content() fyne.CanvasObject {
	p := c.draft.Profile
	server := p.Issuer
	for _, other := range []string{p.AuthorizationEndpoint, p.TokenEndpoint, p.APIBaseURL} {
		if server == "" {
			server = other
		}
	}
	facts := []string{hostOf(server), p.ClientID, p.Grant(), p.ScopeString()}
	facts = slices.DeleteFunc(facts, func(s string) bool { return s == "" })
	rows := column(6, c.take, inset(0, 0, 30, 0, newLine(strings.Join(facts, " · "), muted)))
	for _, need := range c.draft.Needs {
		if field := c.needs[need.Key]; field != nil {
			f, _ := profiles.FieldByKey(need.Key)
			rows.Add(inset(0, 0, 30, 0, across(8, 1, newFixed(150, newShortLine(f.Label, muted)), field)))
		}
	}
	if _, meets := c.view.present[p.Name]; meets {
		rows.Add(inset(0, 0, 30, 0, across(8, 1, newFixed(150, newShortLine("Name", muted)), c.name)))
	}
	rows.Add(inset(0, 0, 30, 0, c.change))
	rows.Add(inset(-4, -6, 22, 0, c.wrong))
	return rows
}

// profile is the card's profile with what was typed; secrets are left out where they are not wanted.
func (c *importCard) profile() (carry.Draft, error) {
	d := c.draft
	d.Profile = d.Profile.Clone()
	if err := d.Profile.Set("name", strings.TrimSpace(c.name.Text)); err != nil {
		return d, err
	}
	for key, field := range c.needs {
		if err := d.Profile.Set(key, field.Text); err != nil {
			return d, err
		}
	}
	if !c.view.secrets.Checked {
		d.Secrets = nil
	}
	if problems := d.Profile.Validate(); len(problems) > 0 {
		return d, problems[0]
	}
	return d, nil
}

// check says what can be done next, and what it would change.
func (v *importView) check() {
	ready, wrong := 0, false
	for _, c := range v.all {
		d, err := c.profile()
		text := ""
		if err != nil && c.take.Checked {
			text, wrong = fieldSentence(err), true
		}
		c.wrong.set(text, colorNeed)
		visible(c.wrong, text != "")
		c.change.Objects = nil
		if old, meets := v.present[d.Profile.Name]; meets && err == nil {
			change, differences := d.Meets([]profiles.Profile{old})
			head := "There is a profile of this name; a tick changes it:"
			if change == carry.Unchanged {
				head = "The profile of this name is the same already."
			}
			c.change.Add(newLine(head, muted))
			for _, line := range differences {
				c.change.Add(remark(strings.Replace(line, " → ", ", now ", 1), theme.ColorNameForeground))
			}
		}
		visible(c.change, len(c.change.Objects) > 0)
		if c.take.Checked {
			ready++
		}
	}
	words := "Import"
	switch {
	case ready == 1:
		words = "Import 1 profile"
	case ready > 1:
		words = "Import " + strconv.Itoa(ready) + " profiles"
	}
	if v.accept.Text != words {
		v.accept.SetText(words)
	}
	enable(v.accept, ready > 0 && !wrong && !v.busy)
	v.cards.Refresh()
	v.content.Refresh()
}

// fieldSentence says what is wrong with a field, by the name that people know it under.
func fieldSentence(err error) string {
	var problem profiles.Problem
	if errors.As(err, &problem) {
		if f, known := profiles.FieldByKey(problem.Key); known {
			return f.Label + " " + problem.Message + "."
		}
	}
	return sentence(err.Error())
}

// chosen are the edits that were asked for.
func (v *importView) chosen() (edits []agent.ProfileEdit) {
	for _, c := range v.all {
		if d, err := c.profile(); err == nil && c.take.Checked {
			_, there := v.present[d.Profile.Name]
			edits = append(edits, agent.ProfileEdit{Profile: d.Profile, Secrets: d.Revealed(), Create: !there})
		}
	}
	return edits
}

// importFrom opens the page; paths are files that were dropped on the window.
func (w *Window) importFrom(paths ...string) {
	if !w.online {
		return
	}
	v := newImportView()
	v.shortcut = w.onShortcut
	v.paste.shortcut = w.onShortcut
	mine := func() bool { return w.page != nil && w.page.about == v }
	turn, fresh := 0, true // fresh: nothing of this source was shown yet
	var how carry.Options  // of the source that again reads
	again := func() {}
	var load func(what string, open func() (carry.Source, error))
	read := func(what string, open func() (carry.Source, error)) { // a new source
		how, again = carry.Options{}, func() { load(what, open) }
		v.within.Selected = noEnvironment
		v.values.SetText("Values from a file …")
		fresh = true
		again()
	}
	load = func(what string, open func() (carry.Source, error)) {
		turn++
		now := turn
		w.actions.readSource(open, how, w.model.names(), func(r readSource, err error) {
			if !mine() || now != turn { // something newer was chosen meanwhile
				return
			}
			if err != nil {
				if fresh {
					v.empty()
				} else { // what was chosen stands there, to be chosen otherwise
					v.show(carry.Found{}, "", nil)
					v.what.set(what)
				}
				v.say(importProblem(what, err))
				if several := (*carry.AmbiguousError)(nil); errors.As(err, &several) {
					v.choose(several.IDs)
					fresh = false
				}
				return
			}
			if fresh {
				visible(v.ambiguous, false)
			}
			fresh = false
			v.show(r.found, what, r.present)
			v.showOptions(r.found)
			if len(r.found.Drafts) == 0 {
				v.say("There is no login in it that Fob could take over.")
			}
		})
	}
	v.within.OnChanged = func(name string) {
		if how.Within = name; name == noEnvironment {
			how.Within = ""
		}
		again()
	}
	v.formats.OnChanged = func(label string) {
		for _, f := range carry.Formats() {
			if f.Label == label {
				how.From = f.ID
				again()
			}
		}
	}
	path := func(name string) { read(shortPath(name), func() (carry.Source, error) { return carry.Open(name) }) }
	v.paste.OnChanged = func(text string) {
		if strings.TrimSpace(text) == "" {
			turn++
			v.empty()
			return
		}
		read("pasted", func() (carry.Source, error) { return carry.Read(strings.NewReader(text)) })
	}
	chosen := func(uri fyne.URI, err error) {
		if err != nil {
			v.say(sentence(err.Error()))
		} else if uri != nil {
			path(uri.Path())
		}
	}
	v.file.OnTapped = func() {
		dialog.ShowFileOpen(func(file fyne.URIReadCloser, err error) {
			if file == nil {
				chosen(nil, err)
				return
			}
			file.Close()
			chosen(file.URI(), err)
		}, w.window)
	}
	v.with = func(path string) { v.valuesFrom(path, &how, again) }
	v.values.OnTapped = func() {
		dialog.ShowFileOpen(func(file fyne.URIReadCloser, err error) {
			if file != nil {
				file.Close()
				v.with(file.URI().Path())
			} else if err != nil {
				v.say(sentence(err.Error()))
			}
		}, w.window)
	}
	v.folder.OnTapped = func() {
		dialog.ShowFolderOpen(func(folder fyne.ListableURI, err error) {
			if folder == nil {
				chosen(nil, err)
				return
			}
			chosen(folder, err)
		}, w.window)
	}
	leave := func() {
		v.paste.OnChanged = nil
		v.paste.SetText("") // it may have held a secret
		w.back()
	}
	v.accept.OnTapped = func() {
		if v.accept.Disabled() {
			return
		}
		edits := v.chosen()
		v.busy = true
		v.check()
		v.say("")
		w.actions.putAll(edits, func(err error) {
			if !mine() {
				return
			}
			v.busy = false
			v.check()
			if err != nil {
				v.say(problemWords(err))
				return
			}
			leave()
			w.onSelect(edits[0].Profile.Name)
			words := "Imported."
			if len(edits) > 1 {
				words = "Imported " + strconv.Itoa(len(edits)) + " profiles."
			}
			w.said(edits[0].Profile.Name, words, nil)
		})
	}
	p := newPage("Import", nil, v.content, across(8, 0, newLine("", plain), quiet("Cancel", nil, leave), v.accept), leave)
	p.about, p.accept, p.focus = v, func() { v.accept.OnTapped() }, v.paste
	w.open(p)
	if len(paths) > 0 {
		path(paths[0])
	}
}

// valuesFrom reads the source again with the values of a file.
func (v *importView) valuesFrom(path string, how *carry.Options, again func()) {
	source, err := carry.Open(path)
	if err != nil {
		v.say(importProblem(shortPath(path), err))
		return
	}
	how.Environment = &source
	v.values.SetText("Values from " + shortPath(path) + " …")
	again()
}

// importProblem says why a source gave nothing.
func importProblem(what string, err error) string {
	var ambiguous *carry.AmbiguousError
	switch {
	case errors.As(err, &ambiguous):
		return "It could be read in more than one way."
	case errors.Is(err, carry.ErrUnknown):
		return "This is nothing that Fob reads: a collection, an environment, an OpenAPI document, a curl command, an authorization URL …"
	}
	text := err.Error()
	if what == "pasted" && !strings.Contains(text, ":") {
		text = "it " + text
	}
	return sentence(text)
}

// dropped reacts to a file that was dragged onto the window.
func (w *Window) dropped(_ fyne.Position, all []fyne.URI) {
	if len(all) == 0 || all[0].Scheme() != "file" || w.page != nil && !isImport(w.page) || w.window.Canvas().Overlays().Top() != nil {
		return // a form that is being filled in is not thrown away
	}
	w.importFrom(all[0].Path())
}

func isImport(p *page) bool { _, is := p.about.(*importView); return is }

// shortPath is the end of a path, which is what people know it by.
func shortPath(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	if len(parts) == 0 {
		return name
	}
	return parts[len(parts)-1]
}

// readSource reads a source and asks for the profiles that its names meet.
func (a *actions) readSource(open func() (carry.Source, error), how carry.Options, names []string, done func(readSource, error)) {
	begin(a, func(ctx context.Context) (readSource, error) {
		r := readSource{present: map[string]profiles.Profile{}}
		source, err := open()
		if err != nil {
			return r, err
		}
		if r.found, err = carry.Import(source, how); err != nil {
			return r, err
		}
		for _, name := range names { // all: a draft may be called by any name here
			if !slices.ContainsFunc(r.found.Drafts, func(d carry.Draft) bool { return d.Profile.Name == name }) {
				continue
			}
			view, err := a.agent.Profile(ctx, name)
			if err != nil {
				return r, err
			}
			r.present[name] = view.Profile
		}
		return r, nil
	}, done)
}

// putAll writes profiles one after the other and stops at the first that cannot be.
func (a *actions) putAll(edits []agent.ProfileEdit, done func(error)) {
	begin(a, without(func(ctx context.Context) error {
		for _, edit := range edits {
			if err := a.agent.PutProfile(ctx, edit); err != nil {
				return err
			}
		}
		return nil
	}), outcome(done))
}
