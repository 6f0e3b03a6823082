package session

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// LoginOptions says how one login differs from what the profile says. The zero value differs in nothing.
type LoginOptions struct {
	Timeout  profiles.Duration `json:"timeout,omitempty"`  // 0 is the profile's
	Device   bool              `json:"device,omitempty"`   // with a device code (RFC 8628), whatever the profile's grant
	Username string            `json:"username,omitempty"` // grant password: instead of the profile's
	Password string            `json:"password,omitempty"` // grant password: used once, never kept (RFC 6749 §4.3.1)
	// RefreshToken is one that was obtained elsewhere: it is spent at once, and the login goes on from there.
	RefreshToken string `json:"refresh_token,omitempty"`

	Prompt string `json:"prompt,omitempty"` // instead of the profile's: "select_account" for another account

	// What a resource asked for beyond the profile (RFC 6750 §3.1, RFC 9470 §4).
	Scope     []string `json:"scope,omitempty"` // beside the profile's
	ACRValues []string `json:"acr_values,omitempty"`
	MaxAge    *int     `json:"max_age,omitempty"` // seconds
}

// Flags are those of `fob login` that meet what a resource asked for (RFC 9470 §4).
func (o LoginOptions) Flags() string {
	var text strings.Builder
	for _, scope := range o.Scope {
		text.WriteString(" --scope " + quoteArg(scope))
	}
	for _, acr := range o.ACRValues {
		text.WriteString(" --acr " + quoteArg(acr))
	}
	if o.MaxAge != nil {
		text.WriteString(" --max-age " + strconv.Itoa(*o.MaxAge))
	}
	return text.String()
}

// Pending is an authorization request whose answer is brought by hand, from this shell or another (`fob login --print-url`,
// then `fob login --complete`).
type Pending struct {
	Name  string    `json:"name"`
	URL   string    `json:"url"`
	Until time.Time `json:"until"`
	// OutOfBand says that the server shows a code to type (OAuth 1.0a "oob") instead of redirecting.
	OutOfBand bool `json:"oob,omitempty"`
}

// TokenQuery says which of a login's tokens is wanted. Scope, Resource and Audience ask for another access token of the same
// login than the profile's own (RFC 6749 §6, RFC 8707 §2.2); it is not kept beyond its life.
type TokenQuery struct {
	Name     string   `json:"name"`
	Scope    []string `json:"scope,omitempty"`
	Resource []string `json:"resource,omitempty"`
	Audience string   `json:"audience,omitempty"`
	IDToken  bool     `json:"for_id_token,omitempty"` // the ID token is what is wanted: it has to be fresh, and ExpiresAt is its end
}

// Credential is what one request to an API needs to be let in.
type Credential struct {
	Header []HeaderField `json:"header,omitempty"` // in the order to print
	URL    string        `json:"url"`              // with the credential in it where the profile wants that (OAuth 1.0a query placement)
	Form   string        `json:"form,omitempty"`   // a form body with the credential in it (OAuth 1.0a body placement)
}

// HeaderField is one header of a request.
type HeaderField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Request is a request to an API that is made with a profile's token.
type Request struct {
	Name   string        `json:"name"`
	Method string        `json:"method"` // "" is GET
	URL    string        `json:"url"`    // "" is the profile's API base URL
	Header []HeaderField `json:"header,omitempty"`
	Body   []byte        `json:"body,omitempty"`
}

// Response is what an API answered.
type Response struct {
	Status int           `json:"status"`
	Header []HeaderField `json:"header,omitempty"`
	Body   []byte        `json:"body,omitempty"` // at most 1 MiB
	Cut    bool          `json:"cut,omitempty"`  // the body was longer
	// StepUp is what the API asks for beyond the token; nil when it asks for nothing.
	StepUp *StepUp `json:"step_up,omitempty"`
}

// StepUp is a demand for a stronger or wider login: insufficient_scope (RFC 6750 §3.1) or insufficient_user_authentication
// (RFC 9470). Options are the login that meets it.
type StepUp struct {
	Reason  string       `json:"reason"` // one sentence
	Options LoginOptions `json:"options"`
}

// Introspection is what the authorization server says of a token (RFC 7662).
type Introspection struct {
	Active   bool           `json:"active"`
	Claims   map[string]any `json:"claims,omitempty"`
	Verified bool           `json:"verified"` // the answer was a signed JWT (RFC 9701) and its signature holds
}

// TraceRun is one recorded operation of a profile: its last login, its last refresh.
type TraceRun struct {
	Operation string      `json:"operation"` // "login", "refresh", …
	At        time.Time   `json:"at"`
	Problem   string      `json:"problem,omitempty"` // how it failed; "" when it did not
	Steps     []TraceStep `json:"steps"`
}

// TraceStep is one exchange of an operation, for people. No secret is in it.
type TraceStep struct {
	oauth.Step
	Explanation string `json:"explanation"`    // what the step is for
	Curl        string `json:"curl,omitempty"` // the same request, with $VARIABLES where secrets were; "" for the browser's steps
}

// TraceMember is one name and value of the headers or the form of a step.
type TraceMember = oauth.Member

// Exploration is what is found behind the URL of an API before anything secret is sent (RFC 9728, RFC 8414).
type Exploration struct {
	URL      string      `json:"url"`
	Resource string      `json:"resource,omitempty"` // the resource identifier (RFC 8707)
	Hosts    []ChainHost `json:"hosts"`              // every host of the chain, in the order met
	Scope    []string    `json:"scope,omitempty"`    // what the API says it wants
	Servers  []string    `json:"servers"`            // issuers; several: the user chooses
	// Profiles are those that are for this API already.
	Profiles []string `json:"profiles,omitempty"`
	// Client is how a client id will be had, in the order of preference: "registered" (a profile or preset knows one), "document"
	// (client ID metadata document), "registration" (RFC 7591), "ask".
	Client string   `json:"client"`
	Notes  []string `json:"notes,omitempty"` // what was departed from, in words
}

// ChainHost is one host that a login for a URL will talk to.
type ChainHost struct {
	Host string `json:"host"`
	Role string `json:"role"` // "API", "authorization server", …
	Gets string `json:"gets"` // what is sent there
	New  bool   `json:"new"`  // no profile talks to it yet
}

// Adoption makes a profile of an exploration, after the user has seen its hosts.
type Adoption struct {
	URL          string   `json:"url"`
	Server       string   `json:"server"`                  // the issuer chosen
	Name         string   `json:"name,omitempty"`          // "" is made from the host
	ClientID     string   `json:"client_id,omitempty"`     // "" takes the way that Exploration.Client names
	ClientSecret string   `json:"client_secret,omitempty"` // of ClientID
	Document     string   `json:"document,omitempty"`      // URL of the user's client ID metadata document
	Scope        []string `json:"scope,omitempty"`         // nil is what the API wants
	Hosts        []string `json:"hosts"`                   // those that were shown; any other is refused
}

// Registration is a dynamic client registration (RFC 7591, 7592) of a profile.
type Registration struct {
	ClientID  string          `json:"client_id"`
	ExpiresAt *time.Time      `json:"client_secret_expires_at,omitempty"` // nil is never
	Managed   bool            `json:"managed"`                            // it can be read, changed and deleted (RFC 7592)
	Metadata  json.RawMessage `json:"metadata"`                           // what the server settled on
}

// Exchange asks for a token in exchange for another (RFC 8693 §2.1), with the client of profile Name. A subject or actor that is
// a profile is that profile's access token. Types may be short: "access_token", "id_token", "jwt", …
type Exchange struct {
	Name           string   `json:"name"`
	SubjectProfile string   `json:"subject_profile,omitempty"`
	SubjectToken   string   `json:"subject_token,omitempty"`
	SubjectType    string   `json:"subject_token_type,omitempty"`
	ActorProfile   string   `json:"actor_profile,omitempty"`
	ActorToken     string   `json:"actor_token,omitempty"`
	ActorType      string   `json:"actor_token_type,omitempty"`
	RequestedType  string   `json:"requested_token_type,omitempty"`
	Scope          []string `json:"scope,omitempty"`
	Resource       []string `json:"resource,omitempty"`
	Audience       []string `json:"audience,omitempty"`
}
