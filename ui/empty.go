package ui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// empty is the right side while there is no profile: an invitation.
type empty struct {
	content *fyne.Container
	demo    *button
	add     *button
	byURL   *button
	file    *button
	wrong   *widget.Label
}

func newEmpty(picture []byte) *empty {
	e := &empty{}
	mark := square(icon("fob", theme.ColorNamePrimary), 64)
	if len(picture) > 0 {
		mark.Resource = fyne.NewStaticResource("fob.png", picture)
	}
	e.demo = newButton("Try the Demo profile", nil, widget.HighImportance, nil)
	e.add = newButton("Add a profile", theme.ContentAddIcon(), widget.MediumImportance, nil)
	e.byURL = newButton("Add from URL …", theme.ContentPasteIcon(), widget.MediumImportance, nil)
	e.file = newButton("Import …", theme.DownloadIcon(), widget.MediumImportance, nil)
	head := newLine("Tokens, one click away", look{size: theme.SizeNameHeadingText, style: fyne.TextStyle{Bold: true}, align: fyne.TextAlignCenter})
	words := widget.NewLabelWithStyle("A profile says where to log in and what to ask for. Fob opens your browser, keeps the token "+
		"in the system's keychain, renews it, and hands it to curl, your editor or the clipboard.", fyne.TextAlignCenter, fyne.TextStyle{})
	words.Wrapping = fyne.TextWrapWord
	hint := newLine("The Demo runs a small login server on this machine: nothing leaves it.", look{color: colorMuted, size: theme.SizeNameCaptionText, align: fyne.TextAlignCenter})
	e.wrong = widget.NewLabelWithStyle("", fyne.TextAlignCenter, fyne.TextStyle{})
	e.wrong.Wrapping, e.wrong.Importance = fyne.TextWrapWord, widget.DangerImportance
	e.wrong.Hide()
	e.content = container.NewCenter(container.New(fixedWidth(420), column(12,
		container.NewCenter(mark), head, words,
		container.NewCenter(besides(8, e.demo, e.add, e.byURL, e.file)), hint, e.wrong)))
	return e
}

// show says whether there is nothing to show, and whether something can be done about it.
func (e *empty) show(on, online bool) {
	visible(e.content, on)
	enable(e.demo, online)
	enable(e.add, online)
	enable(e.byURL, online)
	enable(e.file, online)
}

// say writes what did not work.
func (e *empty) say(p agent.Problem) {
	e.wrong.SetText(strings.TrimSpace(sentence(p.Sentence) + " " + sentence(p.Remedy)))
	visible(e.wrong, p.Sentence != "")
}

// newFixed gives content one width.
func newFixed(width float32, content fyne.CanvasObject) *fyne.Container {
	return container.New(fixedWidth(width), content)
}

// fixedWidth gives its content one width, so that wrapped text knows its height.
type fixedWidth float32

func (l fixedWidth) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for _, o := range objects {
		height = max(height, o.MinSize().Height)
	}
	return fyne.NewSize(float32(l), height)
}

func (l fixedWidth) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

// fixedHeight gives its content one height, where its own would be too much for what it says.
type fixedHeight float32

func (l fixedHeight) MinSize(objects []fyne.CanvasObject) fyne.Size {
	width := float32(0)
	for _, o := range objects {
		width = max(width, o.MinSize().Width)
	}
	return fyne.NewSize(width, float32(l))
}

func (l fixedHeight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

// strip is at the top and says that the agent is gone.
type strip struct {
	content *fyne.Container
	words   *widget.Label
}

func newStrip() *strip {
	s := &strip{words: paragraph("")}
	s.content = container.NewStack(newFill(colorAwayTint, 0), inset(8, 8, 16, 16, across(10, 1, square(icon("offline", colorAway), 15), s.words)))
	s.content.Hide()
	return s
}

// show says that the agent is gone, why, and that it is being brought back.
func (s *strip) show(l link) {
	if !l.up {
		text := "The agent has ended. Starting it again …"
		var known *agent.Error
		switch {
		case l.why != nil && (l.tries > 1 || errors.As(l.why, &known) && known.Code == agent.CodeSilent):
			text = problemWords(l.why) + " Trying again …"
		case l.waits:
			text = "Waiting for the agent …"
		}
		s.words.SetText(text)
	}
	visible(s.content, !l.up)
}
