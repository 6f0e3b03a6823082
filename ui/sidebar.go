package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// sidebar is the left side: the search and the list of profiles.
type sidebar struct {
	content *fyne.Container
	search  *input
	add     *button
	gear    *button
	rows    *rows
	none    *widget.Label
	now     func() time.Time
}

func newSidebar(m *model, now func() time.Time) *sidebar {
	s := &sidebar{search: newInput("Search"), rows: newRows(), none: paragraph(""), now: now}
	s.search.arrows = true
	s.search.SetIcon(theme.SearchIcon())
	s.add = quiet("", theme.ContentAddIcon(), nil)
	s.gear = quiet("", theme.SettingsIcon(), nil)
	s.none.Alignment = fyne.TextAlignCenter
	s.rows.fill = func(r listRow, view *row) {
		if r.name == "" {
			view.showHeading(r.heading)
			return
		}
		status := m.status(r.name)
		view.show(*status, listTime(*status, s.now()))
	}
	top := inset(10, 6, 8, 6, across(2, 0, s.search, s.add, s.gear))
	s.content = container.NewStack(newFill(colorSidebar, 0), container.NewBorder(top, nil, nil, nil, container.NewStack(s.rows, container.NewVBox(s.none))))
	return s
}

// show is the only code that changes the list: all of it when rows came, went or moved, else the rows that look different.
func (s *sidebar) show(m *model, did change, selected string) {
	if did.rebuilt {
		s.rows.set(m.rows, selected)
		text := ""
		if len(m.rows) == 0 && m.query != "" {
			text = "No profile matches “" + m.query + "”."
		}
		s.none.SetText(text)
		return
	}
	for _, name := range did.names {
		if index, ok := m.at[name]; ok {
			s.rows.refreshRow(index)
		}
	}
}
