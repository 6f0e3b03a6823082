//go:build e2e && linux

package e2e

import "testing"

// A login where nobody is asked anything: through curl, and through Chromium on the server's pages.
func TestFullLogin(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startFull(t)
	f := newFob(d)
	f.run("profile", "add", "work", "--issuer", p.issuer, "--client-id", "none", "--scope", "openid", "--scope", "email").ok()
	f.run("login", "work", "--browser", curlBrowser(d, "")).exits(0).saying("logged in to work as alice@example.com")
	f.run("profile", "add", "refused", "--issuer", p.issuer, "--client-id", "none", "--scope", "openid", "--set", "login_hint=nobody").ok()
	f.run("login", "refused", "--browser", curlBrowser(d, "")).exits(1).saying("the person said no")
	f.run("profile", "set", "work", "login_hint=bob").ok()
	f.login("work", newPerson(d, "--any-certificate"))

	c := p.client("client_secret_post")
	f.run("profile", "add", "secret", "--issuer", p.issuer, "--client-id", c.ID, "--scope", "openid",
		"--set", "token_endpoint_auth_method="+c.Method, "--set", "client_secret=@"+p.file("secret", c.Secret)).ok()
	f.run("login", "secret", "--browser", curlBrowser(d, "")).ok()
}
