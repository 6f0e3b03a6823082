package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Quirks are what a server does otherwise than the standards say, as data: the points at which other libraries take
// code. The texts of added parameters may hold {client_id}, {client_secret} and {access_token}.
type Quirks struct {
	TokenMethod     string            `json:"token_method,omitempty"`     // "GET": token requests carry their parameters in the address
	ScopeSeparator  string            `json:"scope_separator,omitempty"`  // between scopes, sent and read; "" is a space
	TokenQuery      map[string]string `json:"token_query,omitempty"`      // added to the address of token requests
	RefreshQuery    map[string]string `json:"refresh_query,omitempty"`    // added to the address of refresh requests
	APIQuery        map[string]string `json:"api_query,omitempty"`        // added to the address of calls with the token
	RevokeQuery     map[string]string `json:"revoke_query,omitempty"`     // added to the address of revocation requests
	IntrospectQuery map[string]string `json:"introspect_query,omitempty"` // added to the address of introspection requests
	TokenAnswer     *Answer           `json:"token_answer,omitempty"`     // how answers to token requests are read
	RefreshAnswer   *Answer           `json:"refresh_answer,omitempty"`   // how answers to refresh requests are read; nil is as TokenAnswer
	// ErrorMember and ErrorDescriptionMember are the dotted paths of the members that hold an error's code and its text in
	// an answer with status 200, or elsewhere than the standard says.
	ErrorMember            string `json:"error_member,omitempty"`
	ErrorDescriptionMember string `json:"error_description_member,omitempty"`
	NoNonce                bool   `json:"no_nonce,omitempty"`        // the server fails with a nonce, or does not return it
	NoRedirectURI          bool   `json:"no_redirect_uri,omitempty"` // the request names no redirect URI: the registered one is used
}

// Answer says how an answer of a server becomes one of RFC 6749 §5.1.
type Answer struct {
	Form     bool                       `json:"form,omitempty"`     // it is form-encoded, whatever its Content-Type says
	Rename   map[string]string          `json:"rename,omitempty"`   // "authed_user.access_token": "access_token"
	Defaults map[string]json.RawMessage `json:"defaults,omitempty"` // members that are missing
}

// ServerQuirks reads the quirks of the profile; none when it has none.
func (p Profile) ServerQuirks() (Quirks, error) {
	if p.Quirks == "" {
		return Quirks{}, nil
	}
	q, err := ParseQuirks(p.Quirks)
	if err != nil {
		return Quirks{}, Problem{Key: "quirks", Message: err.Error()}
	}
	return q, nil
}

// ParseQuirks reads quirks and refuses what it does not know: a misspelled quirk would silently do nothing.
func ParseQuirks(text string) (Quirks, error) {
	var q Quirks
	members, bad := checkObject(text, `{"scope_separator":","}`)
	if bad != "" {
		return q, errors.New(bad)
	}
	targets := q.targets()
	for _, m := range members {
		to, known := targets[m.key]
		if !known {
			return q, errors.New("has the member " + strconv.Quote(m.key) + ", which Fob does not know; it knows " + strings.Join(quirkNames, ", "))
		}
		if a, is := to.(**Answer); is {
			read, err := parseAnswer(m.key, m.raw)
			if err != nil {
				return Quirks{}, err
			}
			*a = read
			continue
		}
		if err := decodeQuirk(m.key, m.raw, to); err != nil {
			return Quirks{}, err
		}
	}
	return q, q.check()
}

var quirkNames = []string{"token_method", "scope_separator", "token_query", "refresh_query", "api_query", "revoke_query", "introspect_query",
	"token_answer", "refresh_answer", "error_member", "error_description_member", "no_nonce", "no_redirect_uri"}

// targets are where each member goes.
func (q *Quirks) targets() map[string]any {
	return map[string]any{
		"token_method": &q.TokenMethod, "scope_separator": &q.ScopeSeparator,
		"token_query": &q.TokenQuery, "refresh_query": &q.RefreshQuery, "api_query": &q.APIQuery,
		"revoke_query": &q.RevokeQuery, "introspect_query": &q.IntrospectQuery,
		"token_answer": &q.TokenAnswer, "refresh_answer": &q.RefreshAnswer,
		"error_member": &q.ErrorMember, "error_description_member": &q.ErrorDescriptionMember,
		"no_nonce": &q.NoNonce, "no_redirect_uri": &q.NoRedirectURI,
	}
}

func parseAnswer(name, raw string) (*Answer, error) {
	members, bad := checkObject(raw, `{"form":true}`)
	if bad != "" {
		return nil, errors.New(name + " " + bad)
	}
	var a Answer
	for _, m := range members {
		to, known := map[string]any{"form": &a.Form, "rename": &a.Rename, "defaults": &a.Defaults}[m.key]
		if !known {
			return nil, errors.New(name + " has the member " + strconv.Quote(m.key) + ", which Fob does not know; it knows form, rename, defaults")
		}
		if err := decodeQuirk(name+"."+m.key, m.raw, to); err != nil {
			return nil, err
		}
	}
	for key := range a.Defaults {
		if secretName(key) {
			return nil, errors.New(name + ".defaults has " + key + ", which is a secret and does not belong in a profile")
		}
	}
	for from, to := range a.Rename {
		if !validPath(from) || !validPath(to) || strings.Contains(to, ".") {
			return nil, errors.New(name + ".rename has a path that is none; write it as \"from.path\": \"to\"")
		}
	}
	return &a, nil
}

// decodeQuirk reads one member. Its texts say what it should have been.
func decodeQuirk(name, raw string, to any) error {
	if err := json.Unmarshal([]byte(raw), to); err == nil && raw != "null" {
		return nil
	}
	want := "text in quotes"
	switch to.(type) {
	case *bool:
		want = "true or false"
	case *map[string]string:
		want = `an object of texts, like {"site":"stackoverflow"}`
	case *map[string]json.RawMessage:
		want = `an object, like {"token_type":"Bearer"}`
	}
	return fmt.Errorf("has %s for %s; write %s", kindOf(raw), name, want)
}

// check finds what is wrong with what was read.
func (q Quirks) check() error {
	if q.TokenMethod != "" && q.TokenMethod != "GET" && q.TokenMethod != "POST" {
		return errors.New("has a token_method that is none; write GET")
	}
	names := [...]string{"token_query", "refresh_query", "api_query", "revoke_query", "introspect_query"}
	for i, query := range q.queries() {
		name := names[i]
		for _, key := range Parameters(query).names() {
			value := query[key]
			if key == "" {
				return errors.New(name + " has a parameter without a name")
			}
			if secretName(key) && !strings.Contains(value, "{client_secret}") && !strings.Contains(value, "{access_token}") {
				return errors.New(name + "." + key + " is a secret and does not belong in a profile; write {client_secret} or {access_token} where it goes")
			}
			if bad := checkPlaces(name+"."+key, value, "{client_id}", "{client_secret}", "{access_token}"); bad != "" {
				return errors.New(bad)
			}
		}
	}
	const path = " is no path; write the members from the outside in, with dots between them"
	switch {
	case q.ErrorMember != "" && !validPath(q.ErrorMember):
		return errors.New("error_member" + path)
	case q.ErrorDescriptionMember != "" && !validPath(q.ErrorDescriptionMember):
		return errors.New("error_description_member" + path)
	}
	return nil
}

func (q Quirks) queries() [5]map[string]string {
	return [...]map[string]string{q.TokenQuery, q.RefreshQuery, q.APIQuery, q.RevokeQuery, q.IntrospectQuery}
}

// validPath says whether a text is a dotted path of members.
func validPath(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		if part == "" {
			return false
		}
	}
	return true
}

// secretInQuery says whether a secret is put into an address.
func (q Quirks) secretInQuery() bool {
	for _, query := range q.queries() {
		for _, value := range query {
			if strings.Contains(value, "{client_secret}") || strings.Contains(value, "{access_token}") {
				return true
			}
		}
	}
	return false
}

// JSON writes the quirks as they stand in a profile; "" when there are none.
func (q Quirks) JSON() string {
	text, err := json.Marshal(q)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
}

func checkQuirks(v string) string {
	if _, err := ParseQuirks(v); err != nil {
		return err.Error()
	}
	return ""
}
