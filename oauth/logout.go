package oauth

import (
	"crypto/subtle"
	"net/url"
)

// Logout is the end of the server's own session, through the browser (OpenID
// Connect RP-Initiated Logout 1.0): open URL, and give what comes back on the
// post-logout redirect URI to Check.
type Logout struct {
	URL string
	// State comes back with the browser; empty without a redirect URI.
	State string
}

// EndSession starts a logout. idTokenHint is the last id_token, by which the
// server knows whom to sign out without asking; it may be empty.
// postLogoutRedirectURI must be registered at the server; it may be empty, and
// then nothing comes back.
func (c *Client) EndSession(idTokenHint Secret, postLogoutRedirectURI string) (*Logout, error) {
	const what = "end session endpoint"
	if c.Metadata == nil {
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	}
	u, err := c.parseEndpoint(what, c.Metadata.EndSessionEndpoint)
	if err != nil {
		return nil, err
	}
	l := new(Logout)
	form := url.Values{
		"client_id":     {c.ID}, // section 2: needed when the hint is encrypted, or missing
		"id_token_hint": {idTokenHint.Reveal()},
	}
	if postLogoutRedirectURI != "" {
		l.State = randomText()
		form.Set("post_logout_redirect_uri", postLogoutRedirectURI)
		form.Set("state", l.State)
	}
	query := u.Query()
	for name, values := range form {
		if values[0] != "" {
			query[name] = values
		}
	}
	u.RawQuery = query.Encode()
	l.URL = u.String()
	return l, nil
}

// Check says whether what came back belongs to this logout (section 3): its
// state is the one sent.
func (l *Logout) Check(response url.Values) error {
	got := response["state"]
	if l.State == "" || len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(l.State)) != 1 {
		return &Error{what: "logout", Err: &reasoned{ErrResponse, "it does not belong to this logout (state)"}}
	}
	return nil
}
