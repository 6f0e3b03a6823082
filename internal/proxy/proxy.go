// Package proxy knows how to let other programs use one API without its credential: it listens on this computer and forwards what
// it lets in to one base URL.
//
// House rules. What arrives is a stranger's until it has named the right host and the secret; no page of another site gets in
// . Nothing leaves the base URL. Nothing is buffered but what may have to be sent again.
package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"fob/loopback"
	"fob/oauth"
)

// Options are what a proxy is made of.
type Options struct {
	Base string // the API's base URL
	// Listen is where: "127.0.0.1:0" if empty; "[::1]:0", "localhost:0" (both), "8000".
	Listen string
	// Header is the name of the header that has to bring the secret. If empty, the secret is the first segment of the path.
	Header string
	// Origins are those of pages that may use the proxy from a browser: "http://localhost:5173". Others may not.
	Origins  []string
	ReadOnly bool // lets in what changes nothing: GET, HEAD and OPTIONS

	// Carrier makes the requests with the credential.
	Carrier http.RoundTripper
	// Explain makes a refusal of an error of Carrier.
	Explain func(error) Refusal
	// Demand says what login an answer of the API asks for, if any.
	Demand func(*http.Response) (Demand, bool)
	// Log is told of each request when it is over; it must not wait.
	Log func(Entry)
}

// Demand is a login that the API asks for.
type Demand struct {
	Reason string // in words
	Remedy string // what to do
}

// Entry is one request in the log: nothing secret, no query.
type Entry struct {
	Method string        `json:"method"`
	Path   string        `json:"path"` // below the base URL
	Status int           `json:"status"`
	Took   time.Duration `json:"took"`
	Note   string        `json:"note,omitempty"` // why it was refused, or what the API asks for
}

// Proxy is one that listens. Serve it with [Proxy.Serve].
type Proxy struct {
	options   Options
	base      *url.URL
	listeners []net.Listener
	server    *http.Server
	conns     *conns
	secret    string
	prefix    string // of the path, "/" and the secret, or ""
	url       string
	hosts     map[string]bool // what Host may say
	origins   map[string]bool
	slow      time.Duration // for the next piece of a body
}

// Open listens, so that what connects from now on waits for [Proxy.Serve].
func Open(o Options) (*Proxy, error) {
	base, err := oauth.ResolveURL(o.Base, "")
	if err != nil {
		return nil, err
	}
	p := &Proxy{options: o, base: base, conns: newConns(), secret: rand.Text(), hosts: map[string]bool{}, origins: map[string]bool{}, slow: slowTimeout}
	for _, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || strings.Contains(origin, "#") {
			return nil, fmt.Errorf("origin %q: write it as a browser does: http://localhost:5173", origin)
		}
		p.origins[strings.ToLower(origin)] = true
	}
	if o.Header != "" && !validHeader(o.Header) {
		return nil, fmt.Errorf("header %q: this one cannot carry the secret; X-Fob-Key can", o.Header)
	}
	if o.Header == "" {
		p.prefix = "/" + p.secret
	}
	listen := o.Listen
	switch {
	case listen == "":
		listen = "127.0.0.1:0"
	case !strings.Contains(listen, ":"):
		listen = "127.0.0.1:" + listen
	}
	if p.listeners, err = loopback.Bind(listen); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(listen)
	_, port, _ := net.SplitHostPort(p.listeners[0].Addr().String())
	p.url = "http://" + net.JoinHostPort(host, port) + p.prefix
	for _, l := range p.listeners {
		p.hosts[hostOf(l.Addr().String())] = true
	}
	p.hosts[hostOf("localhost:"+port)] = true
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerMax,
		ConnState: p.conns.track, ConnContext: withConn, ErrorLog: log.New(io.Discard, "", 0),
		DisableGeneralOptionsHandler: true,
	}
	return p, nil
}

const (
	headerTimeout = 10 * time.Second // for a whole header
	idleTimeout   = time.Minute      // between two requests
	slowTimeout   = 30 * time.Second // for the next piece of a body, in either direction
	headerMax     = 64 << 10         // twice what most servers take
)

// hostOf is a host and port as Host names it: port 80 goes without saying.
func hostOf(hostport string) string { return strings.TrimSuffix(strings.ToLower(hostport), ":80") }

// validHeader says that a header is free to carry the secret.
func validHeader(name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		return false
	}
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Content-Type", "Cookie", "Origin", "Referer", "Te", "Trailer", "Upgrade", "Expect", "Accept":
		return false
	}
	return true
}

// URL is what stands for the API's base URL.
func (p *Proxy) URL() string { return p.url }

// Addr is the host and port that it listens on.
func (p *Proxy) Addr() string {
	return strings.TrimPrefix(strings.TrimSuffix(p.url, p.prefix), "http://")
}

// Header is the header that each request has to bring; the name is empty if none.
func (p *Proxy) Header() (name, value string) {
	if p.options.Header == "" {
		return "", ""
	}
	return p.options.Header, p.secret
}

// Serve answers until ctx ends. What is under way then is cut off.
func (p *Proxy) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	p.server.BaseContext = func(net.Listener) context.Context { return ctx }
	ended := make(chan error, len(p.listeners))
	var serving sync.WaitGroup
	for _, l := range p.listeners {
		serving.Go(func() { ended <- p.server.Serve(patient{l, p.slow}) })
	}
	err := <-ended
	p.Close()
	serving.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends the proxy and every connection to it.
func (p *Proxy) Close() {
	p.server.Close()
	for _, l := range p.listeners { // those that were never served
		l.Close()
	}
	p.conns.cut() // net/http does not know those that were upgraded
}

// Cut ends what is under way: answers, streams, WebSockets. The proxy goes on, and what comes next needs the credential anew.
func (p *Proxy) Cut() { p.conns.cut() }
