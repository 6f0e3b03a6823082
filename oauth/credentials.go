package oauth

import (
	"context"
	"net/url"
)

// ClientCredentials gets a token for the client itself (RFC 6749 section 4.4).
// There is nobody to ask and usually no refresh token: ask again.
func (c *Client) ClientCredentials(ctx context.Context, r TokenRequest) (*Token, error) {
	const what = "token endpoint"
	// "MUST only be used by confidential clients" (section 4.4).
	if method, _ := c.ChosenAuthMethod(); method == AuthNone {
		return nil, &Error{what: what, Err: requestError(
			"client_credentials needs a client that authenticates: give the profile its secret, key or certificate")}
	}
	return c.ask(ctx, url.Values{"grant_type": {GrantClientCredentials}}, r, nil)
}

// Password trades a person's name and password for a token (RFC 6749 section
// 4.3). OAuth 2.1 has dropped this grant, and with it a second factor is
// impossible: use it where a server knows nothing else. The password is sent
// once and kept nowhere ("MUST discard the credentials", section 4.3.1).
func (c *Client) Password(ctx context.Context, username string, password Secret, r TokenRequest) (*Token, error) {
	const what = "token endpoint"
	if username == "" || password == "" {
		return nil, &Error{what: what, Err: requestError("the password grant needs a user name and a password")}
	}
	return c.ask(ctx, url.Values{
		"grant_type": {GrantPassword}, "username": {username}, "password": {password.Reveal()},
	}, r, nil)
}
