package oauth

import (
	"context"
	"net/http"
)

// UserInfo asks who the token's owner is (OpenID Connect Core section 5.3).
// The answer is used only if its sub is that of the id_token (section 5.3.2);
// a token without id_token has nothing to compare, and then the answer
// identifies nobody. Errors: ErrNoEndpoint, ErrSubject, *Error with
// InvalidToken when the token is refused.
func (c *Client) UserInfo(ctx context.Context, t *Token) (map[string]any, error) {
	const what = "userinfo endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	u, err := parseEndpoint(what, c.Metadata.UserinfoEndpoint)
	if err != nil {
		return nil, err
	}
	if t == nil || t.AccessToken == "" {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrNoToken}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &Error{what: what, Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+t.AccessToken.Reveal()) // RFC 6750 section 2.1
	ans, err := send(ctx, c.HTTP, req, &errand{
		what: what, timeout: c.Timeout, secrets: []string{t.AccessToken.Reveal()}, now: c.clock(),
	})
	if err != nil {
		return nil, err
	}
	claims, err := ans.object()
	if err != nil {
		return nil, err
	}
	if want, known := t.Claims["sub"]; known && claims["sub"] != want {
		return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status, Err: ErrSubject}
	}
	return claims, nil
}
