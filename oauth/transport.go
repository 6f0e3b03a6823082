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
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
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
	// Unexplained takes a 401 that gives no reason for a refusal of the token
	// as well. Many APIs leave out the code of RFC 6750 section 3.1.
	Unexplained bool
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
// decoded path, however often it is encoded: what a server makes of
// %252e%252e%2f is its own secret.
func within(base, u *url.URL) error {
	outside := func(why string) error {
		return requestError("the request would leave " + withoutQuery(base) + ": " + why)
	}
	prefix := strings.TrimSuffix(base.EscapedPath(), "/")
	path := u.EscapedPath()
	switch {
	case origin(u) != origin(base):
		return outside("it goes to " + clean(u.Scheme+"://"+u.Host, maxURI))
	case path != prefix && !strings.HasPrefix(path, prefix+"/"):
		return outside("its path is another")
	}
	if why := climbs(strings.TrimPrefix(path, prefix)); why != "" {
		return outside(why)
	}
	return nil
}

// lookalike is what servers have been seen to take a character for: by
// Unicode's compatibility forms, or by Windows' best fit.
func lookalike(r rune) rune {
	switch r {
	case '\\', '\u2215', '\u2044', '\uff0f', '\uff3c':
		return '/'
	case '\uff0e', '\u2024', '\ufe52':
		return '.'
	}
	return r
}

// climbs says why an escaped path below the base may lead out of it, "" if it
// cannot. Encoded slashes as such are left alone: they are part of names
// ("group%2Fproject").
func climbs(escaped string) string {
	if strings.HasPrefix(escaped, "//") {
		return "its path begins with two slashes, which some take for a host"
	}
	path := escaped
	for depth := 0; ; depth++ {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "its path has control characters"
		}
		if !utf8.ValidString(path) { // overlong forms such as %c0%ae for a dot
			return "its path is not UTF-8"
		}
		for segment := range strings.SplitSeq(strings.Map(lookalike, path), "/") {
			segment, _, _ = strings.Cut(segment, ";") // Java's path parameters: "..;/"
			switch strings.TrimSpace(segment) {       // Windows: ".. /"
			case ".", "..", "\u2025": // two dots in one character
				return "its path has dots"
			}
		}
		next := decodeOnce(path)
		switch {
		case next == path:
			return ""
		case depth == maxEncodings:
			return "its path is encoded again and again"
		}
		path = next
	}
}

// decodeOnce decodes what is encoded, leaves a bare percent sign as it is, as
// lenient servers do, and knows IIS' "%u002e".
func decodeOnce(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(n))
				i += 2
				continue
			}
			if (s[i+1] == 'u' || s[i+1] == 'U') && i+5 < len(s) {
				if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
					out.WriteRune(rune(n))
					i += 5
					continue
				}
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// maxEncodings is more often than anybody encodes a path in good faith.
const maxEncodings = 4

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
		if resp.StatusCode != http.StatusUnauthorized {
			return resp, nil
		}
		switch {
		case !nonced && token.Type == typeDPoP && refusedFor(resp.Header, UseDPoPNonce) && resp.Header.Get("DPoP-Nonce") != "":
			nonced = true // RFC 9449 section 9: one more try with the nonce
		case !refreshed && t.Refresh != nil && t.refusesToken(resp.Header):
			fresh, err := t.Refresh(req.Context(), token)
			if err != nil || fresh == nil || fresh.AccessToken == token.AccessToken {
				return resp, nil // the API's own words say more
			}
			token, refreshed = fresh, true
		default:
			return resp, nil
		}
		// A body that is gone leaves the answer to the caller, who finds nonce
		// and token fresh when it asks again.
		if body, err = repeated(req); err != nil {
			return resp, nil
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
		_ = resp.Body.Close()
	}
}

// repeated is the request's body once more.
func repeated(req *http.Request) (io.ReadCloser, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return req.Body, nil
	case req.GetBody == nil:
		return nil, requestError("the body can be read only once")
	}
	return req.GetBody()
}

// CloseIdleConnections closes the connections to the API that are not in use.
func (t *Transport) CloseIdleConnections() {
	rt, err := t.bound()
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok && err == nil {
		c.CloseIdleConnections()
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
	out.Trailer = req.Trailer // the caller fills it in while the body is read
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

// refusesToken: the API wants another token, as far as it says what it wants.
func (t *Transport) refusesToken(header http.Header) bool {
	if !t.Unexplained {
		return refusedFor(header, InvalidToken)
	}
	explained := slices.ContainsFunc(ParseChallenges(header), func(c Challenge) bool { return c.Params["error"] != "" })
	return !explained || refusedFor(header, InvalidToken)
}

// refusedFor: one of the challenges names the code (RFC 6750 section 3.1, RFC
// 9449 section 7.1).
func refusedFor(header http.Header, code Code) bool {
	return slices.ContainsFunc(ParseChallenges(header), func(c Challenge) bool {
		return c.Params["error"] == string(code)
	})
}
