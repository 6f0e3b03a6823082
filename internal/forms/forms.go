// Package forms knows the forms in which a token is handed out: as it is, as a header, as a request of some tool or language, as
// an entry of some tool's environment, or as the user's own template says. It renders; it neither asks nor keeps a token.
package forms

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what a form carries, and with that which tokens it can carry.
type Kind string

// The kinds.
const (
	Alone   Kind = "token"       // a token, as it is
	Headers Kind = "headers"     // the headers that let a request in
	Call    Kind = "request"     // a whole request: method, address, headers, body; a proof fits in
	Value   Kind = "environment" // the token as a value that many requests will use: a proof for one request does not fit in
	Own     Kind = "own"         // the user's template; what it carries is seen when it is filled in
)

// Form is one form. Its name is what `--as` takes.
type Form struct {
	Name  string `json:"name"`
	Label string `json:"label"` // for menus: "curl command"
	Kind  Kind   `json:"kind"`
	About string `json:"about"`          // one line, lower case
	First bool   `json:"first"`          // of the few that menus show at once
	File  string `json:"file,omitempty"` // where the text belongs, when that is a file
	// Template is a form of the user's own.
	Template string `json:"template,omitempty"`

	NeedsID  bool `json:"needs_id_token,omitempty"`
	NeedsAPI bool `json:"needs_api_base_url,omitempty"` // unless the request is named

	render func(Given) (string, error)
}

// The names that other packages know.
const (
	AccessToken = "access_token"
	IDToken     = "id_token"
	Header      = "header"
	Curl        = "curl"
)

// all is the one list of forms, in the order of menus: the common ones first.
var all = []Form{
	{Name: AccessToken, Label: "Access token", Kind: Alone, First: true, About: "the access token", render: func(g Given) (string, error) { return g.AccessToken, nil }},
	{Name: Header, Label: "Authorization header", Kind: Headers, First: true, About: "the Authorization header, with a proof where the token needs one", render: headerLines},
	{Name: Curl, Label: "curl command", Kind: Call, First: true, NeedsAPI: true, About: "a curl command", render: curl},
	{Name: IDToken, Label: "ID token", Kind: Alone, First: true, NeedsID: true, About: "the ID token", render: func(g Given) (string, error) { return g.IDToken, nil }},
	{Name: "httpie", Label: "HTTPie", Kind: Call, NeedsAPI: true, About: "an HTTPie command", render: httpie},
	{Name: "wget", Label: "wget", Kind: Call, NeedsAPI: true, About: "a wget command", render: wget},
	{Name: "powershell", Label: "PowerShell", Kind: Call, NeedsAPI: true, About: "a PowerShell command (Invoke-RestMethod)", render: powershell},
	{Name: "http", Label: ".http file", Kind: Call, NeedsAPI: true, About: "a request for IntelliJ and the VS Code REST Client", File: "request.http", render: httpFile},
	{Name: "postman", Label: "Postman environment", Kind: Value, About: "an environment for Postman to import", File: "NAME.postman_environment.json", render: postman},
	{Name: "insomnia", Label: "Insomnia environment", Kind: Value, About: "the JSON of an Insomnia environment", render: insomnia},
	{Name: "bruno", Label: "Bruno environment", Kind: Value, About: "an environment of a Bruno collection", File: "environments/NAME.bru", render: bruno},
	{Name: "env", Label: ".env line", Kind: Value, About: "a line of a .env file", File: ".env", render: dotenv},
	{Name: "export", Label: "export (shell)", Kind: Value, About: "an export line for sh, bash and zsh", render: export},
	{Name: "json", Label: "JSON", Kind: Headers, About: "token, type, expiry, scope and headers as JSON", render: asJSON},
	{Name: "fetch", Label: "fetch (JavaScript)", Kind: Call, NeedsAPI: true, About: "a JavaScript fetch()", render: fetch},
	{Name: "python", Label: "Python requests", Kind: Call, NeedsAPI: true, About: "a Python script with requests", render: python},
	{Name: "go", Label: "Go", Kind: Call, NeedsAPI: true, About: "a Go program with net/http", File: "main.go", render: goProgram},
}

// BuiltIn returns the forms that Fob brings along.
func BuiltIn() []Form { return slices.Clone(all) }

// Find returns the form of that name, built in or one of own.
func Find(name string, own []Form) (Form, bool) {
	if name == "" {
		name = AccessToken
	}
	for _, list := range [][]Form{all, own} {
		if i := slices.IndexFunc(list, func(f Form) bool { return f.Name == name }); i >= 0 {
			return list[i], true
		}
	}
	return Form{}, false
}

// Field is one header.
type Field struct{ Name, Value string }

// Given is what a form is filled in with.
type Given struct {
	Profile     string
	AccessToken string
	IDToken     string
	TokenType   string
	ExpiresAt   time.Time // zero: nobody said
	Scope       []string
	API         string // the profile's API base URL
	Account     string

	// The request that lets itself in: the credential's headers first, then the caller's.
	Method string
	URL    string
	Header []Field
	Body   string
	Form   bool // Body is form-encoded, with the credential in it

	Once bool   // the credential is good for this one request only
	Var  string // the name of an environment variable; "" is the form's own
}

// Text fills the form in. An error is a sentence about the form, without the profile's name.
func (f Form) Text(g Given) (string, error) {
	for _, h := range g.Header {
		if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") || strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' }) {
			return "", fmt.Errorf("the header %q is none that HTTP could carry", h.Name)
		}
	}
	g.URL = plainURL(g.URL)
	if f.Template != "" {
		return f.fill(g)
	}
	return f.render(g)
}

// Good says how long what was made is good, when that is less than the token: a line for standard error.
func (g Given) Good() string {
	if !g.Once {
		return ""
	}
	address, _, _ := strings.Cut(g.URL, "?") // a query may hold the credential
	return fmt.Sprintf("its proof is for %s %s, once, and good for about a minute", g.Method, address)
}

// plainURL writes an address in the characters that RFC 3986 allows, so that no tool has to guess an encoding: a query may hold
// whatever somebody typed.
func plainURL(address string) string {
	var out strings.Builder
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
