package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Pushed authorization requests (RFC 9126).

// pushes says whether a login is pushed: when it has to be, and wherever the
// server can take it. Then it is pushed or it fails (section 5).
func (c *Client) pushes() bool {
	return c.RequirePAR || c.Strict || c.Metadata.RequirePushedAuthorizationRequests ||
		c.Metadata.PushedAuthorizationRequestEndpoint != ""
}

// push sends the request with client authentication and, with DPoP, a proof
// that binds the code to the login's key (RFC 9449 section 10.1). It returns
// what is left for the browser: "client_id" and "request_uri" (section 4).
func (a *Authorization) push(ctx context.Context, form url.Values) (url.Values, error) {
	const what = "pushed authorization request endpoint"
	c, m := a.client, a.metadata
	sent := c.clock()
	ans, err := c.post(ctx, call{
		kind: ForPAR, what: what, name: "pushed_authorization_request_endpoint",
		endpoint: m.PushedAuthorizationRequestEndpoint, listed: m.TokenEndpointAuthMethodsSupported,
		form: form, proof: a.proof,
	})
	if err != nil {
		return nil, err
	}
	fail := func(err error) (url.Values, error) {
		return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status, Err: err}
	}
	obj, err := ans.object()
	if err != nil {
		return nil, err
	}
	// Section 2.2: 201 with both members. Some servers send 200.
	uri := text(obj, "request_uri")
	if ans.status != http.StatusCreated && ans.status != http.StatusOK || !validRequestURI(uri) {
		return fail(&reasoned{ErrResponse, "it has no usable request_uri"})
	}
	life, ok := number(obj["expires_in"])
	if !ok || life <= 0 || life > maxLifetime {
		return fail(&reasoned{ErrResponse, "it does not say how long the request_uri lives (expires_in)"})
	}
	// The server's count began at the latest when it answered, and at the
	// earliest when it was asked.
	a.URLExpiresAt = sent.Add(time.Duration(life * float64(time.Second)))
	return url.Values{"client_id": {c.ID}, "request_uri": {uri}}, nil
}

// validRequestURI: an absolute URI of sane length, urn: as a rule.
func validRequestURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && len(s) <= 4*maxURI && !strings.ContainsAny(s, " \t\r\n")
}

// whyPushed says it for the trace.
func (c *Client) whyPushed() string {
	switch {
	case c.Metadata.RequirePushedAuthorizationRequests:
		return "the server demands it (RFC 9126 section 5)"
	case c.RequirePAR || c.Strict:
		return "the profile demands it"
	}
	return "the server offers it, and then nothing of it can be read or changed in the browser (RFC 9126)"
}
