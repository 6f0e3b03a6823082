// Package profiles knows what the user configured: which authorization server, which client, which scopes, and how to
// log in there. It never holds a secret: client secrets and tokens rest in the keychain.
package profiles

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"
)

// Profile is one login a developer keeps. Its JSON members are the registered names of RFC 6749, 7591 and 8414 where
// one exists; the same names are used by `fob profile --set`, the window and the documentation. The zero value of a
// field is its default. Every field is described once, in the table behind [Fields].
type Profile struct {
	Name        string `json:"name"`
	Environment string `json:"environment,omitempty"`
	Color       string `json:"color,omitempty"` // a name of [Palette] or #rrggbb

	// Which authorization server. An issuer is discovered (OIDC Discovery, RFC 8414); an endpoint given here wins over
	// the discovered one.
	Issuer                string `json:"issuer,omitempty"`
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string `json:"token_endpoint,omitempty"`
	RevocationEndpoint    string `json:"revocation_endpoint,omitempty"`
	UserinfoEndpoint      string `json:"userinfo_endpoint,omitempty"`
	EndSessionEndpoint    string `json:"end_session_endpoint,omitempty"`
	JWKSURI               string `json:"jwks_uri,omitempty"`

	// Which client.
	ClientID                string `json:"client_id,omitempty"`
	TokenEndpointAuthMethod string `json:"token_endpoint_auth_method,omitempty"` // "" is basic with a secret, none without

	// What to ask for.
	GrantType       string     `json:"grant_type,omitempty"` // "" is authorization_code
	Scope           List       `json:"scope,omitempty"`
	Audience        string     `json:"audience,omitempty"`
	Resource        List       `json:"resource,omitempty"`
	ResponseMode    string     `json:"response_mode,omitempty"`
	Prompt          string     `json:"prompt,omitempty"`
	LoginHint       string     `json:"login_hint,omitempty"`
	MaxAge          *int       `json:"max_age,omitempty"` // seconds; nil asks for none, 0 asks for a fresh login
	ACRValues       List       `json:"acr_values,omitempty"`
	AuthorizeParams Parameters `json:"authorize_params,omitempty"`
	TokenParams     Parameters `json:"token_params,omitempty"`

	// How the answer comes back.
	RedirectURI  List     `json:"redirect_uri,omitempty"` // tried in order; empty is DefaultRedirectURI
	Browser      string   `json:"browser,omitempty"`
	LoginTimeout Duration `json:"login_timeout,omitempty"` // 0 is DefaultLoginTimeout

	// What to do with the token.
	RefreshBefore  Duration `json:"refresh_before,omitempty"`  // 0 lets Fob choose from the token's lifetime
	ReminderBefore Duration `json:"reminder_before,omitempty"` // 0 is DefaultReminderBefore
	APIBaseURL     string   `json:"api_base_url,omitempty"`

	// Preset is the id of the preset the profile was made from; it only chooses texts and icons.
	Preset string `json:"preset,omitempty"`

	// unknown are the members this version of Fob does not know; they are written back as they were read.
	unknown []member
	// secrets are the keys of the secrets that somebody typed into the file; their values were dropped when reading.
	secrets []string
}

// Defaults of fields whose zero value stands for something.
const (
	// DefaultRedirectURI listens on the IPv4 loopback address with a port of the system's choice (RFC 8252 §7.3).
	DefaultRedirectURI = "http://127.0.0.1:0/callback"
	// DefaultLoginTimeout is long enough to find a phone for the second factor.
	DefaultLoginTimeout = Duration(5 * time.Minute)
	// DefaultReminderBefore leaves time to finish what one is doing before logging in again.
	DefaultReminderBefore = Duration(10 * time.Minute)
	// DefaultGrantType is what a profile without a grant type uses.
	DefaultGrantType = "authorization_code"
)

// List is a list of values. It reads a JSON array, or a string with its values separated by spaces (as RFC 6749 §3.3
// writes scope).
type List []string

// Parameters are extra request parameters by name; each value is sent once.
type Parameters map[string]string

// Grant is the grant type, with the default applied.
func (p Profile) Grant() string {
	if p.GrantType == "" {
		return DefaultGrantType
	}
	return p.GrantType
}

// RedirectURIs are the redirect URIs to try in order, with the default applied. Port 0 stands for any port.
func (p Profile) RedirectURIs() []string {
	if len(p.RedirectURI) == 0 {
		return []string{DefaultRedirectURI}
	}
	return slices.Clone(p.RedirectURI)
}

// Timeout is how long a login waits for the browser, with the default applied.
func (p Profile) Timeout() time.Duration {
	if p.LoginTimeout == 0 {
		return time.Duration(DefaultLoginTimeout)
	}
	return time.Duration(p.LoginTimeout)
}

// Reminder is how long before the end of a token that cannot be refreshed Fob reminds, with the default applied.
func (p Profile) Reminder() time.Duration {
	if p.ReminderBefore == 0 {
		return time.Duration(DefaultReminderBefore)
	}
	return time.Duration(p.ReminderBefore)
}

// ScopeString is the scope as it is sent: one string with single spaces (RFC 6749 §3.3), "" to let the server choose.
func (p Profile) ScopeString() string { return strings.Join(p.Scope, " ") }

// OpenID says whether the profile asks for an ID token (OpenID Connect Core §3.1.2.1).
func (p Profile) OpenID() bool { return slices.Contains(p.Scope, "openid") }

// Clone returns a copy that shares nothing with p.
func (p Profile) Clone() Profile {
	p.Scope = slices.Clone(p.Scope)
	p.Resource = slices.Clone(p.Resource)
	p.ACRValues = slices.Clone(p.ACRValues)
	p.RedirectURI = slices.Clone(p.RedirectURI)
	p.AuthorizeParams = maps.Clone(p.AuthorizeParams)
	p.TokenParams = maps.Clone(p.TokenParams)
	if p.MaxAge != nil {
		age := *p.MaxAge
		p.MaxAge = &age
	}
	p.unknown = slices.Clone(p.unknown)
	p.secrets = slices.Clone(p.secrets)
	return p
}

// Equal says whether p and q would be written alike: an empty list is the same as none, members that this version does
// not know count.
func (p Profile) Equal(q Profile) bool {
	return bytes.Equal(p.appendJSON(nil, ""), q.appendJSON(nil, "")) && slices.Equal(p.secrets, q.secrets)
}
