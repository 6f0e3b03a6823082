package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/profiles"
)

// gallery is the choice of servers to start from, with a search.
type gallery struct {
	content *fyne.Container
	search  *input
	byURL   *button
	file    *button
	tiles   *fyne.Container
	none    *line
	all     []*tile
}

func newGallery(choose func(profiles.Preset)) *gallery {
	g := &gallery{search: newInput("Search: a name, or a part of its address"), none: newShortLine("", muted), tiles: container.New(tiling{least: 220, height: 62, gap: 10})}
	g.search.SetIcon(theme.SearchIcon())
	g.search.OnChanged = func(string) { g.filter() }
	g.search.OnSubmitted = func(string) {
		if len(g.tiles.Objects) > 0 {
			g.tiles.Objects[0].(*tile).tapped()
		}
	}
	g.byURL = newButton("Add from URL …", theme.ContentPasteIcon(), widget.MediumImportance, nil)
	g.file = newButton("Import …", theme.DownloadIcon(), widget.MediumImportance, nil)
	for _, preset := range profiles.Presets() {
		t := newTile(preset.Name, presetLine(preset), func() { choose(preset) })
		t.tint = tintOf(preset.Color)
		t.words = strings.ToLower(preset.Name + " " + preset.ID + " " + t.below.text + " " + preset.Profile.Issuer)
		g.all = append(g.all, t)
	}
	g.content = column(12,
		across(12, 0, newShortLine("Which server do you log in to?", look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}}),
			newLine("Have the address of an API or another tool's file?", muted), g.byURL, g.file),
		g.search, g.none, g.tiles)
	g.filter()
	return g
}

// filter shows the servers that the search finds.
func (g *gallery) filter() {
	words := strings.Fields(strings.ToLower(g.search.Text))
	g.tiles.Objects = nil
	for _, t := range g.all {
		if containsAll(t.words, words) {
			g.tiles.Objects = append(g.tiles.Objects, t)
		}
	}
	g.none.set("")
	if len(g.tiles.Objects) == 0 {
		g.none.set("Fob has no preset of that name: OpenID Connect fits most servers.")
		for _, t := range g.all {
			if t.heading.text == "OpenID Connect" {
				g.tiles.Objects = append(g.tiles.Objects, t)
			}
		}
	}
	visible(g.none, g.none.text != "")
	g.content.Refresh()
	g.tiles.Refresh()
}

// addProfile shows the presets to start from.
func (w *Window) addProfile() {
	if !w.online {
		return
	}
	g := newGallery(w.fromPreset)
	g.search.shortcut = w.onShortcut
	g.byURL.OnTapped = w.addFromURL
	g.file.OnTapped = func() { w.importFrom() }
	p := newPage("New profile", nil, g.content, nil, w.back)
	p.about, p.focus = g, g.search
	p.find = func() { w.window.Canvas().Focus(g.search) }
	w.open(p)
}

// fromPreset begins a profile with what a preset knows. The Demo brings its own server, so the agent makes that one.
func (w *Window) fromPreset(preset profiles.Preset) {
	if preset.ID == "demo" {
		w.back()
		w.tryDemo()
		return
	}
	w.openEditor(newEditor(draftOf(preset, w.model.free), w.model.names()), "New profile · "+preset.Name)
}

// tryDemo starts the demo server and shows its profile.
func (w *Window) tryDemo() {
	w.actions.demo(func(name string, err error) {
		if err != nil {
			w.failed(err)
			return
		}
		w.onSelect(name)
	})
}

// presetLine is one line about a preset, for its tile.
func presetLine(p profiles.Preset) string {
	switch {
	case p.ID == "demo":
		return "A login server on this machine"
	case p.Profile.Issuer != "" && !strings.Contains(p.Profile.Issuer, "{"):
		return strings.TrimPrefix(p.Profile.Issuer, "https://")
	case len(p.Questions) > 0:
		return "Asks for: " + strings.ToLower(p.Questions[0].Label)
	}
	for _, endpoint := range []string{p.Profile.AuthorizationEndpoint, p.Profile.DeviceAuthorizationEndpoint, p.Profile.TokenEndpoint} {
		if endpoint != "" {
			host, _, _ := strings.Cut(strings.TrimPrefix(endpoint, "https://"), "/")
			return host
		}
	}
	return ""
}

// tile is a large button with a title and a line below it.
type tile struct {
	widget.BaseWidget
	heading, below *line
	tint           color.Color // of the server's brand, or nil
	words          string      // what the search looks through
	hovered        bool
	focused        bool
	tapped         func()
}

func newTile(heading, below string, tapped func()) *tile {
	t := &tile{heading: newShortLine(heading, strong), below: newShortLine(below, caption), tapped: tapped}
	t.ExtendBaseWidget(t)
	return t
}

// Tapped is for Fyne.
func (t *tile) Tapped(*fyne.PointEvent) { t.tapped() }

// MouseIn is for Fyne.
func (t *tile) MouseIn(*desktop.MouseEvent) { t.hovered = true; t.Refresh() }

// MouseMoved is for Fyne.
func (t *tile) MouseMoved(*desktop.MouseEvent) {}

// MouseOut is for Fyne.
func (t *tile) MouseOut() { t.hovered = false; t.Refresh() }

// FocusGained is for Fyne.
func (t *tile) FocusGained() { t.focused = true; t.Refresh() }

// FocusLost is for Fyne.
func (t *tile) FocusLost() { t.focused = false; t.Refresh() }

// TypedRune is for Fyne.
func (t *tile) TypedRune(rune) {}

// TypedKey is for Fyne: a tile is pressed by Enter and Space.
func (t *tile) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		t.tapped()
	default:
		passKey(t, e)
	}
}

// Cursor is for Fyne.
func (t *tile) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer is for Fyne.
func (t *tile) CreateRenderer() fyne.WidgetRenderer {
	r := &tileRenderer{tile: t, back: canvas.NewRectangle(theme.Color(colorCard)), stripe: canvas.NewRectangle(color.Transparent)}
	r.inside = inset(0, 0, 18, 12, container.New(centred{}, column(4, t.heading, t.below)))
	r.Refresh()
	return r
}

type tileRenderer struct {
	tile   *tile
	back   *canvas.Rectangle
	stripe *canvas.Rectangle
	inside *fyne.Container
}

func (r *tileRenderer) Destroy() {}
func (r *tileRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.stripe, r.inside}
}
func (r *tileRenderer) MinSize() fyne.Size { return r.inside.MinSize() }

func (r *tileRenderer) Layout(size fyne.Size) {
	r.back.Resize(size)
	r.inside.Resize(size)
	r.stripe.Move(fyne.NewPos(7, 12))
	r.stripe.Resize(fyne.NewSize(3, size.Height-24))
}

func (r *tileRenderer) Refresh() {
	r.back.CornerRadius, r.back.StrokeWidth = 8, 1
	r.back.FillColor, r.back.StrokeColor = theme.Color(colorCard), theme.Color(theme.ColorNameSeparator)
	if r.tile.hovered {
		r.back.FillColor = theme.Color(colorSelected)
	}
	if r.tile.hovered || r.tile.focused {
		r.back.StrokeColor = theme.Color(theme.ColorNamePrimary)
	}
	r.stripe.CornerRadius = 1.5
	visible(r.stripe, r.tile.tint != nil)
	if r.tile.tint != nil {
		r.stripe.FillColor = r.tile.tint
	}
	r.inside.Refresh()
	canvas.Refresh(r.tile)
}

// centred centres its content in height and gives it the whole width.
type centred struct{}

func (centred) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[0].MinSize() }

func (centred) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	height := objects[0].MinSize().Height
	objects[0].Move(fyne.NewPos(0, (size.Height-height)/2))
	objects[0].Resize(fyne.NewSize(size.Width, height))
}

// tiling puts tiles of one height side by side, as many as fit.
type tiling struct{ least, height, gap float32 }

func (l tiling) columns(width float32) int { return max(1, int((width+l.gap)/(l.least+l.gap))) }

// MinSize is asked before the width is known; a page is as wide as pageWidth or the smallest window allows.
func (l tiling) MinSize(objects []fyne.CanvasObject) fyne.Size {
	rows := (len(objects) + l.columns(pageWidth-1) - 1) / l.columns(pageWidth-1)
	return fyne.NewSize(l.least, float32(rows)*(l.height+l.gap)-l.gap)
}

func (l tiling) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	n := l.columns(size.Width)
	width := (size.Width - l.gap*float32(n-1)) / float32(n)
	for i, o := range objects {
		o.Move(fyne.NewPos(float32(i%n)*(width+l.gap), float32(i/n)*(l.height+l.gap)))
		o.Resize(fyne.NewSize(width, l.height))
	}
}
