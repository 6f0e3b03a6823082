package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// ErrPortal says that something on the way answered in the server's place, as the
// network of a hotel or a train does until somebody has logged in to it.
const ErrPortal failure = "a captive portal or proxy answers instead of the server"

// PortalError is an ErrPortal with what gave it away. It is Transient: the
// server was not reached, and has decided nothing.
type PortalError struct {
	Host string // whose answer was due
	How  string // what came instead
	err  error  // ErrNotJSON, ErrRedirect, or of the connection
}

// Error names the host and what came instead.
func (e *PortalError) Error() string {
	if e.How == "" {
		return string(ErrPortal)
	}
	return e.How
}

// Unwrap returns ErrPortal and what the answer would be called without it.
func (e *PortalError) Unwrap() []error { return []error{ErrPortal, e.err} }

// portalAt is the error of an answer that is not host's.
func portalAt(host, how string, err error) error {
	return &PortalError{Host: host, How: "a captive portal or proxy answers instead of " + host + " (" + how + ")", err: err}
}

// isPage reports whether a whole answer is a web page. The body decides: many
// servers call an empty answer text/html.
func isPage(body []byte) bool {
	return strings.HasPrefix(http.DetectContentType(body), "text/html")
}

// sameSite reports whether one host's name is the other's, or ends in it:
// example.com redirects to www.example.com without anybody in between.
func sameSite(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

// Way is the way of one request to a server, for every road that reads
// answers of servers: it tells an answer of the server's from one of something
// in between.
type Way struct {
	host    string // its name
	address string // with the port
	near    bool   // no network lies between this computer and itself

	mu     sync.Mutex // guards what follows
	inner  netip.Addr // an address of a private network; invalid while a public one is among the addresses, or none is known
	dialed string     // the address that was connected to last
	wanted bool       // a connection was looked for
	had    bool       // and there was one
}

// WatchWay returns a context for a request to u, which notes where its name
// leads, and whether there is a connection. Names that a proxy resolves are not
// seen.
func WatchWay(ctx context.Context, u *url.URL) (*Way, context.Context) {
	w := &Way{host: u.Hostname(), address: u.Host, near: loopback(u)}
	var asked string
	note := func(what func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		what()
	}
	return w, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { note(func() { w.wanted = true }) },
		GotConn:      func(httptrace.GotConnInfo) { note(func() { w.had = true }) },
		ConnectStart: func(_, addr string) { note(func() { w.dialed = addr }) },
		DNSStart: func(info httptrace.DNSStartInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			asked = info.Host
		},
		DNSDone: func(info httptrace.DNSDoneInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !strings.EqualFold(asked, w.host) || info.Err != nil {
				return
			}
			w.inner = netip.Addr{}
			for _, a := range info.Addrs {
				ip, ok := netip.AddrFromSlice(a.IP)
				if !ok || zoneOf(ip) == zonePublic {
					w.inner = netip.Addr{}
					return
				}
				w.inner = ip.Unmap()
			}
		},
	})
}

// homeName says that a name leads into a private network by right (RFC 6762,
// RFC 8375, and what ICANN reserved).
func homeName(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !strings.Contains(name, ".") {
		return true
	}
	switch name[strings.LastIndexByte(name, '.'):] {
	case ".local", ".internal", ".lan", ".localhost", ".test":
		return true
	}
	return strings.HasSuffix(name, ".home.arpa")
}

// inside is the private address that the name of a public host led to.
func (w *Way) inside() (netip.Addr, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inner, w.inner.IsValid() && !homeName(w.host)
}

// Unsent reports whether there was no connection to send the request on: then
// the server has not seen it. It is false where nothing is known, as with a
// round tripper that does not speak of its connections.
func (w *Way) Unsent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wanted && !w.had
}

// ProxyError says that the way to the server leads through a proxy (HTTPS_PROXY,
// HTTPOptions.Proxy) and ended there. It is Transient: the server was not asked.
type ProxyError struct {
	Proxy  string // host and port; "" where its name cannot be looked up
	Status string // what it answered, as "407 Proxy Authentication Required"; "" when it was not reached
	Err    error  // why it was not reached
}

// Error names the proxy.
func (e *ProxyError) Error() string {
	switch {
	case e.Status != "":
		return "the proxy " + e.Proxy + " does not let it through (" + e.Status + ")"
	case e.Proxy == "":
		return "the proxy cannot be reached: " + e.Err.Error()
	}
	return "the proxy " + e.Proxy + " cannot be reached: " + e.Err.Error()
}

// Unwrap returns why it was not reached.
func (e *ProxyError) Unwrap() error { return e.Err }

// refusedByProxy is the error of a proxy that answers CONNECT (RFC 9110 section
// 9.3.6) with anything but a connection.
func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Proxy: clean(proxy.Host, maxURI), Status: clean(answer.Status, maxCode)}
}

// Redirected is the error of a redirect to another site where data was due,
// as to a page to log in to the network; nil for one within the site. shown is
// the host that it leads to as it may be printed.
func (w *Way) Redirected(to *url.URL, shown string) error {
	switch {
	case w.near && !strings.EqualFold(to.Host, w.address): // another program of this computer, or beyond it
		return &PortalError{Host: w.address, How: "a redirect to " + shown + " came instead of the server's answer from " + w.address, err: ErrRedirect}
	case w.near || sameSite(to.Hostname(), w.host):
		return nil
	}
	return portalAt(w.host, "it redirects to "+shown, ErrRedirect)
}

// Answered is the error of a whole answer that is a web page where data was
// due; nil when it may be the server's. Servers refuse with pages too, when
// the address is wrong for example: those stay theirs, but for a status that
// firewalls and proxies block with.
func (w *Way) Answered(status int, body []byte) error {
	switch {
	case status == http.StatusNetworkAuthenticationRequired: // RFC 6585 section 6
	case status < 300, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		if !isPage(body) {
			return nil
		}
	default:
		return nil
	}
	if w.near { // something on this computer
		return &PortalError{Host: w.address, How: "a web page came instead of the server's answer from " + w.address, err: ErrNotJSON}
	}
	return portalAt(w.host, "a web page came where data was due", ErrNotJSON)
}

// Broken says that it was something on the way that broke an exchange, a proxy
// or a captive portal; nil when nothing speaks for it.
func (w *Way) Broken(err error) error {
	var proxy *net.OpError
	if errors.As(err, &proxy) && proxy.Op == "proxyconnect" {
		w.mu.Lock()
		defer w.mu.Unlock()
		return &ProxyError{Proxy: w.dialed, Err: proxy.Err}
	}
	if w.near {
		return nil
	}
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, ErrGuarded), errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &authority):
		return portalAt(w.host, "its certificate is of an authority that this computer does not know", err)
	case errors.As(err, &host):
		return portalAt(w.host, "the certificate is another server's", err)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return portalAt(w.host, "what answers there does not speak TLS", err)
	}
	if ip, inside := w.inside(); inside && transientCause(err) {
		return &PortalError{Host: w.host, err: err, How: w.host + " leads to " + ip.String() +
			", an address of a private network, where it does not answer: a captive portal is in the way, or a VPN is not connected"}
	}
	return nil
}
