package ui

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// historyTab is what happened to a profile's login, newest first.
type historyTab struct {
	content *fyne.Container
	none    *widget.Label
	events  *facts
}

// historyMost is how many events are shown; the newest are what is looked for.
const historyMost = 100

func newHistoryTab() *historyTab {
	t := &historyTab{none: paragraph("Nothing has happened yet."), events: newFacts()}
	t.content = column(8, t.none, t.events.content)
	return t
}

// show is the only code that changes the tab's widgets.
func (t *historyTab) show(d agent.Details, now time.Time) {
	events := slices.Clone(d.History[:min(len(d.History), historyMost)])
	all := make([]fact, 0, len(events))
	for _, event := range events {
		all = append(all, fact{clock(event.At, now), sentence(event.What)})
	}
	t.events.show(all)
	visible(t.none, len(all) == 0)
}
