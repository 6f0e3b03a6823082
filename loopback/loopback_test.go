package loopback

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// client follows nothing and keeps nothing, like a browser that was told once.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       20 * time.Second,
}

type outcome struct {
	values url.Values
	err    error
}

// start waits in the background; the result comes once.
func start(t *testing.T, r *Receiver, state string) <-chan outcome {
	t.Helper()
	t.Cleanup(func() { r.Close() })
	done := make(chan outcome, 1)
	go func() {
		v, err := r.Wait(t.Context(), state)
		done <- outcome{v, err}
	}()
	return done
}

func mustListen(t *testing.T, uris ...string) *Receiver {
	t.Helper()
	r, err := Listen(uris...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the page did not arrive whole: %v", err)
	}
	return string(b)
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := client.Get(address)
	text := body(t, resp, err)
	return resp.StatusCode, text
}

//
func TestReceivesTheResponse(t *testing.T) { // F-070, F-071, F-081
	r := mustListen(t, "http://127.0.0.1:0/callback")
	if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*/callback$`).MatchString(r.RedirectURI()) {
		t.Fatalf("redirect URI %q", r.RedirectURI())
	}
	done := start(t, r, "s1")
	resp, err := client.Get(r.RedirectURI() + "?code=SECRET-CODE&state=s1&iss=https%3A%2F%2Fas.example")
	text := body(t, resp, err)
	got := <-done
	if got.err != nil || got.values.Get("code") != "SECRET-CODE" || got.values.Get("iss") != "https://as.example" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	if resp.StatusCode != 200 || !strings.Contains(text, "You can go back to Fob") {
		t.Errorf("status %d, page:\n%s", resp.StatusCode, text)
	}
	if strings.Contains(text, "SECRET-CODE") {
		t.Error("the code is in the page")
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Content-Type": "text/html; charset=utf-8",
	} {
		if resp.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, resp.Header.Get(name), want)
		}
	}
	if resp.Header.Get("Set-Cookie") != "" {
		t.Error("the page keeps something in a cookie")
	}
	if !resp.Close {
		t.Error("the connection is kept alive")
	}
	policy := resp.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	// What is inline must be what the policy allows, byte for byte.
	for _, tag := range []string{"style", "script"} {
		m := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(text, -1)
		if len(m) != 1 || !strings.Contains(policy, tag+"-src "+hashOf(m[0][1])) {
			t.Errorf("the %s in the page is not the one in the policy", tag)
		}
	}
	if m := regexp.MustCompile(`(?:src|href|url\()\s*=?\s*["']?(https?:)?//`).FindString(text); m != "" {
		t.Errorf("the page loads something: %q", m)
	}
	if !strings.Contains(text, "history.replaceState") {
		t.Error("the code stays in the address bar")
	}
}

func TestFormPost(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/")
	done := start(t, r, "s1")
	// The query is not part of a form_post: a state there does not count.
	resp, err := client.PostForm(r.RedirectURI()+"?state=s1", url.Values{"code": {"c"}})
	if body(t, resp, err); resp.StatusCode != 400 {
		t.Errorf("state in the query of a POST: %d", resp.StatusCode)
	}
	resp, err = client.PostForm(r.RedirectURI(), url.Values{"code": {"c"}, "id_token": {strings.Repeat("x", 30<<10)}, "state": {"s1"}})
	body(t, resp, err)
	got := <-done
	if got.err != nil || got.values.Get("code") != "c" || len(got.values.Get("id_token")) != 30<<10 {
		t.Fatalf("got %v", got.err)
	}
}

// whatever else arrives does not end the
// wait, is counted by its reason and gets a page that repeats nothing of it.
func TestStraysNeverEndTheWait(t *testing.T) { // F-082
	form := "application/x-www-form-urlencoded"
	strays := []struct {
		name, method, target, host, kind, body string
		reason                                 string
		status                                 int
	}{
		{name: "favicon", target: "/favicon.ico", reason: StrayPath, status: 404},
		{name: "root", target: "/?code=EVIL&state=good", reason: StrayPath, status: 404},
		{name: "below", target: "/callback/?code=EVIL&state=good", reason: StrayPath, status: 404},
		{name: "cleaned", target: "/x/../callback?code=EVIL&state=good", reason: StrayPath, status: 404},
		{name: "escaped", target: "/c%61llback?code=EVIL&state=good", reason: StrayPath, status: 404},
		{name: "case", target: "/Callback?code=EVIL&state=good", reason: StrayPath, status: 404},
		{name: "rebinding", target: "/callback?code=EVIL&state=good", host: "evil.example", reason: StrayHost, status: 421},
		{name: "other loopback name", target: "/callback?code=EVIL&state=good", host: "localhost:PORT", reason: StrayHost, status: 421},
		{name: "no port", target: "/callback?code=EVIL&state=good", host: "127.0.0.1", reason: StrayHost, status: 421},
		{name: "other port", target: "/callback?code=EVIL&state=good", host: "127.0.0.1:1", reason: StrayHost, status: 421},
		{name: "absolute form", target: "http://evil.example/callback?code=EVIL&state=good", reason: StrayHost, status: 421},
		{name: "head", method: "HEAD", target: "/callback?code=EVIL&state=good", reason: StrayMethod, status: 405},
		{name: "options", method: "OPTIONS", target: "/callback?code=EVIL&state=good", reason: StrayMethod, status: 405},
		{name: "put", method: "PUT", target: "/callback?code=EVIL&state=good", reason: StrayMethod, status: 405},
		{name: "json", method: "POST", target: "/callback", kind: "application/json", body: `{"state":"good"}`, reason: StrayBody, status: 415},
		{name: "no kind", method: "POST", target: "/callback", body: "code=EVIL&state=good", reason: StrayBody, status: 415},
		{name: "large form", method: "POST", target: "/callback", kind: form, body: "state=good&code=" + strings.Repeat("x", maxBody), reason: StrayBody, status: 400},
		{name: "no state", target: "/callback?code=EVIL", reason: StrayNoState, status: 400},
		{name: "nothing", target: "/callback", reason: StrayNoState, status: 400},
		{name: "empty state", target: "/callback?code=EVIL&state=", reason: StrayState, status: 400},
		{name: "other state", target: "/callback?code=EVIL&state=bad", reason: StrayState, status: 400},
		{name: "prefix", target: "/callback?code=EVIL&state=goo", reason: StrayState, status: 400},
		{name: "longer", target: "/callback?code=EVIL&state=goodd", reason: StrayState, status: 400},
		{name: "case of state", target: "/callback?code=EVIL&state=Good", reason: StrayState, status: 400},
		{name: "two states", target: "/callback?code=EVIL&state=good&state=good", reason: StrayState, status: 400},
		{name: "error with other state", target: "/callback?error=access_denied&error_description=EVIL&state=bad", reason: StrayState, status: 400},
		{name: "error without state", target: "/callback?error=access_denied&error_description=EVIL", reason: StrayNoState, status: 400},
		{name: "redirector", target: "/callback?redirect=https://evil.example&url=//evil.example&state=EVIL", reason: StrayState, status: 400},
		{name: "markup", target: "/callback?state=%3Cscript%3EEVIL%3C/script%3E", reason: StrayState, status: 400},
	}
	for _, c := range strays {
		t.Run(c.name, func(t *testing.T) {
			r := mustListen(t, "http://127.0.0.1:0/callback")
			var mu sync.Mutex
			var reasons []string
			r.OnStray = func(s Stray) {
				mu.Lock()
				defer mu.Unlock()
				reasons = append(reasons, s.Reason)
			}
			done := start(t, r, "good")
			resp, text := raw(t, r, c.method, c.target, c.host, c.kind, c.body)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			mu.Lock()
			if len(reasons) != 1 || reasons[0] != c.reason {
				t.Errorf("reasons %q, want %q", reasons, c.reason)
			}
			mu.Unlock()
			if strings.Contains(text, "EVIL") || strings.Contains(text, "evil.example") || resp.Header.Get("Location") != "" {
				t.Errorf("the answer repeats the request:\n%s", text)
			}
			for _, name := range []string{"Cache-Control", "Referrer-Policy", "Content-Security-Policy", "X-Frame-Options"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("no %s on this page", name)
				}
			}
			if status, _ := get(t, r.RedirectURI()+"?code=mine&state=good"); status != 200 {
				t.Errorf("the response after it: %d", status)
			}
			if got := <-done; got.err != nil || got.values.Get("code") != "mine" {
				t.Fatalf("got %v, %v", got.values, got.err)
			}
		})
	}
}

// raw sends the target as it stands, which net/http's client would clean.
func raw(t *testing.T, r *Receiver, method, target, host, kind, content string) (*http.Response, string) {
	t.Helper()
	u, _ := url.Parse(r.RedirectURI())
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if method == "" {
		method = "GET"
	}
	if host == "" {
		host = u.Host
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, strings.Replace(host, "PORT", u.Port(), 1))
	if kind != "" {
		head += "Content-Type: " + kind + "\r\n"
	}
	if content != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(content))
	}
	// A large body may be cut off by the answer: that is no fault.
	_, _ = io.WriteString(conn, head+"\r\n"+content)
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	return resp, body(t, resp, err)
}

func TestQueryOnlyRefusesForms(t *testing.T) { // form_post only when asked
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.QueryOnly = true
	done := start(t, r, "s1")
	resp, err := client.PostForm(r.RedirectURI(), url.Values{"code": {"c"}, "state": {"s1"}})
	body(t, resp, err)
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET" {
		t.Errorf("status %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	get(t, r.RedirectURI()+"?code=q&state=s1")
	if got := <-done; got.values.Get("code") != "q" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
}

func TestSecondResponseChangesNothing(t *testing.T) { // single use
	r := mustListen(t, "http://127.0.0.1:0/callback")
	strays := make(chan string, 10)
	r.OnStray = func(s Stray) { strays <- s.Reason }
	done := start(t, r, "s1")
	get(t, r.RedirectURI()+"?code=first&state=s1")
	got := <-done
	for range 3 {
		status, text := get(t, r.RedirectURI()+"?code=second&state=s1")
		if status != 200 || !strings.Contains(text, "Already received") {
			t.Errorf("second response: %d\n%s", status, text)
		}
		if s := <-strays; s != StrayRepeat {
			t.Errorf("reason %q", s)
		}
	}
	if got.values.Get("code") != "first" || len(r.received) != 0 {
		t.Fatalf("got %v, %d more", got.values, len(r.received))
	}
}

func TestErrorResponseEndsTheWait(t *testing.T) { // R-009 F-081
	r := mustListen(t, "http://127.0.0.1:0/callback")
	done := start(t, r, "s1")
	_, text := get(t, r.RedirectURI()+"?"+url.Values{"error": {"access_denied"}, "state": {"s1"},
		"error_description": {"<img src=x onerror=alert(1)>\"'&\u202e\x1b[31m" + strings.Repeat("long ", 200)}}.Encode())
	got := <-done
	if got.err != nil || got.values.Get("error") != "access_denied" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	if !strings.Contains(text, "Access was not granted") || !strings.Contains(text, "access_denied: &lt;img src=x onerror=alert(1)&gt;") {
		t.Errorf("page:\n%s", text)
	}
	if strings.Contains(text, "<img") || strings.ContainsAny(text, "\u202e\x1b") || strings.Contains(text, strings.Repeat("long ", 80)) {
		t.Error("the server's words came through unfiltered")
	}
}

func TestSeveralReceiversNeverMix(t *testing.T) { // R-098 F-083
	const n = 8
	rs := make([]*Receiver, n)
	done := make([]<-chan outcome, n)
	for i := range rs {
		rs[i] = mustListen(t, "http://127.0.0.1:0/callback")
		done[i] = start(t, rs[i], fmt.Sprintf("state-%d", i))
	}
	var wg sync.WaitGroup
	for i := range rs { // everybody's answer to everybody, own one last
		wg.Go(func() {
			for k := 1; k <= n; k++ {
				j := (i + k) % n
				resp, err := client.Get(fmt.Sprintf("%s?code=code-%d&state=state-%d", rs[i].RedirectURI(), j, j))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if (resp.StatusCode == 200) != (i == j) {
					t.Errorf("answer %d at %d: %d", j, i, resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	for i := range rs {
		if got := <-done[i]; got.values.Get("code") != fmt.Sprintf("code-%d", i) {
			t.Errorf("%d got %v, %v", i, got.values, got.err)
		}
	}
}

func TestWaitEnds(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	defer r.Close()
	if _, err := r.Wait(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "state is empty") {
		t.Errorf("empty state: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user pressed Esc")
	cancel(reason)
	if _, err := r.Wait(ctx, "s1"); !errors.Is(err, reason) {
		t.Errorf("cancelled: %v", err)
	}
	if status, text := get(t, r.RedirectURI()+"?code=c&state=s1"); status != 410 || !strings.Contains(text, "This login has ended") {
		t.Errorf("late response: %d\n%s", status, text)
	}
	if _, err := r.Wait(t.Context(), "s1"); err == nil {
		t.Error("waited twice")
	}

	r = mustListen(t, "http://127.0.0.1:0/callback")
	done := start(t, r, "s1")
	get(t, r.RedirectURI()) // it is being waited on now
	r.Close()
	if got := <-done; !errors.Is(got.err, net.ErrClosed) {
		t.Errorf("closed: %v", got.err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	r = mustListen(t, "http://127.0.0.1:0/callback")
	r.Close()
	if _, err := r.Wait(t.Context(), "s1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed before: %v", err)
	}
	if _, err := client.Get(r.RedirectURI()); err == nil {
		t.Error("a closed listener answers")
	}
}

// The response may be there before Wait is: servers that redirect at once.
func TestResponseBeforeWait(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	u, _ := url.Parse(r.RedirectURI())
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /callback?code=early&state=s1 HTTP/1.1\r\nHost: %s\r\n\r\n", u.Host)
	if got := <-start(t, r, "s1"); got.values.Get("code") != "early" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
}
