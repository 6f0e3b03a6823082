package ui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"fob/internal/agent"
)

// tryTab makes requests to the profile's API with its token and shows the answers. The agent makes them: no token is here.
type tryTab struct {
	content *fyne.Container
	none    *fyne.Container // what to do where the profile names no API
	form    *fyne.Container
	base    *line
	method  *picker
	path    *input
	more    *button // unfolds headers and body
	extra   *fyne.Container
	headers *input
	body    *input
	send    *button
	busy    *fyne.Container // the bar, while a request is under way
	bar     *widget.ProgressBarInfinite
	wrong   *note
	first   *line // what has to happen before anything can be sent
	recent  *recent
	answer  *answerView

	shown  agent.Status
	sent   agent.Request // what the answer is to
	online bool
	stop   func() // gives up the request under way; nil while there is none
	sendIt func()
	setAPI func()
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}

func newTryTab(shortcut func(fyne.Shortcut)) *tryTab {
	t := &tryTab{base: newShortLine("", caption), method: newPicker(methods, nil), path: newInput("/path?query, below the API base URL"), headers: newInput("Name: value, one a line"),
		body: newInput("JSON is sent as application/json"), wrong: newNote(""), first: newShortLine("There is no token to send yet: log in first.", caption), recent: newRecent(), answer: newAnswerView(), bar: widget.NewProgressBarInfinite()}
	t.busy = container.New(fixedHeight(4), t.bar)
	t.method.SetSelected(http.MethodGet)
	t.path.OnSubmitted = func(string) { t.press() }
	for _, in := range []*input{t.path, t.headers, t.body} {
		in.TextStyle.Monospace = true
		in.shortcut = func(s fyne.Shortcut) {
			if _, copying := s.(*fyne.ShortcutCopy); !copying { // nothing selected is no wish for the token
				shortcut(s)
			}
		}
	}
	for _, in := range []*input{t.headers, t.body} {
		in.MultiLine, in.Wrapping = true, fyne.TextWrapBreak
		in.SetMinRowsVisible(3)
	}
	t.send = newButton("Send", theme.MailSendIcon(), widget.HighImportance, func() { t.press() })
	t.more = quiet("Headers and body", fold(false), func() { t.unfold(!t.extra.Visible()) })
	t.extra = column(6, newLine("HEADERS", section), t.headers, newLine("BODY", section), t.body)
	t.busy.Hide()
	set := newButton("Set the API base URL", theme.DocumentCreateIcon(), widget.MediumImportance, func() { t.setAPI() })
	t.none = column(8, inset(0, 0, -8, 0, paragraph("Fob sends a profile's token to its API and to no other address. This profile does not say where its API is.")), container.NewHBox(set))
	t.recent.choose = func(method, path string) {
		t.method.SetSelected(method)
		t.path.SetText(path)
		t.check()
	}
	t.form = column(8, t.base, across(6, 1, newFixed(112, t.method), t.path, newFixed(104, t.send)), t.first, t.busy, across(8, 1, t.more, newLine("", plain), t.recent.content), t.extra, t.wrong)
	t.content = column(12, t.none, t.form, t.answer.content)
	t.answer.resized = t.content.Refresh
	t.unfold(false)
	t.wrong.Hide()
	t.show(agent.Status{})
	return t
}

func (t *tryTab) unfold(open bool) {
	visible(t.extra, open)
	t.more.SetIcon(fold(open))
	if t.content != nil {
		t.content.Refresh()
	}
}

// show says whose API it is; what was asked of another profile goes away.
func (t *tryTab) show(s agent.Status) {
	if s.Name != t.shown.Name {
		t.clear()
	}
	t.shown = s
	has := s.APIBaseURL != ""
	visible(t.none, !has)
	visible(t.form, has)
	t.base.set(s.APIBaseURL)
	t.recent.show(s.Name)
	t.check()
}

// clear forgets the request and its answer.
func (t *tryTab) clear() {
	if t.stop != nil {
		t.stop()
	}
	t.done()
	t.method.SetSelected(http.MethodGet)
	for _, in := range []*input{t.path, t.headers, t.body} {
		in.SetText("")
	}
	t.unfold(false)
	t.say("")
	t.answer.clear()
	t.sent = agent.Request{}
}

// lock takes the answer away and gives up the one that is waited for.
func (t *tryTab) lock() {
	if t.stop != nil {
		t.stop()
	}
	t.answer.clear()
	t.content.Refresh()
}

// has tells whether the field is one of the tab's.
func (t *tryTab) has(in *input) bool { return in == t.path || in == t.headers || in == t.body }

// check says what can be pressed, and what has to come first.
func (t *tryTab) check() {
	able := t.shown.Usable() || unattended(t.shown) && t.shown.State != agent.Unusable
	visible(t.first, !able && (t.shown.State == agent.LoggedOut || t.shown.State == agent.LoginRequired))
	enable(t.send, t.stop != nil || t.online && able)
	enable(t.answer.again, t.online)
}

func (t *tryTab) press() {
	switch {
	case t.stop != nil:
		t.stop()
	case !t.send.Disabled():
		t.sendIt()
	}
}

// request is what is typed in.
func (t *tryTab) request() (agent.Request, error) {
	r := agent.Request{Name: t.shown.Name, Method: t.method.Selected, URL: strings.TrimSpace(t.path.Text), Body: []byte(t.body.Text)}
	typed := false
	for text := range strings.Lines(t.headers.Text) {
		name, value, found := strings.Cut(text, ":")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if name = strings.TrimSpace(name); !found || name == "" || strings.ContainsAny(name, " \t") {
			return r, errors.New("write headers as Name: value, one a line")
		}
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "DPoP") {
			return r, errors.New("the header " + name + " is Fob's to write")
		}
		typed = typed || strings.EqualFold(name, "Content-Type")
		r.Header = append(r.Header, agent.HeaderField{Name: name, Value: strings.TrimSpace(value)})
	}
	if len(r.Body) > 0 && !typed {
		kind := "text/plain; charset=utf-8"
		if looksLikeJSON(t.body.Text) {
			kind = "application/json"
		}
		r.Header = append(r.Header, agent.HeaderField{Name: "Content-Type", Value: kind})
	}
	return r, nil
}

func (t *tryTab) say(text string) {
	t.wrong.set(text, colorNeed)
	visible(t.wrong, text != "")
	t.content.Refresh()
}

// doing shows that a request is under way; stop gives it up.
func (t *tryTab) doing(stop func()) {
	t.stop = stop
	t.send.Importance = widget.MediumImportance
	t.send.SetText("Cancel")
	t.send.SetIcon(theme.CancelIcon())
	t.busy.Show()
	t.bar.Start()
	t.check()
	t.content.Refresh()
}

func (t *tryTab) done() {
	t.stop = nil
	t.send.Importance = widget.HighImportance
	t.send.SetText("Send")
	t.send.SetIcon(theme.MailSendIcon())
	t.bar.Stop()
	t.busy.Hide()
	t.check()
	t.content.Refresh()
}

// recentMost is how many requests of a profile are offered again: what fits into a menu at a glance.
const recentMost = 8

// recent are the last requests of each profile while the window is open: method and path, without a query, which may hold anything.
type recent struct {
	content *button
	of      map[string][][2]string
	name    string
	choose  func(method, path string)
}

func newRecent() *recent {
	r := &recent{of: map[string][][2]string{}}
	r.content = quiet("Recent", theme.HistoryIcon(), nil)
	return r
}

func (r *recent) show(name string) {
	r.name = name
	visible(r.content, len(r.of[name]) > 0)
}

// remember puts a request first.
func (r *recent) remember(name, method, path string) {
	path, _, _ = strings.Cut(path, "?")
	entry := [2]string{method, path}
	all := slices.DeleteFunc(slices.Clone(r.of[name]), func(old [2]string) bool { return old == entry })
	all = append([][2]string{entry}, all...)
	r.of[name] = all[:min(len(all), recentMost)]
	r.show(r.name)
}

func (r *recent) menu() *fyne.Menu {
	menu := fyne.NewMenu("")
	for _, entry := range r.of[r.name] {
		label := strings.TrimSpace(entry[0] + "  " + entry[1])
		menu.Items = append(menu.Items, fyne.NewMenuItem(label, func() { r.choose(entry[0], entry[1]) }))
	}
	return menu
}

// tryTabIndex is the place of the tab.
const tryTabIndex = 6

// onSend makes the request that is typed in.
func (w *Window) onSend() {
	t := w.detail.tabs.try
	r, err := t.request()
	if err != nil {
		t.say(sentence(err.Error()))
		return
	}
	w.send(r, true)
}

// send makes a request to the selected profile's API and shows the answer, its body when open is set.
func (w *Window) send(r agent.Request, open bool) {
	t := w.detail.tabs.try
	if !w.online || t.stop != nil {
		return
	}
	t.say("")
	t.answer.clear()
	t.sent = r
	t.recent.remember(r.Name, r.Method, r.URL)
	stop := w.actions.request(r, func(got timedResponse, err error) {
		if r.Name != w.selected || t.shown.Name != r.Name {
			return
		}
		t.done()
		switch {
		case errors.Is(err, context.Canceled):
			t.say("Cancelled. The API may have got the request all the same.")
		case err != nil:
			t.say(problemWords(err))
		case w.detail.tabs.locked:
			t.say("Fob was locked before the API answered. What it said is not shown.")
		default:
			t.unfold(false) // room for the answer
			t.answer.show(got, open)
			t.content.Refresh()
		}
	})
	t.doing(stop)
}

// callAPI calls the selected profile's API at its base URL, for somebody who has not asked to see what it says: the body stays
// hidden until it is asked for.
func (w *Window) callAPI(name string) {
	if !w.online || name != w.selected {
		return
	}
	w.onTab(tryTabIndex)
	w.detail.tabs.try.show(*w.model.status(name))
	w.send(agent.Request{Name: name, Method: http.MethodGet}, false)
}

// onStepUp logs in as the API demands, and makes the request that it refused again, whatever is typed by then.
func (w *Window) onStepUp(o agent.LoginOptions) {
	try := w.detail.tabs.try
	refused, open := try.sent, try.answer.open
	w.logIn(refused.Name, o, func(failed error) {
		if failed == nil && refused.Name == w.selected {
			w.send(refused, open)
		}
	})
}

// timedResponse is an answer and how long it took.
type timedResponse struct {
	agent.Response
	took time.Duration
}
