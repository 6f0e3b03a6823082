package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// scene is everything the right side shows: one profile's status, the login that waits for a browser, and whether the
// agent can be asked.
type scene struct {
	status  agent.Status
	waiting *waiting // a login this window knows the page of
	online  bool
	failure *agent.Problem // what the user asked for and did not get, or nil
	same    []string       // other profiles that hold the same account
	first   bool           // this window has just seen its first login
	now     time.Time
}

// waiting is a login that waits for a person, as its event told.
type waiting struct {
	kind         string // "open", "device", "ciba" or "keychain"
	url, browser string // open
	unopened     bool   // open: no browser could be started here
	code         string // device: what to type in
	page         string // device: where
	complete     string // device: the page that has the code in it already; may be ""
	binding      string // ciba: what the other device shows too
	began, until time.Time
}

// waitingOf is what an event says of a login.
func waitingOf(e agent.LoginEvent, now time.Time) *waiting {
	return &waiting{kind: e.Kind, url: e.URL, browser: e.Browser, code: e.UserCode, page: e.VerificationURI, complete: e.VerificationURIComplete,
		binding: e.BindingMessage, began: now, until: e.Until}
}

// address is the page of a device login that asks for the least typing.
func (w *waiting) address() string {
	if w.complete != "" {
		return w.complete
	}
	return w.page
}

// wrongBrowserAfter is how long a login waits before the window asks whether the page opened in the wrong browser: a
// password and a second factor take longer, but by then the eye comes back to this window.
const wrongBrowserAfter = 20 * time.Second

// head is the upper part of the right side: who, in which state, for how long, and what can be done about it.
type head struct {
	content  *fyne.Container
	name     *line
	tag      *pill
	more     *button
	shape    *canvas.Image
	state    *line
	bar      *bar
	left     *line
	renewal  *line
	times    *fyne.Container // left and renewal
	commands *commands
	proxies  *proxyRows
	weak     *fyne.Container // what the profile allows although it is unsafe
	unsafe   *line
	problem  *banner
	failure  *banner
	refused  *refusal // another account's login
	first    *firstLogin
	account  *accountLine
}

func newHead() *head {
	h := &head{name: newShortLine("", title), tag: newPill(), shape: square(nil, 16), state: newShortLine("", plain), bar: newBar(),
		left: newLine("", muted), renewal: newShortLine("", muted), commands: newCommands(), proxies: newProxyRows(), unsafe: newShortLine("", look{color: colorSoon}), problem: newBanner(), failure: newBanner(),
		refused: newRefusal(), first: newFirstLogin(), account: newAccountLine()}
	h.failure.shut.Show()
	h.renewal.look.align = fyne.TextAlignTrailing
	h.more = quiet("", theme.MoreHorizontalIcon(), nil)
	h.times = across(12, 1, h.left, h.renewal)
	h.weak = across(8, 1, newBadge("weak"), h.unsafe)
	h.weak.Hide()
	h.content = column(10,
		column(4,
			across(8, 0, h.name, h.tag, h.more),
			across(8, 1, h.shape, h.state)),
		column(5, h.bar, h.times),
		h.commands.content,
		h.account.content,
		h.proxies.content,
		h.weak,
		h.failure.content,
		h.refused.content,
		h.first.content,
		h.problem.content,
	)
	return h
}

// show is the only code that changes the head's widgets.
func (h *head) show(s scene) {
	status := s.status
	h.name.set(status.Name)
	h.tag.set(status.Environment, tintOf(status.Color))
	if resource := stateIcon(status.State); h.shape.Resource != resource {
		h.shape.Resource = resource
		h.shape.Refresh()
	}
	look := plain
	look.color = stateColor(status.State)
	if status.State == agent.LoggedOut {
		look.color = colorMuted
	}
	h.state.setLook(stateSentence(status), look)
	kind := needs
	switch status.State {
	case agent.Offline:
		kind = away
	case agent.LoggedIn, agent.Expiring:
		kind = soon
	}
	h.problem.show(status.Name, status.Problem, kind, s.now)
	failure := s.failure
	if failure != nil && status.Problem != nil && failure.Sentence == status.Problem.Sentence {
		failure = nil // the status says it already
	}
	var other *agent.Problem
	if failure != nil && failure.Code == agent.CodeOtherAccount {
		failure, other = nil, failure
	}
	h.failure.show(status.Name, failure, needs, s.now)
	h.refused.show(s, other)
	h.first.show(s)
	h.account.show(s)
	h.commands.show(s)
	h.proxies.show(status.Proxies, s.online, status.Locked)
	h.unsafe.set(weakWords(status.Weaknesses))
	visible(h.weak, len(status.Weaknesses) > 0)
	h.tick(s)
}

// tick writes only what moves with time; it is called each second.
func (h *head) tick(s scene) {
	words, part := countdown(s.status, s.now)
	renews, color := renewal(s.status, s.now), stateColor(s.status.State)
	if s.status.State == agent.LoggingIn {
		words, renews = waitingWords(s), ""
		if w := s.waiting; w != nil && !w.until.IsZero() {
			left := w.until.Sub(s.now)
			renews = exactly(max(0, left)) + " left"
			part = float64(left) / float64(max(1, w.until.Sub(w.began)))
		}
	}
	// The bar and the line under it are there in every state, also empty: what follows, the primary action first, must not
	// move when somebody logs in or out.
	h.left.set(words)
	h.renewal.set(renews)
	visible(h.renewal, renews != "")
	if h.left.MinSize().Width > h.left.Size().Width {
		h.times.Refresh() // it needs more room than the words before
	}
	h.bar.set(part, color)
	if s.status.Problem != nil {
		h.problem.tick(s.status.Problem, s.now)
	}
}

// detail is the right side: the head, and below it one profile in depth, or what to do while its login waits for somebody.
type detail struct {
	content *fyne.Container
	head    *head
	tabs    *tabs
	card    *loginCard
	name    string
}

func newDetail(shortcut func(fyne.Shortcut)) *detail {
	d := &detail{head: newHead(), tabs: newTabs(shortcut), card: newLoginCard()}
	below := container.NewStack(d.tabs.content, d.card.content)
	d.content = container.NewBorder(inset(18, 6, 24, 24, d.head.content), nil, nil, nil, inset(0, 0, 16, 16, below))
	return d
}

// show is the only way into the right side's widgets. The tabs are told of another profile at once, and get its details
// when they arrive.
func (d *detail) show(s scene) {
	d.head.show(s)
	if d.name != s.status.Name {
		d.name = s.status.Name
		d.tabs.clear(s.status, s.now)
	}
	d.tabs.lock(s.status.Locked, s.now)
	d.tabs.online(s.online && !s.status.Locked)
	waits := s.status.State == agent.LoggingIn
	d.card.show(s)
	visible(d.card.content, waits)
	visible(d.tabs.content, !waits)
}

// tick writes only what moves with time.
func (d *detail) tick(s scene) {
	d.head.tick(s)
	d.card.tick(s)
}
