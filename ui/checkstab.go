package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// checksTab lists every check the ID token passed or did not, with the section that asks for it.
type checksTab struct {
	content *fyne.Container
	summary *line
	shape   *fyne.Container
	none    *widget.Label
	list    *fyne.Container
	shown   []agent.Check
}

func newChecksTab() *checksTab {
	t := &checksTab{summary: newShortLine("", strong), shape: container.NewStack(), none: paragraph(""), list: column(10)}
	t.content = column(14, t.none, across(8, 1, t.shape, t.summary), t.list)
	return t
}

// show is the only code that changes the tab's widgets.
func (t *checksTab) show(d agent.Details) {
	if sameChecks(t.shown, d.Checks) && len(d.Checks) > 0 {
		return
	}
	t.shown = d.Checks
	t.none.SetText("Fob checks the ID token of a login here, line by line. There is none now.")
	if d.Usable() {
		t.none.SetText("The server gave no ID token, so there is nothing to check. Ask for the scope openid to get one.")
	}
	visible(t.none, len(d.Checks) == 0)
	failed := 0
	t.list.Objects = nil
	for _, check := range d.Checks {
		if !check.OK {
			failed++
		}
		t.list.Objects = append(t.list.Objects, checkRow(check))
	}
	shape, color, words := "passed", colorGood, fmt.Sprintf("All %d checks passed", len(d.Checks))
	if failed > 0 {
		shape, color, words = "failed", colorNeed, fmt.Sprintf("%d of %d checks failed", failed, len(d.Checks))
	}
	t.shape.Objects = []fyne.CanvasObject{square(icon(shape, color), 14)}
	look := strong
	look.color = color
	t.summary.setLook(words, look)
	visible(t.shape, len(d.Checks) > 0)
	visible(t.summary, len(d.Checks) > 0)
	t.content.Refresh()
}

func checkRow(check agent.Check) fyne.CanvasObject {
	shape, word, color := "passed", "passed", colorGood
	if !check.OK {
		shape, word, color = "failed", "failed", colorNeed
	}
	name := across(8, 0, newShortLine(check.Name, plain), newLine(word, look{color: color, size: caption.size}))
	lines := column(1, name)
	detail := check.Detail
	if check.Spec != "" {
		if detail != "" {
			detail += " · "
		}
		detail += check.Spec
	}
	if detail != "" {
		lines.Add(newShortLine(detail, caption))
	}
	return across(10, 1, square(icon(shape, color), 13), lines)
}

func sameChecks(a, b []agent.Check) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
