package oauth

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Transport is an http.RoundTripper that adds a token to the requests to one
// API and to no other. It proves possession of DPoP tokens, gives the API the
// nonce that it asks for, shows the client certificate that a token is bound
// to, and asks once for another token when the API refuses the one it got.
// Its fields are set before first use.
type Transport struct {
	// Source gives the token for a request.
	Source func(context.Context) (*Token, error)
	// Refresh is asked once for another token after the API has refused one
	// as invalid; nil leaves it at that.
	Refresh func(ctx context.Context, refused *Token) (*Token, error)
	// BaseURL is the API's: scheme, host and path prefix. It is never left. A
	// request elsewhere is refused; a redirect elsewhere is followed without
	// the token and without the certificate.
	BaseURL string
	// Use says how the API wants its token.
	Use Use
	// Servers remembers nonces and clocks; nil means a memory of its own.
	Servers *Servers
	// Certificate is shown to the API: the one that the tokens are bound to
	// (RFC 8705 section 3).
	Certificate *tls.Certificate
	// Base makes the requests; nil means one with TLS 1.2 or later. With a
	// Certificate it has to be an *http.Transport, of which a copy is used.
	Base http.RoundTripper

	once       sync.Once // guards certified and certErr
	certified  http.RoundTripper
	certErr    error
	ownServers Servers
}

// Transport returns a Transport for the API at baseURL that goes the client's
// ways: its HTTP client, its memory of nonces and clocks, its certificate where
// tokens are bound to it, and its server's quirks.
func (c *Client) Transport(baseURL string, u Use, source func(context.Context) (*Token, error)) *Transport {
	t := &Transport{Source: source, BaseURL: baseURL, Use: c.Use(u), Servers: c.servers()}
	if hc := c.http(); hc != nil {
		t.Base = hc.Transport
	}
	if c.CertificateBound { // RFC 8705 section 3
		t.Certificate = c.Certificate
	}
	return t
}

// Format writes the API's address, whatever the verb: what Use adds may be secret.
func (t *Transport) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "transport to "+t.BaseURL)
}

// LogValue makes log/slog write the API's address only.
func (t *Transport) LogValue() slog.Value { return slog.StringValue("transport to " + t.BaseURL) }

// ResolveURL returns the address of ref in the API at base: a path below it
// ("/users" and "users" are the same), or a whole address within it. What
// would leave it is refused.
func ResolveURL(base, ref string) (*url.URL, error) {
	b, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(ref)
	if err != nil {
		return nil, requestError("the path of the request is not a URL")
	}
	if !u.IsAbs() && u.Host == "" {
		to := *b
		to.RawQuery, to.Fragment = u.RawQuery, ""
		escaped := strings.TrimSuffix(b.EscapedPath(), "/") + "/" + strings.TrimPrefix(u.EscapedPath(), "/")
		if u.Path == "" {
			escaped = b.EscapedPath()
		}
		if to.Path, err = url.PathUnescape(escaped); err != nil {
			return nil, requestError("the path of the request is not a URL")
		}
		to.RawPath, u = escaped, &to
	}
	if err := within(b, u); err != nil {
		return nil, err
	}
	return u, nil
}

func parseBase(base string) (*url.URL, error) {
	b, err := url.Parse(base)
	if err != nil || b.Host == "" || b.Scheme != "https" && b.Scheme != "http" || b.User != nil || b.Fragment != "" {
		return nil, requestError("the API's base URL is missing, or not the address of a server")
	}
	return b, nil
}

// within refuses an address outside of the API. Dots are looked for in the
// decoded path: what a server makes of %2e%2e%2f is its own secret.
func within(base, u *url.URL) error {
	outside := func(why string) error {
		return requestError("the request would leave " + withoutQuery(base) + ": " + why)
	}
	segments := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' || r == '\\' })
	prefix := strings.TrimSuffix(base.EscapedPath(), "/")
	path := u.EscapedPath()
	switch {
	case origin(u) != origin(base):
		return outside("it goes to " + clean(u.Scheme+"://"+u.Host, maxURI))
	case slices.Contains(segments, "..") || slices.Contains(segments, "."):
		return outside("its path has dots")
	case path != prefix && !strings.HasPrefix(path, prefix+"/"):
		return outside("its path is another")
	}
	return nil
}

// RoundTrip makes a request with the token (http.RoundTripper).
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	base, err := parseBase(t.BaseURL)
	if err != nil {
		return fail(err)
	}
	if err := within(base, req.URL); err != nil && req.Response == nil {
		return fail(err) // not a redirect: the caller's own mistake
	}
	if strayed(base, req) {
		return t.base().RoundTrip(t.bare(req))
	}
	token, err := t.token(req.Context())
	if err != nil {
		return fail(err)
	}
	nonced, refreshed := false, false
	for body := req.Body; ; {
		resp, err := t.try(req, body, token)
		if err != nil {
			return nil, err
		}
		again := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
		switch {
		case resp.StatusCode != http.StatusUnauthorized || !again:
			return resp, nil
		case !nonced && token.Type == typeDPoP && refusedFor(resp.Header, UseDPoPNonce) && resp.Header.Get("DPoP-Nonce") != "":
			nonced = true // RFC 9449 section 9: one more try with the nonce
		case !refreshed && t.Refresh != nil && refusedFor(resp.Header, InvalidToken):
			fresh, err := t.Refresh(req.Context(), token)
			if err != nil || fresh == nil || fresh.AccessToken == token.AccessToken {
				return resp, nil // the API's own words say more
			}
			token, refreshed = fresh, true
		default:
			return resp, nil
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
		_ = resp.Body.Close()
		if body = req.Body; req.GetBody != nil {
			if body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// strayed: the request is elsewhere, or somebody elsewhere has sent it here.
func strayed(base *url.URL, req *http.Request) bool {
	for r := req; r != nil; {
		if within(base, r.URL) != nil {
			return true
		}
		if r.Response == nil {
			return false
		}
		r = r.Response.Request
	}
	return true
}

func (t *Transport) token(ctx context.Context) (*Token, error) {
	if t.Source == nil {
		return nil, requestError("the transport has no source of tokens")
	}
	return t.Source(ctx)
}

// try makes one request; every one has a proof of its own (RFC 9449 section 11.1).
func (t *Transport) try(req *http.Request, body io.ReadCloser, token *Token) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		if body != nil {
			_ = body.Close()
		}
		return nil, err
	}
	out := t.bare(req) // the caller's request is not touched
	out.Body = body
	if err := t.Use.Apply(out, token, t.servers()); err != nil {
		return fail(err)
	}
	rt, err := t.bound()
	if err != nil {
		return fail(err)
	}
	sent := time.Now()
	resp, err := rt.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	t.servers().learn(roleRS, req.URL, resp.Header, sent, time.Now())
	resp.Request = req // the caller's own, without the token
	return resp, nil
}

// bare is the request without credentials that it may have brought along.
func (t *Transport) bare(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.Header.Del("Authorization")
	out.Header.Del("DPoP")
	if t.Use.HeaderName != "" {
		out.Header.Del(t.Use.HeaderName)
	}
	return out
}

func (t *Transport) servers() *Servers {
	if t.Servers != nil {
		return t.Servers
	}
	return &t.ownServers
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return sharedClient().Transport
}

// bound is what shows the certificate, to the API only.
func (t *Transport) bound() (http.RoundTripper, error) {
	if t.Certificate == nil {
		return t.base(), nil
	}
	t.once.Do(func() {
		own, ok := t.base().(*http.Transport)
		if !ok {
			t.certErr = requestError("the certificate cannot be given to a foreign http.RoundTripper")
			return
		}
		own = own.Clone()
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		// As Client.certifiedHTTP does, and why it says.
		own.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return t.Certificate, nil
		}
		own.TLSClientConfig.Renegotiation = tls.RenegotiateOnceAsClient
		t.certified = own
	})
	return t.certified, t.certErr
}

// refusedFor: one of the challenges names the code (RFC 6750 section 3.1, RFC
// 9449 section 7.1).
func refusedFor(header http.Header, code Code) bool {
	return slices.ContainsFunc(ParseChallenges(header), func(c Challenge) bool {
		return c.Params["error"] == string(code)
	})
}
