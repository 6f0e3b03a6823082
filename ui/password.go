package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// passwordForm asks for a user name and a password, for the one grant that wants them (RFC 6749 §4.3). The password is sent once
// and kept nowhere.
type passwordForm struct {
	popUp    *widget.PopUp
	content  fyne.CanvasObject
	user     *input
	password *input
	yes, no  *button
}

func newPasswordForm(name, warning string) *passwordForm {
	f := &passwordForm{user: newInput("User name"), password: newInput("Password"), yes: newButton("Log in", nil, widget.HighImportance, nil), no: newButton("Cancel", nil, widget.MediumImportance, nil)}
	f.password.Password = true
	f.password.ActionItem = newReveal(f.password)
	f.user.OnChanged = func(string) { f.check() }
	f.password.OnChanged = func(string) { f.check() }
	f.password.OnSubmitted = func(string) {
		if !f.yes.Disabled() {
			f.yes.OnTapped()
		}
	}
	words := newNote(warning)
	words.set(warning, colorSoon)
	heading := newShortLine("Log in to "+name, look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}})
	f.content = inset(10, 10, 12, 12, newFixed(380, column(8, inset(2, 0, 8, 8, heading), inset(0, 0, 8, 8, column(8, f.user, f.password)),
		across(6, 1, inset(0, 0, 8, 0, newBadge("weak")), words), across(8, 0, newLine("", plain), f.no, f.yes))))
	f.check()
	return f
}

func (f *passwordForm) check() { enable(f.yes, f.user.Text != "" && f.password.Text != "") }

// askPassword asks for what the password grant needs, and logs in with it.
func (w *Window) askPassword(name string, o agent.LoginOptions, then func(error)) {
	w.actions.profile(name, func(view agent.ProfileView, err error) {
		if err != nil {
			w.failed(err)
			return
		}
		warning := "It is used once and not kept."
		for _, weakness := range view.Profile.Weaknesses() {
			if weakness.Key == "grant_type" {
				warning = weakness.Sentence + " " + warning
			}
		}
		f := newPasswordForm(name, warning)
		f.user.SetText(view.Profile.Username)
		w.latest.password = f
		f.popUp = widget.NewModalPopUp(f.content, w.window.Canvas())
		f.no.OnTapped = func() {
			f.popUp.Hide()
			f.password.SetText("")
		}
		f.yes.OnTapped = func() {
			o.Username, o.Password = f.user.Text, f.password.Text
			f.no.OnTapped()
			w.login(name, o, false, then)
		}
		f.popUp.Show()
		w.window.Canvas().Focus(f.password)
		if f.user.Text == "" {
			w.window.Canvas().Focus(f.user)
		}
	})
}
