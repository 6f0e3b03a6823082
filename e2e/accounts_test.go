//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// Two accounts side by side at a server nobody here wrote, in a real browser; a pinned profile refuses the other one, says both names
// there and here, and hands out the token of before. R-226
func TestAccounts(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	f.login("work", newPerson(d))
	f.run("profile", "pin", "work").exits(0).saying("profile work is always alice@example.com from now on")
	before := f.token("work")

	bob := newPerson(d, "--user", "bob")
	f.run("login", "work", "--browser", bob.command).exits(1).
		saying("this profile is always alice@example.com, and this was bob@example.com", "fob login --account work", "fob profile another work")
	page := bob.saw()
	for _, want := range []string{"This is another account", "always alice@example.com", "you signed in as bob@example.com", "Nothing was changed"} {
		if !strings.Contains(page.Text, want) {
			t.Errorf("the page in the browser does not say %q: %s", want, page.Text)
		}
	}
	hinted := false
	for _, address := range page.Requests {
		hinted = hinted || strings.Contains(address, "login_hint=alice%40example.com")
	}
	if !hinted {
		t.Error("the authorization request carries no login_hint")
	}
	if after := f.token("work"); after != before {
		t.Error("the refused login cost the one of before")
	}
	if who, status := p.whoami(before); who != "alice@example.com" || status != 200 {
		t.Errorf("the token of before works as %q, %d", who, status)
	}

	if name := f.run("profile", "another", "work", "--login", "--browser", newPerson(d, "--user", "bob").command).ok(); name != "work 2\n" {
		t.Errorf("the new profile is called %q", name)
	}
	other := f.token("work 2")
	if who, status := p.whoami(other); who != "bob@example.com" || status != 200 {
		t.Errorf("the other token works as %q, %d", who, status)
	}
	f.run("refresh", "work").ok()
	f.run("refresh", "work 2").ok()
	for name, want := range map[string]string{"work": "alice@example.com", "work 2": "bob@example.com"} {
		if who, status := p.whoami(f.token(name)); who != want || status != 200 {
			t.Errorf("%s works as %q, %d", name, who, status)
		}
	}
}
