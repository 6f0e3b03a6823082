package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"fob/internal/agent"
)

// TestRowsInEveryState draws each state once: its shape, its word, its colour and its time.
func TestRowsInEveryState(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(NewTheme("light"))
	list := column(0)
	for _, s := range states {
		status := agent.Status{Name: "profile", Account: "ada@example.com", State: s, Color: "teal"}
		if status.Usable() {
			status.ExpiresAt = at(42 * time.Minute)
		}
		view := newRow()
		view.show(status, listTime(status, noon))
		list.Add(view)
	}
	list.Resize(fyne.NewSize(280, list.MinSize().Height))
	test.AssertObjectRendersToMarkup(t, "rows.xml", list)
}
