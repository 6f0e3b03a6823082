package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// address is one parsed redirect URI.
type address struct {
	uri  *url.URL
	host string // as in the URI, lower case, without brackets
	port int    // 0: any
	// inside is where to listen instead; not valid: on the address itself. Its
	// port 0 is the one above.
	inside netip.AddrPort
}

// parseListenAddress reads an IP address with or without a port. A name could
// mean any address, and an empty host all of them.
func parseListenAddress(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(ip, 0), nil
	}
	at, err := netip.ParseAddrPort(s)
	if err != nil {
		return at, errors.New("it must be an IP address, with or without a port: 0.0.0.0, 0.0.0.0:9000, [::]:9000")
	}
	return at, nil
}

// listenAddress is what the address is bound to, localhost's second one aside.
func (a address) listenAddress() string {
	if !a.inside.IsValid() {
		return net.JoinHostPort(a.host, strconv.Itoa(a.port))
	}
	port := int(a.inside.Port())
	if port == 0 {
		port = a.port
	}
	return net.JoinHostPort(a.inside.Addr().String(), strconv.Itoa(port))
}

// listenFunc is (*net.ListenConfig).Listen without its context.
type listenFunc func(network, address string) (net.Listener, error)

// Listen opens the first of the given redirect URIs that is free: a list of
// them is a list of ports to try. Each is an http URI with a loopback host:
// 127.0.0.1, [::1] or, for providers that want it, localhost, which listens on
// 127.0.0.1 and ::1 with the same port so that no other program can receive
// the response on the second one (on a machine without IPv6, on 127.0.0.1
// alone). Port 0 means any free port; no port means 80, as in every http URI.
//
// Nothing is answered before Wait, but browsers may connect already.
func Listen(redirectURIs ...string) (*Receiver, error) { return ListenAt("", redirectURIs...) }

// ListenAt is Listen on another address than the redirect URI's own, for a
// container whose port somebody else forwards: "0.0.0.0", or "0.0.0.0:9000"
// when the port inside is another one, too. What arrives must still name the
// redirect URI's host and port. "" is Listen.
func ListenAt(listenAddress string, redirectURIs ...string) (*Receiver, error) {
	config := net.ListenConfig{Control: exclusive}
	return listen(func(network, address string) (net.Listener, error) {
		return config.Listen(context.Background(), network, address)
	}, listenAddress, redirectURIs)
}

// Bind opens an address of this machine alone ("127.0.0.1:0", "[::1]:80",
// "localhost:8000") as Listen does, for another server than a Receiver.
func Bind(hostport string) ([]net.Listener, error) {
	a, err := parse("http://" + hostport)
	if err == nil && a.uri.Host != hostport {
		err = errors.New("it must be HOST:PORT")
	}
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", hostport, err)
	}
	config := net.ListenConfig{Control: exclusive}
	listeners, err := a.bind(func(network, address string) (net.Listener, error) {
		return config.Listen(context.Background(), network, address)
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s", a.listenAddress(), reason(err))
	}
	return listeners, nil
}

func listen(open listenFunc, listenAddress string, redirectURIs []string) (*Receiver, error) {
	inside, err := parseListenAddress(listenAddress)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", listenAddress, err)
	}
	if len(redirectURIs) == 0 {
		return nil, errors.New("no redirect address given: http://127.0.0.1:0/callback fits most servers")
	}
	addresses := make([]address, len(redirectURIs))
	for i, raw := range redirectURIs {
		a, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("redirect address %q: %w", raw, err)
		}
		a.inside = inside
		addresses[i] = a
	}
	var tried []string
	for _, a := range addresses {
		listeners, err := a.bind(open)
		if err == nil {
			return newReceiver(a, listeners), nil
		}
		tried = append(tried, a.listenAddress()+" "+reason(err))
	}
	return nil, fmt.Errorf("no redirect address can be listened on: %s; "+
		"end the program that holds it, or give the profile another port that the server accepts",
		strings.Join(tried, ", "))
}

func parse(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// A url.Error repeats the address; its cause is enough.
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err
		}
		return address{}, err
	}
	a := address{uri: u, host: strings.ToLower(u.Hostname()), port: 80}
	switch {
	case u.Scheme == "https":
		return address{}, errors.New("https needs a certificate for this machine; use http, which never leaves it (RFC 8252 §8.3)")
	case u.Scheme != "http":
		return address{}, fmt.Errorf("scheme %q cannot be listened on; use http://127.0.0.1:0/callback", u.Scheme)
	case u.User != nil:
		return address{}, errors.New("a user name has no place in it")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return address{}, errors.New("a redirect address has no #fragment (RFC 6749 §3.1.2)")
	case !loopbackHost(a.host):
		return address{}, fmt.Errorf("host %q is not this machine alone; use 127.0.0.1, [::1] or localhost (RFC 8252 §7.3)", u.Hostname())
	}
	if p := u.Port(); p != "" {
		if a.port, err = strconv.Atoi(p); err != nil || a.port > 65535 {
			return address{}, fmt.Errorf("port %s is not between 0 and 65535", p)
		}
	}
	return a, nil
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && !ip.Is4In6() && ip.IsLoopback()
}

// bind opens the address, both families for localhost.
func (a address) bind(open listenFunc) ([]net.Listener, error) {
	if a.host != "localhost" || a.inside.IsValid() {
		network := "tcp4"
		if strings.HasPrefix(a.listenAddress(), "[") {
			network = "tcp6"
		}
		l, err := open(network, a.listenAddress())
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	// With any port, the one that 127.0.0.1 got may be taken on ::1.
	for attempt := 0; ; attempt++ {
		v4, err := open("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.port)))
		if err != nil {
			return nil, err
		}
		port := v4.Addr().(*net.TCPAddr).Port
		v6, err := open("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
		switch {
		case err == nil:
			return []net.Listener{v4, v6}, nil
		case noIPv6(err):
			return []net.Listener{v4}, nil
		}
		v4.Close()
		if a.port != 0 || !inUse(err) || attempt == 20 {
			return nil, err
		}
	}
}

func newReceiver(a address, listeners []net.Listener) *Receiver {
	port := strconv.Itoa(listeners[0].Addr().(*net.TCPAddr).Port)
	if a.inside.Port() != 0 && a.port != 0 {
		port = strconv.Itoa(a.port) // somebody forwards it to the one inside
	}
	uri := *a.uri
	r := &Receiver{
		path:      uri.EscapedPath(),
		listeners: listeners,
		conns:     newConns(),
		received:  make(chan url.Values, 1),
		stopped:   make(chan struct{}),
		refused:   make(chan page, 1),
	}
	if r.path == "" {
		r.path = "/" // what a browser asks for; the URI stays as it was registered
	}
	if a.port == 0 {
		uri.Host = net.JoinHostPort(a.host, port)
	}
	r.uri = uri.String()
	r.hosts = []string{net.JoinHostPort(a.host, port)}
	if port == "80" {
		// RFC 9110 §7.2: Host leaves the scheme's default port out.
		r.hosts = append(r.hosts, strings.TrimSuffix(r.hosts[0], ":80"))
	}
	r.server = &http.Server{
		Handler:           http.HandlerFunc(r.answer),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       transferTimeout,
		WriteTimeout:      transferTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnState:         r.conns.track,
		ConnContext:       withConn,
		ErrorLog:          quiet(), // its lines would name what strangers sent
	}
	r.server.SetKeepAlivesEnabled(false)
	return r
}

// Windows has its own numbers, which package syscall does not map.
const (
	wsaAddrInUse      = syscall.Errno(10048)
	wsaAddrNotAvail   = syscall.Errno(10049)
	wsaAFNoSupport    = syscall.Errno(10047)
	wsaAccess         = syscall.Errno(10013)
	wsaProtoNoSupport = syscall.Errno(10043)
)

func isErrno(err error, unix, windows syscall.Errno) bool {
	return errors.Is(err, unix) || runtime.GOOS == "windows" && errors.Is(err, windows)
}

func inUse(err error) bool { return isErrno(err, syscall.EADDRINUSE, wsaAddrInUse) }

func noIPv6(err error) bool {
	return isErrno(err, syscall.EADDRNOTAVAIL, wsaAddrNotAvail) ||
		isErrno(err, syscall.EAFNOSUPPORT, wsaAFNoSupport) ||
		isErrno(err, syscall.EPROTONOSUPPORT, wsaProtoNoSupport)
}

func reason(err error) string {
	switch {
	case inUse(err):
		return "is in use"
	case isErrno(err, syscall.EACCES, wsaAccess):
		return "needs rights that Fob does not have (ports under 1024 do)"
	case noIPv6(err):
		return "does not exist on this machine"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return "cannot be used: " + errno.Error()
	}
	return "cannot be used: " + err.Error()
}
