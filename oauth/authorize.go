package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// AuthorizationRequest is what a login asks for. The zero value of a field
// leaves its parameter out.
type AuthorizationRequest struct {
	RedirectURI  string   // may be empty when the server knows exactly one
	Scope        []string // with "openid" an id_token is demanded
	Audience     string   // audience, as Auth0 and others name an API
	Resource     []string // RFC 8707: absolute URIs without fragment
	ResponseMode string   // "query", "form_post", …
	Prompt       string
	LoginHint    string
	ACRValues    []string       // acr_values: a wish, in order of preference
	MaxAge       *time.Duration // max_age; 0 demands a fresh sign-in
	// Extra are further parameters. They cannot replace those that protect
	// the login (state, nonce, PKCE, …); other fields of this struct they do
	// replace. A "claims" parameter that makes acr essential is enforced.
	Extra url.Values
}

// Authorization is a login that waits for the browser. It remembers state,
// nonce, PKCE verifier, issuer and redirect URI; open URL in a browser and
// give what comes back on the redirect URI to Redeem.
type Authorization struct {
	URL         string // the page to open
	State       string // tells this login from others
	RedirectURI string // where the response will arrive
	Issuer      string // the server that was asked; may be empty
	CreatedAt   time.Time

	client    *Client
	metadata  *Metadata // the server of this login, whatever becomes of client
	verifier  Secret
	nonce     string
	scope     []string
	resource  []string
	maxAge    *time.Duration
	acrWished []string
	acrNeeded []string
	proof     *ProofKey // the login's tokens are bound to it; nil without DPoP
	redeemed  atomic.Bool
}

// Authorize starts a login: it makes state, nonce (with openid) and PKCE
// verifier, and the URL to open. Errors: ErrNoEndpoint, ErrInsecure or
// ErrRequest, before anything is sent.
func (c *Client) Authorize(_ context.Context, r AuthorizationRequest) (*Authorization, error) {
	const what = "authorization endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	u, err := parseEndpoint(what, c.Metadata.AuthorizationEndpoint)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Authorization, error) {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: err}
	}
	if err := c.canAuthorize(r); err != nil {
		return fail(err)
	}
	a := &Authorization{
		State: randomText(), RedirectURI: r.RedirectURI, Issuer: c.Metadata.Issuer, CreatedAt: c.clock(),
		client: c, metadata: c.Metadata, verifier: Secret(randomText()),
		scope: unique(r.Scope), resource: unique(r.Resource), maxAge: r.MaxAge, acrWished: r.ACRValues,
	}
	if slices.Contains(a.scope, "openid") {
		a.nonce = randomText()
	}
	if a.proof, err = c.newProofKey(); err != nil {
		return fail(err)
	}
	form, err := a.parameters(r)
	if err != nil {
		return fail(err)
	}
	// The endpoint's own query is kept (RFC 6749 section 3.1); a parameter
	// of the same name is not sent twice.
	query := u.Query()
	for name, values := range form {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	a.URL = u.String()
	return a, nil
}

// Format writes the server's address, whatever the verb: fmt reads unexported
// fields without asking their types, and would print the verifier.
func (a *Authorization) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "login at "+a.endpoint())
}

// LogValue makes log/slog write the server's address only.
func (a *Authorization) LogValue() slog.Value { return slog.StringValue("login at " + a.endpoint()) }

// canAuthorize refuses what cannot work before a browser opens.
func (c *Client) canAuthorize(r AuthorizationRequest) error {
	m := c.Metadata
	switch {
	case c.ID == "":
		return requestError("the client id is missing")
	case !allows(m.GrantTypesSupported, "authorization_code"):
		return requestError("the server lists its grant types, and authorization_code is not among them")
	case !slices.ContainsFunc(m.ResponseTypesSupported, isCode) && m.ResponseTypesSupported != nil:
		return requestError("the server lists its response types, and code is not among them")
	case r.ResponseMode != "" && !allows(m.ResponseModesSupported, r.ResponseMode):
		return requestError("the server does not support response_mode " + clean(r.ResponseMode, maxCode))
	case m.RequirePushedAuthorizationRequests || m.RequireSignedRequestObject:
		// RFC 9126 section 5: a client that cannot push must not fall back.
		return requestError("the server requires pushed or signed authorization requests")
	case slices.Contains(r.Scope, "openid") && m.Issuer == "":
		return requestError("the scope openid needs the issuer: without it the id_token cannot be checked")
	case m.TokenEndpoint == "":
		return &reasoned{ErrNoEndpoint, "the token endpoint is missing"}
	}
	if _, err := parseEndpoint("token endpoint", m.TokenEndpoint); err != nil {
		return err
	}
	for _, s := range r.Scope {
		if s == "" || strings.ContainsFunc(s, badScopeRune) {
			return requestError("the scope " + clean(s, maxCode) + " has a character that scopes cannot have")
		}
	}
	for _, s := range r.Resource {
		// RFC 8707 section 2: "an absolute URI … MUST NOT include a fragment".
		if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.Contains(s, "#") {
			return requestError("the resource " + clean(s, maxURI) + " is not an absolute URI without fragment")
		}
	}
	if r.MaxAge != nil && *r.MaxAge < 0 {
		return requestError("max_age is negative")
	}
	return nil
}

func isCode(responseType string) bool { return responseType == "code" }

// badScopeRune: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), RFC 6749 section 3.3.
func badScopeRune(r rune) bool { return r < 0x21 || r > 0x7E || r == '"' || r == '\\' }

// parameters builds the authorization request (RFC 6749 section 4.1.1, RFC
// 7636 section 4.3, OpenID Connect Core section 3.1.2.1).
func (a *Authorization) parameters(r AuthorizationRequest) (url.Values, error) {
	form := url.Values{
		"response_type":         {"code"},
		"client_id":             {a.client.ID},
		"redirect_uri":          {r.RedirectURI},
		"scope":                 {strings.Join(a.scope, " ")},
		"state":                 {a.State},
		"nonce":                 {a.nonce},
		"code_challenge":        {challengeS256(a.verifier)},
		"code_challenge_method": {"S256"},
		"audience":              {r.Audience},
		"resource":              a.resource,
		"response_mode":         {r.ResponseMode},
		"prompt":                {r.Prompt},
		"login_hint":            {r.LoginHint},
		"acr_values":            {strings.Join(r.ACRValues, " ")},
	}
	if r.MaxAge != nil {
		form.Set("max_age", strconv.FormatInt(int64(*r.MaxAge/time.Second), 10))
	}
	for name, values := range r.Extra {
		if guarded(name) {
			return nil, requestError("the extra parameter " + name + " is set by the login itself")
		}
		form[name] = values
	}
	a.adopt(r.Extra)
	return tidy(form)
}

// guarded names the parameters that a login stands on. request and
// request_uri would make the server ignore all the others.
func guarded(name string) bool {
	switch name {
	case "response_type", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri":
		return true
	}
	return false
}

// adopt learns from extra parameters what has to be checked afterwards.
func (a *Authorization) adopt(extra url.Values) {
	if n, err := strconv.ParseInt(extra.Get("max_age"), 10, 32); err == nil && n >= 0 {
		age := time.Duration(n) * time.Second
		a.maxAge = &age
	}
	if v := extra.Get("acr_values"); v != "" {
		a.acrWished = strings.Fields(v)
	}
	if v := extra["resource"]; len(v) > 0 {
		a.resource = unique(v)
	}
	// OpenID Connect Core section 5.5.1.1: acr as an essential claim.
	var claims struct {
		IDToken struct {
			ACR struct {
				Essential bool     `json:"essential"`
				Value     string   `json:"value"`
				Values    []string `json:"values"`
			} `json:"acr"`
		} `json:"id_token"`
	}
	if json.Unmarshal([]byte(extra.Get("claims")), &claims) == nil && claims.IDToken.ACR.Essential {
		acr := claims.IDToken.ACR
		a.acrNeeded = slices.DeleteFunc(append(slices.Clone(acr.Values), acr.Value), isEmpty)
	}
}

func isEmpty(s string) bool { return s == "" }

// unique drops empty and repeated elements and keeps the order.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
