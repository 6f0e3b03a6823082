package ui

import (
	"fmt"
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// settingsView is the page with what is not of one profile.
type settingsView struct {
	content   *fyne.Container
	theme     *picker
	clipboard *picker
	start     *checkbox
	screen    *checkbox
	lock      *button
	level     *picker // what the agent logs
	forced    *line   // why that is not what decides
	log       *button
	report    *button
	from, to  *picker // quiet hours
	keeps     *line   // where secrets rest
	move      *button // to the other store; hidden where there is none
	moving    *line   // how far a move is, or how it ended
	about     *facts
	findings  *fyne.Container
	again     *button
	wrong     *line
	quietly   bool // values are being written by the program
	now       agent.Settings
	ask       func(agent.Settings)
}

// themes are the choices in the order to show them, with their values in the settings.
var themes = []struct{ value, label string }{{"system", "As the system"}, {"light", "Light"}, {"dark", "Dark"}}

// clipboardTimes are the choices for how long a copied token stays; 0 never clears.
var clipboardTimes = []int{15, 45, 120, 300, 0}

func newSettingsView() *settingsView {
	v := &settingsView{about: newFacts(), findings: column(10), wrong: newShortLine("", look{color: colorNeed})}
	var names []string
	for _, t := range themes {
		names = append(names, t.label)
	}
	v.theme = newPicker(names, func(string) { v.changed() })
	v.clipboard = newPicker(nil, func(string) { v.changed() })
	v.start = newCheckbox("Start the agent when I log in to this computer", func(bool) { v.changed() })
	v.screen = newCheckbox("Lock Fob while the screen is locked", func(bool) { v.changed() })
	v.lock = quiet("Lock now", nil, nil)
	v.from, v.to = newPicker(nil, func(string) { v.hoursChanged() }), newPicker(nil, func(string) { v.changed() })
	v.level, v.forced = newPicker(logLevels, func(string) { v.changed() }), newLine("", muted)
	v.log, v.report = quiet("Show log", theme.ListIcon(), nil), quiet("Report a bug", theme.MailComposeIcon(), nil)
	v.keeps, v.move, v.moving = newLine("", plain), quiet("", nil, nil), newShortLine("", muted)
	v.move.Hide()
	v.moving.Hide()
	v.again = quiet("Check again", theme.ViewRefreshIcon(), nil)
	row := func(label string, control fyne.CanvasObject) fyne.CanvasObject {
		return container.New(formRow{labelWidth}, newShortLine(label, plain), control, container.NewHBox())
	}
	heading := func(text string) fyne.CanvasObject { return inset(12, 0, 0, 0, newShortLine(text, section)) }
	v.content = column(6,
		heading("WINDOW"), row("Theme", container.NewHBox(container.New(fixedWidth(200), v.theme))),
		heading("CLIPBOARD"), row("Clear a copied token", container.NewHBox(container.New(fixedWidth(200), v.clipboard))),
		heading("REMINDERS"), row("Quiet hours", across(8, 3, container.New(fixedWidth(110), v.from), newShortLine("to", plain), container.New(fixedWidth(110), v.to),
			newLine("only what is urgent", muted))),
		heading("START"), row("At login", v.start),
		heading("LOCK"), row("With the screen", container.NewHBox(v.screen, v.lock)), v.wrong,
		heading("LOG"), row("The agent logs", across(8, 2, container.New(fixedWidth(200), v.level), container.NewHBox(v.log, v.report), v.forced)),
		heading("STORE"), row("Secrets rest in", across(8, 2, v.keeps, v.move, newLine("", plain))), v.moving,
		heading("AGENT"), v.about.content,
		across(8, 0, heading("WHAT FOB STANDS ON"), v.again), v.findings)
	visible(v.wrong, false)
	visible(v.forced, false)
	return v
}

// show writes the settings.
func (v *settingsView) show(s agent.Settings) {
	v.quietly = true
	defer func() { v.quietly = false }()
	v.now = s
	for _, t := range themes {
		if t.value == s.Theme || (s.Theme == "" && t.value == "system") {
			v.theme.SetSelected(t.label)
		}
	}
	times := clipboardTimes
	if !slices.Contains(times, s.ClipboardSeconds) {
		times = append([]int{s.ClipboardSeconds}, times...)
	}
	v.clipboard.Options = nil
	for _, t := range times {
		v.clipboard.Options = append(v.clipboard.Options, clipboardLabel(t))
	}
	v.clipboard.SetSelected(clipboardLabel(s.ClipboardSeconds))
	v.start.SetChecked(s.StartAtLogin)
	v.screen.SetChecked(s.LockOnScreenLock)
	level := s.LogLevel
	if level == "" {
		level = "info"
	}
	v.level.SetSelectedIndex(slices.Index(agent.LogLevels, level))
	showHour(v.from, s.QuietFrom)
	showHour(v.to, s.QuietTo)
	enable(v.to, s.QuietFrom != "")
}

// noQuiet is the choice for no quiet hours.
const noQuiet = "none"

// showHour offers each half hour, and what is chosen.
func showHour(p *picker, chosen string) {
	p.Options = []string{noQuiet}
	for minutes := 0; minutes < 24*60; minutes += 30 {
		p.Options = append(p.Options, fmt.Sprintf("%02d:%02d", minutes/60, minutes%60))
	}
	if chosen == "" {
		chosen = noQuiet
	} else if !slices.Contains(p.Options, chosen) {
		p.Options = append(p.Options, chosen)
	}
	p.SetSelected(chosen)
}

// hoursChanged gives quiet hours an end with their beginning, and takes both away together.
func (v *settingsView) hoursChanged() {
	if v.quietly || v.ask == nil {
		return
	}
	v.quietly = true
	switch {
	case v.from.Selected == noQuiet:
		v.to.SetSelected(noQuiet)
	case v.to.Selected == noQuiet:
		v.to.SetSelected("07:00")
	}
	enable(v.to, v.from.Selected != noQuiet)
	v.quietly = false
	v.changed()
}

func clipboardLabel(seconds int) string {
	switch {
	case seconds <= 0:
		return "never"
	case seconds%60 == 0:
		return "after " + strconv.Itoa(seconds/60) + " min"
	default:
		return "after " + strconv.Itoa(seconds) + " s"
	}
}

// changed reports what was chosen.
func (v *settingsView) changed() {
	if v.quietly || v.ask == nil {
		return
	}
	for _, t := range themes {
		if t.label == v.theme.Selected {
			v.now.Theme = t.value
		}
	}
	for _, t := range append([]int{v.now.ClipboardSeconds}, clipboardTimes...) {
		if clipboardLabel(t) == v.clipboard.Selected {
			v.now.ClipboardSeconds = t
		}
	}
	v.now.StartAtLogin, v.now.LockOnScreenLock = v.start.Checked, v.screen.Checked
	if v.now.QuietFrom, v.now.QuietTo = v.from.Selected, v.to.Selected; v.now.QuietFrom == noQuiet || v.now.QuietTo == noQuiet {
		v.now.QuietFrom, v.now.QuietTo = "", ""
	}
	if i := v.level.SelectedIndex(); i >= 0 && (agent.LogLevels[i] != "info" || v.now.LogLevel != "") {
		v.now.LogLevel = agent.LogLevels[i]
	}
	v.ask(v.now)
}

// say shows what went wrong with the last change.
func (v *settingsView) say(err error) {
	text := ""
	if err != nil {
		text = sentence(err.Error())
	}
	v.wrong.set(text)
	visible(v.wrong, text != "")
	v.content.Refresh()
}

// showAgent writes who the agent is.
func (v *settingsView) showAgent(h agent.Hello, version string) {
	tray := "shown"
	if !h.Tray {
		tray = "not shown: there is no place for it, or the agent was started without"
	}
	all := []fact{{"Window", version}, {"Agent", fmt.Sprintf("%s, process %d", h.Version, h.PID)}, {"Tray icon", tray}}
	if h.Damage != nil {
		all = append(all, fact{"profiles.json", sentence(h.Damage.Sentence) + " " + sentence(h.Damage.Remedy)})
	}
	v.about.show(all)
	if h.Log.Forced {
		v.forced.set("FOB_LOG decides: " + h.Log.Level)
	}
	visible(v.forced, h.Log.Forced)
	enable(v.level, !h.Log.Forced)
	v.keeps.set(storeWords(h.Store))
	if to, label := otherStore(h.Store); to != "" {
		v.move.SetText(label)
		v.move.Show()
	}
	v.content.Refresh()
}

// otherStore is where secrets could rest instead.
func otherStore(now string) (to, label string) {
	switch now {
	case "keychain":
		return "file", "Move to sealed files …"
	case "file":
		return "keychain", "Move to the keychain …"
	}
	return "", ""
}

// movingTo says how far a move is, or how it ended.
func (v *settingsView) movingTo(words string, color fyne.ThemeColorName) {
	v.moving.setLook(words, look{color: color})
	visible(v.moving, words != "")
	v.content.Refresh()
}

func storeWords(store string) string {
	switch store {
	case "keychain":
		return "the system's keychain"
	case "file":
		return "files sealed with a passphrase"
	case "memory":
		return "memory only: they are gone when the agent ends"
	case "":
		return "not known"
	}
	return store
}

// showFindings lists what was examined, what is wrong first.
func (v *settingsView) showFindings(all []agent.Finding) {
	v.findings.Objects = nil
	for _, ok := range []bool{false, true} {
		for _, f := range all {
			if f.OK == ok {
				v.findings.Objects = append(v.findings.Objects, findingRow(f))
			}
		}
	}
	v.findings.Refresh()
	v.content.Refresh()
}

func findingRow(f agent.Finding) fyne.CanvasObject {
	shape, word, color := "passed", "fine", colorGood
	if !f.OK {
		shape, word, color = "login_required", "needs attention", colorNeed
	}
	detail := sentence(f.Detail)
	if f.Remedy != "" {
		detail += "\n" + sentence(f.Remedy)
	}
	words := newNote(detail)
	return container.NewBorder(nil, nil, inset(2, 0, 0, 10, container.NewVBox(square(icon(shape, color), 14))), nil,
		container.New(tightPair{}, across(8, 0, newShortLine(f.Subject, plain), newLine(word, look{color: color, size: theme.SizeNameCaptionText})), words))
}

// tightPair puts a label right under a line.
type tightPair struct{}

func (tightPair) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(max(a.Width, b.Width), a.Height+b.Height-12)
}

func (tightPair) Layout(o []fyne.CanvasObject, size fyne.Size) {
	top := o[0].MinSize().Height
	o[0].Resize(fyne.NewSize(size.Width, top))
	o[1].Move(fyne.NewPos(-8, top-6))
	o[1].Resize(fyne.NewSize(size.Width+16, o[1].MinSize().Height))
	o[1].Resize(fyne.NewSize(size.Width+16, o[1].MinSize().Height))
}

// openSettings shows the settings, and asks the agent for what it shows.
func (w *Window) openSettings() {
	v := newSettingsView()
	mine := func() bool { return w.page != nil && w.page.about == v }
	w.actions.settings(func(s agent.Settings, err error) {
		if err != nil {
			v.say(err)
			return
		}
		v.show(s)
	})
	v.ask = func(s agent.Settings) {
		w.onSettings(s) // at once; the agent confirms it
		w.actions.putSettings(s, func(err error) {
			v.say(err)
			if err != nil {
				w.actions.settings(func(s agent.Settings, err error) {
					if err == nil && mine() {
						w.onSettings(s)
						v.show(s)
					}
				})
			}
		})
	}
	look := func() {
		w.actions.hello(func(h agent.Hello, err error) {
			if err == nil {
				v.showAgent(h, w.actions.world.Version)
			}
		})
		enable(v.again, false)
		w.actions.doctor(func(all []agent.Finding, err error) {
			enable(v.again, true)
			if err != nil {
				all = []agent.Finding{{Subject: "agent", Detail: err.Error()}}
			}
			v.showFindings(all)
		})
	}
	v.again.OnTapped = look
	look()
	v.move.OnTapped = func() { w.moveStore(v, look) }
	v.lock.OnTapped = func() {
		w.lock()
		w.back()
	}
	v.log.OnTapped, v.report.OnTapped = w.openLog, w.openReport
	keys := quiet("Keyboard", theme.InfoIcon(), w.showShortcuts)
	p := newPage("Settings", keys, v.content, nil, w.back)
	p.about = v
	w.open(p)
}

// moveStore asks, and takes every login and secret to the other store; done looks again at what there is.
func (w *Window) moveStore(v *settingsView, done func()) {
	w.actions.hello(func(h agent.Hello, err error) {
		to, _ := otherStore(h.Store)
		switch {
		case err != nil:
			v.movingTo(problemWords(err), colorNeed)
			return
		case to == "":
			return
		}
		text := "Every login and secret is copied and compared, then removed from " + storeWords(h.Store) + ". Tokens go on being handed out meanwhile, and nothing is lost if it is interrupted."
		w.confirm("Move to "+storeWords(to)+"?", text, "Move", false, func() { w.movesStore(v, to, done) })
	})
}

func (w *Window) movesStore(v *settingsView, to string, done func()) {
	enable(v.move, false)
	var last agent.StoreMove
	slow := w.actions.after(slowAfter, func() { v.movingTo("Moving …", colorMuted) })
	began := w.now()
	w.actions.moveStore(to, func(move agent.StoreMove) {
		if last = move; move.Step == "copy" && w.now().Sub(began) > slowAfter {
			v.movingTo(fmt.Sprintf("Copied %d of %d", move.Done, move.Total), colorMuted)
		}
	}, func(err error) {
		slow()
		enable(v.move, true)
		v.movingTo("", colorMuted)
		switch {
		case w.opening(err, func() { w.movesStore(v, to, done) }):
		case err != nil:
			v.movingTo(problemWords(err), colorNeed)
		case last.Note != "":
			v.movingTo("Moved. "+sentence(last.Note), colorMuted)
		default:
			v.movingTo(fmt.Sprintf("Moved: %d items.", last.Total), colorMuted)
		}
		w.lookAtStore(false)
		done()
	})
}
