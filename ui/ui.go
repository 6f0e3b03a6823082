// Package ui knows the window: it shows what the agent says of each profile and tells the agent what the user asks.
//
// State goes down, intents go up: a view has show, the only code that changes its widgets, and func fields for what the
// user asks. Goroutines start in actions; what they bring back comes through one call of fyne.Do.
package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

// World is what the window needs and the agent does not give.
type World struct {
	// Start makes sure that an agent runs. It is called before each attempt to reach one.
	Start func(context.Context) error
	// Open shows a page in the desktop's browser, or with command when the profile has one of its own.
	Open func(ctx context.Context, url, command string) error
	// Env describes the desktop for the agent's clipboard: DISPLAY, WAYLAND_DISPLAY and their kin.
	Env map[string]string
	// Profile is selected first, when there is one of this name.
	Profile string
	// Theme is the choice of the settings to begin with: "light", "dark", or anything else for the system's. The agent's
	// answer follows.
	Theme string
	// Version is of this window, to be shown beside the agent's.
	Version string
	// Icon is the app's icon, a PNG; it is shown where there is no profile yet.
	Icon []byte

	// Forms are the forms in which a token can be copied, the user's own among them; it is called when they are shown. nil
	// means those that Fob brings along.
	Forms func() []agent.FormInfo

	post func(func())     // runs a function where widgets may be touched; nil is fyne.Do
	now  func() time.Time // nil is time.Now
}

// Open makes the window and begins to follow the agent. The window is not shown yet; show it and run the app. Closing it
// ends every goroutine it started, and the logins that only it waits for; the agent lives on. It closes by itself when
// somebody quits Fob from the tray or by `fob stop`.
func Open(app fyne.App, talk Agent, world World) *Window {
	if world.post == nil {
		world.post = fyne.Do
	}
	if world.now == nil {
		world.now = time.Now
	}
	if world.Forms == nil {
		world.Forms = agent.BuiltInForms
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Window{
		window: app.NewWindow("Fob"), settings: app.Settings(), cancel: cancel, model: newModel(), now: world.now,
		actions: &actions{ctx: ctx, agent: talk, world: world, post: world.post, clipboard: app.Clipboard()},
		logins:  map[string]*waiting{}, selected: world.Profile,
	}
	w.settings.SetTheme(NewTheme(world.Theme))
	w.build()
	w.actions.watch(w.onUpdate, w.onLink, w.window.Close)
	w.actions.every(time.Second, w.onSecond)
	w.window.SetOnClosed(w.Close)
	return w
}

// Select shows the named profile, as soon as there is one.
func (w *Window) Select(name string) { w.actions.post(func() { w.onSelect(name) }) }

// Show brings the window to the front.
func (w *Window) Show() {
	w.window.Show()
	w.window.RequestFocus()
}

// Raise is Show for other goroutines, with a profile to select unless it is "".
func (w *Window) Raise(name string) {
	w.actions.post(func() {
		if name != "" {
			w.onSelect(name)
		}
		w.Show()
	})
}

// Close ends what the window started. It is called when the user closes it.
func (w *Window) Close() { w.cancel() }

// Quit closes the window from any goroutine.
func (w *Window) Quit() { w.actions.post(w.window.Close) }

var _ Agent = (*agent.Client)(nil)
