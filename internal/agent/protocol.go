package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"fob/internal/session"
)

// The values of the whole protocol that cross the socket: see package session for what they mean.
type (
	LoginOptions  = session.LoginOptions
	Pending       = session.Pending
	TokenQuery    = session.TokenQuery
	Credential    = session.Credential
	HeaderField   = session.HeaderField
	Request       = session.Request
	Response      = session.Response
	StepUp        = session.StepUp
	Introspection = session.Introspection
	TraceRun      = session.TraceRun
	TraceStep     = session.TraceStep
	TraceMember   = session.TraceMember
	Exploration   = session.Exploration
	ChainHost     = session.ChainHost
	Adoption      = session.Adoption
	Registration  = session.Registration
	Exchange      = session.Exchange
	Weakness      = session.Weakness
	Clock         = session.Clock
	End           = session.End
)

// Begin starts a login whose answer is brought by hand: nothing waits for it, and any shell can complete it within an hour.
func (c *Client) Begin(ctx context.Context, name string, o LoginOptions) (Pending, error) {
	var pending Pending
	err := c.call(ctx, http.MethodPost, "login/begin", loginRequest{Name: name, LoginOptions: o}, &pending)
	return pending, err
}

// Complete ends the login that answer belongs to: the address that the browser was redirected to, its query alone, or the code
// that the server showed (then name says whose it is; otherwise it may be empty).
func (c *Client) Complete(ctx context.Context, name, answer string) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodPost, "login/complete", completeRequest{name, answer}, &status)
	return status, err
}

// Poll asks once whether the person has approved a login by device code or on their phone; the first call begins it. The event
// is what to show; its Status is nil while nobody has approved.
func (c *Client) Poll(ctx context.Context, name string, o LoginOptions) (LoginEvent, error) {
	var shown LoginEvent
	err := c.call(ctx, http.MethodPost, "login/poll", loginRequest{Name: name, LoginOptions: o}, &shown)
	return shown, err
}

type completeRequest struct {
	Name   string `json:"name,omitempty"`
	Answer string `json:"answer"`
}

// Credential returns what one request needs to be let in: the Authorization header, with a fresh DPoP proof or OAuth 1.0a
// signature for exactly this method and URL. nonce is the DPoP nonce that the API asked for, if it did (RFC 9449 §9).
func (c *Client) Credential(ctx context.Context, name, method, address, nonce string) (Credential, error) {
	var credential Credential
	err := c.call(ctx, http.MethodPost, "credential", credentialRequest{name, method, address, nonce}, &credential)
	return credential, err
}

type credentialRequest struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Nonce  string `json:"nonce,omitempty"`
}

// Request makes one request to the profile's API and returns the answer, whatever its status. Nonces and one refresh are dealt
// with; what more the API asks for is in [Response.StepUp].
func (c *Client) Request(ctx context.Context, r Request) (Response, error) {
	var response Response
	err := c.call(ctx, http.MethodPost, "request", r, &response)
	return response, err
}

// Introspect asks the authorization server about the profile's token (RFC 7662); which is "access_token" or "refresh_token".
func (c *Client) Introspect(ctx context.Context, name, which string) (Introspection, error) {
	var said Introspection
	err := c.call(ctx, http.MethodPost, "introspect", whichRequest{name, which}, &said)
	return said, err
}

type whichRequest struct {
	Name  string `json:"name"`
	Which string `json:"which"`
}

// UserInfo asks the authorization server who is logged in (OIDC Core §5.3).
func (c *Client) UserInfo(ctx context.Context, name string) (map[string]any, error) {
	var claims map[string]any
	err := c.call(ctx, http.MethodPost, "userinfo", nameRequest{name}, &claims)
	return claims, err
}

// EndSession returns the page that ends the session at the server (OIDC RP-Initiated Logout), to be opened in a browser before
// [Client.Logout] forgets the tokens; "" when the server has none.
func (c *Client) EndSession(ctx context.Context, name string) (string, error) {
	var answer struct {
		URL string `json:"url"`
	}
	err := c.call(ctx, http.MethodPost, "login/end-session", nameRequest{name}, &answer)
	return answer.URL, err
}

// Keys returns the public halves of the profile's private keys as a JWK set, to register them at the server (RFC 7517 §5).
func (c *Client) Keys(ctx context.Context, name string) (json.RawMessage, error) {
	var set json.RawMessage
	err := c.call(ctx, http.MethodGet, "keys?"+url.Values{"name": {name}}.Encode(), nil, &set)
	return set, err
}

// MakeKey makes a private key for alg ("ES256"), stores it as the profile's and returns the public half. It refuses to replace
// one unless replace is set.
func (c *Client) MakeKey(ctx context.Context, name, alg string, replace bool) (json.RawMessage, error) {
	var set json.RawMessage
	err := c.call(ctx, http.MethodPost, "keys", makeKeyRequest{name, alg, replace}, &set)
	return set, err
}

type makeKeyRequest struct {
	Name    string `json:"name"`
	Alg     string `json:"alg"`
	Replace bool   `json:"replace,omitempty"`
}

// Trace returns the profile's last operations step by step, the newest first. No secret is in them.
func (c *Client) Trace(ctx context.Context, name string) ([]TraceRun, error) {
	var runs []TraceRun
	err := c.call(ctx, http.MethodGet, "trace?"+url.Values{"name": {name}}.Encode(), nil, &runs)
	return runs, err
}

// Explore finds out what is behind the URL of an API, sending nothing secret.
func (c *Client) Explore(ctx context.Context, address string) (Exploration, error) {
	var found Exploration
	err := c.call(ctx, http.MethodPost, "explore", exploreRequest{address}, &found)
	return found, err
}

type exploreRequest struct {
	URL string `json:"url"`
}

// Adopt makes a profile for an API, registering a client where that is needed, and returns its name. Log in with it next.
func (c *Client) Adopt(ctx context.Context, a Adoption) (string, error) {
	var answer nameRequest
	err := c.call(ctx, http.MethodPost, "adopt", a, &answer)
	return answer.Name, err
}

// Another makes a profile with the settings and client secrets of another one, for a login as another account, and returns its name;
// "" as the new name chooses one.
func (c *Client) Another(ctx context.Context, from, name string) (string, error) {
	var answer nameRequest
	err := c.call(ctx, http.MethodPost, "profile/another", anotherRequest{from, name}, &answer)
	return answer.Name, err
}

type anotherRequest struct {
	From string `json:"from"`
	Name string `json:"name,omitempty"`
}

// Pin keeps a profile to the account that it is logged in to.
func (c *Client) Pin(ctx context.Context, name string) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodPost, "profile/pin", nameRequest{name}, &status)
	return status, err
}

// Unpin lets a profile take any account.
func (c *Client) Unpin(ctx context.Context, name string) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodPost, "profile/unpin", nameRequest{name}, &status)
	return status, err
}

// Register registers a client at the profile's server and writes its id into the profile (RFC 7591).
func (c *Client) Register(ctx context.Context, name string) (Registration, error) {
	var r Registration
	err := c.call(ctx, http.MethodPost, "registration", nameRequest{name}, &r)
	return r, err
}

// Registration asks the server what it holds of the profile's client (RFC 7592 §2.1).
func (c *Client) Registration(ctx context.Context, name string) (Registration, error) {
	var r Registration
	err := c.call(ctx, http.MethodGet, "registration?"+url.Values{"name": {name}}.Encode(), nil, &r)
	return r, err
}

// UpdateRegistration sends the profile's present redirect URIs, scopes and keys to the server (RFC 7592 §2.2).
func (c *Client) UpdateRegistration(ctx context.Context, name string) (Registration, error) {
	var r Registration
	err := c.call(ctx, http.MethodPut, "registration", nameRequest{name}, &r)
	return r, err
}

// Unregister deletes the profile's client at the server (RFC 7592 §2.3).
func (c *Client) Unregister(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "registration?"+url.Values{"name": {name}}.Encode(), nil, nil)
}

// Exchange exchanges a token for another one (RFC 8693) with the profile's client, without keeping it.
func (c *Client) Exchange(ctx context.Context, x session.Exchange) (Handout, error) {
	var handout Handout
	err := c.call(ctx, http.MethodPost, "exchange", x, &handout)
	return handout, err
}
