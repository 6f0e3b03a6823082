package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trace records the exchanges of one operation, for people to look at. Give
// it to the operation with [WithTrace]. Secrets are masked before they are
// recorded. It marshals as the list of its steps.
type Trace struct {
	mu    sync.Mutex // guards what follows
	steps []Step
	notes []string // for the next step
}

// Step is one exchange with a server, or one redirect through the browser.
type Step struct {
	At     time.Time     `json:"at"`
	Took   time.Duration `json:"took"`           // nanoseconds
	What   string        `json:"what"`           // "token endpoint"
	Kind   RequestKind   `json:"kind,omitempty"` // "" for public documents
	Method string        `json:"method"`
	URL    string        `json:"url"` // secret parameters masked
	// Header and Form of the request, in the order of their names.
	Header []Member `json:"header,omitempty"`
	Form   []Member `json:"form,omitempty"`
	// Body is the request's JSON, where it is no form: masked.
	Body string `json:"body,omitempty"`
	// Certificate says that the client's certificate was there to be shown.
	Certificate bool `json:"certificate,omitempty"`
	// Browser says that the exchange is the browser's, not ours.
	Browser bool `json:"browser,omitempty"`

	Status       int      `json:"status,omitempty"` // 0: no answer
	AnswerHeader []Member `json:"answer_header,omitempty"`
	Answer       string   `json:"answer,omitempty"` // the body, secrets masked, cut
	Problem      string   `json:"problem,omitempty"`
	Notes        []string `json:"notes,omitempty"` // what was decided and why
}

// Member is one name and value of a header or a form.
type Member struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Secret says that Value is a mask, or holds one.
	Secret bool `json:"secret,omitempty"`
}

const (
	// maxSteps: a login has six; a device login polls every five seconds for
	// up to half an hour.
	maxSteps = 100
	// maxTraced of a body: metadata documents run to 10 KB.
	maxTraced = 16 << 10
	// maxNote holds the claims of an id_token with a few dozen groups.
	maxNote = 4 << 10
)

type traceKey struct{}

// WithTrace makes every exchange under ctx be recorded in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Note records a decision, and why, with the next step under ctx. It does
// nothing without a trace. The text must hold no secret.
func Note(ctx context.Context, text string) {
	if t := traceOf(ctx); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.notes = append(t.notes, clean(text, maxNote))
	}
}

// Browser records a step that the browser made: the authorization request it
// was sent to, or the redirect that came back. title says which ("authorization
// request", "redirect"). For a response that came by POST, address is the
// redirect URI with the response as its query.
func (t *Trace) Browser(title, address, note string) {
	if t == nil {
		return
	}
	s := Step{At: time.Now().Round(0), What: clean(title, maxCode), Kind: ForAuthorization, Method: http.MethodGet, Browser: true}
	m := masker{step: &s}
	s.URL = m.address(address)
	if note != "" {
		s.Notes = append(s.Notes, clean(note, maxNote))
	}
	t.add(s)
}

// Steps returns what was recorded, in order.
func (t *Trace) Steps() []Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	steps := slices.Clone(t.steps)
	if n := len(steps); n > 0 && len(t.notes) > 0 { // nothing followed them
		steps[n-1].Notes = slices.Concat(steps[n-1].Notes, t.notes)
	}
	return steps
}

// MarshalJSON writes the steps.
func (t *Trace) MarshalJSON() ([]byte, error) { return json.Marshal(t.Steps()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Trace) UnmarshalJSON(data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = nil
	return json.Unmarshal(data, &t.steps)
}

func traceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

func (t *Trace) add(s Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Notes = slices.Concat(t.notes, s.Notes)
	t.notes = nil
	if len(t.steps) >= maxSteps { // how it began and how it ended tell most
		t.steps = slices.Delete(t.steps, maxSteps/2, maxSteps/2+1)
	}
	t.steps = append(t.steps, s)
}

// exchanged records one exchange; of an answer that never came, ans has the
// endpoint alone.
func (t *Trace) exchanged(req *http.Request, form url.Values, job *errand, ans *answer, err error, took time.Duration) {
	s := Step{At: time.Now().Add(-took).Round(0), Took: took, What: job.what, Kind: job.kind, Method: req.Method, Certificate: job.certificate}
	m := masker{step: &s, secrets: job.secrets}
	if req.Method == http.MethodGet {
		form = nil // it is in the address
	}
	s.URL = m.address(req.URL.String())
	s.Header = m.requestHeader(req.Header)
	s.Form = m.form(form)
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") && req.GetBody != nil {
		s.Body = m.requestBody(req)
	}
	if ans != nil {
		s.Status = ans.status
		s.AnswerHeader = m.answerHeader(ans.header)
		s.Answer = m.answer(ans)
	}
	if err != nil {
		s.Problem = m.show(err.Error(), maxDescription)
	}
	t.add(s)
}
