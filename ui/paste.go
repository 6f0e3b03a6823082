package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// pasteView is a login whose answer is brought by hand: the page is opened anywhere, and what the browser ends at, or the code that
// the server shows, is pasted here (F-003, F-084).
type pasteView struct {
	content *fyne.Container
	link    *value
	copy    *button
	open    *button
	bring   *widget.Label
	answer  *input
	finish  *button
	wrong   *note
	pending agent.Pending
}

func newPasteView() *pasteView {
	v := &pasteView{link: newValue("Asking the server for the login page …", true), bring: paragraph(""), answer: newInput(""), wrong: newNote("")}
	v.copy = newButton("Copy link", theme.ContentCopyIcon(), widget.MediumImportance, nil)
	v.open = newButton("Open page", theme.ComputerIcon(), widget.MediumImportance, nil)
	v.finish = newButton("Finish the login", nil, widget.HighImportance, nil)
	v.answer.OnChanged = func(string) { v.check() }
	step := func(n, words string) fyne.CanvasObject {
		return newLine(n+"  "+words, look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}})
	}
	v.content = column(10,
		step("1", "Open this page, in any browser"), cardTight(v.link), container.NewHBox(v.copy, v.open),
		inset(8, 0, 0, 0, step("2", "Log in there")), v.bring,
		inset(8, 0, 0, 0, step("3", "Bring the answer back")), v.answer, v.wrong)
	v.check()
	return v
}

// show is the only code that changes the view's widgets: what the server answered to the request.
func (v *pasteView) show(p agent.Pending) {
	v.pending = p
	v.link.SetText(p.URL)
	words, example := "The browser then goes to an address that cannot be opened: that is meant to be. Copy that whole address from its address bar.", "http://127.0.0.1:9/callback?code=…&state=…"
	if p.OutOfBand {
		words, example = "The server then shows a code.", "The code that the server shows"
	}
	v.bring.SetText(words)
	v.answer.SetPlaceHolder(example)
	v.check()
}

func (v *pasteView) say(err error) {
	v.wrong.set("", colorNeed)
	if err != nil {
		v.wrong.set(problemWords(err), colorNeed)
	}
}

func (v *pasteView) check() {
	ready := v.pending.URL != ""
	enable(v.copy, ready)
	enable(v.open, ready)
	enable(v.finish, ready && v.answer.Text != "")
}

// paste begins a login whose answer is brought by hand; one that waits for the browser is given up for it.
func (w *Window) paste(name string) {
	if !w.online {
		return
	}
	v := newPasteView()
	v.answer.shortcut = w.onShortcut
	mine := func() bool { return w.page != nil && w.page.about == v }
	begin := func(error) {
		w.actions.begin(name, func(p agent.Pending, err error) {
			if !mine() {
				return
			}
			if err != nil {
				v.link.SetText("No login page.")
				v.say(err)
				return
			}
			v.show(p)
			w.window.Canvas().Focus(v.answer)
		})
	}
	v.copy.OnTapped = func() {
		w.actions.clipboard.SetContent(v.pending.URL)
		v.copy.SetText("Copied")
	}
	v.link.tapped = func(string) { v.copy.OnTapped() }
	v.open.OnTapped = func() { w.actions.open(v.pending.URL, "", v.say) }
	v.finish.OnTapped = func() {
		if v.finish.Disabled() {
			return
		}
		enable(v.finish, false)
		v.say(nil)
		w.actions.complete(name, v.answer.Text, func(_ agent.Status, err error) {
			if !mine() {
				return
			}
			if err != nil {
				v.say(err)
				v.check()
				w.window.Canvas().Focus(v.answer)
				return
			}
			v.answer.SetText("")
			w.back()
			w.onSelect(name)
			w.said(name, "Logged in.", nil)
		})
	}
	v.answer.OnSubmitted = func(string) { v.finish.OnTapped() }
	p := newPage("Log in to "+name+" by hand", nil, v.content, across(8, 0, newLine("", plain), quiet("Cancel", nil, w.back), v.finish), w.back)
	p.about, p.accept, p.focus = v, v.finish.OnTapped, v.answer
	w.open(p)
	if s := w.model.status(name); s != nil && s.State == agent.LoggingIn {
		w.actions.cancelLogin(name, begin)
		return
	}
	begin(nil)
}
