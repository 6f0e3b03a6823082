package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// answerView is what an API answered: status, type, size and time, and below it headers and body when they are asked for. The
// body may be long: only the lines in sight are drawn.
type answerView struct {
	content *fyne.Container
	result  *fyne.Container
	shape   *canvas.Image
	status  *line
	more    *button // shows and hides the body
	heads   *button // shows and hides the headers
	copy    *button
	headers *value
	lines   *widget.List
	body    *fyne.Container
	step    *fyne.Container // what the API asks for beyond the token
	reason  *widget.Label
	again   *button

	answer agent.Response
	text   []string // the body's lines, as they are shown
	open   bool
	stepUp func(agent.LoginOptions)
	copied func(name, text string)
	// resized hears that it takes more or less room than before.
	resized func()
}

const (
	answerRows    = 14   // of the body in sight
	answerColumns = 84   // a line is broken there: about what the window shows of it
	answerLines   = 5000 // more is cut; a copy has it all
)

func newAnswerView() *answerView {
	v := &answerView{shape: square(nil, 14), status: newShortLine("", strong), headers: newValue("", true), reason: paragraph(""), resized: func() {}}
	v.more = quiet("Show", theme.VisibilityIcon(), func() { v.unfold(!v.open) })
	v.heads = quiet("Headers", fold(false), func() {
		visible(v.headers, !v.headers.Visible())
		v.heads.SetIcon(fold(v.headers.Visible()))
		v.resized()
	})
	v.copy = quiet("Copy", theme.ContentCopyIcon(), func() { v.copied("Answer", bodyText(v.answer)) })
	v.headers.tapped = func(text string) { v.copied("Headers", text) }
	v.lines = widget.NewList(func() int { return len(v.text) },
		func() fyne.CanvasObject {
			return newShortLine("", look{style: fyne.TextStyle{Monospace: true}, size: theme.SizeNameCaptionText})
		},
		func(i widget.ListItemID, o fyne.CanvasObject) {
			if i < len(v.text) {
				o.(*line).set(v.text[i])
			}
		})
	v.lines.HideSeparators = true
	v.lines.OnSelected = func(i widget.ListItemID) { v.lines.Unselect(i) } // nothing to choose
	v.body = container.New(&rowsHigh{rows: 1, row: v.rowHeight()}, cardTight(v.lines))
	v.again = newButton("", theme.LoginIcon(), widget.MediumImportance, func() {
		if up := v.answer.StepUp; up != nil {
			v.stepUp(up.Options)
		}
	})
	v.step = container.NewStack(newFill(colorSoonTint, 8), inset(6, 8, 8, 8, column(2, v.reason, inset(0, 0, 8, 0, container.NewHBox(v.again)))))
	v.result = column(6, across(6, 1, v.shape, v.status, v.heads, v.more, v.copy), v.step, v.headers, v.body)
	v.content = column(0, v.result)
	v.clear()
	return v
}

func (v *answerView) rowHeight() float32 {
	return v.lines.CreateItem().MinSize().Height + theme.Padding()
}

// clear takes an answer away: off the screen and out of the widgets.
func (v *answerView) clear() {
	v.answer = agent.Response{}
	v.headers.SetText("")
	visible(v.headers, false)
	v.heads.SetIcon(fold(false))
	v.unfold(false)
	visible(v.result, false)
}

// unfold shows the body, or takes it off the screen.
func (v *answerView) unfold(open bool) {
	v.open, v.text = open, nil
	if open {
		v.text = linesOf(bodyText(v.answer))
	}
	v.body.Layout.(*rowsHigh).rows = min(len(v.text), answerRows)
	visible(v.body, open)
	v.more.SetText(map[bool]string{true: "Hide", false: "Show"}[open])
	v.more.SetIcon(map[bool]fyne.Resource{true: theme.VisibilityOffIcon(), false: theme.VisibilityIcon()}[open])
	v.lines.Refresh()
	v.lines.ScrollToTop()
	if v.content != nil {
		v.content.Refresh()
		v.resized()
	}
}

// show is the only code that shows an answer.
func (v *answerView) show(r timedResponse, open bool) {
	v.clear()
	v.answer = r.Response
	shape, color := "passed", colorGood
	if r.Status >= 400 {
		shape, color = "failed", colorNeed
	}
	v.shape.Resource = icon(shape, color)
	v.shape.Refresh()
	words := []string{strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))}
	var heads strings.Builder
	for _, h := range r.Header {
		if strings.EqualFold(h.Name, "Content-Type") {
			kind, _, _ := strings.Cut(h.Value, ";")
			words = append(words, kind)
		}
		heads.WriteString(h.Name + ": " + h.Value + "\n")
	}
	size := sizeWords(len(r.Body))
	if r.Cut {
		size = "the first " + size
	}
	v.status.set(strings.Join(append(words, size, shortly(r.took)), " · "))
	v.headers.SetText(strings.TrimSuffix(heads.String(), "\n"))
	visible(v.heads, len(r.Header) > 0)
	visible(v.more, len(r.Body) > 0)
	visible(v.copy, len(r.Body) > 0)
	visible(v.step, r.StepUp != nil)
	if r.StepUp != nil {
		v.reason.SetText(sentence(r.StepUp.Reason))
		v.again.SetText(stepUpLabel(r.StepUp.Options))
	}
	visible(v.result, true)
	v.unfold(open && len(r.Body) > 0)
}

// sizeWords is a size as people say it.
func sizeWords(n int) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KB", n/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// stepUpLabel names the login that meets an API's demand.
func stepUpLabel(o agent.LoginOptions) string {
	switch {
	case len(o.Scope) > 0:
		return "Log in again with " + strings.Join(o.Scope, " ")
	case len(o.ACRValues) > 0:
		return "Log in again with " + strings.Join(o.ACRValues, " or ")
	}
	return "Log in again now"
}

// bodyText is an answer as people read it: JSON on several lines, anything else as it is.
func bodyText(r agent.Response) string {
	var pretty bytes.Buffer
	switch {
	case json.Indent(&pretty, r.Body, "", "  ") == nil:
		return pretty.String()
	case !utf8.Valid(r.Body):
		return fmt.Sprintf("%d bytes that are no text", len(r.Body))
	}
	return string(r.Body)
}

func looksLikeJSON(text string) bool { return json.Valid([]byte(text)) }

// linesOf are the lines of a text as a list shows them: a long one goes on below, a little further in.
func linesOf(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		letters := []rune(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    "))
		indent := ""
		for len(letters) > answerColumns {
			all = append(all, indent+string(letters[:answerColumns]))
			letters, indent = letters[answerColumns:], "    "
		}
		all = append(all, indent+string(letters))
		if len(all) >= answerLines {
			return append(all, "… (cut here; Copy has all of it)")
		}
	}
	return all
}

// rowsHigh makes its content so many rows high.
type rowsHigh struct {
	rows int
	row  float32
}

func (l *rowsHigh) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, float32(l.rows)*l.row+10)
}

func (l *rowsHigh) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}
