// Package agent knows how the faces of Fob (command line, tray, window) talk to the one process that owns the tokens: the
// local API, its server and its client, over a socket only this user can open.
package agent

import (
	"time"

	"fob/internal/forms"
	"fob/internal/session"
	"fob/profiles"
)

// The values that cross the socket are the session engine's own; faces need only this package.
type (
	// Status is one profile as a list shows it.
	Status = session.Status
	// State is what a profile's login is in.
	State = session.State
	// Problem is one sentence and one remedy.
	Problem = session.Problem
	// Details is one profile in depth.
	Details = session.Details
	// Check is one check of the ID token.
	Check = session.Check
	// Event is one thing that happened to a profile.
	Event = session.Event
	// Handout is a token on its way to the user.
	Handout = session.Handout
	// Account is somebody at a server.
	Account = session.Account
	// Form is the name of a form in which a token is handed out.
	Form = session.Form
	// FormRequest asks for a token in a form, Filled is the answer.
	FormRequest = session.FormRequest
	Filled      = session.Filled
	// FormInfo says what a form is.
	FormInfo = forms.Form
	// LoginEvent is what a login tells the face that asked for it.
	LoginEvent = session.LoginEvent
)

// The states and forms, for faces.
const (
	LoggedOut     = session.LoggedOut
	LoggingIn     = session.LoggingIn
	LoggedIn      = session.LoggedIn
	Expiring      = session.Expiring
	Offline       = session.Offline
	LoginRequired = session.LoginRequired
	Unusable      = session.Unusable

	FormAccessToken = session.FormAccessToken
	FormIDToken     = session.FormIDToken
	FormHeader      = session.FormHeader
	FormCurl        = session.FormCurl
)

// CodeOtherAccount is the code of a login as another account than its profile is for.
const CodeOtherAccount = session.CodeOtherAccount

// Hello is what an agent says of itself.
type Hello struct {
	Version string    `json:"version"`
	Build   Build     `json:"build,omitzero"`
	Since   time.Time `json:"since,omitzero"` // when it started
	PID     int       `json:"pid"`
	Store   string    `json:"store"`            // "keychain", "file", "memory"
	Tray    bool      `json:"tray"`             // a tray icon is shown
	Shared  bool      `json:"shared,omitempty"` // reached over a forwarded socket: only profiles with agent_forwarding are there
	Damage  *Problem  `json:"damage,omitempty"` // profiles.json could not be read and was set aside
	Lock    *Lock     `json:"lock,omitempty"`   // Fob is locked
	Log     LogState  `json:"log,omitzero"`
}

// LogState is what an agent says of its log.
type LogState struct {
	Path    string `json:"path"`
	Level   string `json:"level"`             // in force
	Forced  bool   `json:"forced,omitempty"`  // FOB_LOG says so, whatever the setting is
	Problem string `json:"problem,omitempty"` // why lines are lost now
}

// Update is one message of [Client.Watch]: first everything, then what changed.
type Update struct {
	Full     bool      `json:"full,omitempty"` // Profiles is everything there is
	Profiles []Status  `json:"profiles,omitempty"`
	Removed  []string  `json:"removed,omitempty"`
	Settings *Settings `json:"settings,omitempty"`
	Lock     *Lock     `json:"lock,omitempty"` // with Full: Fob is locked; nil is not locked
}

// ProfileEdit is a profile to write, with the secrets that go to the keychain. A secret that is absent stays as it is; an
// empty one is removed.
type ProfileEdit struct {
	Profile profiles.Profile  `json:"profile"`
	Secrets map[string]string `json:"secrets,omitempty"` // by key: client_secret
	Rename  string            `json:"rename,omitempty"`  // the profile's name until now, when it changes
	Create  bool              `json:"create,omitempty"`  // refuse when the name is taken
}

// ProfileView is a profile with the keys of the secrets that the keychain holds for it (never their values).
type ProfileView struct {
	Profile profiles.Profile   `json:"profile"`
	Secrets []string           `json:"secrets,omitempty"`
	Invalid []profiles.Problem `json:"problems,omitempty"`
}

// Discovery is what an authorization server says of itself, as far as the editor fills it in.
type Discovery struct {
	Issuer                            string   `json:"issuer"`
	AuthorizationEndpoint             string   `json:"authorization_endpoint,omitempty"`
	TokenEndpoint                     string   `json:"token_endpoint,omitempty"`
	RevocationEndpoint                string   `json:"revocation_endpoint,omitempty"`
	UserinfoEndpoint                  string   `json:"userinfo_endpoint,omitempty"`
	EndSessionEndpoint                string   `json:"end_session_endpoint,omitempty"`
	JWKSURI                           string   `json:"jwks_uri,omitempty"`
	ScopesSupported                   []string `json:"scopes_supported,omitempty"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	CodeChallengeMethodsSupported     []string `json:"code_challenge_methods_supported,omitempty"`
	GrantTypesSupported               []string `json:"grant_types_supported,omitempty"`
}

// Finding is one line of `fob doctor`.
type Finding struct {
	Subject string `json:"subject"` // "keychain", "agent", "tray", "profiles", …
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
}

// BuiltInForms are the forms that Fob brings along.
func BuiltInForms() []FormInfo { return forms.BuiltIn() }

// Forms returns every form: Fob's own, then those of the user's forms.json. An error is about the latter: what of them can be
// used is there. No agent is asked.
func Forms(home Home) ([]FormInfo, error) {
	own, err := forms.Read(home.Config)
	return append(forms.BuiltIn(), own...), err
}

// AddForm keeps a form of the user's own in forms.json and says whether it replaced one. The template is tried first.
func AddForm(home Home, name, label, template string) (replaced bool, err error) {
	return forms.Add(home.Config, name, label, template)
}

// RemoveForm takes a form out of forms.json and says whether it was there.
func RemoveForm(home Home, name string) (bool, error) { return forms.Remove(home.Config, name) }
