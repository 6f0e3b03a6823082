package authserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Quirks are what well-known servers do otherwise than the RFCs have it, mostly at the token
// endpoint. They are set like faults, usually [UntilCleared].
const (
	// QuirkForm answers in application/x-www-form-urlencoded, as GitHub does.
	QuirkForm Fault = "quirk: form-encoded answer"
	// QuirkNested puts the user's token into authed_user, beside "ok", as Slack does.
	QuirkNested Fault = "quirk: tokens in authed_user"
	// QuirkRenamed calls the members accessToken, refreshToken and expiresIn.
	QuirkRenamed Fault = "quirk: renamed members"
	// QuirkStringExpiry says "expires_in": "300", as Azure did.
	QuirkStringExpiry Fault = "quirk: expires_in a string"
	// QuirkNoTokenType leaves token_type out, as Stack Overflow does.
	QuirkNoTokenType Fault = "quirk: no token_type"
	// QuirkCommaScope separates scopes by commas, as GitHub and Slack do.
	QuirkCommaScope Fault = "quirk: comma in scope"
	// QuirkErrorOK answers errors with status 200, as GitHub does.
	QuirkErrorOK Fault = "quirk: errors with status 200"
	// QuirkGET takes token requests by GET alone, with the parameters in the query.
	QuirkGET Fault = "quirk: GET token endpoint"
)

// Faults of the scope in a token answer.
const (
	// OtherScope names a scope that nobody asked for instead.
	OtherScope Fault = "token answer: another scope"
	NoScope    Fault = "token answer: no scope"
)

// takeGET turns a GET into the POST that everything behind it knows. False says that the answer is
// made.
func (s *Server) takeGET(a *answer, r *http.Request) bool {
	if !s.faults.take(QuirkGET) {
		return true
	}
	if r.Method != http.MethodGet {
		a.header.Set("Allow", "GET")
		a.refuse(http.StatusMethodNotAllowed, "invalid_request", "GET this")
		return false
	}
	r.Method, r.PostForm, r.URL.RawQuery = http.MethodPost, r.URL.Query(), ""
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return true
}

// takeQuery checks the parameters that Options.TokenQuery wants in the URI, and takes them out.
func (s *Server) takeQuery(r *http.Request) error {
	q := r.URL.Query()
	for k, want := range s.opts.TokenQuery {
		if !slices.Equal(q[k], want) {
			return errors.New("the query parameter " + k + " is not what it has to be")
		}
		q.Del(k)
	}
	r.URL.RawQuery = q.Encode()
	return nil
}

// bend applies the quirks to a token answer, good or bad.
func (s *Server) bend(a *answer) {
	var members map[string]any
	if json.Unmarshal(a.body.Bytes(), &members) != nil {
		return
	}
	if a.status == http.StatusOK {
		s.bendMembers(members)
	}
	status := a.status
	if status >= 400 && s.faults.take(QuirkErrorOK) {
		status = http.StatusOK
	}
	if !s.faults.take(QuirkForm) {
		a.replaceJSON(status, members)
		return
	}
	form := url.Values{}
	for k, v := range members {
		text, ok := v.(string)
		if !ok {
			data, _ := json.Marshal(v) // it came from JSON
			text = string(data)
		}
		form.Set(k, text)
	}
	a.replace(status, "application/x-www-form-urlencoded; charset=utf-8", form.Encode())
}

// bendMembers applies those that hit the members of a good answer.
func (s *Server) bendMembers(m map[string]any) {
	if s.faults.take(OtherScope) {
		m["scope"] = "another_scope"
	}
	if s.faults.take(NoScope) {
		delete(m, "scope")
	}
	if s.faults.take(QuirkStringExpiry) {
		data, _ := json.Marshal(m["expires_in"]) // it came from JSON
		m["expires_in"] = string(data)
	}
	if s.faults.take(QuirkNoTokenType) {
		delete(m, "token_type")
	}
	if s.faults.take(QuirkCommaScope) {
		m["scope"] = strings.ReplaceAll(asString(m["scope"]), " ", ",")
	}
	if s.faults.take(QuirkRenamed) {
		for from, to := range map[string]string{"access_token": "accessToken", "refresh_token": "refreshToken", "expires_in": "expiresIn"} {
			if v, ok := m[from]; ok {
				m[to] = v
				delete(m, from)
			}
		}
	}
	if s.faults.take(QuirkNested) {
		inner := map[string]any{}
		for k, v := range m {
			inner[k] = v
			delete(m, k)
		}
		m["ok"], m["authed_user"] = true, inner
	}
}
