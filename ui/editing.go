package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/profiles"
)

// draftOf is a new profile with what a preset knows. What depends on an answer stays empty until it is given.
func draftOf(preset profiles.Preset, free func(string) string) draft {
	p := preset.Profile.Clone()
	p.Name = free(p.Name)
	for _, about := range profiles.Fields() {
		if about.Kind == profiles.KindSecret || about.Key == "name" {
			continue
		}
		for _, value := range p.Get(about.Key) {
			if containsAll(value, []string{"{", "}"}) {
				_ = p.Set(about.Key) // the default of a field is always allowed but for the name
			}
		}
	}
	if p.Color == "" && preset.ID != "oidc" && preset.ID != "api" { // those two are of no brand
		p.Color = preset.Color
	}
	return draft{profile: p, preset: &preset}
}

// chooseFile lets the user choose a file whose content becomes the field's value.
func (w *Window) chooseFile(f *field) {
	dialog.ShowFileOpen(func(file fyne.URIReadCloser, err error) {
		if file == nil && err == nil {
			return // cancelled
		}
		if err == nil {
			defer file.Close()
			err = f.take(file.URI().Name(), file)
		}
		if err != nil {
			f.hint.set(sentence(err.Error()), colorNeed)
		}
	}, w.window)
}

// afterLayout is when the driver has placed what was added: it does so with the next frame or the one after.
const afterLayout = 60 * time.Millisecond

// edit opens the form for a profile that exists.
func (w *Window) edit(name string) {
	if !w.online {
		return
	}
	w.actions.profile(name, func(view agent.ProfileView, err error) {
		if err != nil {
			w.failed(err)
			return
		}
		w.openEditor(newEditor(draft{profile: view.Profile.Clone(), was: name, stored: view.Secrets}, w.model.names()), "Edit "+name)
	})
}

// duplicate opens the form for a copy of a profile. Secrets are not copied: they never come here.
func (w *Window) duplicate(name string) {
	w.actions.profile(name, func(view agent.ProfileView, err error) {
		if err != nil {
			w.failed(err)
			return
		}
		p := view.Profile.Clone()
		p.Name = w.model.free(name + " copy")
		w.openEditor(newEditor(draft{profile: p}, w.model.names()), "Copy of "+name)
	})
}

// openEditor shows the form.
func (w *Window) openEditor(e *editor, heading string) {
	leave := func() {
		if !e.changed() {
			w.back()
			return
		}
		w.confirm("Discard the changes?", "What you wrote here is not saved yet.", "Discard", true, w.back)
	}
	e.accept = func(edit agent.ProfileEdit) {
		w.actions.put(edit, func(err error) {
			if err != nil {
				e.refused(err)
				return
			}
			w.back()
			w.onSelect(edit.Profile.Name)
		})
	}
	e.offer, e.pass = w.suggest, w.onShortcut
	e.discover.button.OnTapped = func() { e.onDiscover(w.actions.discover) }
	e.file = w.chooseFile
	e.copied = w.actions.clipboard.SetContent
	below := across(10, 0, e.reason, quiet("Cancel", nil, leave), e.save)
	p := newPage(heading, nil, e.body(func(address string) { w.actions.open(address, "", w.failed) }), below, leave)
	p.accept, p.about = e.onSave, e
	e.reveal = p.reveal
	lead := func() { p.lead(e.advanced.search) }
	e.advanced.search.gained = func() {
		lead()
		w.actions.after(afterLayout, lead) // once more: what was just unfolded has no place yet
	}
	p.find = func() {
		if !e.advanced.inside.Visible() {
			e.advanced.unfold()
		}
		w.window.Canvas().Focus(e.advanced.search)
	}
	p.focus = e.firstEmpty()
	w.open(p)
}

// firstEmpty is the field to begin with: the first that has to be filled in.
func (e *editor) firstEmpty() fyne.Focusable {
	for _, f := range append(append([]*field(nil), e.answers...), e.fields...) {
		if f.entry != nil && e.problems[f.about.Key] != "" {
			return f.entry
		}
	}
	return e.fields[0].entry
}

// suggest shows a field's choices under it; choosing one of several values adds it, or takes it away again.
func (w *Window) suggest(f *field, choices []profiles.Choice) {
	menu := fyne.NewMenu("")
	for _, c := range choices {
		item := fyne.NewMenuItem(c.Label, func() { f.choose(c.Value) })
		item.Checked = f.holds(c.Value)
		menu.Items = append(menu.Items, item)
	}
	if len(menu.Items) == 0 {
		return
	}
	popUp := widget.NewPopUpMenu(menu, w.window.Canvas())
	popUp.ShowAtRelativePosition(fyne.NewPos(0, f.entry.Size().Height+2), f.entry)
	popUp.Resize(fyne.NewSize(max(popUp.MinSize().Width, 220), popUp.MinSize().Height))
	w.window.Canvas().Focus(popUp)
}

// remove forgets a profile, after asking.
func (w *Window) remove(name string) {
	w.confirm("Remove "+name+"?", "The profile, its tokens and its client secret are forgotten on this machine. To end the login at the server too, log out first.",
		"Remove", true, func() { w.actions.remove(name, w.failed) })
}

// names are all profiles' names.
func (m *model) names() []string { return append([]string(nil), m.order...) }

// free is name, or a name like it that no profile has.
func (m *model) free(name string) string {
	candidate := name
	for i := 2; m.byName[candidate] != nil; i++ {
		candidate = fmt.Sprintf("%s %d", name, i)
	}
	return candidate
}
