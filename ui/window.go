package ui

import (
	"context"
	"errors"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"fob/internal/agent"
)

// Window is Fob's window.
type Window struct {
	window   fyne.Window
	settings fyne.Settings
	cancel   context.CancelFunc
	actions  *actions
	model    *model
	now      func() time.Time

	sidebar *sidebar
	detail  *detail
	empty   *empty
	offline *strip
	locked  *lockStrip
	sealed  *lockStrip      // the file store is
	layers  *fyne.Container // the main view, and a page over it
	page    *page           // the page over the main view, or nil

	selected string
	online   bool
	told     bool // the agent has said which profiles there are
	logins   map[string]*waiting
	latest   request
	failure  *failure
	first    string // the profile that has just had its first login here
}

// request tells the newest question about the selected profile from older ones, whose answers come too late.
type request struct {
	details  int
	note     func()        // stops the clock of the note
	question *question     // the dialog that was asked last
	password *passwordForm // likewise
	// The dialog that asks for the file store's passphrase.
	passphrase *passphraseForm
	seconds    int
}

const (
	windowWidth, windowHeight = 980, 640
	leastWidth, leastHeight   = 760, 480
	// noteFor is how long a confirmation stays: long enough to be found by an eye that was elsewhere.
	noteFor = 6 * time.Second
	// listEach is how often the list's time words are written anew: they are of minutes.
	listEach = 15
)

func (w *Window) build() {
	w.sidebar = newSidebar(w.model, w.now)
	w.detail = newDetail(w.onShortcut)
	w.empty = newEmpty(w.actions.world.Icon)
	w.offline, w.locked, w.sealed = newStrip(), newLockStrip("Unlock"), newLockStrip("")
	right := container.NewStack(newFill("background", 0), w.detail.content, w.empty.content)
	body := container.New(twoSides{}, w.sidebar.content, newFill("separator", 0), right)
	main := container.NewBorder(container.NewVBox(w.offline.content, w.locked.content, w.sealed.content), nil, nil, nil, body)
	w.layers = container.NewStack(main)
	w.window.SetPadded(false)
	w.window.SetContent(container.New(atLeast{fyne.NewSize(leastWidth, leastHeight)}, w.layers))
	w.window.Resize(fyne.NewSize(windowWidth, windowHeight))
	w.wire()
	w.keys()
	w.empty.show(false, false)
	w.detail.content.Hide()
}

// wire ties the views' intents to what is done about them.
func (w *Window) wire() {
	w.sidebar.search.OnChanged = w.onSearch
	w.sidebar.search.OnSubmitted = func(string) { w.onPrimary() }
	w.sidebar.rows.choose = func(name string) {
		w.onSelect(name)
		w.window.Canvas().Focus(w.sidebar.rows)
	}
	w.sidebar.rows.primary = w.onPrimary
	w.sidebar.rows.menu = w.onMenu
	w.sidebar.add.OnTapped = w.addProfile
	w.locked.unlock.OnTapped = w.unlock
	w.sealed.unlock.OnTapped = func() { w.lookAtStore(true) }
	w.sidebar.gear.OnTapped = w.openSettings
	w.empty.add.OnTapped = w.addProfile
	w.empty.demo.OnTapped = w.tryDemo
	w.empty.byURL.OnTapped = w.addFromURL
	w.empty.file.OnTapped = func() { w.importFrom() }
	w.window.SetOnDropped(w.dropped)
	w.detail.tabs.token.try.OnTapped = w.onTry
	try := w.detail.tabs.try
	try.sendIt, try.setAPI = w.onSend, func() { w.onIntent(askEdit) }
	try.answer.stepUp, try.answer.copied = w.onStepUp, w.onValue
	try.recent.content.OnTapped = func() { w.popUp(try.recent.menu(), try.recent.content) }
	w.detail.tabs.token.server.ask.OnTapped = w.onIntrospect
	w.detail.tabs.claims.who.ask.OnTapped = w.onWhoAmI
	w.detail.tabs.wire.copied = w.onValue
	w.detail.tabs.content.OnSelected = func(*container.TabItem) { w.loadTrace() }
	w.detail.tabs.profile.keys, w.detail.tabs.profile.makeKey = w.onKeys, w.onMakeKey
	w.sidebar.rows.typed = func(e *fyne.KeyEvent) { w.onKey(e) }
	w.detail.head.commands.ask = w.onIntent
	w.detail.head.proxies.copy, w.detail.head.proxies.stop = w.onCopyProxy, w.onStopProxy
	w.detail.head.more.OnTapped = func() { w.popUp(w.profileMenu(w.selected), w.detail.head.more) }
	w.detail.tabs.profile.ask = w.onIntent
	w.detail.card.copied = w.onValue
	w.detail.card.paste.OnTapped = func() { w.paste(w.selected) }
	w.detail.head.failure.shut.OnTapped, w.detail.head.refused.banner.shut.OnTapped = w.forget, w.forget
	w.detail.head.first.banner.shut.OnTapped = func() { w.first = ""; w.showDetail() }
	w.detail.head.account.ask = w.onAlways
	w.detail.head.first.pin.OnTapped = func() { w.onAlways(true) }
	for _, choose := range []*button{w.detail.head.first.choose, w.detail.head.refused.choose} {
		choose.OnTapped = func() {
			w.forget()
			w.login(w.selected, agent.LoginOptions{Prompt: "select_account"}, false, nil)
		}
	}
	w.detail.head.refused.add.OnTapped = func() { w.forget(); w.addAccount(w.selected) }
	for _, copied := range []*func(string, string){&w.detail.tabs.token.facts.copied, &w.detail.tabs.claims.at.copied, &w.detail.tabs.claims.id.copied, &w.detail.tabs.claims.who.facts.copied, &w.detail.tabs.token.server.facts.copied, &w.detail.tabs.profile.copied} {
		*copied = w.onValue
	}
	w.detail.tabs.token.access.ask = func() { w.onReveal(w.detail.tabs.token.access, false) }
	w.detail.tabs.token.id.ask = func() { w.onReveal(w.detail.tabs.token.id, true) }
	w.detail.tabs.token.access.copyAsk = func() { w.copy(agent.FormAccessToken) }
	w.detail.tabs.token.id.copyAsk = func() { w.copy(agent.FormIDToken) }
}

// onLink reacts to the agent coming and going.
func (w *Window) onLink(l link) {
	was := w.online
	w.online = l.up
	w.offline.show(l)
	w.showDetail()
	w.layers.Refresh() // what was never shown is on no canvas that Fyne would draw again for it
	if l.up && !was {
		w.actions.settings(func(s agent.Settings, err error) {
			if err == nil {
				w.onSettings(s)
			}
		})
		w.lookAtStore(false)
	}
	if !l.up {
		w.sealed.say("")
	}
}

// onSettings applies the user's settings.
func (w *Window) onSettings(s agent.Settings) { w.settings.SetTheme(NewTheme(s.Theme)) }

// onUpdate takes in what the agent tells.
func (w *Window) onUpdate(update agent.Update) {
	if update.Settings != nil {
		w.onSettings(*update.Settings)
	}
	if update.Full {
		w.told = true
		w.locked.show(update.Lock)
	}
	w.lookAgain()
	did := w.model.apply(update)
	for name := range w.logins {
		if s := w.model.status(name); s == nil || s.State != agent.LoggingIn {
			delete(w.logins, name)
		}
	}
	if w.model.status(w.selected) == nil && (update.Full || len(update.Removed) > 0) {
		w.selected = w.model.first()
		w.detail.name = ""
	}
	w.sidebar.show(w.model, did, w.selected)
	if did.rebuilt {
		w.sidebar.rows.sel(w.index(w.selected))
	}
	touched := update.Full
	for _, name := range did.names {
		touched = touched || name == w.selected
	}
	if touched || len(update.Removed) > 0 {
		w.follow(w.selected)
		w.showDetail()
		w.loadDetails()
	} else if s, ok := w.scene(); ok {
		w.detail.head.account.show(s) // another profile may hold the same account now
		w.detail.head.first.show(s)
	}
}

func (w *Window) index(name string) int {
	if index, ok := w.model.at[name]; ok {
		return index
	}
	return -1
}

// scene is what the right side shows now.
func (w *Window) scene() (scene, bool) {
	status := w.model.status(w.selected)
	if status == nil {
		return scene{}, false
	}
	return scene{status: *status, waiting: w.logins[w.selected], online: w.online, failure: w.failure.of(w.selected), same: w.model.same(w.selected), first: w.first == w.selected, now: w.now()}, true
}

func (w *Window) showDetail() {
	s, ok := w.scene()
	visible(w.detail.content, ok)
	w.empty.show(!ok && w.told && len(w.model.order) == 0, w.online)
	if ok {
		w.detail.show(s)
	}
}

// loadDetails asks for the selected profile in depth; only the newest answer counts.
func (w *Window) loadDetails() {
	name := w.selected
	if w.model.status(name) == nil || !w.online {
		return
	}
	w.latest.details++
	mine := w.latest.details
	w.actions.details(name, func(d agent.Details, err error) {
		if mine == w.latest.details && err == nil {
			w.detail.tabs.show(d, w.now())
		}
	})
	w.actions.profile(name, func(view agent.ProfileView, err error) {
		if mine == w.latest.details && err == nil {
			w.detail.tabs.profile.show(view)
		}
	})
	w.loadTrace()
}

// onSelect shows another profile.
func (w *Window) onSelect(name string) {
	if name == "" || name == w.selected && w.detail.name == name {
		return
	}
	w.selected = name
	if w.model.status(name) == nil {
		return // it may come with the next update
	}
	w.note("", false)
	w.failure = nil
	w.sidebar.rows.sel(w.index(name))
	w.follow(name)
	w.showDetail()
	w.loadDetails()
}

// onSearch narrows the list; the first profile found is selected, so that Enter acts on it.
func (w *Window) onSearch(query string) {
	w.model.search(query)
	w.sidebar.show(w.model, change{rebuilt: true}, w.selected)
	if _, found := w.model.at[w.selected]; !found && len(w.model.rows) > 0 {
		w.onSelect(w.model.step("", 1))
		return
	}
	w.sidebar.rows.sel(w.index(w.selected))
}

// onSecond moves the countdown of the profile that is looked at, and now and then the list's words. Fyne does not tell
// whether a window is minimised; what does not look different is not redrawn.
func (w *Window) onSecond() {
	if s, ok := w.scene(); ok {
		w.detail.tick(s)
	}
	w.latest.seconds++
	if w.latest.seconds%listEach == 0 {
		w.sidebar.rows.refreshVisible()
		w.detail.tabs.tick(w.now())
		w.lookAgain()
	}
}

// note shows a short confirmation beside the buttons for a while.
func (w *Window) note(text string, done bool) {
	if w.latest.note != nil {
		w.latest.note()
		w.latest.note = nil
	}
	w.detail.head.commands.say(text, done)
	if text != "" {
		w.latest.note = w.actions.after(noteFor, func() { w.detail.head.commands.say("", false) })
	}
}

// onValue copies a value that was pressed: a claim, a time, a field. Tokens go another way, through the agent.
func (w *Window) onValue(name, text string) {
	w.actions.clipboard.SetContent(text)
	w.note(name+" copied.", true)
}

// failure is what the user asked of a profile ("" is none) and did not get.
type failure struct {
	name    string
	problem agent.Problem
}

func (f *failure) of(name string) *agent.Problem {
	if f == nil || f.name != name {
		return nil
	}
	return &f.problem
}

// failed says what did not work with the selected profile and what to do, until it is closed or something else is asked.
func (w *Window) failed(err error) {
	if err == nil || errors.Is(err, context.Canceled) || w.opening(err, nil) {
		return
	}
	problem := agent.Problem{Sentence: err.Error()}
	var known *agent.Error
	if errors.As(err, &known) {
		problem.Code, problem.Remedy = known.Code, known.Remedy
	}
	w.note("", false)
	if problem.Code == "cancelled" { // the user's own doing is no mistake
		w.note(sentence(about(w.selected, problem.Sentence)), false)
		return
	}
	w.failure = &failure{w.selected, problem}
	w.empty.say(problem)
	w.showDetail()
}

// problemWords are an error and its remedy, in one line.
func problemWords(err error) string {
	words := sentence(err.Error())
	var known *agent.Error
	if errors.As(err, &known) {
		words = strings.TrimSpace(sentence(known.Sentence) + " " + sentence(known.Remedy))
	}
	return words
}

// forget takes the last failure away.
func (w *Window) forget() {
	if w.failure != nil {
		w.failure = nil
		w.empty.say(agent.Problem{})
		w.showDetail()
	}
}

// twoSides is the list at the left, a line, and the rest.
type twoSides struct{}

func (twoSides) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(240+1+objects[2].MinSize().Width, max(objects[0].MinSize().Height, objects[2].MinSize().Height))
}

func (twoSides) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	left := min(340, max(250, size.Width*0.31))
	objects[0].Resize(fyne.NewSize(left, size.Height))
	objects[1].Move(fyne.NewPos(left, 0))
	objects[1].Resize(fyne.NewSize(1, size.Height))
	objects[2].Move(fyne.NewPos(left+1, 0))
	objects[2].Resize(fyne.NewSize(size.Width-left-1, size.Height))
}

// atLeast keeps a smallest size whatever is inside, so that a wide value never makes the window grow.
type atLeast struct{ size fyne.Size }

func (l atLeast) MinSize([]fyne.CanvasObject) fyne.Size { return l.size }

func (l atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}
