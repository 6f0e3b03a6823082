package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
	"fob/profiles"
)

// accountLine says whose the profile is: the switch that keeps it to one account, and who else holds that account.
type accountLine struct {
	content *fyne.Container
	always  *checkbox
	words   *line
	quietly bool // the switch is being set by the program
	ask     func(always bool)
}

func newAccountLine() *accountLine {
	l := &accountLine{words: newShortLine("", muted)}
	l.always = newCheckbox("Always this account", func(on bool) {
		if !l.quietly {
			l.ask(on)
		}
	})
	l.content = across(8, 1, inset(0, 0, -7, 0, l.always), l.words) // the box stands under the buttons, as Fyne's own space does not let it
	return l
}

// show is the only code that changes the line's widgets.
func (l *accountLine) show(s scene) {
	pinned := s.status.Expected != nil
	l.quietly = true
	l.always.SetChecked(pinned)
	l.quietly = false
	enable(l.always, s.online && !s.status.Locked && s.status.State != agent.LoggingIn)
	l.words.set(accountWords(s))
	offered := s.first && len(s.same) == 0 // by the question after a first login
	visible(l.content, pinned || canPin(s.status) && !offered)
}

// canPin says that it is known which account is logged in.
func canPin(s agent.Status) bool { return s.Attended && s.Usable() && s.Subject != "" }

// accountWords are what there is to say of the account beside its name, which stands above.
func accountWords(s scene) string {
	switch e := s.status.Expected; {
	case len(s.same) > 0:
		return "Also in " + strings.Join(s.same, ", ")
	case e != nil && (e.Subject != s.status.Subject || s.status.Account == ""):
		return sentenceStart(e.String())
	case e == nil:
		return "Fob takes whatever account the browser brings"
	}
	return "Fob refuses any other"
}

// sentenceStart begins a line with a name as it is written, or with a capital where it is none.
func sentenceStart(name string) string {
	if rest, unnamed := strings.CutPrefix(name, "account "); unnamed {
		return "Account " + rest
	}
	return name
}

// same are the other profiles that hold a login of the account that name holds.
func (m *model) same(name string) []string {
	s := m.status(name)
	if s == nil || s.Subject == "" {
		return nil
	}
	var names []string
	for _, other := range m.order {
		if s.SameAccount(&m.byName[other].status) {
			names = append(names, other)
		}
	}
	return names
}

// quietly is the kind of a banner that asks and does not warn.
var quietly = kind{"logged_in", colorGood, colorSelected}

// firstLogin is what the window asks after a profile's first login.
type firstLogin struct {
	content *fyne.Container
	banner  *banner
	pin     *button
	choose  *button
}

func newFirstLogin() *firstLogin {
	o := &firstLogin{banner: newBanner()}
	o.pin = newButton("Always this account", theme.ConfirmIcon(), widget.MediumImportance, nil)
	o.choose = newButton("Choose another account", theme.AccountIcon(), widget.MediumImportance, nil)
	o.banner.offer(o.pin, o.choose)
	o.banner.shut.Show()
	o.content = o.banner.content
	return o
}

// show is the only code that changes the banner's widgets.
func (o *firstLogin) show(s scene) {
	if !s.first || s.status.Expected != nil || !canPin(s.status) {
		o.banner.show("", nil, quietly, s.now)
		return
	}
	said, how := agent.Problem{Sentence: "Is this profile always for " + s.status.Account + "?", Remedy: "Then a login that brings another account is refused, and this one stays"}, quietly
	if len(s.same) > 0 {
		said, how = agent.Problem{Sentence: strings.Join(s.same, ", ") + " has this account, too", Remedy: "A browser that is signed in brings the account that it knows"}, soon
	}
	visible(o.pin, len(s.same) == 0)
	visible(o.choose, len(s.same) > 0 && profiles.Profile{GrantType: s.status.Grant}.ChoosesAccount())
	o.banner.show(s.status.Name, &said, how, s.now)
	enable(o.pin, s.online)
	enable(o.choose, s.online)
}

// addAccount adds a profile like the named one for another account, and logs in to it.
func (w *Window) addAccount(name string) {
	s := w.model.status(name)
	if s == nil || !w.online {
		return
	}
	options := chooseAccount(*s)
	w.note("Adding another account …", false)
	w.actions.another(name, func(fresh string, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		w.onSelect(fresh)
		w.login(fresh, options, false, nil)
	})
}

// chooseAccount are the options of a login that lets the person choose the account, where the server can be asked to.
func chooseAccount(s agent.Status) agent.LoginOptions {
	if (profiles.Profile{GrantType: s.Grant}).ChoosesAccount() {
		return agent.LoginOptions{Prompt: "select_account"} // OpenID Connect Core §3.1.2.1
	}
	return agent.LoginOptions{}
}

// onAlways keeps the selected profile to the account that it is logged in to, or lets it take any.
func (w *Window) onAlways(always bool) {
	name := w.selected
	w.first = ""
	done := "Any account, from now on."
	if always {
		done = "Always this account, from now on."
	}
	w.actions.pin(name, always, func(_ agent.Status, err error) {
		w.showDetail() // the switch shows what is
		w.said(name, done, err)
	})
}

// refusal says that a login brought another account than the profile is for, with buttons for what can be done about it.
type refusal struct {
	content *fyne.Container
	banner  *banner
	choose  *button
	add     *button
}

func newRefusal() *refusal {
	r := &refusal{banner: newBanner()}
	r.choose = newButton("Choose the account", theme.AccountIcon(), widget.MediumImportance, nil)
	r.add = newButton("Add another account", theme.ContentAddIcon(), widget.MediumImportance, nil)
	r.banner.offer(r.choose, r.add)
	r.banner.shut.Show()
	r.content = r.banner.content
	return r
}

// show is the only code that changes the banner's widgets.
func (r *refusal) show(s scene, p *agent.Problem) {
	if p != nil {
		said := *p
		said.Remedy = "Nothing of it is kept" // what to do are the buttons
		if s.status.Usable() {
			said.Remedy = "The login of before is untouched"
		}
		p = &said
	}
	visible(r.choose, profiles.Profile{GrantType: s.status.Grant}.ChoosesAccount())
	enable(r.choose, s.online)
	enable(r.add, s.online)
	r.banner.show(s.status.Name, p, needs, s.now)
}
