package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// asked is a question that only the server can answer, and what it answered: about the token (RFC 7662), or about the person
// (OpenID Connect Core §5.3).
type asked struct {
	content *fyne.Container
	ask     *button
	shape   *canvas.Image
	verdict *line
	row     *fyne.Container
	facts   *facts
	usable  bool
	reached bool
}

func newAsked(title, label string, icon fyne.Resource) *asked {
	a := &asked{shape: square(nil, 13), verdict: newShortLine("", strong), facts: newFacts(), ask: quiet(label, icon, nil)}
	a.facts.mono, a.facts.least = true, 120
	a.row = across(8, 1, a.shape, a.verdict)
	a.content = column(4, across(8, 0, newShortLine(title, section), a.ask), a.row, a.facts.content)
	a.clear()
	return a
}

func newIntrospection() *asked {
	return newAsked("WHAT THE SERVER SAYS OF IT", "Ask the server", theme.QuestionIcon())
}

func newWhoAmI() *asked { return newAsked("USERINFO", "Who am I?", theme.AccountIcon()) }

// clear takes an answer away: it was about another token.
func (a *asked) clear() { a.show("", "", "", nil, time.Time{}) }

// show is the only code that changes what was answered.
func (a *asked) show(verdict, shape string, color fyne.ThemeColorName, claims map[string]any, now time.Time) {
	a.verdict.set(verdict)
	if verdict != "" {
		a.shape.Resource = icon(shape, color)
		a.shape.Refresh()
	}
	visible(a.row, verdict != "")
	a.facts.show(claimFacts(claims, now))
	visible(a.facts.content, len(claims) > 0)
	a.content.Refresh()
}

// offer says whether there is a token to ask about.
func (a *asked) offer(usable bool) {
	a.usable = usable
	visible(a.content, usable)
	a.online(a.reached)
}

func (a *asked) online(on bool) {
	a.reached = on
	enable(a.ask, a.usable && on)
}

// onIntrospect asks the server what the access token is worth (F-171).
func (w *Window) onIntrospect() {
	name := w.selected
	w.note("Asking the server …", false)
	w.actions.introspect(name, func(said agent.Introspection, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		if name != w.selected || w.detail.tabs.locked {
			return
		}
		w.note("", false)
		verdict, shape, color := "The token is active", "passed", colorGood
		if !said.Active {
			verdict, shape, color = "The token is not active: no API should take it", "failed", colorNeed
		}
		if said.Verified {
			verdict += " (signed answer, and the signature holds)"
		}
		w.detail.tabs.token.server.show(verdict, shape, color, said.Claims, w.now())
	})
}

// onWhoAmI asks the server who is logged in (F-172).
func (w *Window) onWhoAmI() {
	name := w.selected
	w.note("Asking the server …", false)
	w.actions.userInfo(name, func(claims map[string]any, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		if name != w.selected || w.detail.tabs.locked {
			return
		}
		w.note("", false)
		who := ""
		for _, claim := range []string{"name", "preferred_username", "email", "sub"} {
			if text, ok := claims[claim].(string); ok && who == "" {
				who = text
			}
		}
		w.detail.tabs.claims.who.show(strings.TrimSpace("You are "+who), "passed", colorGood, claims, w.now())
	})
}
