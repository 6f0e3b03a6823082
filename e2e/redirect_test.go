//go:build e2e && linux

package e2e

import (
	"net"
	"net/url"
	"strings"
	"testing"
)

// The ways in which the answer comes back..
func TestRedirects(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	cases := []struct {
		name, client string
		set          []string
		host         string
		both         bool // listens on both families
	}{
		{name: "form_post", client: "fob-native", set: []string{"response_mode=form_post"}, host: "127.0.0.1"},
		{name: "localhost", client: "fob-native", set: []string{"redirect_uri=http://localhost:0/callback"}, host: "localhost", both: true},
		{name: "IPv6", client: "fob-native", set: []string{"redirect_uri=http://[::1]:0/callback"}, host: "::1"},
		{name: "second port", client: "fob-native", set: []string{"redirect_uri=http://" + taken.Addr().String() + "/callback", "redirect_uri=http://127.0.0.1:0/callback"}, host: "127.0.0.1"},
		{name: "basic", client: "fob-secret", host: "127.0.0.1"},
		{name: "post", client: "fob-post", set: []string{"token_endpoint_auth_method=client_secret_post"}, host: "127.0.0.1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fob{t: t, desk: d, home: f.home, vars: f.vars}
			args := []string{"profile", "add", c.name, "--issuer", p.issuer, "--client-id", c.client, "--scope", "openid", "--scope", "email"}
			for _, pair := range c.set {
				args = append(args, "--set", pair)
			}
			secret := ""
			if c.client != "fob-native" {
				args, secret = append(args, "--client-secret-stdin"), clientSecret
			}
			f.runWith(secret, args...).ok()
			basics := p.order("seen").Basic
			w := f.begin(c.name, "--no-browser")
			redirect := redirectOf(t, w.url)
			if redirect.Hostname() != c.host || redirect.Host == taken.Addr().String() {
				t.Errorf("redirect URI %s", redirect)
			}
			if c.both {
				for _, ip := range []string{"127.0.0.1", "::1"} {
					if !listens(net.JoinHostPort(ip, redirect.Port())) {
						t.Errorf("nobody listens on %s", ip)
					}
				}
			}
			who := newPerson(d)
			who.t = t
			saw := who.open(d, w.url)
			w.end().exits(0).saying("as alice@example.com")
			if strings.Contains(saw.Address, "code=") || len(saw.Requests) == 0 {
				t.Errorf("the address bar shows %s", saw.Address)
			}
			if who, status := p.whoami(f.token(c.name)); who != "alice@example.com" || status != 200 {
				t.Errorf("the token works as %q, %d", who, status)
			}
			if basic := p.order("seen").Basic > basics; basic != (c.client == "fob-secret") {
				t.Errorf("authenticated with Basic: %v", basic)
			}
		})
	}
}

// redirectOf is the redirect URI in the address of a login page.
func redirectOf(t *testing.T, page string) *url.URL {
	t.Helper()
	u, err := url.Parse(page)
	must(t, err)
	redirect, err := url.Parse(u.Query().Get("redirect_uri"))
	must(t, err)
	if redirect.Port() == "" {
		t.Fatalf("no port in the redirect URI %s", redirect)
	}
	return redirect
}

func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
