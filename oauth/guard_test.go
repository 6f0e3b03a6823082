package oauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestZones(t *testing.T) {
	for in, want := range map[string]zone{
		"93.184.216.34": zonePublic, "2606:4700::1": zonePublic, "172.32.0.1": zonePublic, "100.128.0.1": zonePublic,
		"127.0.0.1": zoneLoopback, "127.8.9.1": zoneLoopback, "::1": zoneLoopback, "::ffff:127.0.0.1": zoneLoopback,
		"10.0.0.1": zonePrivate, "172.16.0.1": zonePrivate, "192.168.1.1": zonePrivate, "fd12::1": zonePrivate, "::ffff:10.0.0.1": zonePrivate,
		"100.64.0.1": zoneCarrier, "100.127.255.255": zoneCarrier,
		"169.254.169.254": zoneNever, "fe80::1%eth0": zoneNever, "fd00:ec2::254": zoneNever, "100.100.100.200": zoneNever,
		"0.0.0.0": zoneNever, "0.1.2.3": zoneNever, "::": zoneNever, "224.0.0.1": zoneNever, "ff02::1": zoneNever,
		"255.255.255.255": zoneNever, "198.18.0.1": zoneNever, "::ffff:169.254.169.254": zoneNever,
		"64:ff9b::7f00:1": zoneLoopback, "64:ff9b::a00:1": zonePrivate, "64:ff9b::a9fe:a9fe": zoneNever, "2002:7f00:1::": zoneLoopback,
		"64:ff9b::5db8:d822": zonePublic,
	} {
		if got := zoneOf(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %d, want %d", in, got, want)
		}
	}
}

// A chain stays in the kind of network where it began: R-203.
func TestGuardChains(t *testing.T) {
	const public, loop, private, carrier, cloud = "93.184.216.34", "127.0.0.1", "10.1.2.3", "100.64.0.9", "169.254.169.254"
	tests := []struct {
		name  string
		first string // what the start resolves to
		then  map[string]bool
	}{
		{"public", public, map[string]bool{public: true, loop: false, private: false, carrier: false, cloud: false}},
		{"loopback", loop, map[string]bool{public: true, loop: true, private: false, carrier: false, cloud: false}},
		{"private", private, map[string]bool{public: true, loop: false, private: true, "192.168.7.7": true, carrier: false, cloud: false}},
		{"carrier-grade NAT", carrier, map[string]bool{public: true, loop: false, private: false, carrier: true, cloud: false}},
		{"cloud metadata", cloud, map[string]bool{public: true, loop: false, private: false, carrier: false, cloud: false}},
	}
	for _, tt := range tests {
		for _, host := range []string{"api.example", "other.example"} { // the start itself too: DNS rebinding
			for ip, open := range tt.then {
				g, err := NewGuard("https://API.example:8443/x")
				if err != nil {
					t.Fatal(err)
				}
				_ = g.check("api.example", netip.MustParseAddr(tt.first))
				err = g.check(host, netip.MustParseAddr(ip))
				if open != (err == nil) || err != nil && (!errors.Is(err, ErrGuarded) || !strings.Contains(err.Error(), ip)) {
					t.Errorf("%s: %s at %s: %v", tt.name, host, ip, err)
				}
			}
		}
	}
	if _, err := NewGuard("example"); err == nil {
		t.Error("no URL guards nothing")
	}
}

// The check is made on the address dialed, before a byte is sent: R-203.
func TestGuardDials(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	named := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) // a name, resolved while dialing

	for _, start := range []string{"https://api.example", named} {
		g, err := NewGuard(start)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(start)
		if err := g.check(u.Hostname(), netip.MustParseAddr("93.184.216.34")); err != nil { // it was public when the chain began
			t.Fatal(err)
		}
		for _, base := range []*http.Client{nil, {}, srv.Client()} {
			hc := g.Client(base)
			for _, address := range []string{srv.URL, named} {
				_, err := get(t.Context(), hc, "document", address, 0)
				if !errors.Is(err, ErrGuarded) || Transient(err) {
					t.Errorf("chain from %s to %s: %v", start, address, err)
				}
			}
			hc.CloseIdleConnections()
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}

	g, err := NewGuard(named)
	if err != nil {
		t.Fatal(err)
	}
	hc := g.Client(nil)
	defer hc.CloseIdleConnections()
	for _, address := range []string{named, srv.URL} { // loopback was pasted: loopback is open
		if _, err := get(t.Context(), hc, "document", address, 0); err != nil {
			t.Error(err)
		}
	}
	if hits.Load() != 2 {
		t.Errorf("%d requests arrived", hits.Load())
	}
	if hc.Transport == http.DefaultTransport || sharedClient().Transport == hc.Transport {
		t.Error("the caller's transport was changed")
	}
}

// Through a proxy only names are known: what is private by its name or number
// is refused, and the proxy's own address is nobody's business: R-203.
func TestGuardBehindProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.Host) }))
	defer proxy.Close()
	via, _ := url.Parse(proxy.URL)
	g, err := NewGuard("http://93.184.216.34/")
	if err != nil {
		t.Fatal(err)
	}
	hc := g.Client(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(via)}})
	defer hc.CloseIdleConnections()
	for address, open := range map[string]bool{
		"http://93.184.216.34/": true, "http://only-the-proxy-knows.invalid/": true,
		"http://10.0.0.1/": false, "http://127.0.0.1:1/": false, "http://[::1]/": false, "http://localhost/": false,
		"http://a.localhost./": false, "http://169.254.169.254/latest": false,
	} {
		before := len(asked)
		resp, err := hc.Get(address)
		if err == nil {
			_ = resp.Body.Close()
		}
		if open != (err == nil) || !open && !errors.Is(err, ErrGuarded) || open != (len(asked) > before) {
			t.Errorf("%s: %v, %d asked", address, err, len(asked)-before)
		}
	}
	// A transport that dials out of sight is checked the same way.
	blind := g.Client(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("reached") })})
	if _, err := blind.Get("http://10.0.0.1/"); !errors.Is(err, ErrGuarded) {
		t.Error(err)
	}
	if _, err := blind.Get("http://93.184.216.34/"); err == nil || !strings.Contains(err.Error(), "reached") {
		t.Error(err)
	}
}

// A name with a private and a public address was not "named private" by the
// person: its owner could open the network with the first and go on at the second: R-203.
func TestGuardOfSeveralAnswers(t *testing.T) {
	const public, private = "93.184.216.34", "192.168.1.1"
	for _, answers := range [][]string{{private, public}, {public, private}} {
		g, err := NewGuard("https://api.example/")
		if err != nil {
			t.Fatal(err)
		}
		for _, ip := range answers {
			_ = g.check("api.example", netip.MustParseAddr(ip))
		}
		for _, host := range []string{"api.example", "router.example"} {
			if err := g.check(host, netip.MustParseAddr(private)); !errors.Is(err, ErrGuarded) {
				t.Errorf("%v, then %s: %v", answers, host, err)
			}
			if err := g.check(host, netip.MustParseAddr(public)); err != nil {
				t.Errorf("%v, then %s: %v", answers, host, err)
			}
		}
	}
}

// What only looks like a name is a number to somebody: R-203.
func TestGuardOfOddNumbers(t *testing.T) {
	for _, host := range []string{"2130706433", "127.1", "0x7f000001", "0x7f.1", "0177.0.0.1", "10.0.0.1.", "127.0.0.01"} {
		g, err := NewGuard("https://api.example/")
		if err != nil {
			t.Fatal(err)
		}
		if err := g.checkName(t.Context(), host); !errors.Is(err, ErrGuarded) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for in, want := range map[string]zone{
		"::7f00:1": zoneLoopback, "::a00:1": zonePrivate, "64:ff9b:1::a00:1": zoneNever, "2001::1": zoneNever, "2001:db8::1": zoneNever,
		"100::1": zoneNever, "5f00::1": zoneNever, "168.63.129.16": zoneNever, "2a00:1450::1": zonePublic, "2001:4860:4860::8888": zonePublic,
	} {
		if got := zoneOf(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %d, want %d", in, got, want)
		}
	}
}
