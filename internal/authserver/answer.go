package authserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// answer is an HTTP response in memory, so that it can be completed or spoilt before it is sent.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	// tail, if set, writes after the body and decides when the answer ends.
	tail func(w io.Writer, done <-chan struct{})
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

// Header, WriteHeader and Write make an answer an http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write appends to the body.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// replace forgets what was said and says this instead.
func (a *answer) replace(status int, contentType, body string) {
	a.status = status
	a.header.Set("Content-Type", contentType)
	a.body.Reset()
	a.body.WriteString(body)
}

// replaceJSON is replace with JSON.
func (a *answer) replaceJSON(status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	a.replace(status, "application/json", string(data)+"\n")
}

// refuse answers with an error of RFC 6749 section 5.2.
func (a *answer) refuse(status int, code, description string) {
	a.header.Set("Cache-Control", "no-store")
	a.replaceJSON(status, map[string]string{"error": code, "error_description": description})
}

// says reports whether the answer is this error.
func (a *answer) says(code string) bool {
	var e struct {
		Error string `json:"error"`
	}
	return a.status >= 400 && json.Unmarshal(a.body.Bytes(), &e) == nil && e.Error == code
}

// later answers that the server is busy; RFC 9110 section 10.2.3 has Retry-After in whole seconds.
func (a *answer) later(status int, after time.Duration) {
	a.header.Set("Retry-After", fmt.Sprint(seconds(after)))
	a.refuse(status, "temporarily_unavailable", "the demo server was told to be unavailable for a while")
}

// send writes the answer.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the client may be gone, which is its own affair
	if a.tail != nil {
		a.tail(w, r.Context().Done())
	}
}

// once refuses parameters that came twice (RFC 6749 section 3.1), but for those that may.
func once(form url.Values, may ...string) error {
	for k, v := range form {
		if len(v) > 1 && !slices.Contains(may, k) {
			return fmt.Errorf("parameter %q came %d times", k, len(v))
		}
	}
	return nil
}
