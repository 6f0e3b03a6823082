package ui

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/profiles"
)

// advanced are the fields that most profiles leave alone, folded away by group until asked for, with a search.
type advanced struct {
	content *fyne.Container
	toggle  *button
	search  *input
	inside  *fyne.Container
	none    *line
	groups  []*advancedGroup
	build   func(profiles.Field) *field
	check   func()
	profile profiles.Profile
}

// advancedGroup is one group of the table.
type advancedGroup struct {
	fieldGroup
	head   *button
	row    *fyne.Container // of the head
	inside *fyne.Container
	made   map[string]*field
	open   bool
}

func newAdvanced(build func(profiles.Field) *field, check func()) *advanced {
	a := &advanced{build: build, check: check, search: newInput("Search the advanced fields: what they do, or their names"), none: newLine("", muted)}
	a.toggle = quiet("Advanced", theme.MenuExpandIcon(), func() { a.unfold() })
	a.search.OnChanged = func(string) { a.check() }
	a.search.SetIcon(theme.SearchIcon())
	a.inside = column(6, a.search, a.none)
	for _, group := range fieldGroups() {
		group.fields = slices.DeleteFunc(group.fields, func(f profiles.Field) bool { return !f.Advanced })
		if len(group.fields) == 0 {
			continue
		}
		g := &advancedGroup{fieldGroup: group, inside: column(6), made: map[string]*field{}}
		g.head = quiet(group.name, theme.MenuExpandIcon(), func() {
			g.open = !g.open
			a.check()
		})
		a.groups = append(a.groups, g)
		g.row = container.NewHBox(g.head)
		a.inside.Add(g.row)
		a.inside.Add(g.inside)
	}
	a.inside.Hide()
	a.content = column(6, besides(0, a.toggle), a.inside)
	return a
}

// fields are those that exist as widgets.
func (a *advanced) fields() []*field {
	var all []*field
	for _, g := range a.groups {
		for _, about := range g.fieldGroup.fields {
			if f := g.made[about.Key]; f != nil {
				all = append(all, f)
			}
		}
	}
	return all
}

// unfold shows or hides the groups; those with a value in them are open from the start.
func (a *advanced) unfold() {
	open := !a.inside.Visible()
	visible(a.inside, open)
	a.toggle.SetIcon(fold(open))
	if open {
		for _, g := range a.groups {
			g.open = g.open || g.count(a.profile) > 0
		}
	}
	a.check()
	a.content.Refresh()
}

func fold(open bool) fyne.Resource {
	if open {
		return theme.MenuDropDownIcon()
	}
	return theme.MenuExpandIcon()
}

// finds says whether the search keeps a field.
func (a *advanced) finds(f profiles.Field) bool {
	text := strings.ToLower(f.Label + " " + f.Key + " " + f.Help + " " + f.Group + " " + f.RFC)
	return containsAll(text, strings.Fields(strings.ToLower(a.search.Text)))
}

// arrange shows what is asked for: the groups that are open, or what the search finds in any of them. A field gets its widget
// here, the first time that it is seen.
func (a *advanced) arrange(wanted func(profiles.Field) bool, p profiles.Profile) {
	a.profile = p
	n, found := 0, 0
	searching := len(strings.TrimSpace(a.search.Text)) > 1 // one letter finds everything
	for _, g := range a.groups {
		set := g.count(p)
		n += set
		if !a.inside.Visible() {
			continue
		}
		var inside []fyne.CanvasObject
		any := false
		for _, about := range g.fieldGroup.fields {
			on := wanted(about) && (!searching || a.finds(about))
			any = any || on
			on = on && (searching || g.open)
			if on && g.made[about.Key] == nil {
				g.made[about.Key] = a.build(about)
			}
			if f := g.made[about.Key]; f != nil {
				visible(f.content, on)
				inside = append(inside, f.content)
			}
			if on {
				found++
			}
		}
		label := g.name
		if set > 0 {
			label = fmt.Sprintf("%s (%d set)", g.name, set)
		}
		if g.head.Text != label {
			g.head.SetText(label)
		}
		if icon := fold(searching || g.open); g.head.Icon == nil || g.head.Icon.Name() != icon.Name() {
			g.head.SetIcon(icon)
		}
		visible(g.row, any)
		if !slices.Equal(inside, g.inside.Objects) {
			g.inside.Objects = inside
			g.inside.Refresh()
		}
		visible(g.inside, searching && any || g.open)
	}
	a.none.set("")
	if searching && found == 0 {
		a.none.set("No field that this grant uses is about “" + strings.TrimSpace(a.search.Text) + "”.")
	}
	visible(a.none, a.none.text != "")
	a.inside.Refresh()
	a.countAll(n)
}

// count is how many of the group's fields have a value.
func (g *advancedGroup) count(p profiles.Profile) int {
	n := 0
	for _, about := range g.fieldGroup.fields {
		if about.Key != "preset" && len(p.Get(about.Key)) > 0 {
			n++
		}
	}
	return n
}

// countAll says on the fold how many of the fields have a value.
func (a *advanced) countAll(n int) {
	text := "Advanced"
	if n > 0 {
		text = fmt.Sprintf("Advanced (%d set)", n)
	}
	if a.toggle.Text != text {
		a.toggle.SetText(text)
	}
}
