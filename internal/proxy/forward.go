package proxy

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"fob/oauth"
)

// exchange is one request on its way through.
type exchange struct {
	proxy  *Proxy
	w      http.ResponseWriter
	in     *http.Request
	to     *url.URL // at the API
	body   *body    // nil if the request has none
	origin string   // of the page that asks, when it may
	entry  Entry
}

// ServeHTTP answers one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{proxy: p, w: w, in: r, entry: Entry{Method: r.Method}}
	begun := time.Now()
	defer func() {
		x.entry.Took = time.Since(begun)
		p.options.Log(x.entry)
	}()
	done, ok := p.conns.begin(connOf(r))
	if !ok {
		x.refuse(Refusal{http.StatusServiceUnavailable, "proxy_busy", "this proxy answers as many requests as it can", "try again in a moment"})
		return
	}
	defer done()
	if no := x.admit(); no != nil {
		x.refuse(*no)
		return
	}
	if x.preflight() {
		return
	}
	forward := httputil.ReverseProxy{
		Rewrite: x.rewrite, ModifyResponse: x.answered, ErrorHandler: x.failed,
		Transport: p.options.Carrier, BufferPool: &buffers, FlushInterval: heldFor, ErrorLog: quiet,
	}
	forward.ServeHTTP(w, r)
}

// heldFor is how long the beginning of an answer waits for the rest, so that a small one is one packet. An answer whose length is
// not said, as of server-sent events, is passed on piece by piece (httputil.ReverseProxy).
const heldFor = 5 * time.Millisecond

var quiet = log.New(io.Discard, "", 0)

// rewrite makes the request to the API of the one that came. Hop-by-hop headers and the X-Forwarded family are gone already.
func (x *exchange) rewrite(r *httputil.ProxyRequest) {
	out := r.Out
	out.URL, out.Host = x.to, ""
	out.Trailer = r.In.Trailer // filled in while the body is read
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Dpop", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Origin"} {
		out.Header.Del(name)
	}
	if name := x.proxy.options.Header; name != "" {
		out.Header.Del(name)
	}
	if from := out.Header.Get("Referer"); from != "" {
		if rest, ours := strings.CutPrefix(from, x.proxy.url); ours && (rest == "" || rest[0] == '/' || rest[0] == '?') { // it would tell the secret
			out.Header.Set("Referer", strings.TrimSuffix(x.proxy.base.String(), "/")+rest)
		}
	}
	if out.Header.Get("Accept-Encoding") == "" {
		out.Header.Set("Accept-Encoding", "identity") // or net/http asks for gzip and unpacks it
	}
	if out.Body != nil && out.Body != http.NoBody {
		x.body = &body{control: http.NewResponseController(x.w), slow: x.proxy.slow, from: out.Body}
		out.Body = &bodyReader{body: x.body}
		out.GetBody = x.body.again
	}
}

// answered passes the API's answer on.
func (x *exchange) answered(answer *http.Response) error {
	h := answer.Header
	x.entry.Status = answer.StatusCode
	if answer.StatusCode == http.StatusUnauthorized && x.body != nil {
		if gone, _ := x.body.state(); gone {
			h.Set("Fob-Hint", "the body was too large to be sent again; send the request again, the credential is fresh now")
		}
	}
	if demand, ok := x.proxy.options.Demand(answer); ok {
		h.Set("Fob-Step-Up", oneLine(demand.Reason))
		h.Set("Fob-Hint", oneLine(demand.Remedy))
		x.entry.Note = demand.Reason + ": " + demand.Remedy
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if there := h.Get(name); there != "" {
			h.Set(name, x.proxy.here(there, x.to))
		}
	}
	for i, link := range h["Link"] {
		h["Link"][i] = x.proxy.links(link, x.to)
	}
	h.Del("Alt-Svc") // of the API's host, not of this one
	x.allow(h)
	return nil
}

// here is an address at the API as one at this proxy; one elsewhere is written whole, so that it does not lead here. A token that
// it repeats is taken out.
func (p *Proxy) here(there string, from *url.URL) string {
	u, err := from.Parse(there)
	if err != nil {
		return there
	}
	if q := u.Query(); q.Has("access_token") {
		q.Del("access_token")
		u.RawQuery = q.Encode()
	}
	if _, err := oauth.ResolveURL(p.options.Base, u.String()); err != nil {
		return u.String()
	}
	at := p.url + strings.TrimPrefix(u.EscapedPath(), strings.TrimSuffix(p.base.EscapedPath(), "/"))
	if u.RawQuery != "" {
		at += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		at += "#" + u.EscapedFragment()
	}
	return at
}

// links rewrites the addresses of a Link header (RFC 8288 §3), by which APIs name the next page.
func (p *Proxy) links(value string, from *url.URL) string {
	var out strings.Builder
	for {
		before, rest, opened := strings.Cut(value, "<")
		out.WriteString(before)
		if !opened {
			return out.String()
		}
		there, after, closed := strings.Cut(rest, ">")
		if !closed {
			return out.String() + "<" + rest
		}
		out.WriteString("<" + p.here(there, from) + ">")
		value = after
	}
}

// failed answers what did not get through.
func (x *exchange) failed(_ http.ResponseWriter, _ *http.Request, err error) {
	if x.body != nil {
		if _, late := x.body.state(); late {
			x.refuse(Refusal{http.StatusRequestTimeout, "proxy_slow_body", "the request's body stopped coming", "send the request again"})
			return
		}
	}
	if errors.Is(err, context.Canceled) && x.in.Context().Err() != nil {
		x.entry.Status, x.entry.Note = statusGone, "the client went away"
		panic(http.ErrAbortHandler) // or net/http would answer 200
	}
	x.refuse(x.proxy.options.Explain(err))
}

// statusGone is what nginx logs for a client that did not wait.
const statusGone = 499

// admit decides whether the request may go on, and where.
func (x *exchange) admit() *Refusal {
	p, r := x.proxy, x.in
	target := r.RequestURI
	switch {
	case r.Method == http.MethodConnect || !strings.HasPrefix(target, "/"):
		x.entry.Path = "(another host)"
		return &Refusal{http.StatusMethodNotAllowed, "proxy_one_api", "this proxy forwards to one API only and is none for the web", "use its address as the API's base URL, not as an HTTP proxy"}
	case !p.hosts[hostOf(r.Host)]: // DNS rebinding: a name of somebody's own that was pointed at this machine
		x.entry.Path = "(unknown)"
		return &Refusal{http.StatusMisdirectedRequest, "proxy_host", "this proxy does not go by the name in Host", "use the address that `fob proxy` printed"}
	}
	secret, rest, ok := p.unlock(r, target)
	x.entry.Path = pathOf(rest)
	if no := x.sameOrigin(); no != nil {
		return no
	}
	switch {
	case !ok && p.options.Header == "":
		x.entry.Path = "(unknown)"
		return &Refusal{http.StatusNotFound, "proxy_secret", "there is nothing at this address", "use the address that `fob proxy` printed, with its first segment"}
	case !ok && secret == "" && x.asksFirst(): // a browser asks before it sends a header
	case !ok:
		return &Refusal{http.StatusForbidden, "proxy_secret", "the header " + p.options.Header + " does not bring the secret of this proxy", "send the header that `fob proxy` printed"}
	}
	if p.options.ReadOnly && (r.Header.Get("Upgrade") != "" || r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions) {
		return &Refusal{http.StatusMethodNotAllowed, "proxy_read_only", "this proxy lets in GET, HEAD and OPTIONS only", "start fob proxy without --read-only"}
	}
	if strings.Contains(rest, "#") {
		return &Refusal{http.StatusBadRequest, "proxy_path", "the request's address has a #", "write it as %23"}
	}
	to, err := oauth.ResolveURL(p.options.Base, rest)
	if err != nil {
		return &Refusal{http.StatusBadRequest, "proxy_path", err.Error(), "ask for a path below " + p.base.String()}
	}
	x.to = to
	return nil
}

// unlock looks for the secret; rest is what is asked of the API.
func (p *Proxy) unlock(r *http.Request, target string) (given, rest string, ok bool) {
	if p.options.Header != "" {
		given = r.Header.Get(p.options.Header)
		if path, _, _ := strings.Cut(target, "?"); path == "/" { // HTTP has no shorter one for the base URL itself
			target = target[1:]
		}
		return given, target, len(r.Header.Values(p.options.Header)) == 1 && same(given, p.secret)
	}
	end := strings.IndexAny(target[1:], "/?#") + 1
	if end == 0 {
		end = len(target)
	}
	return target[1:end], target[end:], same(target[1:end], p.secret)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	if path == "" {
		return "/"
	}
	return path
}

// buffers are what bodies are copied with.
var buffers = bufferPool{sync.Pool{New: func() any { return new([32 << 10]byte) }}}

type bufferPool struct{ pool sync.Pool }

// Get takes a buffer (httputil.BufferPool).
func (b *bufferPool) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

// Put gives it back.
func (b *bufferPool) Put(buffer []byte) { b.pool.Put((*[32 << 10]byte)(buffer)) }
