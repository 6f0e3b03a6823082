//go:build !windows

package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fob/profiles"
)

// share serves the shared socket of a house with the profiles work (marked) and private (not), and returns a client on it.
func (h *house) share(opened chan<- string) *Client {
	h.t.Helper()
	p := h.add("work")
	p.AgentForwarding = true
	if err := h.client.PutProfile(h.t.Context(), ProfileEdit{Profile: p}); err != nil {
		h.t.Fatal(err)
	}
	h.add("private")
	h.server.options.Open = func(_ context.Context, address, _ string) error {
		if opened == nil {
			return errors.New("no desktop")
		}
		opened <- address
		return nil
	}
	listener, err := ListenShared(h.home)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.server.ServeShared(ctx, listener) }()
	elsewhere := NewClient(Home{Elsewhere: h.home.Share()})
	h.t.Cleanup(func() {
		elsewhere.Close()
		stop()
		if err := <-served; err != nil {
			h.t.Error(err)
		}
	})
	return elsewhere
}

// A lock shuts the forwarded socket too: nothing is handed out and no page opens. R-302
func TestSharedSocketBehindTheLock(t *testing.T) {
	h := newHouse(t)
	opened := make(chan string, 1)
	c := h.share(opened)
	h.login("work")
	ctx := t.Context()
	if err := h.client.Lock(ctx); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []func() error{
		func() error { _, err := c.Token(ctx, TokenQuery{Name: "work"}, -1); return err },
		func() error { _, err := c.Credential(ctx, "work", "GET", h.as.API(), ""); return err },
		func() error { _, err := c.Refresh(ctx, "work"); return err },
		func() error {
			_, err := c.Login(ctx, "work", LoginOptions{}, func(LoginEvent) {})
			return err
		},
	} {
		wantError(t, ask(), LogInFirst, CodeLocked)
	}
	wantError(t, c.Unlock(ctx), Misused, "not_shared") // who is elsewhere does not open it
	if all, err := c.Status(ctx); err != nil || len(all) != 1 || !all[0].Locked {
		t.Errorf("status tells %v, %v", all, err)
	}
	if len(opened) > 0 {
		t.Error("a page was opened")
	}
	if err := h.client.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Token(ctx, TokenQuery{Name: "work"}, -1); err != nil {
		t.Error(err)
	}
}

// Over a forwarded socket only marked profiles exist, and only handing out and logging in. R-302
func TestSharedSocket(t *testing.T) {
	h := newHouse(t)
	c := h.share(nil)
	h.login("work")
	h.login("private")
	ctx := t.Context()

	if hello, err := c.Hello(ctx); err != nil || !hello.Shared || hello.PID != 0 {
		t.Errorf("hello %+v %v", hello, err)
	}
	own, err := h.client.Token(ctx, TokenQuery{Name: "work"}, -1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Token(ctx, TokenQuery{Name: "work"}, -1); err != nil || got.AccessToken != own.AccessToken {
		t.Errorf("the marked profile's token is not handed out: %v", err)
	}
	if credential, err := c.Credential(ctx, "work", "GET", h.as.API(), ""); err != nil || len(credential.Header) != 1 {
		t.Errorf("header: %v", err)
	}
	if _, err := c.Refresh(ctx, "work"); err != nil {
		t.Errorf("refresh: %v", err)
	}
	if d, err := c.Details(ctx, "work"); err != nil || d.Name != "work" {
		t.Errorf("details: %v", err)
	}
	all, err := c.Status(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "work" {
		t.Errorf("status tells %v, %v", all, err)
	}
	if list, err := c.Profiles(ctx); err != nil || len(list) != 1 || list[0].Name != "work" {
		t.Errorf("profiles tells %v, %v", list, err)
	}

	for what, ask := range map[string]func(name string) error{
		"token":      func(name string) error { _, err := c.Token(ctx, TokenQuery{Name: name}, -1); return err },
		"credential": func(name string) error { _, err := c.Credential(ctx, name, "GET", h.as.API(), ""); return err },
		"refresh":    func(name string) error { _, err := c.Refresh(ctx, name); return err },
		"details":    func(name string) error { _, err := c.Details(ctx, name); return err },
		"profile":    func(name string) error { _, err := c.Profile(ctx, name); return err },
		"status":     func(name string) error { _, err := c.Status(ctx, name); return err },
		"login":      func(name string) error { _, err := c.Login(ctx, name, LoginOptions{}, func(LoginEvent) {}); return err },
		"cancel":     func(name string) error { return c.CancelLogin(ctx, name) },
	} {
		private, nobody := ask("private"), ask("nobody")
		wantError(t, private, Misused, "not_shared")
		if a, b := strings.ReplaceAll(private.Error(), "private", "X"), strings.ReplaceAll(nobody.Error(), "nobody", "X"); a != b {
			t.Errorf("%s tells a profile that is not shared (%q) from none (%q)", what, a, b)
		}
	}
	for what, ask := range map[string]func() error{
		"stop":     func() error { return c.Stop(ctx) },
		"settings": func() error { _, err := c.Settings(ctx); return err },
		"put":      func() error { return c.PutProfile(ctx, ProfileEdit{Profile: profiles.Profile{Name: "work"}}) },
		"remove":   func() error { return c.RemoveProfile(ctx, "work") },
		"logout":   func() error { _, err := c.Logout(ctx, "work", true); return err },
		"copy":     func() error { _, err := c.Copy(ctx, FormRequest{Name: "work", Form: FormAccessToken}, nil); return err },
		"request":  func() error { _, err := c.Request(ctx, Request{Name: "work"}); return err },
		"exchange": func() error { _, err := c.Exchange(ctx, Exchange{Name: "work"}); return err },
		"doctor":   func() error { _, err := c.Doctor(ctx); return err },
		"trace":    func() error { _, err := c.Trace(ctx, "work"); return err },
		"watch":    func() error { return c.Watch(ctx, func(Update) {}) },
	} {
		if err := ask(); err == nil {
			t.Errorf("%s works over a forwarded socket", what)
		} else {
			wantError(t, err, Misused, "not_shared")
		}
	}
}

// The name that is checked is the name that is used, however a request spells it.
func TestSharedSocketOneName(t *testing.T) {
	h := newHouse(t)
	h.share(nil)
	h.login("work")
	h.login("private")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", h.home.Share())
	}}
	defer transport.CloseIdleConnections()
	for _, body := range []string{
		`{"name":"work","Name":"private"}`, `{"name":"work","name":"private"}`, `{"NAME":"private"}`, `{"name":"work"}{"name":"private"}`,
		`{"name":["work","private"]}`, `{"name":"private\u0000"}`, `[]`, ``,
	} {
		answer, err := (&http.Client{Transport: transport}).Post("http://fob/v1/token", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", body, answer.Status)
		}
	}
	for _, path := range []string{"/v1/details?name=work&name=private", "/v1/details?name=work;name=private"} {
		answer, err := (&http.Client{Transport: transport}).Get("http://fob" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK && !strings.HasPrefix(path, "/v1/details?name=work&") {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

// A login that was asked for elsewhere opens its page here, and not again at once.
func TestLoginFromElsewhere(t *testing.T) {
	h := newHouse(t)
	opened := make(chan string, 1)
	c := h.share(opened)
	go func() {
		if address := <-opened; address != "" {
			browse(t, address)
		}
	}()
	saw := false
	status, err := c.Login(t.Context(), "work", LoginOptions{}, func(ev LoginEvent) { saw = saw || ev.Kind == "open" && ev.Opened })
	if err != nil || status.State != LoggedIn || !saw {
		t.Fatalf("%v %v, opened here: %v", status.State, err, saw)
	}
	_, err = c.Login(t.Context(), "work", LoginOptions{}, func(LoginEvent) {})
	wantError(t, err, TryAgain, "too_many_logins")
	ctx, enough := context.WithTimeout(t.Context(), 10*time.Second)
	defer enough()
	back := false
	_ = h.client.Watch(ctx, func(u Update) { // the attempt ends by itself
		for _, s := range u.Profiles {
			if s.Name == "work" && s.State == LoggedIn {
				back = true
				enough()
			}
		}
	})
	if !back {
		t.Error("the refused login did not leave the one of before")
	}
	close(opened)
}

// An agent without a desktop leaves the page to the face that asked.
func TestLoginFromElsewhereWithoutADesktop(t *testing.T) {
	h := newHouse(t)
	c := h.share(nil)
	_, err := c.Login(t.Context(), "work", LoginOptions{}, func(ev LoginEvent) {
		if ev.Kind == "open" && !ev.Opened {
			go browse(t, ev.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// FOB_SOCKET names an agent elsewhere: it is asked, and none is started in its place.
func TestSocketElsewhere(t *testing.T) {
	t.Setenv("FOB_SOCKET", "relative.sock")
	if _, err := HomeFromEnv(); err == nil || !strings.Contains(err.Error(), "FOB_SOCKET") {
		t.Errorf("a relative socket: %v", err)
	}
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("FOB_SOCKET", dir+"/no.sock")
	home, err := HomeFromEnv()
	if err != nil || home.Socket() != dir+"/no.sock" {
		t.Fatalf("%+v %v", home, err)
	}
	err = NewClient(home).Ensure(t.Context(), "/bin/false", true)
	wantError(t, err, Unreachable, "agent_unreachable")
	if !strings.Contains(err.Error(), "FOB_SOCKET") {
		t.Errorf("says %q", err)
	}
	if _, err := Listen(home); !errors.Is(err, errElsewhere) {
		t.Errorf("an agent at FOB_SOCKET: %v", err)
	}
	if err := os.WriteFile(dir+"/no.sock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, NewClient(home).Ensure(t.Context(), "/bin/false", true), Unreachable, "socket_owner")
}
