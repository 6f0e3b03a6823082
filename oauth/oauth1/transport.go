package oauth1

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Transport signs every request that it sends, each time it sends it: a
// redirect or a retry of the caller's gets a timestamp, nonce and signature of
// its own. A redirect to another origin is followed unsigned, because the
// signature would hand the token's name, and with PLAINTEXT its secret, to
// whoever stands there.
//
// net/http itself sends a GET a second time when the server closes a
// connection before it answers, with the same signature; a server that has
// read it refuses the second (nonce_used).
type Transport struct {
	Client *Client
	Token  *Token            // nil for requests that stand for no user
	Base   http.RoundTripper // nil means http.DefaultTransport
}

// Format says what it is, whatever the verb: behind a pointer in a struct fmt
// does not ask a Secret how it prints.
func (t Transport) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "OAuth 1 transport") }

// RoundTrip signs a copy of r and sends it.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	signed := r.Clone(r.Context())
	if atHome(r) {
		if err := t.Client.Sign(signed, t.Token); err != nil {
			if r.Body != nil {
				_ = r.Body.Close() // RoundTripper: "must always close the body"
			}
			return nil, err
		}
	} else {
		leave(signed)
	}
	resp, err := base.RoundTrip(signed)
	if resp != nil {
		resp.Request = r // as net/http's own does: the next redirect is seen from here
	}
	return resp, err
}

// leave takes an earlier signature off a request that goes elsewhere.
func leave(r *http.Request) {
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "OAuth") {
		r.Header.Del("Authorization")
	}
	r.URL.RawQuery = unsigned(r.URL.RawQuery)
}

// atHome says that a chain of redirects never left the origin where it began:
// who stands elsewhere must not choose what is signed.
func atHome(r *http.Request) bool {
	last := r
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	for first := r; last != first; last = last.Response.Request {
		if !sameOrigin(first.URL, last.URL) {
			return false
		}
	}
	return true
}

// sameOrigin: scheme, host and port; a step up from http to https of the same
// host stays at home.
func sameOrigin(home, u *url.URL) bool {
	if home == nil || u == nil || !strings.EqualFold(home.Hostname(), u.Hostname()) {
		return false
	}
	if home.Scheme == u.Scheme {
		return port(home) == port(u)
	}
	return home.Scheme == "http" && u.Scheme == "https" && port(home) == "80" && port(u) == "443"
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "http":
		return "80"
	case u.Scheme == "https":
		return "443"
	}
	return ""
}
