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

// apiCard calls the profile's API with its token and shows what it answers. The answer's body may be anybody's data: it is shown
// when asked for.
type apiCard struct {
	content *fyne.Container
	call    *button
	address *line
	shape   *canvas.Image
	status  *line
	result  *fyne.Container
	body    *value
	more    *button
	step    *fyne.Container // what the API asks for beyond the token
	reason  *widget.Label
	again   *button
	answer  agent.Response
	stepUp  func(agent.LoginOptions)
}

func newAPICard() *apiCard {
	c := &apiCard{address: newShortLine("", caption), shape: square(nil, 14), status: newShortLine("", strong), body: newValue("", true), reason: paragraph("")}
	c.call = quiet("Call it", theme.MailSendIcon(), nil)
	c.more = quiet("Show the answer", theme.VisibilityIcon(), func() {
		open := !c.body.Visible()
		c.body.SetText("")
		if open {
			c.body.SetText(bodyText(c.answer))
		}
		visible(c.body, open)
		c.more.SetText(map[bool]string{true: "Hide the answer", false: "Show the answer"}[open])
		c.content.Refresh()
	})
	c.again = newButton("", theme.LoginIcon(), widget.MediumImportance, func() {
		if up := c.answer.StepUp; up != nil {
			c.stepUp(up.Options)
		}
	})
	tint := newFill(colorSoonTint, 8)
	c.step = container.NewStack(tint, inset(6, 8, 8, 8, column(2, c.reason, inset(0, 0, 8, 0, container.NewHBox(c.again)))))
	c.result = column(6, across(8, 1, c.shape, c.status, c.more), c.body, c.step)
	c.content = column(4, across(8, 1, newLine("API", section), c.address, c.call), c.result)
	c.clear()
	return c
}

func (c *apiCard) clear() {
	c.answer = agent.Response{}
	c.body.SetText("")
	visible(c.body, false)
	c.more.SetText("Show the answer")
	visible(c.result, false)
}

// show is the only code that shows an answer.
func (c *apiCard) show(r agent.Response) {
	c.clear()
	c.answer = r
	shape, color := "passed", colorGood
	if r.Status >= 400 {
		shape, color = "failed", colorNeed
	}
	c.shape.Resource = icon(shape, color)
	c.shape.Refresh()
	words := strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
	for _, h := range r.Header {
		if strings.EqualFold(h.Name, "Content-Type") {
			words += " · " + h.Value
		}
	}
	c.status.set(fmt.Sprintf("%s · %d bytes", words, len(r.Body)))
	visible(c.more, len(r.Body) > 0)
	visible(c.step, r.StepUp != nil)
	if r.StepUp != nil {
		c.reason.SetText(sentence(r.StepUp.Reason))
		c.again.SetText(stepUpLabel(r.StepUp.Options))
	}
	visible(c.result, true)
	c.content.Refresh()
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
	text := string(r.Body)
	switch {
	case json.Indent(&pretty, r.Body, "", "  ") == nil:
		text = pretty.String()
	case !utf8.Valid(r.Body):
		return fmt.Sprintf("%d bytes that are no text", len(r.Body))
	}
	return shorten(text)
}

// callAPI calls the selected profile's API and shows the answer.
func (w *Window) callAPI(name string) {
	if !w.online {
		return
	}
	w.note("Calling the API …", false)
	w.actions.request(name, func(r agent.Response, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		if name != w.selected {
			return
		}
		w.onTab(0)
		w.detail.tabs.token.api.show(r)
		w.note(fmt.Sprintf("The API answered %d.", r.Status), r.Status < 400)
	})
}

// onStepUp logs in as the API demands, and calls it again.
func (w *Window) onStepUp(o agent.LoginOptions) {
	name := w.selected
	w.logIn(name, o, func(err error) {
		if err == nil {
			w.callAPI(name)
		}
	})
}
