package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// AuthorizationRequest is what a login asks for. The zero value of a field
// leaves its parameter out.
type AuthorizationRequest struct {
	RedirectURI string   // may be empty when the server knows exactly one
	Scope       []string // with "openid" an id_token is demanded
	// ExtraScope is consented to in this login, too, and left out of its
	// token: a later Refresh can ask for it without a browser.
	ExtraScope []string
	Audience   string   // audience, as Auth0 and others name an API
	Resource   []string // RFC 8707: absolute URIs without fragment
	// ResponseType is response_type, "" for "code". With "token" or "id_token"
	// the browser carries tokens: "code id_token" and its like are hybrid, and
	// those without code the implicit grant, which OAuth 2.1 removed.
	ResponseType string
	ResponseMode string // "query", "fragment", "form_post", "jwt", "query.jwt", …
	Prompt       string
	Display      string
	UILocales    []string // BCP 47, in order of preference
	LoginHint    string
	IDTokenHint  Secret   // a former id_token of who should sign in
	ACRValues    []string // acr_values: a wish, in order of preference
	// RequireACR makes it more than a wish: the id_token's acr must be one of
	// ACRValues.
	RequireACR bool
	MaxAge     *time.Duration // max_age; 0 demands a fresh sign-in
	// Claims is the claims parameter, a JSON object (OpenID Connect Core
	// section 5.5). An acr that it makes essential is enforced.
	Claims json.RawMessage
	// AuthorizationDetails is a JSON array (RFC 9396).
	AuthorizationDetails json.RawMessage
	// CodeChallengeMethod is the PKCE method: "" and "S256", or by explicit
	// choice "plain" or "none".
	CodeChallengeMethod string
	// CodeVerifier is for debugging; empty makes one.
	CodeVerifier Secret
	// Extra are further parameters. They cannot replace those that protect
	// the login (state, nonce, PKCE, …); other fields of this struct they do
	// replace.
	Extra url.Values
}

// Format writes the scope, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (r AuthorizationRequest) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "authorization request "+strings.Join(r.Scope, " "))
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
	// URLExpiresAt is when the server forgets a pushed request (RFC 9126
	// section 2.2), zero without one: URL must be opened before, and once.
	URLExpiresAt time.Time

	client       *Client
	metadata     *Metadata // the server of this login, whatever becomes of client
	verifier     Secret    // empty without PKCE
	nonce        string
	redirectSent string // redirect_uri of the request, which the code's exchange repeats
	responseType []string
	responseMode string
	scope        []string
	extraScope   []string
	resource     []string
	details      json.RawMessage
	maxAge       *time.Duration
	acrWished    []string
	acrNeeded    []string
	proof        *ProofKey // the login's tokens are bound to it; nil without DPoP
	redeemed     atomic.Bool
}

// Authorize starts a login: it makes state, nonce (with openid) and PKCE
// verifier, pushes the request where the server takes it (RFC 9126), signs it
// where it must be (RFC 9101), and returns with the URL to open.
//
// Errors: ErrNoEndpoint, ErrInsecure or ErrRequest before anything is sent;
// *Error when a pushed request is refused. There is no second try without
// pushing or signing.
func (c *Client) Authorize(ctx context.Context, r AuthorizationRequest) (*Authorization, error) {
	const what = "authorization endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	u, err := c.parseEndpoint(what, c.Metadata.AuthorizationEndpoint)
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
		client: c, metadata: c.Metadata, responseType: responseTypes(r.ResponseType), responseMode: r.ResponseMode,
		scope: unique(r.Scope), extraScope: unique(r.ExtraScope), details: r.AuthorizationDetails,
	}
	if a.wants("code") {
		if r.CodeChallengeMethod != ChallengeNone {
			if a.verifier = r.CodeVerifier; a.verifier == "" {
				a.verifier = Secret(randomText())
			}
		}
		if a.proof, err = c.newProofKey(); err != nil {
			return fail(err)
		}
	}
	if slices.Contains(a.scope, "openid") {
		a.nonce = randomText()
	}
	form, err := a.parameters(r)
	if err != nil {
		return fail(err)
	}
	if err := a.address(ctx, u, form); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, err
		}
		return fail(err)
	}
	return a, nil
}

// address makes the URL to open: with the request itself, with a signed one,
// or with a reference to a pushed one.
func (a *Authorization) address(ctx context.Context, u *url.URL, form url.Values) error {
	var err error
	if a.client.signsRequests() {
		if form, err = a.requestObject(ctx, form); err != nil {
			return err
		}
	}
	if a.client.pushes() {
		Note(ctx, "the request is pushed: "+a.client.whyPushed())
		if form, err = a.push(ctx, form); err != nil {
			return err
		}
	}
	// The endpoint's own query is kept (RFC 6749 section 3.1); a parameter
	// of the same name is not sent twice.
	query := u.Query()
	for name, values := range form {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	a.URL = u.String()
	return nil
}

// Format writes the server's address, whatever the verb: fmt reads unexported
// fields without asking their types, and would print the verifier.
func (a *Authorization) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "login at "+a.endpoint())
}

// LogValue makes log/slog write the server's address only.
func (a *Authorization) LogValue() slog.Value { return slog.StringValue("login at " + a.endpoint()) }

// wants reports whether the response brings such a thing: "code", "id_token"
// or "token".
func (a *Authorization) wants(kind string) bool { return slices.Contains(a.responseType, kind) }

// responseTypes takes a response_type apart. The order of its words does not
// matter (RFC 6749 section 3.1.1).
func responseTypes(s string) []string {
	if s == "" {
		return []string{"code"}
	}
	return unique(strings.Fields(s))
}

// spelling is a response_type as the server lists it, else as it is
// registered: "code id_token token", "id_token token".
func spelling(types, listed []string) string {
	var words []string
	for _, w := range [...]string{"code", "id_token", "token"} {
		if slices.Contains(types, w) {
			words = append(words, w)
		}
	}
	for _, l := range listed {
		if sameSet(strings.Fields(l), words) {
			return l
		}
	}
	return strings.Join(words, " ")
}

func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
