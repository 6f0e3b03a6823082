package ui

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// maxProxyRows are the proxies of one profile that are shown; more are rare, and the command line lists them.
const maxProxyRows = 3

// proxyRows are the proxies that run for a profile: where each listens, and what can be done about it.
type proxyRows struct {
	content *fyne.Container
	more    *line
	shown   []agent.ProxyStatus
	rows    []*proxyRow
	copy    func(id string)
	stop    func(id string)
}

type proxyRow struct {
	content    *fyne.Container
	at, about  *line
	copy, stop *button
}

func newProxyRows() *proxyRows {
	p := &proxyRows{content: column(2), more: newLine("", muted)}
	for i := range maxProxyRows {
		r := &proxyRow{at: newLine("", plain), about: newShortLine("", muted)}
		r.copy = quiet("Copy address", theme.ContentCopyIcon(), func() { p.copy(p.shown[i].ID) })
		r.stop = quiet("Stop", theme.MediaStopIcon(), func() { p.stop(p.shown[i].ID) })
		r.content = across(10, 1, r.at, r.about, r.copy, r.stop)
		p.rows = append(p.rows, r)
		p.content.Add(r.content)
	}
	p.content.Add(p.more)
	return p
}

// show is the only code that changes the rows.
func (p *proxyRows) show(all []agent.ProxyStatus, online, locked bool) {
	p.shown = all
	for i, r := range p.rows {
		visible(r.content, i < len(all))
		if i >= len(all) {
			continue
		}
		r.at.set("Proxy at " + all[i].At)
		about := "since " + all[i].Since.Local().Format("15:04")
		if all[i].ReadOnly {
			about = "read-only, " + about
		}
		r.about.set(about)
		enable(r.copy, online && !locked)
		enable(r.stop, online)
		r.content.Refresh()
	}
	more := len(all) - len(p.rows)
	if more > 0 {
		p.more.set(strconv.Itoa(more) + " more: fob proxy --list")
	}
	visible(p.more, more > 0)
	visible(p.content, len(all) > 0)
}

func (w *Window) onCopyProxy(id string) {
	name := w.selected
	w.actions.copyProxy(id, func(done agent.Copied, err error) { w.said(name, copied("Address", done), err) })
}

func (w *Window) onStopProxy(id string) {
	name := w.selected
	w.actions.stopProxy(id, func(err error) { w.said(name, "Proxy stopped.", err) })
}
