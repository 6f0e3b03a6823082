package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
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

// pageError is the error of a web page where data was due: only something
// beside the server sends one, be it on the way, or on this computer.
func pageError(u *url.URL) error {
	if loopback(u) {
		return &PortalError{Host: u.Host, How: "a web page came instead of the server's answer from " + u.Host, err: ErrNotJSON}
	}
	return portalAt(u.Hostname(), "a web page came where data was due", ErrNotJSON)
}

// page reports whether a whole answer is a web page. The body decides: many
// servers call an empty answer text/html.
func (ans *answer) page() bool {
	return strings.HasPrefix(http.DetectContentType(ans.body), "text/html")
}

// mayBePortal: no network lies between this computer and itself.
func mayBePortal(u *url.URL) bool { return !loopback(u) }

// sameSite reports whether one host's name is the other's, or ends in it:
// example.com redirects to www.example.com without anybody in between.
func sameSite(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

// way is where a request's host name led.
type way struct {
	host string

	mu    sync.Mutex // guards inner
	inner netip.Addr // an address of a private network; invalid while a public one is among the addresses, or none is known
}

// watchWay returns a context that notes where the name of u leads. Names that
// a proxy resolves are not seen.
func watchWay(ctx context.Context, u *url.URL) (*way, context.Context) {
	w := &way{host: u.Hostname()}
	var asked string
	return w, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
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
func (w *way) inside() (netip.Addr, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inner, w.inner.IsValid() && !homeName(w.host)
}

// portal says that it was something on the way that broke an exchange; nil
// when nothing speaks for it.
func (w *way) portal(u *url.URL, err error) error {
	if !mayBePortal(u) {
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
