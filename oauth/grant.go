package oauth

import (
	"context"
	"encoding/json"
	"net/url"
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

// Grant asks for a token with any grant type (RFC 6749 section 4.5). params
// are the grant's own parameters; grantType is its registered name or URI.
func (c *Client) Grant(ctx context.Context, grantType string, params url.Values, r TokenRequest) (*Token, error) {
	form := url.Values{"grant_type": {grantType}}
	for name, values := range params {
		form[name] = values
	}
	proof := r.ProofKey
	if proof == nil {
		var err error
		if proof, err = c.newProofKey(); err != nil {
			return nil, &Error{what: "token endpoint", Err: err}
		}
	}
	return c.grant(ctx, c.Metadata, r.form(c, form), r.Scope, r.Resource, proof)
}

// grant sends a token request of any grant but refresh_token and reads the
// answer. An id_token in it is not validated yet.
func (c *Client) grant(ctx context.Context, m *Metadata, form url.Values, scope, resource []string, proof *ProofKey) (*Token, error) {
	const what = "token endpoint"
	if m == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	k := c.tokenCall(m, ForToken, form, proof)
	ans, err := c.post(ctx, k)
	if err != nil {
		return nil, err
	}
	t, err := c.readToken(ans, unique(scope), proof)
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
