package ui

import (
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// loginCard is what to do while a login waits for somebody: in a browser, on another device, at the keychain. What can be pressed
// stands where it always does, in the head's commands.
type loginCard struct {
	content *fyne.Container
	title   *line
	words   *widget.Label
	code    *codeBox
	codeRow *fyne.Container
	address *value
	qr      *canvas.Image
	help    *widget.Label
	hint    *fyne.Container
	paste   *button
	shown   waiting
	state   agent.State
	copied  func(name, text string)
}

func newLoginCard() *loginCard {
	c := &loginCard{title: newShortLine("", look{size: theme.SizeNameSubHeadingText, style: fyne.TextStyle{Bold: true}}), words: paragraph(""),
		code: newCodeBox(), address: newValue("", true), qr: newQR()}
	c.code.tapped = func() { c.copied("Code", c.code.text.text) }
	c.address.tapped = func(text string) { c.copied("Link", text) }
	c.paste = newButton("Paste the address …", theme.ContentPasteIcon(), widget.MediumImportance, nil)
	c.help = paragraph("Wrong browser? Copy the link and open it in the right one. Is the browser on another machine? Paste the address that it ends at.")
	c.hint = column(4, c.help, inset(0, 0, 8, 0, container.NewHBox(c.paste)))
	c.codeRow = inset(4, 4, 8, 8, container.NewHBox(c.code))
	left := column(6, inset(2, 0, 8, 0, c.title), c.words, c.codeRow, c.address, c.hint)
	inside := container.NewBorder(nil, nil, nil, container.NewVBox(inset(0, 0, 16, 0, c.qr)), left)
	c.content = container.NewVBox(inset(12, 0, 8, 8, card(inside)))
	c.content.Hide()
	return c
}

// show is the only code that changes the card's widgets.
func (c *loginCard) show(s scene) {
	if s.status.State != agent.LoggingIn {
		c.shown, c.state = waiting{}, s.status.State
		return
	}
	now := waiting{}
	if s.waiting != nil {
		now = *s.waiting
	}
	if now == c.shown && c.state == s.status.State && now.kind != "" {
		c.tick(s)
		return
	}
	c.shown, c.state = now, s.status.State
	title, words := cardWords(s)
	c.title.set(title)
	c.words.SetText(words)
	c.code.text.set(now.code + now.binding)
	visible(c.codeRow, now.code+now.binding != "")
	link, drawn := "", now.address()
	if now.unopened {
		link, drawn = now.url, now.url
	} else if now.kind == "device" {
		link = now.page
	}
	c.address.SetText(link)
	visible(c.address, link != "")
	visible(c.help, !now.unopened)
	visible(c.qr, showQR(c.qr, drawn))
	c.tick(s)
	c.content.Refresh()
}

// tick offers help when a login waits longer than a password takes (F-080).
func (c *loginCard) tick(s scene) {
	w := s.waiting
	stuck := w != nil && w.kind == "open" && (w.unopened || s.now.Sub(w.began) >= wrongBrowserAfter)
	if c.hint.Visible() != stuck {
		visible(c.hint, stuck)
		c.content.Refresh()
	}
}

// cardWords are the card's title and what it says below.
func cardWords(s scene) (title, words string) {
	w := s.waiting
	if w == nil {
		w = &waiting{}
	}
	host := hostOf(w.url)
	if w.kind == "device" {
		host = hostOf(w.page)
	}
	switch {
	case w.kind == "keychain":
		return "Unlock your keychain", "The system asks for the keychain's password, so that the token can be kept there."
	case w.kind == "device" && w.complete != "":
		return "Enter this code", "Open the page on any device, or scan the picture with your phone: it has the code in it already. Compare it before you allow the login."
	case w.kind == "device":
		return "Enter this code", "Open the page on any device, for example by scanning the picture with your phone, and type the code there."
	case w.kind == "ciba" && w.binding != "":
		return "Approve on your device", "The server asks you on your phone or another device of yours. Approve only when it shows the same message:"
	case w.kind == "ciba":
		return "Approve on your device", "The server asks you on your phone or another device of yours."
	case w.unopened:
		return "No browser could be opened", "Open this link yourself; press it to copy it. On another machine, paste the address that the browser ends at."
	case w.kind == "open":
		return "Go on in your browser", "It shows the login page of " + host + ". This window goes on by itself when you are done there."
	case unattended(s.status):
		return "Getting a token", "Nobody has to log in: Fob asks the server as this profile says."
	case browses(s.status):
		return "Go on in the browser", "Another window or a terminal began this login. Open it again to see its page here."
	}
	return "Logging in", "Fob asks the server."
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// codeBox is a code in large letters, copied by a press.
type codeBox struct {
	widget.BaseWidget
	text   *line
	tapped func()
}

func newCodeBox() *codeBox {
	b := &codeBox{text: newLine("", look{size: sizeCode, style: fyne.TextStyle{Monospace: true, Bold: true}})}
	b.ExtendBaseWidget(b)
	return b
}

// Tapped is for Fyne.
func (b *codeBox) Tapped(*fyne.PointEvent) { b.tapped() }

// CreateRenderer is for Fyne.
func (b *codeBox) CreateRenderer() fyne.WidgetRenderer {
	back := newFill(colorSelected, 8)
	return widget.NewSimpleRenderer(container.NewStack(back, inset(10, 10, 18, 18, b.text)))
}
