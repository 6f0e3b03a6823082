package oauth

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrGuarded means that a chain of addresses that began elsewhere leads into a private
// network (RFC 9728 section 7.7).
const ErrGuarded failure = "the address is in a private network, where a chain that began elsewhere must not lead"

// Guard keeps a chain of fetched documents out of private networks: the
// addresses in them are strangers' words, and a developer's computer reaches
// what strangers cannot. Every connection's IP address is checked after the
// name was resolved and before a byte is sent, so that a name that changes its
// address (DNS rebinding) is caught too.
//
// Public addresses are open to every chain. One that begins in a private
// network or on loopback may stay in that kind of network. Link-local
// addresses, among them the metadata services of clouds, and addresses that
// belong to no host are never open.
//
// Where the environment names a proxy (HTTPS_PROXY and kin) for an address,
// the connection goes to the proxy, which is trusted, and the proxy resolves
// names itself: then addresses given as numbers are checked as above, and
// names by what this computer's resolver says of them, if it knows them at
// all. What the proxy makes of a name is the proxy's to guard.
type Guard struct {
	start string // host of the address where the chain began, lower case

	mu     sync.Mutex // guards what follows
	dialed bool       // an address of start is known
	open   zone       // the zone of start, public until it was dialed
}

// zone is a kind of network.
type zone int

const (
	zonePublic zone = iota
	zoneLoopback
	zonePrivate // RFC 1918, RFC 4193, and RFC 6598 (carrier-grade NAT: private in fact)
	zoneCarrier
	zoneNever // link-local, multicast, unspecified, reserved
)

// NewGuard returns the guard of a chain that begins at an address somebody
// typed or pasted.
func NewGuard(start string) (*Guard, error) {
	u, err := url.Parse(start)
	if err != nil || u.Hostname() == "" {
		return nil, &Error{what: "guard", Err: requestError("its address is not a URL")}
	}
	return &Guard{start: strings.ToLower(u.Hostname())}, nil
}

// Client returns a client that makes hc's requests under the guard. It has
// connections of its own: one that hc has open was not checked. A transport
// that is not an *http.Transport dials out of sight; then names are checked
// before the request, as with a proxy. Close idle connections when the chain
// is done.
func (g *Guard) Client(hc *http.Client) *http.Client {
	if hc == nil {
		hc = sharedClient()
	}
	own := *hc
	own.Jar = nil // a stranger's document is fetched as nobody
	base := hc.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	t, ok := base.(*http.Transport)
	if !ok {
		own.Transport = &guardedTransport{guard: g, direct: base, blind: true}
		return &own
	}
	direct, proxied := t.Clone(), t.Clone()
	direct.Proxy = nil
	direct.DialContext, direct.DialTLSContext = g.dial, nil // a dialer of its own could not be watched
	// One connection serves one document, seldom two.
	direct.IdleConnTimeout, proxied.IdleConnTimeout = time.Second, time.Second
	own.Transport = &guardedTransport{guard: g, direct: direct, proxied: proxied, proxy: t.Proxy}
	return &own
}

// guardedTransport is the transport of a guarded client.
type guardedTransport struct {
	guard           *Guard
	direct, proxied http.RoundTripper
	proxy           func(*http.Request) (*url.URL, error)
	blind           bool // direct cannot be watched while it dials
}

// RoundTrip sends a request by the way that the environment says.
func (t *guardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.proxy != nil {
		via, err := t.proxy(req)
		if err != nil {
			return nil, err
		}
		if via != nil {
			if err := t.guard.checkName(req.Context(), req.URL.Hostname()); err != nil {
				return nil, err
			}
			return t.proxied.RoundTrip(req)
		}
	}
	if t.blind {
		if err := t.guard.checkName(req.Context(), req.URL.Hostname()); err != nil {
			return nil, err
		}
	}
	return t.direct.RoundTrip(req)
}

// CloseIdleConnections closes what the guarded client keeps open.
func (t *guardedTransport) CloseIdleConnections() {
	for _, rt := range [...]http.RoundTripper{t.direct, t.proxied} {
		if c, ok := rt.(interface{ CloseIdleConnections() }); ok && !t.blind {
			c.CloseIdleConnections()
		}
	}
}

// dial connects to an address, checking each one that the name resolves to.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{
		Timeout: defaultTimeout,
		ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return &reasoned{ErrGuarded, "what it resolved to is no address"}
			}
			return g.check(host, to.Addr())
		},
	}
	return d.DialContext(ctx, network, address)
}

// checkName checks a host that somebody else will resolve.
func (g *Guard) checkName(ctx context.Context, host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		return g.check(host, ip)
	}
	if endsInNumber(host) {
		return &reasoned{ErrGuarded, clean(host, maxURI) + " is an address in disguise"}
	}
	// resolv.conf knows nothing of these (RFC 6761 section 6.3).
	if name := strings.TrimSuffix(strings.ToLower(host), "."); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return g.check(host, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil // only the proxy knows it
	}
	for _, ip := range found {
		if err := g.check(host, ip); err != nil {
			return err
		}
	}
	return nil
}

// endsInNumber: no name ends so, and C libraries and proxies read 127.1, 0x7f.1
// and 2130706433 as an address (URL Standard, "ends in a number").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, found := strings.CutPrefix(last, "0x"); found {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// check refuses an address that the chain must not reach. Where the chain
// begins was chosen by a person: the first address of that host decides which
// zone is open. A host that has a public address as well opens none: whoever
// owns the name chose the private one.
func (g *Guard) check(host string, ip netip.Addr) error {
	z := zoneOf(ip)
	open := g.settle(host, z)
	if z == zonePublic || z == open && z != zoneNever {
		return nil
	}
	return &reasoned{ErrGuarded, clean(host, maxURI) + " is at " + ip.String()}
}

// settle notes the zone of the first address of the chain's start, and returns
// which zone is open.
func (g *Guard) settle(host string, z zone) zone {
	g.mu.Lock()
	defer g.mu.Unlock()
	if strings.EqualFold(host, g.start) && (!g.dialed || z == zonePublic) {
		g.dialed, g.open = true, z
	}
	return g.open
}

// zoneOf sorts an address. What carries an IPv4 address inside is sorted by
// that one.
func zoneOf(ip netip.Addr) zone {
	ip = ip.WithZone("").Unmap()
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast():
		return zoneNever
	case ip.Is4():
		return zoneOf4(ip, ip.As4())
	}
	b := ip.As16()
	inside := func(at int) zone { return zoneOf(netip.AddrFrom4([4]byte(b[at : at+4]))) }
	switch {
	case ip.IsLoopback():
		return zoneLoopback
	case ip == netip.AddrFrom16([16]byte{0xfd, 0, 0x0e, 0xc2, 14: 2, 15: 0x54}): // the metadata service of AWS
		return zoneNever
	case ip.IsPrivate():
		return zonePrivate
	case b[0] == 0xfe && b[1]&0xc0 == 0xc0: // fec0::/10, site-local once (RFC 3879)
		return zoneNever
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}: // NAT64 (RFC 6052)
		return inside(12)
	case [12]byte(b[:12]) == [12]byte{}: // IPv4-compatible (RFC 4291 section 2.5.5.1)
		return inside(12)
	case b[0] == 0x20 && b[1] == 0x02: // 6to4 (RFC 3056)
		return inside(2)
	case b[0]&0xe0 != 0x20, // no global unicast (RFC 4291 section 2.4): NAT64 of one's own, discard, segments
		b[0] == 0x20 && b[1] == 0x01 && b[2] < 2,                     // protocol assignments, Teredo among them (RFC 2928)
		b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8, // documentation
		b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10:                  // documentation (RFC 9637)
		return zoneNever
	}
	return zonePublic
}

// zoneOf4 goes by the registry of special-purpose addresses (RFC 6890).
func zoneOf4(ip netip.Addr, b [4]byte) zone {
	switch {
	case ip.IsLoopback():
		return zoneLoopback
	case ip.IsPrivate():
		return zonePrivate
	case b == [4]byte{100, 100, 100, 200}, b == [4]byte{168, 63, 129, 16}: // the metadata services of Alibaba and Azure
		return zoneNever
	case b[0] == 100 && b[1]&0xc0 == 64: // RFC 6598; Tailscale lives here
		return zoneCarrier
	case b[0] == 0, b[0] >= 240, // "this network", reserved
		b[0] == 198 && b[1]&0xfe == 18,           // benchmarks
		b[0] == 192 && b[1] == 0 && b[2]&^2 == 0, // protocol assignments, documentation
		b[0] == 198 && b[1] == 51 && b[2] == 100, // documentation
		b[0] == 203 && b[1] == 0 && b[2] == 113:  // documentation
		return zoneNever
	}
	return zonePublic
}
