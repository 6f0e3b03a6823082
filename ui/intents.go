package ui

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/profiles"
)

// onPrimary does what the primary button would.
func (w *Window) onPrimary() {
	if s, ok := w.scene(); ok {
		if first := offers(s)[0]; first.enabled {
			w.onIntent(first.intent)
		}
		return
	}
	if w.online && len(w.model.order) == 0 {
		w.tryDemo() // the empty window's own primary action
	}
}

// onIntent does what the user asks with the selected profile.
func (w *Window) onIntent(ask intent) {
	name := w.selected
	if w.model.status(name) == nil {
		return
	}
	if ask != askForms {
		w.forget()
	}
	switch ask {
	case askLogin:
		w.logIn(name, agent.LoginOptions{}, nil)
	case askReopen:
		w.reopen(name)
	case askCopy:
		w.copy(agent.FormAccessToken)
	case askForms:
		w.popUp(w.formsMenu(), w.detail.head.commands.forms)
	case askCopyLink:
		if waits := w.logins[name]; waits != nil {
			// The address holds no secret worth a clearing clipboard: state and challenge are of one use (RFC 7636).
			w.onValue("Link", waits.url)
		}
	case askCode:
		if waits := w.logins[name]; waits != nil {
			w.onValue("Code", waits.code) // of one use, and shown to everybody who sees this screen
		}
	case askPage:
		if waits := w.logins[name]; waits != nil {
			w.actions.open(waits.address(), "", w.failed)
		}
	case askCancel:
		w.actions.cancelLogin(name, w.failed)
	case askRefresh:
		doing, done := "Refreshing …", "Refreshed."
		if unattended(*w.model.status(name)) {
			doing, done = "Getting a new token …", "Got a new token."
		}
		w.note(doing, false)
		w.actions.refresh(name, func(_ agent.Status, err error) {
			if !w.opening(err, func() { w.onIntent(ask) }) {
				w.said(name, done, err)
			}
		})
	case askLogout:
		w.logout(name, false)
	case askEdit:
		w.edit(name)
	case askUnlock:
		if p := w.model.status(name).Problem; p != nil {
			w.askPassphrase(p.Code, nil)
		}
	case askDoctor:
		w.openSettings()
	}
}

// said is the end of something that was asked for name: a confirmation, or what went wrong. It says nothing when the user
// has gone on to another profile.
func (w *Window) said(name, done string, err error) {
	switch {
	case name != w.selected:
	case err != nil:
		w.failed(err)
	default:
		w.note(done, true)
	}
}

func (w *Window) copy(form agent.Form) {
	name := w.selected
	if s := w.model.status(name); s == nil || !s.Usable() || !w.online {
		return
	}
	label := ""
	for _, f := range w.actions.world.Forms() {
		if f.Name == string(form) {
			label = f.Label
		}
	}
	w.actions.copy(agent.FormRequest{Name: name, Form: form}, func(done agent.Copied, err error) {
		if !w.opening(err, func() { w.copy(form) }) {
			w.said(name, copied(label, done), err)
		}
	})
}

// onReveal shows a token for a while. The answer is thrown away when the user has gone on.
func (w *Window) onReveal(s *secret, id bool) {
	name := w.selected
	w.actions.token(name, func(handout agent.Handout, err error) {
		if w.opening(err, func() { w.onReveal(s, id) }) {
			return
		}
		if err != nil {
			w.said(name, "", err)
			return
		}
		token := handout.AccessToken
		if id {
			token = handout.IDToken
		}
		if name != w.selected || token == "" || w.detail.tabs.locked {
			return
		}
		s.unmask(token)
		s.conceal = w.actions.after(hideAfter, s.mask)
	})
}

// formsMenu are the forms of a token: the common ones, the one that was taken last, and the others in a submenu.
func (w *Window) formsMenu() *fyne.Menu {
	status := w.model.status(w.selected)
	item := func(verb string, f agent.FormInfo) *fyne.MenuItem {
		item := fyne.NewMenuItem(verb+f.Label, func() { w.copy(agent.Form(f.Name)) })
		if verb != "" {
			item.Label = verb + lowerFirst(f.Label)
		}
		switch {
		case f.NeedsID:
			item.Disabled = !status.HasIDToken
		case f.NeedsAPI && status.APIBaseURL == "":
			item.Disabled = true
			if f.First {
				item.Label += " (set the API base URL first)"
			}
		}
		return item
	}
	menu, more, own := fyne.NewMenu(""), fyne.NewMenu(""), false
	var last *fyne.MenuItem
	for _, f := range w.actions.world.Forms() {
		if f.First {
			menu.Items = append(menu.Items, item("Copy ", f))
			continue
		}
		if f.Template != "" && !own {
			own = true
			more.Items = append(more.Items, fyne.NewMenuItemSeparator())
		}
		more.Items = append(more.Items, item("", f))
		if f.Name == string(status.LastForm) {
			last = item("Copy ", f)
		}
	}
	if last != nil {
		menu.Items = append(menu.Items, last)
	}
	as := fyne.NewMenuItem("Copy as", nil)
	as.ChildMenu = more
	menu.Items = append(menu.Items, fyne.NewMenuItemSeparator(), as)
	return menu
}

// lowerFirst makes a label a part of a sentence; a name stays as it is written.
func lowerFirst(label string) string {
	if strings.HasPrefix(label, "Access ") {
		return "a" + label[1:]
	}
	return label
}

// profileMenu is what can be done with a profile beside its login.
func (w *Window) profileMenu(name string) *fyne.Menu {
	item := func(label string, icon fyne.Resource, do func()) *fyne.MenuItem {
		item := fyne.NewMenuItemWithIcon(label, icon, do)
		item.Disabled = !w.online
		return item
	}
	menu := fyne.NewMenu("",
		item("Edit", theme.DocumentCreateIcon(), func() { w.edit(name) }),
		item("Duplicate", theme.ContentCopyIcon(), func() { w.duplicate(name) }),
		item("Export …", theme.UploadIcon(), func() { w.export(name) }))
	if s := w.model.status(name); s != nil && s.Attended {
		menu.Items = slices.Insert(menu.Items, 2, item("Add another account", theme.AccountIcon(), func() { w.addAccount(name) }))
	}
	if s := w.model.status(name); s != nil && s.State != agent.LoggingIn && s.State != agent.Unusable {
		menu.Items = append(menu.Items, fyne.NewMenuItemSeparator())
		menu.Items = append(menu.Items, w.loginItems(*s, item)...)
	}
	menu.Items = append(menu.Items, fyne.NewMenuItemSeparator(), item("Remove …", theme.DeleteIcon(), func() { w.remove(name) }))
	return menu
}

// loginItems are the less usual ways to begin and end a login.
func (w *Window) loginItems(s agent.Status, item func(string, fyne.Resource, func()) *fyne.MenuItem) []*fyne.MenuItem {
	var all []*fyne.MenuItem
	kept, grant := s.State != agent.LoggedOut, profiles.Profile{GrantType: s.Grant}
	again := func(o agent.LoginOptions) func() { return func() { w.logIn(s.Name, o, nil) } }
	if kept && !unattended(s) {
		all = append(all, item("Log in again", theme.LoginIcon(), again(agent.LoginOptions{})))
	}
	if s.Grant != "" && grant.UsesBrowser() {
		if grant.Grant() != profiles.GrantOAuth1 {
			// OpenID Connect Core §3.1.2.1
			all = append(all, item("Log in as another account …", theme.AccountIcon(), again(agent.LoginOptions{Prompt: "select_account"})))
		}
		if grant.Grant() == profiles.GrantAuthorizationCode {
			all = append(all, item("Log in by device code …", theme.ComputerIcon(), again(agent.LoginOptions{Device: true})))
		}
		all = append(all, item("Log in by pasting the address …", theme.ContentPasteIcon(), func() { w.paste(s.Name) }))
	}
	if kept && browses(s) && grant.Grant() != profiles.GrantOAuth1 {
		all = append(all, item("Log out, and end the session at the server, too", theme.LogoutIcon(), func() { w.logoutAtServer(s.Name) }))
	}
	if kept {
		all = append(all, item("Forget the login without telling the server", theme.LogoutIcon(), func() { w.logout(s.Name, true) }))
	}
	return all
}

// onMenu shows a profile's actions at its row.
func (w *Window) onMenu(name string, at *row) {
	w.onSelect(name)
	menu := w.profileMenu(name)
	if s, ok := w.scene(); ok {
		var first []*fyne.MenuItem
		for _, o := range offers(s) {
			entry := fyne.NewMenuItem(o.label, func() { w.onIntent(o.intent) })
			entry.Disabled = !o.enabled
			if o.intent != askEdit {
				first = append(first, entry)
			}
		}
		menu.Items = append(append(first, fyne.NewMenuItemSeparator()), menu.Items...)
	}
	w.popUp(menu, at)
}

// popUp shows a menu under an object, pushed back into the window where it would leave it.
func (w *Window) popUp(menu *fyne.Menu, under fyne.CanvasObject) {
	popUp := widget.NewPopUpMenu(menu, w.window.Canvas())
	at := fyne.NewPos(0, under.Size().Height+2)
	if under == fyne.CanvasObject(w.detail.head.more) {
		at.X = under.Size().Width - popUp.MinSize().Width
	}
	popUp.ShowAtRelativePosition(at, under)
	w.window.Canvas().Focus(popUp)
}
