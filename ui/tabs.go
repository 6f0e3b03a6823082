package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"fob/internal/agent"
)

// tabs are the lower part of the right side: one profile in depth.
type tabs struct {
	content *container.AppTabs
	token   *tokenTab
	claims  *claimsTab
	checks  *checksTab
	wire    *wireTab
	history *historyTab
	profile *profileTab
	try     *tryTab
	shown   agent.Details
	locked  bool // Fob is: what tokens and APIs said is not shown

	wireItem *container.TabItem
}

func newTabs(shortcut func(fyne.Shortcut)) *tabs {
	t := &tabs{token: newTokenTab(), claims: newClaimsTab(), checks: newChecksTab(), wire: newWireTab(), history: newHistoryTab(), profile: newProfileTab(), try: newTryTab(shortcut)}
	t.wireItem = container.NewTabItem("Wire", scrolled(t.wire.content))
	t.content = container.NewAppTabs(
		container.NewTabItem("Token", scrolled(t.token.content)),
		container.NewTabItem("Claims", scrolled(t.claims.content)),
		container.NewTabItem("Checks", scrolled(t.checks.content)),
		t.wireItem,
		container.NewTabItem("History", scrolled(t.history.content)),
		container.NewTabItem("Profile", scrolled(t.profile.content)),
		container.NewTabItem("Try it", scrolled(t.try.content)),
	)
	// A token that nobody looks at any more is masked again.
	t.content.OnUnselected = func(*container.TabItem) { t.token.mask() }
	return t
}

func scrolled(content fyne.CanvasObject) fyne.CanvasObject {
	return container.NewVScroll(inset(8, 16, 8, 12, content))
}

// show writes a profile's details into every tab.
func (t *tabs) show(d agent.Details, now time.Time) {
	if d.Locked = d.Locked || t.locked; d.Locked {
		d.AccessClaims, d.IDClaims, d.AuthorizationDetails = nil, nil, nil
	}
	t.shown = d
	t.token.show(d, now)
	t.claims.show(d, now)
	t.checks.show(d)
	t.history.show(d, now)
	t.try.show(d.Status)
}

// clear empties the tabs for another profile, but for what its status already tells.
func (t *tabs) clear(s agent.Status, now time.Time) {
	t.token.mask()
	t.show(agent.Details{Status: s}, now)
	t.try.clear()
	t.token.server.clear()
	t.claims.who.clear()
	t.wire.clear()
	t.profile.clear()
}

// lock takes what tokens, the server and the API said off the screen and out of the widgets, and keeps off what still comes, until
// Fob is unlocked. What somebody has typed stays.
func (t *tabs) lock(on bool, now time.Time) {
	if on == t.locked {
		return
	}
	t.locked, t.shown.Locked = on, on
	if on {
		t.token.mask()
		t.token.server.clear()
		t.claims.who.clear()
		t.try.lock()
		t.show(t.shown, now)
	}
}

// tick writes what moves with time; what reads the same is not redrawn.
func (t *tabs) tick(now time.Time) {
	t.token.facts.show(lifeOf(t.shown, now))
	t.claims.show(t.shown, now)
}

func (t *tabs) online(on bool) {
	t.token.online(on)
	t.claims.who.online(on)
	t.profile.online(on)
	t.try.online = on
	t.try.check()
}
