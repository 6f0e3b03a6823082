package loopback

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// answer serves every request. It never redirects (RFC 9700 §4.11: no open
// redirector) and shows nothing of a request that is not the response.
func (r *Receiver) answer(w http.ResponseWriter, req *http.Request) {
	values, stray, status := r.read(w, req)
	r.conns.answering(connOf(req))
	if stray == "" && r.relays(req, values) {
		relayPage().send(w, http.StatusOK)
		return
	}
	if stray == "" {
		stray, status = r.match(values)
	}
	if stray == "" {
		stray, status = r.claim()
	}
	if stray != "" {
		// The owner hears of it first: once the page is there, it knows.
		if r.OnStray != nil {
			r.OnStray(Stray{Reason: stray})
		}
		strayPage(stray).send(w, status)
		return
	}
	said := responsePage(values)
	if r.Hold && said.kind == "ok" {
		r.received <- values
		r.held(req, said).send(w, http.StatusOK)
		return
	}
	// The page first: it fits the socket's buffer, and then nothing that
	// the owner does next can cut it off.
	said.send(w, http.StatusOK)
	r.received <- values
}

// held is the page to send when the owner has decided, or takes too long.
func (r *Receiver) held(req *http.Request, usual page) page {
	late := time.NewTimer(holdMax)
	defer late.Stop()
	select {
	case refused := <-r.refused:
		return refused
	case <-r.stopped:
	case <-late.C:
	case <-req.Context().Done():
	}
	select { // decided in the same moment
	case refused := <-r.refused:
		return refused
	default:
		return usual
	}
}

// read takes the parameters from a request to the right address, or says why
// there are none.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (values url.Values, stray string, status int) {
	// A page of another site whose name was pointed at this machine comes
	// with that name (DNS rebinding).
	if !slices.Contains(r.hosts, strings.ToLower(req.Host)) {
		return nil, StrayHost, http.StatusMisdirectedRequest
	}
	// RFC 8252 §8.10: the redirect URI matches exactly. No cleaning, no prefix.
	if req.URL.EscapedPath() != r.path {
		return nil, StrayPath, http.StatusNotFound
	}
	switch {
	case req.Method == http.MethodGet:
		// A pair that cannot be decoded is left out; the rest decides. Some
		// servers send a bare % in error_description.
		values, _ = url.ParseQuery(req.URL.RawQuery)
		return values, "", 0
	case req.Method == http.MethodPost && (!r.QueryOnly || r.ownForm(req)):
		return readForm(w, req)
	}
	allow := "GET, POST"
	if r.QueryOnly && !r.Fragment {
		allow = "GET"
	}
	w.Header().Set("Allow", allow)
	return nil, StrayMethod, http.StatusMethodNotAllowed
}

// readForm reads an OAuth 2.0 Form Post Response. Only the body counts.
func readForm(w http.ResponseWriter, req *http.Request) (values url.Values, stray string, status int) {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, StrayBody, http.StatusUnsupportedMediaType
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	if err := req.ParseForm(); err != nil && len(req.PostForm) == 0 {
		return nil, StrayBody, http.StatusBadRequest
	}
	return req.PostForm, "", 0
}

// match compares the state, on success and error responses alike.
func (r *Receiver) match(values url.Values) (stray string, status int) {
	r.mu.Lock()
	want := r.state
	r.mu.Unlock()
	got := values["state"]
	if r.StateOf != nil {
		got = nil
		if state := r.StateOf(values); state != "" {
			got = []string{state}
		}
	}
	if len(got) == 0 {
		return StrayNoState, http.StatusBadRequest
	}
	// RFC 6749 §3.1: a parameter comes once. Two states are none.
	if len(got) > 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) != 1 {
		return StrayState, http.StatusBadRequest
	}
	return "", 0
}

// claim takes the response for Wait; the state is single use.
func (r *Receiver) claim() (stray string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.answered:
		return StrayRepeat, http.StatusOK
	case r.over:
		return StrayLate, http.StatusGone
	}
	r.answered = true
	return "", 0
}
