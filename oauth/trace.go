package oauth

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Trace records the exchanges of one operation, for people to look at. Give
// it to the operation with [WithTrace]. Secrets are masked before they are
// recorded.
type Trace struct {
	mu    sync.Mutex // guards steps
	steps []Step
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
	// Secret says that Value is a mask.
	Secret bool `json:"secret,omitempty"`
}

type traceKey struct{}

// WithTrace makes every exchange under ctx be recorded in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Steps returns what was recorded, in order.
func (t *Trace) Steps() []Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Step(nil), t.steps...)
}

func traceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// exchanged records one exchange. ans is nil when none came.
func (t *Trace) exchanged(req *http.Request, form url.Values, job *errand, ans *answer, err error, took time.Duration) {
	// The writer of trace.go fills this in; see Step.
	_, _, _, _, _, _ = req, form, job, ans, err, took
}
