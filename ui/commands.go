package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/profiles"
)

// intent is something the user asks for with a profile.
type intent string

const (
	askLogin    intent = "login"
	askCopy     intent = "copy"
	askForms    intent = "forms" // the menu with the other forms
	askReopen   intent = "reopen"
	askCopyLink intent = "copy link"
	askCancel   intent = "cancel"
	askRefresh  intent = "refresh"
	askLogout   intent = "log out"
	askEdit     intent = "edit"
	askDoctor   intent = "doctor"
	askPage     intent = "page" // of a device login
	askCode     intent = "copy code"
	askUnlock   intent = "unlock" // the file store
	askNothing  intent = ""
)

// offer is one thing the user can do now.
type offer struct {
	label   string
	intent  intent
	enabled bool
}

// offers are what can be done with a profile in its state: first the primary action, then the quieter ones. It is a
// function of the scene alone, shared by the buttons, the keys and the list's menu.
func offers(s scene) []offer {
	status, on := s.status, s.online
	if status.Locked {
		s.status.Locked = false
		return behindLock(offers(s))
	}
	login, again, logout := "Log in", "Log in again", "Log out"
	if unattended(status) {
		login, again, logout = "Get token", "Get a new token", "Discard token"
	}
	if p := status.Problem; p != nil && needsPassphrase(p.Code) && status.State != agent.LoggingIn {
		return []offer{{"Enter passphrase", askUnlock, on}, {logout, askLogout, on && status.State != agent.LoggedOut}}
	}
	switch status.State {
	case agent.LoggingIn:
		return whileLoggingIn(s)
	case agent.LoggedIn, agent.Expiring, agent.Offline:
		second := offer{"Refresh", askRefresh, on}
		switch {
		case !status.Refreshable:
			second = offer{again, askLogin, on}
		case status.State == agent.Offline:
			second.label = "Try now"
		case unattended(status):
			second.label = again
		}
		if status.State == agent.Offline && ended(status, s.now) { // there is nothing to copy before that works
			return []offer{{"Try now", askRefresh, on && status.Refreshable}, {"Copy token", askCopy, false}, {logout, askLogout, on}}
		}
		return []offer{{"Copy token", askCopy, on}, second, {logout, askLogout, on}}
	case agent.LoginRequired:
		return []offer{{login, askLogin, on}, {logout, askLogout, on}}
	case agent.Unusable:
		if status.Problem != nil && aboutStore(status.Problem.Code) {
			return []offer{{"See what is missing", askDoctor, on}, {"Edit profile", askEdit, on}}
		}
		return []offer{{"Edit profile", askEdit, on}}
	default:
		return []offer{{login, askLogin, on}}
	}
}

// behindLock disables what a locked agent refuses.
func behindLock(all []offer) []offer {
	for i, o := range all {
		switch o.intent {
		case askCopy, askLogin, askRefresh, askReopen, askEdit:
			all[i].enabled = false
		}
	}
	return all
}

// whileLoggingIn is what can be done while a login waits for somebody: by what it waits for.
func whileLoggingIn(s scene) []offer {
	on, cancel := s.online, offer{"Cancel", askCancel, s.online}
	kind := ""
	if s.waiting != nil {
		kind = s.waiting.kind
	}
	switch {
	case kind == "device":
		return []offer{{"Open page", askPage, on}, {"Copy code", askCode, true}, cancel}
	case kind == "open", kind == "" && browses(s.status):
		return []offer{{"Open again", askReopen, on}, {"Copy link", askCopyLink, kind == "open"}, cancel}
	case unattended(s.status):
		return []offer{{"Getting a token …", askNothing, false}, cancel}
	}
	return []offer{{"Waiting …", askNothing, false}, cancel}
}

// unattended says whether a profile gets its token without a person: then nobody logs in or out. A profile that cannot be read
// has no grant and is none of these.
func unattended(s agent.Status) bool { return s.Grant != "" && !s.Attended }

// browses says whether a profile's login opens a page in a browser of this machine.
func browses(s agent.Status) bool {
	return s.Grant == "" || profiles.Profile{GrantType: s.Grant}.UsesBrowser()
}

// commands are the buttons under the state. The primary one never moves; the ▾ stands beside it when a token can be copied.
type commands struct {
	content *fyne.Container
	primary *button
	forms   *button
	others  []*button
	note    *line
	tick    *canvas.Image
	shown   []offer
	ask     func(intent)
}

func newCommands() *commands {
	c := &commands{note: newShortLine("", plain), tick: square(icon("passed", colorGood), 14)}
	c.primary = newButton("", nil, widget.HighImportance, func() { c.press(0) })
	c.forms = newButton("", theme.MenuDropDownIcon(), widget.HighImportance, func() { c.ask(askForms) })
	for i := 1; i <= 2; i++ {
		c.others = append(c.others, quiet("", nil, func() { c.press(i) }))
	}
	c.content = across(4, 3, besides(1, c.primary, c.forms), c.others[0], c.others[1],
		inset(0, 0, 8, 0, across(6, 1, container.NewCenter(c.tick), c.note)))
	c.say("", false)
	return c
}

func (c *commands) press(i int) {
	if i < len(c.shown) && c.shown[i].enabled {
		c.ask(c.shown[i].intent)
	}
}

func (c *commands) show(s scene) {
	c.shown = offers(s)
	write(c.primary, c.shown[0])
	for i, button := range c.others {
		visible(button, i+1 < len(c.shown))
		if i+1 < len(c.shown) {
			write(button, c.shown[i+1])
		}
	}
	visible(c.forms, c.shown[0].intent == askCopy)
	enable(c.forms, c.shown[0].enabled)
	c.content.Refresh()
}

// say writes the short confirmation beside the buttons; done adds a tick.
func (c *commands) say(text string, done bool) {
	c.note.set(text)
	visible(c.note, text != "")
	visible(c.tick, text != "" && done)
	if c.content != nil {
		c.content.Refresh()
	}
}

func write(button *button, o offer) {
	if button.Text != o.label {
		button.SetText(o.label)
	}
	enable(button, o.enabled)
}

func enable(w fyne.Disableable, on bool) {
	if w.Disabled() != on {
		return
	}
	if on {
		w.Enable()
	} else {
		w.Disable()
	}
}

// aboutStore says whether a problem is one of the keychain, which editing the profile does not mend.
func aboutStore(code string) bool { return strings.HasPrefix(code, "keychain") }
