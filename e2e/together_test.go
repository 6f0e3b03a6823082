//go:build e2e && linux

package e2e

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Two logins at once, finished in the other order by two people, do not mix..
func TestTwoLoginsAtOnce(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("one", p)
	f.addNative("two", p)
	one, two := f.begin("one", "--no-browser"), f.begin("two", "--no-browser")
	if redirectOf(t, one.url).Port() == redirectOf(t, two.url).Port() {
		t.Error("both wait on the same port")
	}
	newPerson(d, "--user", "bob").open(d, two.url)
	two.end().exits(0).saying("as bob@example.com")
	newPerson(d, "--user", "alice").open(d, one.url)
	one.end().exits(0).saying("as alice@example.com")
	for name, want := range map[string]string{"one": "alice@example.com", "two": "bob@example.com"} {
		if who, _ := p.whoami(f.token(name)); who != want {
			t.Errorf("%s's token works as %s", name, who)
		}
	}
}

// A second request for the same profile joins the first.
func TestLoginJoins(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	first := f.begin("work", "--no-browser")
	second := f.begin("work", "--browser", "/bin/false")
	if first.url != second.url {
		t.Errorf("two login pages:\n%s\n%s", first.url, second.url)
	}
	newPerson(d).open(d, first.url)
	first.end().exits(0)
	second.end().exits(0).saying("already waits", "logged in to work as alice@example.com")
}

// Whoever gives up leaves nothing behind: no listener, no login, no harm to the next one. R-094.
func TestLoginGivenUp(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	gone := func(w *waiting) {
		t.Helper()
		address := redirectOf(t, w.url).Host
		until(t, "listener closed", func() bool { return !listens(address) })
	}
	w := f.begin("work", "--no-browser")
	if !listens(redirectOf(t, w.url).Host) {
		t.Fatal("nobody listens")
	}
	must(t, w.cmd.Process.Signal(syscall.SIGINT))
	w.end().exits(1).saying("login of work cancelled")
	gone(w)

	w = f.begin("work", "--no-browser")
	must(t, w.cmd.Process.Kill()) // a closed terminal window, at its worst
	gone(w)

	w = f.begin("work", "--no-browser", "--timeout", "1s")
	w.end().exits(1).saying("nobody finished the login in time")
	gone(w)

	// One of two who wait gives up; the other one still gets it.
	first, second := f.begin("work", "--no-browser"), f.begin("work", "--no-browser")
	must(t, first.cmd.Process.Signal(syscall.SIGINT))
	first.end().exits(1)
	newPerson(d).open(d, second.url)
	second.end().exits(0)

	// The person says no.
	saw := f.refuse(d)
	if !strings.Contains(saw.Title, "Access was not granted") {
		t.Errorf("Fob's page: %q", saw.Title)
	}
	if token := f.token("work"); token == "" {
		t.Error("the refused login took the one of before with it")
	}
}

// refuse has a person cancel a login of work.
func (f *fob) refuse(d *desk) visits {
	f.t.Helper()
	w := f.begin("work", "--no-browser")
	saw := newPerson(d, "--cancel").open(d, w.url)
	said := w.end().exits(1)
	if strings.Contains(said.err, "<b>") && !strings.Contains(saw.Text, "<b>") {
		f.t.Errorf("markup of the server's is not shown as it came: %q", saw.Text)
	}
	return saw
}

// Whatever else knocks at the listener neither ends the login nor gets anything out of it..
func TestStrayRequests(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	w := f.begin("work", "--no-browser")
	redirect := redirectOf(t, w.url)
	page, err := url.Parse(w.url)
	must(t, err)
	state := page.Query().Get("state")
	idle, err := net.Dial("tcp", redirect.Host) // as browsers do ahead of time
	must(t, err)
	defer idle.Close()
	cases := []struct {
		name, method, path, host string
		status                   int
	}{
		{name: "favicon", path: "/favicon.ico", status: 404},
		{name: "root", path: "/", status: 404},
		{name: "no state", path: "/callback?code=evil", status: 400},
		{name: "wrong state", path: "/callback?code=evil&state=wrong", status: 400},
		{name: "two states", path: "/callback?code=evil&state=wrong&state=" + state, status: 400},
		{name: "error with a wrong state", path: "/callback?error=access_denied&state=wrong", status: 400},
		{name: "longer path", path: "/callback/x?code=evil&state=" + state, status: 404},
		{name: "another host", path: "/callback?code=evil&state=" + state, host: "attacker.example:" + redirect.Port(), status: 421},
		{name: "PUT", method: "PUT", path: "/callback?code=evil&state=" + state, status: 405},
	}
	for _, c := range cases {
		request, err := http.NewRequest(c.method, "http://"+redirect.Host+c.path, nil)
		must(t, err)
		if c.host != "" {
			request.Host = c.host
		}
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		must(t, err)
		if response.StatusCode != c.status || strings.Contains(string(body), "evil") || strings.Contains(string(body), state) {
			t.Errorf("%s: %d, want %d\n%s", c.name, response.StatusCode, c.status, body)
		}
	}
	if f.status("work").State != "logging_in" {
		t.Errorf("status: %+v", f.status("work"))
	}
	newPerson(d).open(d, w.url)
	w.end().exits(0)
	if who, _ := p.whoami(f.token("work")); who != "alice@example.com" {
		t.Errorf("the token works as %q", who)
	}
	_ = idle.SetReadDeadline(time.Now().Add(patience))
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the idle connection is still open: %v", err)
	}
}
