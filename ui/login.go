package ui

import (
	"errors"

	"fob/internal/agent"
	"fob/profiles"
)

// The problems that the window knows an answer to: see package session.
const (
	codeOutOfBand = "out_of_band"
	codePassword  = "password_needed"
)

// logIn begins a login in the way of the profile's grant, or as o says. then is called when it is over; it may be nil.
func (w *Window) logIn(name string, o agent.LoginOptions, then func(error)) {
	s := w.model.status(name)
	if s == nil || !w.online {
		return
	}
	if s.Grant == profiles.GrantPassword && o.Password == "" && !o.Device {
		w.askPassword(name, o, then)
		return
	}
	w.login(name, o, false, then)
}

// login runs a login, or joins the one under way; reopen opens its page also when another face did.
func (w *Window) login(name string, o agent.LoginOptions, reopen bool, then func(error)) {
	w.note("", false)
	known := w.model.status(name)
	fresh := known == nil || known.Account == "" && known.LoggedInAt == nil
	w.actions.login(name, o, reopen, func(event agent.LoginEvent) {
		w.logins[name] = waitingOf(event, w.now())
		w.showDetail()
	}, func(error) {
		if waits := w.logins[name]; waits != nil { // F-078: the card shows the link
			known := *waits
			known.unopened = true
			w.logins[name] = &known
			w.showDetail()
		}
	}, func(now agent.Status, err error) {
		delete(w.logins, name)
		if err == nil && fresh && now.Subject != "" {
			w.first = name
		}
		w.showDetail()
		var known *agent.Error
		switch done := "Logged in."; {
		case errors.As(err, &known) && known.Code == codeOutOfBand:
			w.paste(name) // the server shows a code to type in here (OAuth 1.0a)
		case errors.As(err, &known) && known.Code == codePassword && o.Password == "":
			w.askPassword(name, o, then)
			return
		case w.opening(err, func() { w.login(name, o, reopen, then) }):
			return
		default:
			if s := w.model.status(name); s != nil && unattended(*s) {
				done = "Got a token."
			}
			w.said(name, done, err)
		}
		if then != nil {
			then(err)
		}
	})
}

// reopen opens the login's page again; when another face began the login, this one joins it to learn the address.
func (w *Window) reopen(name string) {
	if waits := w.logins[name]; waits != nil {
		w.actions.open(waits.url, waits.browser, w.failed)
		return
	}
	w.login(name, agent.LoginOptions{}, true, nil)
}

// follow joins a login that waits for a code or an approval and was begun elsewhere, in the tray for example: the person needs
// to see what it is waiting for.
func (w *Window) follow(name string) {
	s := w.model.status(name)
	if s == nil || s.State != agent.LoggingIn || w.logins[name] != nil || !w.online {
		return
	}
	if s.Grant == profiles.GrantDeviceCode || s.Grant == profiles.GrantCIBA {
		w.logins[name] = &waiting{began: w.now()} // it is joined once
		w.login(name, agent.LoginOptions{}, false, nil)
	}
}

func (w *Window) logout(name string, local bool) {
	doing, done := "Logging out …", "Logged out."
	if s := w.model.status(name); s != nil && unattended(*s) {
		doing, done = "Discarding the token …", "The token is discarded."
	}
	w.note(doing, false)
	w.actions.logout(name, local, func(_ agent.Status, err error) { w.said(name, done, err) })
}

// logoutAtServer shows the server's page that ends the session there, too, and forgets the tokens (OpenID Connect RP-Initiated
// Logout 1.0).
func (w *Window) logoutAtServer(name string) {
	w.actions.endSession(name, func(page string, err error) {
		switch {
		case err != nil:
			w.said(name, "", err)
			return
		case page == "":
			w.actions.logout(name, false, func(_ agent.Status, err error) {
				w.said(name, "Logged out; the server has no page.", err)
			})
			return
		}
		w.actions.open(page, "", w.failed)
		w.logout(name, false)
	})
}
