package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/profiles"
)

// guide is what a preset says about registering a client at its server: what to enter there, and where.
type guide struct {
	content fyne.CanvasObject
	preset  profiles.Preset
	to      *line // the redirect URI to register
	value   *line
	copy    *button
	row     *fyne.Container
	console *button
	page    string
	open    func(string)
}

func newGuide(p profiles.Preset, copied func(string)) *guide {
	g := &guide{preset: p, to: newShortLine("", caption), value: newShortLine("", look{style: fyne.TextStyle{Monospace: true}})}
	lines := container.New(tight{})
	if p.Register != "" {
		register := paragraph("Register: " + p.Register + ".")
		register.TextStyle.Bold = true
		lines.Add(register)
	}
	for _, note := range p.Notes {
		lines.Add(paragraph(note))
	}
	g.copy = quiet("Copy", theme.ContentCopyIcon(), func() {
		copied(g.value.text)
		g.copy.SetText("Copied")
	})
	g.row = inset(0, 0, 8, 0, across(8, 0, column(1, g.to, g.value), g.copy))
	g.console = quiet("Open the server's console", theme.ComputerIcon(), func() { g.open(g.page) })
	links := container.NewHBox(g.console)
	if p.Documentation != "" && !strings.Contains(p.Documentation, "{") {
		links.Add(quiet("Documentation", theme.HelpIcon(), func() { g.open(p.Documentation) }))
	}
	g.content = card(column(6, lines, g.row, links))
	return g
}

// show is the only code that changes the guide's widgets: the address to register follows what is typed.
func (g *guide) show(p profiles.Profile, answers map[string]string) {
	uris := toRegister(p, g.preset.Port)
	name := g.preset.Words["redirect_uri"]
	if name == "" {
		name = "Redirect URI"
	}
	g.to.set(name + " to register")
	if text := strings.Join(uris, " "); g.value.text != text {
		g.value.set(text)
		g.copy.SetText("Copy")
	}
	visible(g.row, len(uris) > 0)
	g.page = g.preset.ConsoleURL(answers)
	visible(g.console, g.page != "")
}

// toRegister are the redirect URIs as the server wants to have them registered: without a port where it takes any
// (RFC 8252 §7.3). There are none where nothing is redirected.
func toRegister(p profiles.Profile, port string) []string {
	if !p.UsesBrowser() || port == "" {
		return nil
	}
	uris := p.RedirectURIs()
	for i, uri := range uris {
		uris[i] = strings.Replace(uri, ":0/", "/", 1)
		if trimmed, found := strings.CutSuffix(uris[i], ":0"); found {
			uris[i] = trimmed
		}
	}
	return uris
}
