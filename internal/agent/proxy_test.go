package agent

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/session"
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

// streaming is an API that never ends an answer by itself: events at /events, a WebSocket's handshake at /socket.
func streaming(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case r.URL.Path == "/socket":
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("hello\n"))
			_, _ = io.Copy(io.Discard, conn) // until the proxy hangs up
			_ = conn.Close()
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// begun asks through a proxy for what does not end, and returns the answer once a line that begins with want has come.
func begun(t *testing.T, address, upgrade, want string) *bufio.Reader {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "GET "+u.Path+" HTTP/1.1\r\nHost: "+u.Host+"\r\n"+upgrade+"\r\n")
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v before %q", u.Path, err, want)
		}
		if strings.HasPrefix(line, want) {
			return reader
		}
	}
}

// A locked Fob answers 423 through its proxies and ends what is under way there, and goes on when it is unlocked. R-302
func TestLockCutsProxies(t *testing.T) {
	h := newHouse(t)
	p := h.add("work")
	h.login("work")
	p.APIBaseURL = streaming(t)
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p}); err != nil {
		t.Fatal(err)
	}
	at, _, _ := h.runProxy(ProxyRequest{Name: "work"})
	keyed, _, _ := h.runProxy(ProxyRequest{Name: "work", Header: "X-Fob-Key"})
	shown := func() (text string) {
		t.Helper()
		all, err := h.client.Proxies(t.Context())
		if err != nil || len(all) != 2 || addressIn(t, all[0].URL) != addressIn(t, at.URL) || all[1].Header == nil || all[1].Header.Name != "X-Fob-Key" {
			t.Fatalf("%d proxies are listed, %v", len(all), err)
		}
		for _, one := range all {
			text += one.Text() + "\n"
		}
		return text
	}
	secrets := []string{strings.TrimPrefix(at.URL, addressIn(t, at.URL)+"/"), keyed.Header.Value}
	if text := shown(); secrets[0] == "" || !strings.Contains(text, secrets[0]) || !strings.Contains(text, secrets[1]) {
		t.Error("open, the list has not what programs must be given")
	}
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	running := map[string]*bufio.Reader{"events": begun(t, at.URL+"/events", "", "data: 1"), "WebSocket": begun(t, at.URL+"/socket", upgrade, "hello")}
	if err := h.client.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := shown(); strings.Contains(text, secrets[0]) || strings.Contains(text, secrets[1]) {
		t.Error("the list hands out a secret behind the lock")
	}
	for name, reader := range running {
		if _, err := io.Copy(io.Discard, reader); err != nil {
			if late, ok := err.(net.Error); ok && late.Timeout() {
				t.Errorf("%s go on behind the lock", name)
			}
		}
	}
	if status, body, header := get(t, at.URL+"/events"); status != http.StatusLocked || header.Get("Fob-Error") != CodeLocked || header.Get("WWW-Authenticate") != "" || !strings.Contains(body, "fob unlock") {
		t.Errorf("behind the lock: %d %s", status, body)
	}
	_, err := h.client.CopyProxy(t.Context(), at.ID, nil)
	wantError(t, err, LogInFirst, CodeLocked)
	wantError(t, h.server.CopyProxy(t.Context(), at.ID, nil), LogInFirst, CodeLocked)
	if err := h.client.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun(t, at.URL+"/events", "", "data: 1")
	if err := h.client.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.client.StopProxy(t.Context(), at.ID); err != nil {
		t.Errorf("what takes away is refused: %v", err)
	}
}

// addressIn is scheme, host and port of a URL.
func addressIn(t *testing.T, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}

// Every face sees the proxies that run, can copy their addresses and end them; nothing in a status tells the secret.
func TestProxiesAreShown(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	updates := make(chan Update, 100)
	go func() { _ = h.client.Watch(t.Context(), func(u Update) { updates <- u }) }() // ends with the test
	<-updates
	stopped := make(chan bool, 1)
	ended := make(chan error, 1)
	listening := make(chan RunningProxy, 1)
	go func() {
		ended <- h.client.Proxy(t.Context(), ProxyRequest{Name: "work", Header: "X-Fob-Key", ReadOnly: true}, func(ev ProxyEvent) {
			if ev.Listening != nil {
				listening <- *ev.Listening
			}
			if ev.Stopped {
				stopped <- true
			}
		})
	}()
	at := <-listening
	var seen session.Proxy
	until(t, updates, func(u Update) bool {
		if len(u.Profiles) != 1 || len(u.Profiles[0].Proxies) != 1 {
			return false
		}
		seen = u.Profiles[0].Proxies[0]
		return true
	})
	if "http://"+seen.At != at.URL || seen.ID != at.ID || !seen.ReadOnly || !seen.Since.Equal(at.Since) {
		t.Errorf("shown is %+v of %s", seen, at.URL)
	}
	if done, err := h.client.CopyProxy(t.Context(), at.ID, nil); err != nil || done.ClearsAfter == 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if got := <-h.copied; !strings.HasSuffix(got, " "+at.URL+"\nX-Fob-Key: "+at.Header.Value) {
		t.Error("the clipboard has not what a program needs")
	}
	if err := h.client.StopProxy(t.Context(), at.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || !<-stopped {
		t.Errorf("who runs it is told %v", err)
	}
	until(t, updates, func(u Update) bool { return len(u.Profiles) == 1 && u.Profiles[0].Proxies == nil })
	wantError(t, h.client.StopProxy(t.Context(), at.ID), Misused, "proxy")
	_, err := h.client.CopyProxy(t.Context(), at.ID, nil)
	wantError(t, err, Misused, "proxy")
}
