package ui

import (
	"context"
	"errors"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// passphraseForm asks for the passphrase of the file store: the one that it has, or, typed twice, the one that makes it.
type passphraseForm struct {
	popUp        *widget.PopUp
	overlay      fyne.CanvasObject // what stands on the screen for it
	content      fyne.CanvasObject
	first, again *input // again is for a new passphrase only
	said         *note  // what is wrong, or that it takes a moment
	yes, no      *button
	fresh        bool
	working      bool
	slow         func() // takes back the note that it takes a moment
}

// needsPassphrase says whether a passphrase mends a problem of this code.
func needsPassphrase(code string) bool {
	return code == agent.CodeStoreLocked || code == agent.CodeStoreNew || code == agent.CodeStoreWrong
}

func newPassphraseForm(fresh bool) *passphraseForm {
	f := &passphraseForm{fresh: fresh, first: newInput("Passphrase"), again: newInput("Once more"), said: newNote(""),
		no: newButton("Cancel", nil, widget.MediumImportance, nil)}
	title, label, words := "Unlock the file store", "Unlock", "Logins and secrets rest in files sealed with a passphrase. The agent opens them with it, and keeps them open until it stops."
	if fresh {
		title, label = "Choose a passphrase", "Make the store"
		words = "Logins and secrets will rest in files sealed with it. Nothing opens them without it, so keep it somewhere safe."
	}
	f.yes = newButton(label, nil, widget.HighImportance, nil)
	for _, i := range []*input{f.first, f.again} {
		i.Password = true
		i.ActionItem = newReveal(i)
		i.OnChanged = func(string) { f.check() }
	}
	f.first.OnSubmitted = func(string) {
		if fresh {
			fyne.CurrentApp().Driver().CanvasForObject(f.first).Focus(f.again)
			return
		}
		f.press()
	}
	f.again.OnSubmitted = func(string) { f.press() }
	visible(f.again, fresh)
	heading := newShortLine(title, look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}})
	f.content = inset(10, 10, 12, 12, newFixed(400, column(6, inset(2, 0, 8, 8, heading), paragraph(words),
		inset(0, 0, 8, 8, column(8, f.first, f.again)), f.said, across(8, 0, newLine("", plain), f.no, f.yes))))
	f.check()
	return f
}

// press is Enter: a button that cannot be pressed does nothing.
func (f *passphraseForm) press() {
	if !f.yes.Disabled() {
		f.yes.OnTapped()
	}
}

// check says whether what is typed can be tried.
func (f *passphraseForm) check() {
	differ := f.fresh && f.first.Text != f.again.Text
	enable(f.yes, f.first.Text != "" && !differ && !f.working)
	switch {
	case f.working || f.first.Text == "": // what was said of the last try stays until the next one is typed
	case differ && f.again.Text != "":
		f.said.set("The two differ.", colorNeed)
	default:
		f.said.set("", colorMuted)
	}
}

// work begins or ends a try.
func (f *passphraseForm) work(on bool) {
	f.working = on
	for _, i := range []*input{f.first, f.again} {
		enable(i, !on)
	}
	if f.slow != nil {
		f.slow()
		f.slow = nil
	}
	f.check()
}

// wrong says why a try did not work; nothing that was typed is kept.
func (f *passphraseForm) wrong(words string) {
	f.first.SetText("")
	f.again.SetText("")
	f.work(false)
	f.said.set(words, colorNeed)
}

// slowAfter is how long something may take before a person wants to know that it goes on.
const slowAfter = 500 * time.Millisecond

// askPassphrase asks for the passphrase of the file store and opens it; then what was asked for before is asked again.
func (w *Window) askPassphrase(code string, then func()) {
	canvas := w.window.Canvas()
	shown := func(f *passphraseForm) bool { return f != nil && slices.Contains(canvas.Overlays().List(), f.overlay) }
	if shown(w.latest.passphrase) {
		return
	}
	f := newPassphraseForm(code == agent.CodeStoreNew)
	w.latest.passphrase = f
	f.popUp = widget.NewModalPopUp(f.content, canvas)
	f.no.OnTapped = func() {
		f.popUp.Hide()
		f.first.SetText("")
		f.again.SetText("")
	}
	f.yes.OnTapped = func() {
		passphrase := f.first.Text
		f.work(true)
		f.slow = w.actions.after(slowAfter, func() { f.said.set("Opening it … that takes a moment, on purpose: guessing is as slow.", colorMuted) })
		w.actions.unlockStore(passphrase, f.fresh, func(err error) {
			var known *agent.Error
			switch {
			case err == nil:
				left := !shown(f) // with Escape: then nothing more is wanted
				f.no.OnTapped()
				f.work(false)
				w.forget()
				w.sealed.say("")
				w.note("The file store is open.", true)
				if then != nil && !left {
					then()
				}
				return
			case errors.As(err, &known) && known.Code == agent.CodeStoreWrong:
				f.wrong(sentence(known.Sentence) + " Try again; nothing was changed.")
			default:
				f.wrong(problemWords(err))
			}
			if shown(f) {
				canvas.Focus(f.first)
			}
		})
	}
	f.popUp.Show()
	f.overlay = canvas.Overlays().Top()
	canvas.Focus(f.first)
}

// opening says whether err is the want of the passphrase; it is asked for then, and again is what to do once the store is open.
func (w *Window) opening(err error, again func()) bool {
	var known *agent.Error
	if !errors.As(err, &known) || !needsPassphrase(known.Code) {
		return false
	}
	w.note("", false)
	w.askPassphrase(known.Code, again)
	return true
}

// lookAtStore shows the line that asks for the passphrase while the agent has none.
func (w *Window) lookAtStore(ask bool) {
	w.actions.store(func(view agent.StoreView, err error) {
		code := ""
		if err == nil && view.Problem != nil && needsPassphrase(view.Problem.Code) {
			code = view.Problem.Code
		}
		text, label := "", ""
		switch code {
		case "":
		case agent.CodeStoreNew:
			text, label = "Tokens are to rest in files sealed with a passphrase, and none is chosen yet.", "Choose a passphrase"
		default:
			text, label = "The file store is locked: the agent needs its passphrase before it can use or renew a login.", "Enter passphrase"
		}
		w.sealed.say(text)
		if label != "" {
			w.sealed.unlock.SetText(label)
		}
		if ask && code != "" {
			w.askPassphrase(code, nil)
		}
	})
}

// lookAgain looks whether the store that the window says is locked is so still: the command line may have unlocked it, and no
// profile need look different for that.
func (w *Window) lookAgain() {
	if w.sealed.content.Visible() {
		w.lookAtStore(false)
	}
}

func (a *actions) store(done func(agent.StoreView, error)) { begin(a, a.agent.Store, done) }

func (a *actions) unlockStore(passphrase string, create bool, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.UnlockStore(ctx, passphrase, create) }), outcome(done))
}

// moveStore takes every login and secret to another store; told is posted with how far it is.
func (a *actions) moveStore(to string, told func(agent.StoreMove), done func(error)) {
	begin(a, without(func(ctx context.Context) error {
		return a.agent.MoveStore(ctx, to, func(move agent.StoreMove) { a.post(func() { told(move) }) })
	}), outcome(done))
}
