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
)

// TokenRequest is what a token can be asked for, whatever the grant. The zero
// value of a field leaves its parameter out.
type TokenRequest struct {
	Scope    []string // RFC 6749 section 3.3
	Resource []string // RFC 8707: absolute URIs without fragment
	Audience []string // as Auth0 names an API, or RFC 8693 section 2.1
	// AuthorizationDetails is a JSON array (RFC 9396).
	AuthorizationDetails json.RawMessage
	// Extra are further parameters. They cannot replace those of the grant.
	Extra url.Values
	// ProofKey binds the token to a key that is there already; nil makes a
	// new one when the client asks for DPoP.
	ProofKey *ProofKey
	// Answered, if not nil, is told by RefreshWith of the new token as soon as
	// it is there. The check of its id_token comes after that and may have to
	// fetch the issuer's keys: id_token and claims are still those of before.
	// Who keeps the token from then on loses it to no crash.
	Answered func(*Token)
}

// Format writes the scope, whatever the verb: Extra may hold secrets.
func (r TokenRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.describe()) }

// LogValue makes log/slog write the scope only.
func (r TokenRequest) LogValue() slog.Value { return slog.StringValue(r.describe()) }

// MarshalJSON writes the scope.
func (r TokenRequest) MarshalJSON() ([]byte, error) { return json.Marshal(r.describe()) }

func (r TokenRequest) describe() string {
	return strings.TrimSpace("token request " + strings.Join(r.Scope, " "))
}

// form adds what is asked for to the parameters of a grant.
func (r TokenRequest) form(c *Client, grant url.Values) url.Values {
	form := make(url.Values, len(grant)+len(r.Extra)+4)
	for name, values := range r.Extra {
		if !guarded(name) {
			form[name] = values
		}
	}
	for name, values := range (url.Values{
		"scope":                 {c.joinScope(r.Scope)},
		"resource":              r.Resource,
		"audience":              r.Audience,
		"authorization_details": {string(r.AuthorizationDetails)},
	}) {
		if len(values) > 0 && values[0] != "" {
			form[name] = values
		}
	}
	for name, values := range grant {
		form[name] = values
	}
	return form
}

// Grant types beyond those of RFC 6749.
const (
	GrantClientCredentials = "client_credentials"                              // RFC 6749 section 4.4
	GrantPassword          = "password"                                        // RFC 6749 section 4.3
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 section 2.1
	GrantSAML2Bearer       = "urn:ietf:params:oauth:grant-type:saml2-bearer"   // RFC 7522 section 2.1
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 section 3.4
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 section 2.1
	GrantCIBA              = "urn:openid:params:grant-type:ciba"               // CIBA Core section 10.1
)

// Grant asks for a token with any grant type (RFC 6749 section 4.5). params
// are the grant's own parameters; grantType is its registered name or URI.
// A client without an id asks as nobody.
func (c *Client) Grant(ctx context.Context, grantType string, params url.Values, r TokenRequest) (*Token, error) {
	if grantType == "" {
		return nil, &Error{what: "token endpoint", Err: requestError("the grant type is missing")}
	}
	form := url.Values{}
	var secrets []string
	for name, values := range params {
		form[name] = values
		secrets = append(secrets, values...) // a foreign grant's parameters may be anything
	}
	form.Set("grant_type", grantType)
	return c.ask(ctx, form, r, secrets)
}

// ask sends the token request of a grant that needs nobody's presence, and
// settles the id_token of the answer. It can be repeated at will: such a grant
// is renewed by asking again.
func (c *Client) ask(ctx context.Context, grant url.Values, r TokenRequest, secrets []string) (*Token, error) {
	const what = "token endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	if err := r.check(); err != nil {
		return nil, &Error{what: what, Err: err}
	}
	proof := r.ProofKey
	if proof == nil {
		var err error
		if proof, err = c.newProofKey(); err != nil {
			return nil, &Error{what: what, Err: err}
		}
	}
	for _, values := range r.Extra {
		secrets = append(secrets, values...)
	}
	k := c.tokenCall(c.Metadata, ForToken, r.form(c, grant), proof)
	k.anonymous, k.secrets = anonymous(grant.Get("grant_type")), secrets
	t, err := c.grantCall(ctx, k, r.Scope, r.Resource)
	if err != nil {
		return nil, err
	}
	return c.settle(ctx, c.Metadata, t, r.Scope, nil)
}

// anonymous: "Authentication of the client is optional" with assertions (RFC
// 7521 section 4.1) and exchanges (RFC 8693 section 2.1), and a client
// without an id is none at all: Google's service accounts have none.
func anonymous(grantType string) bool {
	return grantType != GrantClientCredentials && grantType != GrantPassword
}

// check refuses what cannot be asked for.
func (r TokenRequest) check() error {
	for _, s := range r.Scope {
		if s == "" || strings.ContainsFunc(s, badScopeRune) {
			return requestError("the scope " + clean(s, maxCode) + " has a character that scopes cannot have")
		}
	}
	return checkResources(r.Resource)
}

// checkResources: "an absolute URI … MUST NOT include a fragment" (RFC 8707
// section 2).
func checkResources(list []string) error {
	for _, s := range list {
		if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.Contains(s, "#") {
			return requestError("the resource " + clean(s, maxURI) + " is not an absolute URI without fragment")
		}
	}
	return nil
}

// settle validates the id_token that came with a grant other than the code:
// there is no nonce to compare. One that nobody asked for is left out when it
// does not hold; one that was asked for must. more adds what the grant knows.
func (c *Client) settle(ctx context.Context, m *Metadata, t *Token, scope []string, more func(*idTokenVerifier)) (*Token, error) {
	asked := slices.Contains(scope, "openid")
	drop := func(detail string) (*Token, error) {
		t.IDToken = ""
		t.Checks = append(t.Checks, Check{Name: "id_token", Spec: "OIDC Core 3.1.3.7", Detail: detail})
		return t, nil
	}
	switch {
	case t.IDToken == "" && asked:
		return drop("asked for with openid, and none came")
	case t.IDToken == "":
		return t, nil
	case m.Issuer == "":
		return drop("without an issuer it cannot be checked; not used")
	}
	v := c.idTokenVerifier(m, t)
	if more != nil {
		more(v)
	}
	claims, checks, err := v.verify(ctx)
	switch {
	case err == nil:
		t.Checks, t.Claims = append(t.Checks, checks...), claims
		return t, nil
	case !asked:
		return drop("came unasked, and does not hold: " + err.Error())
	}
	t.Checks = append(t.Checks, checks...)
	var refused *CheckError
	if errors.As(err, &refused) {
		refused.Checks = t.Checks
	}
	return nil, err
}

// grant sends a token request of any grant but refresh_token and reads the
// answer. An id_token in it is not validated yet.
func (c *Client) grant(ctx context.Context, m *Metadata, form url.Values, scope, resource []string, proof *ProofKey) (*Token, error) {
	const what = "token endpoint"
	if m == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	return c.grantCall(ctx, c.tokenCall(m, ForToken, form, proof), scope, resource)
}

func (c *Client) grantCall(ctx context.Context, k call, scope, resource []string) (*Token, error) {
	ans, err := c.post(ctx, k)
	if err != nil {
		return nil, err
	}
	t, err := c.readToken(ans, unique(scope), k.proof)
	if err != nil {
		return nil, err
	}
	t.GrantScope, t.Resource = t.Scope, unique(resource)
	return t, nil
}

// tokenCall is a call to the token endpoint.
func (c *Client) tokenCall(m *Metadata, kind RequestKind, form url.Values, proof *ProofKey) call {
	k := call{
		kind: kind, what: "token endpoint", name: "token_endpoint", endpoint: m.TokenEndpoint,
		listed: m.TokenEndpointAuthMethodsSupported, form: form, proof: proof,
	}
	if kind == ForRefresh && c.RefreshEndpoint != "" {
		k.what, k.name, k.endpoint = "refresh endpoint", "", c.RefreshEndpoint
	}
	if q := c.Quirks; q != nil {
		k.query = q.TokenQuery
		if kind == ForRefresh {
			k.query = q.RefreshQuery
		}
	}
	return k
}

// joinScope writes scopes as the server reads them: with spaces (RFC 6749
// section 3.3), or as its quirk says.
func (c *Client) joinScope(scope []string) string {
	if c.Quirks != nil && c.Quirks.ScopeSeparator != "" {
		return strings.Join(scope, c.Quirks.ScopeSeparator)
	}
	return strings.Join(scope, " ")
}
