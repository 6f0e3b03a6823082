package oauth

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
)

// stillKnown is what traces call the question of StillKnown.
const stillKnown = "registration check"

// StillKnown asks the authorization endpoint whether it knows the client,
// before anybody is sent there. A server that does not says so on its own page
// and nowhere else (RFC 6749 section 4.1.2.1): the browser would never come
// back. Only a client that was registered by itself can be forgotten so, by a
// server that keeps registrations in memory.
//
// The request is not a login: it has no response_type, which a server that
// knows client and redirect URI answers with a redirect. The error is an
// *Error for which Forgotten holds. Whatever else comes, even no answer, is
// for the login to find out.
func (c *Client) StillKnown(ctx context.Context, redirectURI string) error {
	if c.Metadata == nil {
		return nil
	}
	u, err := c.parseEndpoint(stillKnown, c.Metadata.AuthorizationEndpoint)
	if err != nil {
		return err
	}
	query := u.Query()
	for name, values := range (url.Values{"client_id": {c.ID}, "redirect_uri": {redirectURI}}) {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return &Error{what: stillKnown, Endpoint: withoutQuery(u), Err: ErrRequest}
	}
	ans, err := send(ctx, c.HTTP, req, &errand{what: stillKnown, timeout: c.Timeout, now: c.clock(), pages: true})
	if err != nil || ans.status < 400 || ans.status > 499 {
		return nil
	}
	for _, code := range []Code{InvalidClient, UnauthorizedClient} { // in JSON or on a page
		if bytes.Contains(ans.body, []byte(code)) {
			return &Error{what: stillKnown, Endpoint: ans.endpoint, Status: ans.status, Code: code}
		}
	}
	return nil
}
