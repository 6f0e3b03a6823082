package oauth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// HTTPOptions say how servers are reached. The zero value is the environment's
// proxy and the system's certification authorities.
type HTTPOptions struct {
	// CACertificate is PEM with certificates to trust beside the system's.
	CACertificate []byte
	// Proxy is the URL of a proxy (http, https, socks5), perhaps with user
	// and password; "" is the environment's, "direct" is none.
	Proxy Secret
	// SkipVerify accepts any certificate. Nothing is secret then: only for a
	// server on a desk, and never without saying so.
	SkipVerify bool
}

// Format writes what is not the default, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (o HTTPOptions) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "ca_certificate %t, proxy %t, skip_verify %t", len(o.CACertificate) > 0, o.Proxy != "", o.SkipVerify)
}

// NewHTTPClient returns a client for Client.HTTP with the limits that this
// package's own has: TLS 1.2 or later (RFC 9325 section 3.1.1), bounded
// headers, few and short-lived idle connections. The error is an ErrRequest.
func NewHTTPClient(o HTTPOptions) (*http.Client, error) {
	t := newTransport()
	if len(o.CACertificate) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // Windows and macOS verify by themselves
		}
		if !pool.AppendCertsFromPEM(o.CACertificate) {
			return nil, requestError("ca_certificate holds no certificate in PEM")
		}
		t.TLSClientConfig.RootCAs = pool
	}
	switch proxy := o.Proxy.Reveal(); proxy {
	case "":
	case "direct":
		t.Proxy = nil
	default:
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" {
			return nil, requestError("the proxy is not a URL such as http://proxy.example:3128")
		}
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			return nil, requestError("the proxy's scheme is " + clean(u.Scheme, maxCode) + "; http, https, socks5 and socks5h are known")
		}
		t.Proxy = http.ProxyURL(u)
	}
	t.TLSClientConfig.InsecureSkipVerify = o.SkipVerify
	return &http.Client{Transport: t}, nil
}

var (
	sharedOnce sync.Once
	sharedHTTP *http.Client
)

// sharedClient is the client of those who bring none. It is made on first
// use: the command line links this package and must start at once.
func sharedClient() *http.Client {
	sharedOnce.Do(func() { sharedHTTP = &http.Client{Transport: newTransport()} })
	return sharedHTTP
}

// CloseIdleConnections closes the connections of hc, of this package's own
// client if it is nil, that nobody uses: after a sleep they are dead, and a
// request on one would wait for its time to run out.
func CloseIdleConnections(hc *http.Client) {
	if hc == nil {
		hc = sharedClient()
	}
	hc.CloseIdleConnections()
}

func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12} // RFC 9325 section 3.1.1
	t.OnProxyConnectResponse = refusedByProxy
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 16, 2
	// Servers close idle connections after as little as two seconds, and a
	// code sent on one that is just being closed is lost: net/http repeats
	// no POST (RFC 9110 section 9.2.2), and a code is used once. Requests
	// that follow each other at once still share a connection.
	t.IdleConnTimeout = time.Second
	return t
}

// http is the client that makes the requests that show no certificate.
func (c *Client) http() *http.Client {
	if c.Strict {
		return c.strictHTTPClient()
	}
	return c.HTTP
}

// httpFor is the client for a request to the authorization server: it shows
// the client's certificate only where that is the way to authenticate, or what
// the token is to be bound to.
func (c *Client) httpFor(out *outgoing) (*http.Client, error) {
	if out.certificate {
		return c.certifiedHTTP()
	}
	return c.http(), nil
}

// certifiedHTTP is the client that shows Client.Certificate to whoever asks
// for one: use it only for the server's mTLS endpoints, and for the API that a
// bound token is for (RFC 8705 section 3). It is one for the life of the
// Client, so that connections are used again, and otherwise like Client.HTTP:
// its proxy and the authorities it trusts.
func (c *Client) certifiedHTTP() (*http.Client, error) {
	if c.Certificate == nil {
		return nil, requestError("there is no client certificate; give tls_client_certificate and tls_client_key")
	}
	base := c.http()
	if base == nil {
		base = sharedClient()
	}
	var t *http.Transport
	switch given := base.Transport.(type) {
	case nil:
		t = newTransport()
	case *http.Transport:
		t = given
	default:
		return nil, requestError("the HTTP client that was given cannot show a certificate: its transport is no *http.Transport")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ownCertified == nil {
		t = t.Clone() // the caller's is never modified
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		cert := c.Certificate
		// Not Certificates: crypto/tls withholds those that no authority
		// named by the server has signed, and a self-signed one never is.
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
		// IIS and others ask only once they know the path, which TLS 1.2 does
		// by a second handshake.
		t.TLSClientConfig.Renegotiation = tls.RenegotiateOnceAsClient
		own := *base
		own.Transport = t
		c.ownCertified = &own
	}
	return c.ownCertified, nil
}

// boundHTTP is the client for requests with a token: a token that is bound to
// the certificate works with it alone (RFC 8705 section 3).
func (c *Client) boundHTTP() (*http.Client, error) {
	if c.CertificateBound && c.Certificate != nil {
		return c.certifiedHTTP()
	}
	return c.http(), nil
}
