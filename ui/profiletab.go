package ui

import (
	"strings"

	"fyne.io/fyne/v2"
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
	t.groups.Objects = nil
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

func (t *profileTab) online(on bool) { enable(t.edit, on) }

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
