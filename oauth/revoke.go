package oauth

import (
	"context"
	"net/url"
)

// Revoke tells the server that a token is not needed any more (RFC 7009).
// hint is "refresh_token", "access_token" or empty. Revoke the refresh token
// first: servers end its access tokens with it. A nil error also means that
// the server never knew the token (section 2.2); either way it must not be
// used again.
//
// Errors: ErrNoEndpoint when the server cannot revoke; UnsupportedTokenType;
// a Transient error when the token is still valid and the request has to be
// repeated (section 2.2.1), see RetryAfter.
func (c *Client) Revoke(ctx context.Context, token Secret, hint string) error {
	const what = "revocation endpoint"
	if c.Metadata == nil {
		return &Error{what: what, Err: ErrNoEndpoint}
	}
	if token == "" {
		return &Error{what: what, Err: requestError("there is no token")}
	}
	m := c.Metadata
	listed := m.RevocationEndpointAuthMethodsSupported
	if listed == nil {
		// RFC 8414 section 2 has a default here, but servers that accept
		// other methods at the token endpoint accept them here as well.
		listed = m.TokenEndpointAuthMethodsSupported
	}
	k := call{
		kind: ForRevocation, what: what, name: "revocation_endpoint", endpoint: m.RevocationEndpoint,
		method: c.RevocationAuthMethod, listed: listed,
		form: url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}},
	}
	if c.Quirks != nil {
		k.query, k.access = c.Quirks.RevokeQuery, token
	}
	ans, err := c.post(ctx, k)
	if err != nil {
		return err
	}
	// "The content of the response body is ignored by the client" (section
	// 2.2) when the status is 200.
	if ans.status >= 200 && ans.status <= 299 {
		return nil
	}
	_, err = ans.object()
	return err
}
