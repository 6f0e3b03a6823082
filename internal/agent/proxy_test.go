package agent

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"fob/internal/authserver"
)

// runProxy runs a proxy until the test ends and returns where it is.
func (h *house) runProxy(q ProxyRequest) (RunningProxy, <-chan ProxyEntry, context.CancelFunc) {
	h.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	at, entries, ended := make(chan RunningProxy, 1), make(chan ProxyEntry, 1000), make(chan error, 1)
	go func() {
		ended <- h.client.Proxy(ctx, q, func(ev ProxyEvent) {
			if ev.Listening != nil {
				at <- *ev.Listening
			}
			if ev.Request != nil {
				entries <- *ev.Request
			}
		})
	}()
	h.t.Cleanup(func() { stop(); <-ended })
	select {
	case p := <-at:
		return p, entries, stop
	case err := <-ended:
		ended <- err
		h.t.Fatal(err)
	}
	panic("unreachable")
}

// get asks through a proxy and returns status, body and header.
func get(t *testing.T, address string) (int, string, http.Header) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

// A program that knows the address gets in at the API; the address ends with whoever asked for it. R-303
func TestProxy(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	p, entries, stop := h.runProxy(ProxyRequest{Name: "work"})
	if status, body, header := get(t, p.URL); status != 401 || header.Get("Fob-Error") != "logged_out" || !strings.Contains(body, "fob login work") {
		t.Errorf("before the login: %d %s", status, body)
	}
	h.login("work")
	<-entries
	if status, body, _ := get(t, p.URL); status != 200 || !strings.Contains(body, `"sub": "demo-ada"`) {
		t.Errorf("%d %s", status, body)
	}
	if e := <-entries; e.Status != 200 || e.Path != "/" || e.Method != "GET" {
		t.Errorf("told of %+v", e)
	}
	if all, err := h.client.Proxies(t.Context()); err != nil || len(all) != 1 || all[0].URL != p.URL || all[0].API != h.as.API() {
		t.Errorf("%v, %v", all, err)
	}
	stop()
	for {
		all, err := h.client.Proxies(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			break
		}
	}
	if answer, err := http.Get(p.URL); err == nil {
		answer.Body.Close()
		t.Errorf("it outlives who asked for it: %d", answer.StatusCode)
	}
}

// A proxy is refused for a profile that is not there or has no API, and beyond this computer. R-303
func TestProxyRefused(t *testing.T) {
	h := newHouse(t)
	p := h.add("work")
	refuse := func(q ProxyRequest, kind Kind, code string) {
		t.Helper()
		wantError(t, h.client.Proxy(t.Context(), q, func(ProxyEvent) { t.Error("it runs") }), kind, code)
	}
	refuse(ProxyRequest{Name: "other"}, Misused, "unknown_profile")
	refuse(ProxyRequest{Name: "work", Listen: "0.0.0.0:0"}, Misused, "proxy")
	p.APIBaseURL = ""
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p}); err != nil {
		t.Fatal(err)
	}
	refuse(ProxyRequest{Name: "work"}, Failed, "no_api_base_url")
}

// The API wants more scope: its answer is passed on with the command that gets in; after that login the next request passes. R-180
func TestProxyStepsUp(t *testing.T) {
	h := newHouse(t, authserver.Options{Scopes: []string{"admin"}})
	p := h.add("work")
	h.login("work")
	p.APIBaseURL = h.as.Issuer() + "/api"
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p}); err != nil {
		t.Fatal(err)
	}
	at, entries, _ := h.runProxy(ProxyRequest{Name: "work"})
	status, _, header := get(t, at.URL+"/admin")
	if status != 403 || header.Get("Fob-Hint") != "fob login work --scope admin" || header.Get("Fob-Step-Up") == "" {
		t.Errorf("%d %v", status, header)
	}
	if e := <-entries; !strings.Contains(e.Note, "fob login work --scope admin") {
		t.Errorf("told of %+v", e)
	}
	h.loginWith("work", LoginOptions{Scope: []string{"admin"}})
	if status, body, _ := get(t, at.URL+"/admin"); status != 200 {
		t.Errorf("after that login: %d %s", status, body)
	}
}
