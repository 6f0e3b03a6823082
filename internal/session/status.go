package session

import (
	"encoding/json"
	"strings"
	"time"

	"fob/internal/forms"
)

// State is what a profile's login is in, as one word a face can show.
type State string

// The states. A face shows each as a word, a shape and a colour.
const (
	LoggedOut     State = "logged_out"     // never logged in, or logged out: nothing is kept
	LoggingIn     State = "logging_in"     // a login waits for the browser
	LoggedIn      State = "logged_in"      // a usable access token is there
	Expiring      State = "expiring"       // usable, cannot be refreshed, and ends within the profile's reminder time
	Offline       State = "offline"        // the last refresh met a transient failure; the login is kept
	LoginRequired State = "login_required" // the login is over (or the token ended and cannot be refreshed): a person is needed
	Unusable      State = "unusable"       // the profile or the keychain needs mending before anything can work
)

// Status is one profile as lists, the tray and `fob status` show it. It holds nothing secret and is complete without
// reading the keychain.
type Status struct {
	Name        string `json:"name"`
	Environment string `json:"environment,omitempty"`
	Color       string `json:"color,omitempty"`
	State       State  `json:"state"`
	Locked      bool   `json:"locked,omitempty"` // Fob is: nothing is handed out, see Lock
	Issuer      string `json:"issuer,omitempty"`
	Account     string `json:"account,omitempty"` // who: e-mail, preferred_username, name or sub, the first there is
	Subject     string `json:"sub,omitempty"`
	// Expected is the account that the profile is for, where it is for one alone.
	Expected *Account `json:"expected,omitempty"`

	ObtainedAt     *time.Time `json:"obtained_at,omitempty"`
	ExpiresAt      *time.Time `json:"expires_at,omitempty"`         // of the access token; nil while logged in is "no expiry known"
	RefreshDueAt   *time.Time `json:"refresh_due_at,omitempty"`     // when Fob will refresh by itself
	RefreshExpires *time.Time `json:"refresh_expires_at,omitempty"` // end of the refresh token, when the server said it
	LoggedInAt     *time.Time `json:"logged_in_at,omitempty"`       // when the person logged in
	// Forecast is when what makes up the login ends, as far as anybody can know: access token, refresh token, session.
	Forecast []End `json:"forecast,omitempty"`
	// EndsSoon is the end in it that needs a person, once it is time to remind of it.
	EndsSoon    *End `json:"ends_soon,omitempty"`
	Refreshable bool `json:"refreshable"` // a refresh token is kept
	HasIDToken  bool `json:"has_id_token"`

	ScopeRequested []string `json:"scope_requested,omitempty"`
	Scope          []string `json:"scope,omitempty"` // granted
	APIBaseURL     string   `json:"api_base_url,omitempty"`

	Grant string `json:"grant_type"` // how its token is had
	// Attended says that a login needs a person; a profile that needs none gets its token by itself.
	Attended bool `json:"attended"`
	// Weaknesses are what the profile allows although it is unsafe, a sentence each: shown as badges.
	Weaknesses []Weakness `json:"weaknesses,omitempty"`

	// LastForm is the form that was copied last, beside the token itself.
	LastForm Form `json:"last_form,omitempty"`

	// Proxies are those that run for it.
	Proxies []Proxy `json:"proxies,omitempty"`

	Problem *Problem `json:"problem,omitempty"`
	Clock   *Clock   `json:"clock,omitempty"` // this computer's is off by a minute or more
}

// Account is somebody at a server.
type Account struct {
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"` // for people
}

// String is the name that people know the account by, or what identifies it where it has none.
func (a *Account) String() string { return who{a.Issuer, a.Subject, a.Name}.String() }

// Weakness is one thing that a profile allows although it is unsafe.
type Weakness struct {
	Key      string `json:"key"`      // of the field
	Sentence string `json:"sentence"` // what it means
}

// SameAccount says that another profile holds a login of the same account.
func (s *Status) SameAccount(other *Status) bool {
	return s.Name != other.Name && s.Subject != "" && s.Subject == other.Subject && s.Issuer == other.Issuer
}

// Problem is what is wrong with a profile: one sentence, one remedy, the same in every face.
type Problem struct {
	Code     string     `json:"code"`               // stable, for scripts: an OAuth error code or one of the Code… constants of this package
	Sentence string     `json:"sentence"`           // what happened, to what
	Remedy   string     `json:"remedy,omitempty"`   // what to do
	Since    time.Time  `json:"since"`              // first time in a row
	NextTry  *time.Time `json:"next_try,omitempty"` // when Fob tries again by itself
	Failures int        `json:"failures,omitempty"` // of this login in a row
	// Breaker is there while the issuer answers none of its profiles: "open" until next_try, "half_open" when the next one to
	// ask finds out whether it answers again.
	Breaker string `json:"breaker,omitempty"`

	lastTry  time.Time // when it last happened
	patience bool      // the server asked to wait (Retry-After)
	said     Kind      // of the error it came from; 0 after a restart
}

// kind is the kind of error that the problem is answered with.
func (p *Problem) kind(mend bool) Kind {
	switch {
	case p.said != 0:
		return p.said
	case mend:
		return Failed
	}
	return TryAgain
}

// store says that a problem is not the server's, but of the place where logins are kept.
func (p *Problem) store() bool {
	return strings.HasPrefix(p.Code, CodeKeychain) || p.Code == CodeDiskFull || p.Code == CodeDisk
}

// Away says in a word or two what a kept login waits for while its state is [Offline]: the word of that state in every face.
func (s Status) Away() string {
	code := ""
	if s.Problem != nil {
		code = s.Problem.Code
	}
	switch code {
	case CodePortal:
		return "captive portal"
	case CodeDiskFull:
		return "disk full"
	case CodeDisk:
		return "disk trouble"
	case CodeKeyLocked:
		return "keychain locked"
	case CodeKeyMissing:
		return "no keychain"
	case CodeStoreLocked, CodeStoreWrong, CodeStoreNew:
		return "passphrase needed"
	}
	if strings.HasPrefix(code, CodeKeychain) {
		return "keychain trouble"
	}
	return "offline"
}

// Usable says whether a token can be handed out in this state without asking a person.
func (s Status) Usable() bool {
	return s.State == LoggedIn || s.State == Expiring || s.State == Offline
}

// Details is one profile in depth, for `fob show` and the window's right side. No token is in it.
type Details struct {
	Status
	AccessClaims map[string]any `json:"access_token_claims,omitempty"` // only when the access token is a JWT; display only (RFC 9068 §6)
	IDClaims     map[string]any `json:"id_token_claims,omitempty"`
	Checks       []Check        `json:"id_token_checks,omitempty"`
	TokenType    string         `json:"token_type,omitempty"`
	// AuthorizationDetails is what was granted of the profile's rich authorization request (RFC 9396 §7), a JSON array.
	AuthorizationDetails json.RawMessage `json:"authorization_details,omitempty"`

	History []Event `json:"history,omitempty"` // newest first
	// Authentication is the client's, and why that one: "client_secret_basic: there is a client secret, and the server lists it".
	Authentication string `json:"client_authentication,omitempty"`
	// Suggestions are what the server offers that would make this login safer, a sentence each.
	Suggestions []string `json:"suggestions,omitempty"`
}

// Check is one check that the ID token passed or did not, with the section that asks for it.
type Check struct {
	Name   string `json:"name"`
	Spec   string `json:"spec,omitempty"`
	Detail string `json:"detail,omitempty"`
	OK     bool   `json:"ok"`
}

// Event is one thing that happened to a profile's login.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // one sentence: "logged in as …", "refreshed", "refresh: the server is down (503)"
}

// Handout is a token on its way to the user: the only wire value with a secret in it.
type Handout struct {
	Name        string     `json:"name"`
	AccessToken string     `json:"access_token,omitempty"`
	IDToken     string     `json:"id_token,omitempty"`
	TokenType   string     `json:"token_type"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	Scope       []string   `json:"scope,omitempty"`
	IssuedType  string     `json:"issued_token_type,omitempty"` // of a token exchange (RFC 8693 §2.2.1)
}

// Form is the name of a form in which a token is handed out; package forms has the list.
type Form string

// The forms that faces know by name.
const (
	FormAccessToken Form = forms.AccessToken
	FormIDToken     Form = forms.IDToken
	FormHeader      Form = forms.Header // Authorization: Bearer …, with a proof where the token needs one
	FormCurl        Form = forms.Curl   // a curl command for the profile's API base URL, signed where it has to be
)

// FormRequest asks for a token in a form, for a request where the form is about one.
type FormRequest struct {
	Name   string        `json:"name"`
	Form   Form          `json:"form"`
	Method string        `json:"method,omitempty"` // "" is GET, or POST with a body
	URL    string        `json:"url,omitempty"`    // "" is the profile's API base URL; a path is below it
	Header []HeaderField `json:"header,omitempty"` // of the caller's
	Body   string        `json:"body,omitempty"`
	Var    string        `json:"var,omitempty"` // the environment variable of forms that name one
}

// Filled is a form, filled in.
type Filled struct {
	Text string `json:"text"`
	// Note is what has to be said beside it, a line: how long it is good when that is less than the token.
	Note string `json:"note,omitempty"`
}

// LoginEvent is what a login tells the face that asked for it, in order: "keychain" if that asks the person something first,
// then one of "open", "device" and "ciba" unless the grant needs nobody, then "done" or an error.
type LoginEvent struct {
	Kind    string `json:"kind"`
	URL     string `json:"url,omitempty"`     // open: the authorization request to show in a browser
	Browser string `json:"browser,omitempty"` // open: the profile's own browser command
	// open: where the browser will come back; of a pushed request, URL does not say it.
	RedirectURI string    `json:"redirect_uri,omitempty"`
	Joined      bool      `json:"joined,omitempty"` // another face already opened it; do not open a second page
	Opened      bool      `json:"opened,omitempty"` // the agent has opened it on its own machine, for a face elsewhere
	Until       time.Time `json:"until"`            // when the login times out
	// device: what the person types, where, and the address that has the code in it already (RFC 8628 §3.2, §3.3.1).
	UserCode                string `json:"user_code,omitempty"`
	VerificationURI         string `json:"verification_uri,omitempty"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	// ciba: what the person's own device shows too, so that they know that it is this login.
	BindingMessage string  `json:"binding_message,omitempty"`
	Status         *Status `json:"status,omitempty"` // done
}
