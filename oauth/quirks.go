package oauth

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strings"
)

// Quirks are a server's departures from the specifications, as data: what to
// send otherwise and how to read what comes. The zero value departs from
// nothing. They act at six points: token request and answer, refresh request
// and answer, and the requests to the API, revocation and introspection.
type Quirks struct {
	TokenMethod    string // "GET" sends token requests as a query; "" is POST
	ScopeSeparator string // between scopes, in requests and answers; "" is a space

	// Added query parameters of requests. {client_id}, {client_secret} and
	// {access_token} in a value stand for the client's own.
	TokenQuery, RefreshQuery, APIQuery, RevokeQuery, IntrospectQuery map[string]string

	TokenAnswer, RefreshAnswer AnswerQuirk

	// ErrorMember and ErrorDescriptionMember are the dotted paths of members
	// that hold an error code and its text in an answer with status 200. The
	// first may also be false for an error ("ok": false), or a number.
	ErrorMember, ErrorDescriptionMember string

	// NoNonce: the id_token of the token endpoint comes without the nonce. One
	// that comes through the browser has to have it.
	NoNonce       bool
	NoRedirectURI bool // the token request must not repeat redirect_uri
}

// AnswerQuirk says how to read a token answer. An answer that calls itself
// form-encoded, and an expires_in that is a string, need none.
type AnswerQuirk struct {
	Form     bool              // it is form-encoded whatever its Content-Type says
	Rename   map[string]string // dotted path of a member → its registered name
	Defaults map[string]any    // members that the server leaves out
}

// answer is the quirk for answers to a kind of request.
func (q *Quirks) answer(kind RequestKind) AnswerQuirk {
	switch {
	case q != nil && kind == ForToken:
		return q.TokenAnswer
	case q != nil && kind == ForRefresh:
		return q.RefreshAnswer
	}
	return AnswerQuirk{}
}

// members reads the members of an answer: JSON as it should be, or a form
// (GitHub, early Facebook), under the names that the RFCs have for them.
func (ans *answer) members() (map[string]any, error) {
	q := ans.errand.quirks.answer(ans.errand.kind)
	kind, _, _ := mime.ParseMediaType(ans.header.Get("Content-Type"))
	var obj map[string]any
	var err error
	// Servers that answer with forms have been seen to send errors as JSON.
	if (q.Form || kind == "application/x-www-form-urlencoded") && !strings.HasPrefix(strings.TrimSpace(string(ans.body)), "{") {
		obj, err = decodeForm(string(ans.body))
	} else {
		obj, err = decodeObject(ans.body)
	}
	if err != nil {
		return nil, err
	}
	for path, name := range q.Rename {
		if v, found := take(obj, path, true); found && v != nil {
			obj[name] = v
		}
	}
	if ans.status >= 200 && ans.status <= 299 {
		for name, v := range q.Defaults {
			if obj[name] == nil || obj[name] == "" {
				obj[name] = v
			}
		}
	}
	return obj, nil
}

// decodeForm reads a form as if it were a JSON object of strings.
func decodeForm(body string) (map[string]any, error) {
	form, err := url.ParseQuery(strings.TrimSpace(body))
	if err != nil || len(form) == 0 {
		return nil, fmt.Errorf("%w, nor a form", ErrNotJSON)
	}
	obj := make(map[string]any, len(form))
	for name, values := range form {
		if len(values) > 1 {
			return nil, fmt.Errorf("%w: a member appears twice: %s", ErrNotJSON, clean(name, maxCode))
		}
		obj[name] = values[0]
	}
	return obj, nil
}

// take finds the member at a dotted path, and takes it out if remove says so:
// what stays behind is kept with the token as further members. A name that
// has a dot itself comes first.
func take(obj map[string]any, path string, remove bool) (any, bool) {
	if v, found := obj[path]; found {
		if remove {
			delete(obj, path)
		}
		return v, true
	}
	head, rest, nested := strings.Cut(path, ".")
	inner, isObject := obj[head].(map[string]any)
	if !nested || !isObject {
		return nil, false
	}
	v, found := take(inner, rest, remove)
	if remove && len(inner) == 0 {
		delete(obj, head)
	}
	return v, found
}

// quirkRefusal is the error in an answer with status 200, where the profile
// says that there may be one; nil if there is none.
func (ans *answer) quirkRefusal(obj map[string]any, e *Error) *Error {
	q := ans.errand.quirks
	if q == nil || q.ErrorMember == "" {
		return nil
	}
	member, _ := take(obj, q.ErrorMember, false)
	code := ""
	switch v := member.(type) {
	case bool:
		if v {
			return nil
		}
	case string:
		code = v
	case json.Number:
		code = v.String()
	}
	if _, isFlag := member.(bool); !isFlag && (code == "" || code == "0") {
		return nil
	}
	description := ""
	if q.ErrorDescriptionMember != "" {
		v, _ := take(obj, q.ErrorDescriptionMember, false)
		description, _ = v.(string)
	}
	if code == "" {
		e.Description = clean(redact(description, ans.errand.secrets), maxDescription)
		return e
	}
	e.fill(code, description, "", ans.errand.secrets)
	return e
}

// splitScope reads the scope of an answer as the quirk says; otherwise it is
// left as it came.
func (c *Client) splitScope(v any) any {
	s, isText := v.(string)
	if c.Quirks == nil || c.Quirks.ScopeSeparator == "" || !isText {
		return v
	}
	var list []any
	for part := range strings.SplitSeq(s, c.Quirks.ScopeSeparator) {
		for _, scope := range strings.Fields(part) {
			list = append(list, scope)
		}
	}
	return list
}
