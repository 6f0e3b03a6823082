package oauth

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// A portal is what a hotel's network puts in front of every server until somebody has logged in.
const portalPage = "\n <!DOCTYPE html><html><body>Welcome to the lounge</body></html>"

// portalEndpoints ask each kind of endpoint once.
func portalEndpoints(t *testing.T, f *fake, hc *http.Client, base string) map[string]error {
	t.Helper()
	c := &Client{ID: "app", HTTP: hc, Metadata: &Metadata{
		Issuer: base, TokenEndpoint: base + "/token", RevocationEndpoint: base + "/revoke", DeviceAuthorizationEndpoint: base + "/device",
		PushedAuthorizationRequestEndpoint: base + "/par", UserinfoEndpoint: base + "/userinfo", IntrospectionEndpoint: base + "/introspect",
		AuthorizationEndpoint: base + "/authorize", BackchannelAuthenticationEndpoint: base + "/ciba", RegistrationEndpoint: base + "/register",
		RequirePushedAuthorizationRequests: true,
	}, AllowHTTP: true}
	got := map[string]error{}
	_, got["token"] = c.Refresh(t.Context(), &Token{RefreshToken: "r"})
	_, got["discovery"] = Discover(t.Context(), hc, base)
	_, got["key set"] = fetchKeys(t.Context(), hc, 0, base+"/jwks")
	got["revocation"] = c.Revoke(t.Context(), "r", "refresh_token")
	_, got["device"] = c.AuthorizeDevice(t.Context(), TokenRequest{})
	_, got["introspection"] = c.Introspect(t.Context(), "r", "")
	_, got["pushed request"] = c.Authorize(t.Context(), AuthorizationRequest{RedirectURI: "http://127.0.0.1/callback", Scope: []string{"openid"}})
	_, got["userinfo"] = c.UserInfo(t.Context(), &Token{AccessToken: "a"})
	_, got["backchannel"] = c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "ada"}, TokenRequest{})
	_, got["registration"] = Register(t.Context(), hc, c.Metadata, ClientMetadata{RedirectURIs: []string{"http://127.0.0.1/callback"}}, "")
	_, got["resource metadata"] = DiscoverResource(t.Context(), hc, base+"/api", ResourceOptions{})
	if u, err := url.Parse(base); err == nil && u.Scheme == "https" { // nowhere else does a client id rest
		_, got["client document"] = FetchClientDocument(t.Context(), hc, base+"/client", "")
	}
	p := &poller{client: c, metadata: c.Metadata, what: "device", grantType: GrantDeviceCode, param: "device_code", code: "d", expires: c.clock().Add(defaultWait)}
	_, got["poll"] = p.ask(t.Context())
	if !waiting(got["poll"]) {
		t.Errorf("a device login ends in a captive portal: %v", got["poll"])
	}
	return got
}

// toward is a client whose every connection goes to address, whatever the name.
func toward(address string) *http.Client {
	hc, err := NewHTTPClient(HTTPOptions{Proxy: "direct"})
	if err != nil {
		panic(err)
	}
	hc.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return hc
}

func wantPortal(t *testing.T, what string, err error, words string) {
	t.Helper()
	if !errors.Is(err, ErrPortal) || !Transient(err) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: transient %v: %v, want %q", what, Transient(err), err, words)
	}
}

func TestPortalPage(t *testing.T) {
	f := newFake(t)
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, portalPage)
	}))
	defer portal.Close()
	for what, err := range portalEndpoints(t, f, nil, portal.URL) { // on this computer: no portal, but no answer of the server's either
		wantPortal(t, what, err, "a web page came")
	}
	for what, err := range portalEndpoints(t, f, toward(portal.Listener.Addr().String()), "http://login.example.com") {
		switch what {
		case "discovery", "key set", "registration", "resource metadata": // which refuse http by themselves
		default:
			wantPortal(t, what, err, "a captive portal or proxy answers instead of login.example.com (a web page came where data was due)")
		}
	}
}

// Firewalls and proxies block with a page and a status of their own; a page with another status may be the server's.
func TestPortalStatus(t *testing.T) {
	f := newFake(t)
	var status atomic.Int64
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, portalPage)
	}))
	defer portal.Close()
	for _, code := range []int{http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusNetworkAuthenticationRequired} {
		status.Store(int64(code))
		for what, err := range portalEndpoints(t, f, nil, portal.URL) {
			if what != "resource metadata" { // an API that has none may refuse as it likes
				wantPortal(t, what, err, "a web page came")
			}
		}
	}
	status.Store(http.StatusNotFound)
	c := &Client{ID: "app", Metadata: &Metadata{TokenEndpoint: portal.URL + "/token"}}
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); errors.Is(err, ErrPortal) || Transient(err) {
		t.Errorf("a wrong address: %v", err)
	}
}

func TestPortalRedirect(t *testing.T) {
	f := newFake(t)
	portal := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://wifi.hotel.example/login?from="+url.QueryEscape(r.URL.String()), http.StatusFound)
	}))
	defer portal.Close()
	hc := toward(portal.Listener.Addr().String())
	hc.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // a proxy whose authority is trusted here
	for what, err := range portalEndpoints(t, f, hc, "https://login.example.com") {
		wantPortal(t, what, err, "instead of login.example.com (it redirects to wifi.hotel.example)")
		if !errors.Is(err, ErrRedirect) {
			t.Errorf("%s: %v", what, err)
		}
	}
	here := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/login", http.StatusFound)) // as an intercepting proxy of one's own does
	defer here.Close()
	for what, err := range portalEndpoints(t, f, nil, here.URL) {
		wantPortal(t, what, err, "a redirect to 127.0.0.1:1 came instead of the server's answer from "+here.Listener.Addr().String())
	}
	site := httptest.NewServer(http.RedirectHandler("http://www.example.com/", http.StatusMovedPermanently))
	defer site.Close()
	c := &Client{ID: "app", HTTP: toward(site.Listener.Addr().String()), Metadata: &Metadata{TokenEndpoint: "http://example.com/token"}, AllowHTTP: true}
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); errors.Is(err, ErrPortal) || Transient(err) {
		t.Errorf("a site that moved: %v", err)
	}
}

func TestPortalCertificate(t *testing.T) { // nothing is sent
	f := newFake(t)
	portal := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	portal.Config.ErrorLog = log.New(io.Discard, "", 0)
	portal.StartTLS()
	defer portal.Close()
	address := portal.Listener.Addr().String()
	for what, err := range portalEndpoints(t, f, toward(address), "https://login.example.com") {
		wantPortal(t, what, err, "instead of login.example.com (its certificate is of an authority that this computer does not know)")
	}
	known := toward(address)
	known.Transport.(*http.Transport).TLSClientConfig.RootCAs = portal.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for what, err := range portalEndpoints(t, f, known, "https://login.other.org") {
		wantPortal(t, what, err, "instead of login.other.org (the certificate is another server's)")
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer plain.Close()
	for what, err := range portalEndpoints(t, f, toward(plain.Listener.Addr().String()), "https://login.example.com") {
		wantPortal(t, what, err, "instead of login.example.com (what answers there does not speak TLS)")
	}
}

// resolver answers every question about names with ip.
func resolver(t *testing.T, ip [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			// RFC 1035 section 4.1: the header, the question, and an answer that points to the question's name.
			end := 12
			for end < n && packet[end] != 0 {
				end += int(packet[end]) + 1
			}
			if end += 5; end > n {
				continue
			}
			out := append([]byte{packet[0], packet[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, packet[12:end]...)
			if packet[end-3] == 1 { // type A
				out[7] = 1
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ip[0], ip[1], ip[2], ip[3])
			}
			_, _ = conn.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestPortalNames(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(closed.Addr().String())
	closed.Close() // nothing listens there now
	hc, err := NewHTTPClient(HTTPOptions{Proxy: "direct"})
	if err != nil {
		t.Fatal(err)
	}
	hc.Transport.(*http.Transport).DialContext = (&net.Dialer{Resolver: resolver(t, [4]byte{127, 0, 0, 1})}).DialContext
	f := newFake(t)
	for what, err := range portalEndpoints(t, f, hc, "https://login.example.com:"+port) {
		wantPortal(t, what, err, "login.example.com leads to 127.0.0.1, an address of a private network, where it does not answer")
	}
	// A name of a home network leads there by right.
	if _, err := Discover(t.Context(), hc, "https://nas.home.arpa:"+port); errors.Is(err, ErrPortal) || !Transient(err) {
		t.Errorf("a server at home that is off: %v", err)
	}
}
