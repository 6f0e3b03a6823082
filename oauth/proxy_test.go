package oauth

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// closedAddress is an address where nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A proxy in trouble is told as the proxy's trouble, without its password, and
// what it kept from going out is not sent.
func TestProxyTrouble(t *testing.T) {
	refusing := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	closed := closedAddress(t)
	wants, blocks := refusing(http.StatusProxyAuthRequired), refusing(http.StatusForbidden)
	for _, tt := range []struct{ name, proxy, says string }{
		{"not there", "http://ada:pass@" + closed, "the proxy " + closed + " cannot be reached: "},
		{"not there, SOCKS", "socks5://ada:pass@" + closed, "the proxy " + closed + " cannot be reached: "},
		{"wants a password", "http://ada:pass@" + wants, "the proxy " + wants + " does not let it through (407 Proxy Authentication Required)"},
		{"blocks", "http://ada:pass@" + blocks, "the proxy " + blocks + " does not let it through (403 Forbidden)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hc, err := NewHTTPClient(HTTPOptions{Proxy: Secret(tt.proxy)})
			if err != nil {
				t.Fatal(err)
			}
			c := &Client{ID: "client", HTTP: hc, Metadata: &Metadata{Issuer: "https://id.example.com", TokenEndpoint: "https://id.example.com/token"}}
			_, err = c.Refresh(t.Context(), &Token{RefreshToken: "refresh-1"})
			var proxy *ProxyError
			var e *Error
			if !errors.As(err, &proxy) || !errors.As(err, &e) || !e.Unsent || !Transient(err) {
				t.Fatalf("%v, unsent %v, transient %v", err, e.Unsent, Transient(err))
			}
			if text := err.Error(); !strings.Contains(text, tt.says) || strings.Contains(text, "pass") {
				t.Errorf("says %q", text)
			}
		})
	}
}

// A proxy whose name cannot be looked up has no address to name.
func TestProxyWithoutAddress(t *testing.T) {
	way, _ := WatchWay(t.Context(), &url.URL{Scheme: "https", Host: "id.example.com"})
	lookup := &net.DNSError{Err: "no such host", Name: "proxy.example", IsNotFound: true}
	err := way.Broken(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: lookup})
	if err == nil || err.Error() != "the proxy cannot be reached: lookup proxy.example: no such host" || !errors.Is(err, lookup) {
		t.Errorf("says %v", err)
	}
}

// What never had a connection is told from what may have been received.
func TestUnsent(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and speaks no TLS
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	drops := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer drops.Close()
	late := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer late.Close()
	for _, tt := range []struct {
		name, server string
		unsent       bool
		want         error
	}{
		{"nothing listens", "http://" + closedAddress(t), true, nil},
		{"no handshake", "https://" + hangs.Addr().String(), true, ErrTimeout},
		{"dropped", drops.URL, false, nil},
		{"too late", late.URL, false, ErrTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hc := &http.Client{Transport: newTransport()}
			hc.Transport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
			c := &Client{ID: "client", HTTP: hc, Timeout: 300 * time.Millisecond, Metadata: &Metadata{Issuer: tt.server, TokenEndpoint: tt.server + "/token"}}
			_, err := c.Refresh(t.Context(), &Token{RefreshToken: "refresh-1"})
			var e *Error
			if !errors.As(err, &e) || e.Unsent != tt.unsent || !Transient(err) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, transient %v, %+v", err, Transient(err), e)
			}
			if tt.unsent && tt.want != nil && !strings.Contains(err.Error(), "there is no connection") {
				t.Errorf("says %v", err)
			}
		})
	}
}
