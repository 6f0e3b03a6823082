//go:build e2e && linux

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// addNative adds a profile for the provider's public client.
func (f *fob) addNative(name string, p *provider, more ...string) {
	f.t.Helper()
	f.add(name, p, "fob-native", more...)
}

func (f *fob) add(name string, p *provider, client string, more ...string) {
	f.t.Helper()
	// oidc-provider wants prompt=consent where offline_access is asked for (OpenID Connect Core §11).
	args := []string{"profile", "add", name, "--issuer", p.issuer, "--client-id", client,
		"--scope", "openid", "--scope", "email", "--scope", "offline_access", "--set", "prompt=consent"}
	f.run(append(args, more...)...).ok()
}

// login logs in with a browser.
func (f *fob) login(name string, who *person) visits {
	f.t.Helper()
	f.run("login", name, "--browser", who.command).ok()
	return who.saw()
}

// The main job at a server nobody here wrote: discovery, login, use, unattended rotation, revocation..
func TestTheMainJob(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t, "--access-ttl", "4")
	f := newFob(d)
	f.addNative("work", p)
	f.run("token", "work").exits(3).saying("nobody is logged in", "fob: hint: log in: fob login work")

	f.run("login", "work", "--browser", newPerson(d, "--shots", filepath.Join(pictures(t), "page-light")).command).
		exits(0).saying("logged in to work as alice@example.com")
	first := f.token("work", "--min-ttl", "1s")
	if who, status := p.whoami(first); who != "alice@example.com" || status != 200 {
		t.Fatalf("the token works as %q, %d", who, status)
	}

	// Nobody does anything, and the token stays good: more rotations than one grace would hide (RFC 9700 §4.14.2).
	tokens := map[string]bool{first: true}
	until(t, "four refreshes", func() bool {
		token := f.token("work", "--min-ttl", "1s")
		tokens[token] = true
		if _, status := p.whoami(token); status != 200 {
			t.Fatalf("a token handed out is refused: %d", status)
		}
		return p.order("seen").Refresh >= 4
	})
	if len(tokens) < 4 {
		t.Errorf("%d different tokens after four refreshes", len(tokens))
	}

	idToken := f.token("work", "--min-ttl", "1s", "--id-token")
	if out := f.runWith(idToken, "inspect", "-").ok(); !strings.Contains(out, "alice@example.com") {
		t.Errorf("fob inspect shows no e-mail address:\n%s", out)
	}

	f.run("refresh", "work").exits(0).saying("refreshed work")
	last := f.token("work", "--min-ttl", "1s")
	f.run("logout", "work").exits(0).saying("logged out of work")
	if _, status := p.whoami(last); status != 401 {
		t.Errorf("after logout the token is answered with %d", status)
	}
	f.run("token", "work").exits(3)
	f.run("profile", "remove", "work").ok()
	f.run("status", "work").exits(2)
	f.run("stop").ok()
}

// `fob header` as curl takes it, and `fob refresh` when nothing is due.
func TestHeaderForCurl(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	f.login("work", newPerson(d, "--user", "bob"))
	cmd := exec.Command("sh", "-c", `"$0" header work | curl -sS -H @- "$1"`, program(t, "fob"), p.issuer+"/me")
	cmd.Env = d.env(f.vars...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"bob@example.com"`) {
		t.Fatalf("%v: %s", err, out)
	}
	before := f.token("work")
	f.run("refresh", "work").exits(0).saying("refreshed work")
	if f.token("work") == before {
		t.Error("fob refresh did not change the token")
	}
}

// While the person signs in, the connection of the discovery goes stale; the one code there is must not be lost on it. R-019.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	p.order("stale")
	f.login("work", newPerson(d))
}
