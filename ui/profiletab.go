package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
	"fob/profiles"
)

// profileTab is how the profile is set up, read only.
type profileTab struct {
	content *fyne.Container
	edit    *button
	groups  *fyne.Container
	ask     func(intent)
	keys    func()                  // copies the public keys
	makeKey func(agent.ProfileView) // makes a new private key
	on      bool                    // the agent can be asked
	buttons []*button
	copied  func(name, text string)
}

func newProfileTab() *profileTab {
	t := &profileTab{groups: column(14)}
	t.edit = quiet("Edit", theme.DocumentCreateIcon(), func() { t.ask(askEdit) })
	t.content = column(8, across(8, 0, newShortLine("How this profile logs in", muted), t.edit), t.groups)
	return t
}

func (t *profileTab) clear() {
	t.groups.Objects = nil
	t.groups.Refresh()
}

// show is the only code that changes the tab's fields.
func (t *profileTab) show(view agent.ProfileView) {
	t.groups.Objects, t.buttons = nil, nil
	if weak := view.Profile.Weaknesses(); len(weak) > 0 {
		list := column(0, newLine("WEAK SETTINGS", section))
		for _, w := range weak {
			field, _ := profiles.FieldByKey(w.Key)
			list.Add(container.NewBorder(nil, nil, container.NewVBox(inset(6, 0, 0, 0, newBadge("weak"))), nil, paragraph(field.Label+": "+w.Sentence)))
		}
		t.groups.Objects = append(t.groups.Objects, list)
	}
	if usesKey(view.Profile) {
		t.buttons = []*button{quiet("Copy the public keys", theme.ContentCopyIcon(), func() { t.keys() }), quiet("Make a key …", theme.ContentAddIcon(), func() { t.makeKey(view) })}
		words := "The client signs with a key of its own; the server has to know the public half."
		t.groups.Objects = append(t.groups.Objects, column(2, newLine("KEYS", section), newShortLine(words, muted), container.NewHBox(t.buttons[0], t.buttons[1])))
		t.online(t.on)
	}
	for _, group := range fieldGroups() {
		var all []fact
		for _, field := range group.fields {
			if value := shownValue(field, view); value != "" {
				all = append(all, fact{field.Label, value})
			}
		}
		if len(all) == 0 {
			continue
		}
		list := newFacts()
		list.least, list.copied = 150, t.copied
		list.show(all)
		t.groups.Objects = append(t.groups.Objects, column(6, newLine(strings.ToUpper(group.name), section), list.content))
	}
	t.groups.Refresh()
}

func (t *profileTab) online(on bool) {
	t.on = on
	enable(t.edit, on)
	for _, b := range t.buttons {
		enable(b, on)
	}
}

// shownValue is a field as the profile has it: its values, its default in words, or nothing when it is not set and stands
// for nothing.
func shownValue(f profiles.Field, view agent.ProfileView) string {
	if !f.Shown(view.Profile) {
		return ""
	}
	if f.Kind == profiles.KindSecret {
		for _, key := range view.Secrets {
			if key == f.Key {
				return "stored in the keychain"
			}
		}
		return ""
	}
	values := view.Profile.Get(f.Key)
	if len(values) == 0 {
		if f.Advanced || f.Default == "" {
			return ""
		}
		return f.Default + " (default)"
	}
	if f.Key == "scope" {
		return strings.Join(values, " ") // as it is sent (RFC 6749 §3.3)
	}
	return strings.Join(values, "\n")
}

// fieldGroup are the fields that stand together.
type fieldGroup struct {
	name   string
	fields []profiles.Field
}

// fieldGroups are all fields by group, in the order of the table.
func fieldGroups() []fieldGroup {
	var groups []fieldGroup
	for _, field := range profiles.Fields() {
		if n := len(groups); n == 0 || groups[n-1].name != field.Group {
			groups = append(groups, fieldGroup{name: field.Group})
		}
		last := &groups[len(groups)-1]
		last.fields = append(last.fields, field)
	}
	return groups
}
