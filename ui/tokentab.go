package ui

import (
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// hideAfter is how long a revealed token stays readable: long enough to compare it, short enough for the next person at
// the desk.
const hideAfter = 30 * time.Second

// typeOAuth1 is the token type of OAuth 1.0a, which knows no introspection and no UserInfo.
const typeOAuth1 = "OAuth"

// masked stands for a token. It is the same for every token, so that not even its length shows.
var masked = strings.Repeat("•", 32)

// tokenTab is the token itself, masked, with what it may do and how long.
type tokenTab struct {
	content *fyne.Container
	access  *secret
	id      *secret
	title   *line // of the scopes
	scopes  *fyne.Container
	facts   *facts
	ends    *facts // the forecast
	ending  *fyne.Container
	api     *fyne.Container // where the API is, and the way to try it
	address *line
	try     *button
	server  *asked // what the server says of the token
	shown   agent.Details
}

func newTokenTab() *tokenTab {
	t := &tokenTab{access: newSecret("Access token"), id: newSecret("ID token"), facts: newFacts(), ends: newFacts(), title: newLine("SCOPES", section), address: newShortLine("", caption), server: newIntrospection()}
	t.ending = column(4, newLine("WHAT ENDS WHEN", section), t.ends.content)
	t.scopes = container.New(layout.NewRowWrapLayoutWithCustomPadding(6, 6))
	t.try = quiet("Try it", theme.MailSendIcon(), nil)
	t.api = across(8, 1, newLine("API", section), t.address, t.try)
	t.content = column(14, t.access.content, t.id.content, t.api,
		column(6, t.title, t.scopes), column(4, newLine("LIFETIME", section), t.facts.content), t.ending, t.server.content)
	return t
}

// show is the only code that changes the tab's widgets.
func (t *tokenTab) show(d agent.Details, now time.Time) {
	if d.ObtainedAt == nil || t.shown.ObtainedAt == nil || !d.ObtainedAt.Equal(*t.shown.ObtainedAt) || d.Name != t.shown.Name {
		t.mask() // another token than the one that was revealed
		t.server.clear()
	}
	t.shown = d
	visible(t.access.content, d.Usable())
	t.access.offer(d.Usable())
	visible(t.id.content, d.HasIDToken && d.Usable())
	t.id.offer(d.HasIDToken && d.Usable())
	t.address.set(d.APIBaseURL)
	visible(t.api, d.Usable() && d.APIBaseURL != "")
	t.server.offer(d.Usable() && d.TokenType != typeOAuth1)
	t.showScopes(d.Status)
	t.facts.show(lifeOf(d, now))
	t.ends.show(endsOf(d.Forecast, now))
	visible(t.ending, len(d.Forecast) > 0)
}

// endsOf is a row for each part of a login: when it ends, and how that is known.
func endsOf(forecast []agent.End, now time.Time) []fact {
	var all []fact
	for _, end := range forecast {
		all = append(all, fact{strings.ToUpper(end.Name()[:1]) + end.Name()[1:], sentence(end.Words(now))})
	}
	return all
}

func (t *tokenTab) showScopes(s agent.Status) {
	title := "SCOPES"
	if !s.Usable() {
		title = "SCOPES TO ASK FOR"
	}
	t.title.set(title)
	var chips []fyne.CanvasObject
	for _, mark := range compareScopes(s) {
		chips = append(chips, newChip(mark))
	}
	if len(chips) == 0 {
		chips = append(chips, newLine("none asked for", muted))
	}
	t.scopes.Objects = chips
	t.scopes.Refresh()
}

// mask takes revealed tokens off the screen and out of the widgets.
func (t *tokenTab) mask() {
	t.access.mask()
	t.id.mask()
}

func (t *tokenTab) online(on bool) {
	t.access.online(on)
	t.id.online(on)
	enable(t.try, on)
	t.server.online(on)
}

// scopeMark is one scope and how it went.
type scopeMark struct {
	scope string
	word  string // what became of it
	shape string
	color fyne.ThemeColorName
}

// compareScopes sets what was granted against what was asked (RFC 6749 §3.3): granted, refused, and given unasked.
func compareScopes(s agent.Status) []scopeMark {
	var marks []scopeMark
	if !s.Usable() {
		for _, scope := range s.ScopeRequested {
			marks = append(marks, scopeMark{scope, "to ask for", "logged_out", colorMuted})
		}
		return marks
	}
	for _, scope := range s.ScopeRequested {
		if slices.Contains(s.Scope, scope) {
			marks = append(marks, scopeMark{scope, "granted", "passed", colorGood})
		} else {
			marks = append(marks, scopeMark{scope, "not granted", "failed", colorNeed})
		}
	}
	for _, scope := range s.Scope {
		if !slices.Contains(s.ScopeRequested, scope) {
			marks = append(marks, scopeMark{scope, "granted unasked", "extra", colorSoon})
		}
	}
	return marks
}

// newChip is a scope with its mark.
func newChip(m scopeMark) fyne.CanvasObject {
	back := newFill(theme.ColorNameButton, 6)
	words := besides(6, container.NewCenter(square(icon(m.shape, m.color), 11)), newLine(m.scope, look{style: fyne.TextStyle{Monospace: true}}))
	if m.word != "granted" && m.word != "to ask for" {
		words.Add(newLine(m.word, look{color: m.color, size: theme.SizeNameCaptionText}))
	}
	return container.NewStack(back, inset(4, 4, 8, 9, words))
}

// lifeOf are the facts about a token's life, in words.
func lifeOf(d agent.Details, now time.Time) []fact {
	if !d.Usable() && d.ExpiresAt == nil {
		if unattended(d.Status) {
			return []fact{{"Token", "none yet: Fob gets one when somebody asks for it"}, {"Grant", grantWords(d.Grant)}}
		}
		return []fact{{"Token", "none: log in to get one"}}
	}
	var all []fact
	if d.ExpiresAt != nil {
		all = append(all, fact{"Expires", until(*d.ExpiresAt, now)})
	} else {
		all = append(all, fact{"Expires", "the server did not say"})
	}
	if d.ObtainedAt != nil {
		all = append(all, fact{"Obtained", until(*d.ObtainedAt, now)})
	}
	switch {
	case d.Refreshable && d.RefreshDueAt != nil:
		all = append(all, fact{"Refresh", "by itself, " + until(*d.RefreshDueAt, now)})
	case d.Refreshable:
		all = append(all, fact{"Refresh", "by itself when needed"})
	default:
		all = append(all, fact{"Refresh", "not possible: the server gave no refresh token; Fob reminds you before the end"})
	}
	if d.Clock != nil {
		all = append(all, fact{"Clock", sentence(d.Clock.Sentence) + " " + sentence(d.Clock.Remedy)})
	}
	if d.TokenType != "" {
		all = append(all, fact{"Token type", d.TokenType})
	}
	if d.Grant != "" {
		all = append(all, fact{"Grant", grantWords(d.Grant)})
	}
	if d.Authentication != "" {
		all = append(all, fact{"Client", d.Authentication})
	}
	for _, suggestion := range d.Suggestions {
		all = append(all, fact{"Safer", suggestion})
	}
	if len(d.AuthorizationDetails) > 0 { // RFC 9396: what was granted may be less than what was asked for
		all = append(all, fact{"Granted details", string(d.AuthorizationDetails)})
	}
	return all
}

// secret is one token: masked until pressed, then monospaced. The revealed text cannot be selected: what leaves this window
// goes through the agent, which clears the clipboard again.
type secret struct {
	content *fyne.Container
	text    *widget.Label
	reveal  *button
	copy    *button
	open    bool
	usable  bool
	reached bool

	ask     func() // asks for the token
	copyAsk func() // asks for a copy
	conceal func() // stops the clock of the automatic mask
}

func newSecret(label string) *secret {
	s := &secret{text: widget.NewLabelWithStyle(masked, fyne.TextAlignLeading, fyne.TextStyle{Monospace: true})}
	s.text.Wrapping = fyne.TextWrapBreak
	s.reveal = quiet("Show", theme.VisibilityIcon(), func() {
		if s.open {
			s.mask()
			return
		}
		s.ask()
	})
	s.copy = quiet("Copy", theme.ContentCopyIcon(), func() { s.copyAsk() })
	s.content = container.NewVBox(column(2, across(4, 0, newShortLine(strings.ToUpper(label), section), s.reveal, s.copy), cardTight(s.text)))
	return s
}

func cardTight(content fyne.CanvasObject) fyne.CanvasObject {
	back := newFill(colorCard, 6)
	back.border = theme.ColorNameSeparator
	return container.NewStack(back, inset(2, 2, 4, 4, content))
}

// unmask shows the token.
func (s *secret) unmask(token string) {
	s.open = true
	s.text.SetText(token)
	s.reveal.SetIcon(theme.VisibilityOffIcon())
	s.reveal.SetText("Hide")
}

// mask takes the token off the screen and out of the widget.
func (s *secret) mask() {
	if s.conceal != nil {
		s.conceal()
		s.conceal = nil
	}
	if !s.open {
		return
	}
	s.open = false
	s.text.SetText(masked)
	s.reveal.SetIcon(theme.VisibilityIcon())
	s.reveal.SetText("Show")
}

// offer says whether there is a token.
func (s *secret) offer(usable bool) {
	s.usable = usable
	s.online(s.reached)
}

func (s *secret) online(on bool) {
	s.reached = on
	enable(s.reveal, s.usable && (on || s.open))
	enable(s.copy, s.usable && on)
}
