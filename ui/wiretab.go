package ui

import (
	"fmt"
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

// wireTab is what was said on the wire at the last login and the last refresh, step by step. The agent has masked the secrets.
type wireTab struct {
	content *fyne.Container
	none    *widget.Label
	runs    *fyne.Container
	shown   []agent.TraceRun
	robot   bool // nobody logs in: what is recorded is a token's coming
	copied  func(name, text string)
}

func newWireTab() *wireTab {
	t := &wireTab{none: paragraph("Every exchange with the server is listed here after the next login or refresh: what was asked, what was answered, and why. Secrets are masked."),
		runs: column(18)}
	t.content = column(8, t.none, t.runs)
	return t
}

func (t *wireTab) clear() { t.show(nil, time.Time{}) }

// show is the only code that changes the tab's widgets.
func (t *wireTab) show(runs []agent.TraceRun, now time.Time) {
	same := slices.EqualFunc(runs, t.shown, func(a, b agent.TraceRun) bool {
		return a.Operation == b.Operation && a.At.Equal(b.At) && len(a.Steps) == len(b.Steps)
	})
	if same && len(runs) > 0 {
		return // what somebody has unfolded stays so
	}
	t.shown = runs
	t.runs.Objects = nil
	for _, run := range runs {
		t.runs.Objects = append(t.runs.Objects, t.run(run, now))
	}
	visible(t.none, len(runs) == 0)
	t.runs.Refresh()
	t.content.Refresh()
}

// operations are the names of what is recorded.
var operations = map[string]string{"login": "LAST LOGIN", "refresh": "LAST REFRESH"}

func (t *wireTab) run(run agent.TraceRun, now time.Time) fyne.CanvasObject {
	name := operations[run.Operation]
	if t.robot && run.Operation == "login" {
		name = "LAST TOKEN"
	}
	if name == "" {
		name = strings.ToUpper(run.Operation)
	}
	list := column(0, newShortLine(fmt.Sprintf("%s · %s · %s", name, clock(run.At, now), took(run.Steps)), section))
	if run.Problem != "" {
		words := newNote("")
		words.set(sentence(run.Problem), colorNeed)
		list.Add(inset(0, 0, -8, 0, words))
	}
	for _, group := range alike(run.Steps) {
		list.Add(t.step(group[0]))
		if n := len(group) - 2; n > 0 {
			list.Add(inset(0, 0, 30, 0, newShortLine(fmt.Sprintf("%d more of the same", n), caption)))
		}
		if n := len(group); n > 1 {
			list.Add(t.step(group[n-1]))
		}
	}
	return list
}

// took is how long all steps of ours were under way.
func took(steps []agent.TraceStep) string {
	var all time.Duration
	for _, s := range steps {
		all += s.Took
	}
	n := fmt.Sprintf("%d steps", len(steps))
	if len(steps) == 1 {
		n = "1 step"
	}
	return n + ", " + shortly(all)
}

// shortly is a time of network exchanges.
func shortly(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// alike puts steps that repeat each other together: a device login polls for minutes.
func alike(steps []agent.TraceStep) [][]agent.TraceStep {
	var groups [][]agent.TraceStep
	for _, s := range steps {
		if n := len(groups); n > 0 {
			last := groups[n-1][0]
			if waitsOn(s) && waitsOn(last) && last.What == s.What && last.URL == s.URL && last.Status == s.Status {
				groups[n-1] = append(groups[n-1], s)
				continue
			}
		}
		groups = append(groups, []agent.TraceStep{s})
	}
	return groups
}

// waitsOn says whether an answer is a refusal that belongs to the protocol: ask again later, or with the nonce.
func waitsOn(s agent.TraceStep) bool {
	if s.Status < 400 {
		return false
	}
	for _, code := range []string{"authorization_pending", "slow_down", "use_dpop_nonce"} {
		if strings.Contains(s.Answer, `"`+code+`"`) {
			return true
		}
	}
	return false
}

// step is one exchange on two or three lines; more of it is made when it is unfolded.
func (t *wireTab) step(s agent.TraceStep) fyne.CanvasObject {
	shape, color := "passed", colorGood
	switch {
	case waitsOn(s):
		shape, color = "logging_in", colorBusy
	case s.Problem != "" || s.Status >= 400 || s.Status == 0 && !s.Browser:
		shape, color = "failed", colorNeed
	}
	result := "in the browser"
	if !s.Browser {
		result = "no answer · " + shortly(s.Took)
		if s.Status != 0 {
			result = fmt.Sprintf("%d · %s", s.Status, shortly(s.Took))
		}
	}
	r := &stepRow{unfold: quiet("", theme.MenuExpandIcon(), nil), more: column(6)}
	head := across(8, 2, container.NewCenter(square(icon(shape, color), 13)), newLine(firstUpper(s.What), strong), newShortLine(s.Method+" "+withoutQuery(s.URL), caption), newLine(result, muted), r.unfold)
	lines := column(0, head)
	said := sentence(s.Explanation)
	if s.Problem != "" {
		said = strings.TrimSpace(said + " " + sentence(s.Problem))
	}
	for _, note := range s.Notes {
		if len(note) > noteMost {
			continue // below, with the rest of the exchange
		}
		said = strings.TrimSpace(said + " " + sentence(note))
	}
	if said != "" {
		lines.Add(inset(-4, 0, 14, 0, newNote(said)))
	}
	r.more.Hide()
	lines.Add(inset(0, 0, 22, 0, r.more))
	r.content = lines
	r.unfold.OnTapped = func() {
		if len(r.more.Objects) == 0 {
			t.fill(r.more, s)
		}
		open := !r.more.Visible()
		visible(r.more, open)
		r.unfold.SetIcon(fold(open))
		t.content.Refresh()
	}
	r.ExtendBaseWidget(r)
	return r
}

// noteMost is how long a note may be to stand beside the explanation: a decision in words does, a token's claims do not.
const noteMost = 160

// fill writes the whole exchange.
func (t *wireTab) fill(more *fyne.Container, s agent.TraceStep) {
	block := func(name, text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		v := newValue(shorten(strings.TrimSpace(text)), true)
		v.tapped = func(text string) { t.copied(name, text) }
		more.Add(column(2, newLine(strings.ToUpper(name), section), cardTight(v)))
	}
	var notes []string
	for _, note := range s.Notes {
		if len(note) > noteMost {
			notes = append(notes, note)
		}
	}
	block("Notes", strings.Join(notes, "\n\n"))
	block("Request", requestText(s))
	block("Answer", answerText(s))
	if s.Curl != "" {
		more.Add(container.NewHBox(quiet("Copy as curl", theme.ContentCopyIcon(), func() { t.copied("curl command", s.Curl) })))
	}
}

func requestText(s agent.TraceStep) string {
	text := s.Method + " " + s.URL + "\n" + members(s.Header, ": ")
	if s.Certificate {
		text += "(with the client's TLS certificate)\n"
	}
	return text + "\n" + members(s.Form, "=") + s.Body
}

func answerText(s agent.TraceStep) string {
	if s.Status == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, http.StatusText(s.Status))) + "\n" + members(s.AnswerHeader, ": ") + "\n" + bodyText(agent.Response{Body: []byte(s.Answer)})
}

func members(all []agent.TraceMember, between string) string {
	var text strings.Builder
	for _, m := range all {
		text.WriteString(m.Name + between + m.Value + "\n")
	}
	return text.String()
}

func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
}

func firstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// stepRow is unfolded by a press anywhere on it.
type stepRow struct {
	widget.BaseWidget
	content *fyne.Container
	unfold  *button
	more    *fyne.Container
}

// Tapped is for Fyne.
func (r *stepRow) Tapped(*fyne.PointEvent) { r.unfold.OnTapped() }

// CreateRenderer is for Fyne.
func (r *stepRow) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.content) }

// loadTrace asks for the exchanges of the selected profile, when somebody looks at them.
func (w *Window) loadTrace() {
	name := w.selected
	if w.model.status(name) == nil || !w.online || w.detail.tabs.content.Selected() != w.detail.tabs.wireItem {
		return
	}
	w.actions.trace(name, func(runs []agent.TraceRun, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		if name == w.selected && w.model.status(name) != nil {
			w.detail.tabs.wire.robot = unattended(*w.model.status(name))
			w.detail.tabs.wire.show(runs, w.now())
		}
	})
}
