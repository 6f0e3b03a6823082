package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/oauth"
)

// inside notes every request that reaches the API, and whether it was one that may.
type inside struct {
	mu       sync.Mutex // guards requests
	requests []string
}

func (i *inside) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, q.Method+" "+q.RequestURI)
}

func (i *inside) take() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	taken := i.requests
	i.requests = nil
	return taken
}

// climbing are paths that lead out of /v1/team on some server or other.
var climbing = []string{
	"/..", "/../", "/../admin", "/a/../../admin", "/./x", "/.", "/%2e%2e/admin", "/%2E%2E/admin", "/.%2e/admin", "/%2e./admin",
	"/..%2fadmin", "/..%2Fadmin", "/%2e%2e%2fadmin", "/a%2f..%2f..%2fadmin", "/..%5cadmin", `/..\admin`, `/a\..\..\admin`, "/%2e%2e%5cadmin",
	"/%252e%252e/admin", "/%252e%252e%252fadmin", "/..%252fadmin", "/%25252e%25252e/admin", "/%25%32%65%25%32%65/admin", "/..%255cadmin",
	"/%u002e%u002e/admin", "/..%u2215admin", "/..%u2216/../admin", "/..;/admin", "/..;a=b/admin", "/%2e%2e;/admin", "/..%3b/admin",
	"/%c0%ae%c0%ae/admin", "/%c0%ae%c0%ae%c0%afadmin", "/%e0%80%ae%e0%80%ae/admin", "/%ff", "/..%c0%afadmin", "/..%ef%bc%8fadmin", "/%ef%bc%8e%ef%bc%8e/admin",
	"/%e2%80%a5/admin", "/..%e2%88%95admin", "/..%20/admin", "/..%09/admin", "/..%00/admin", "/x%00/../admin", "/..%0d%0a/admin", "/x%0aHost:%20evil",
	"//evil.example/x", "///evil.example/x", "/%2e%2e/%", "/%252e%252e/%25", "/%2525252525252e", "/a/b/%2e%2e%2f%2e%2e%2f%2e%2e%2fadmin",
}

// Nothing leads out of the API's base URL, however it is written: not through the proxy, and not by asking for it directly.
func TestTraversal(t *testing.T) {
	if len(climbing) < 40 {
		t.Fatal("a table of 40")
	}
	var api inside
	r := newRig(t, &api, "/v1/team", nil, nil)
	for _, path := range climbing {
		if status := r.raw("GET /$S" + path + " HTTP/1.1\r\nHost: $H\r\nConnection: close\r\n\r\n"); status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, status)
		}
		if to, err := oauth.ResolveURL(r.proxy.options.Base, path); err == nil {
			t.Errorf("%s leads to %s", path, to)
		}
	}
	for _, reached := range api.take() {
		t.Errorf("%s reached the API", reached)
	}
	for _, path := range []string{"/x", "/..x", "/x..", "/...", "/a.b/.c", "/group%2Fproject", "/a%252Fb", "/100%25", "/%E4%BD%A0", "/a//b", "/a;b=c/d"} {
		if status := r.raw("GET /$S" + path + " HTTP/1.1\r\nHost: $H\r\nConnection: close\r\n\r\n"); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		if got := api.take(); len(got) != 1 || got[0] != "GET /v1/team"+path {
			t.Errorf("%s arrived as %v", path, got)
		}
	}
}

// Other hosts are not to be had: the proxy is for one API. R-303
func TestOnlyOneAPI(t *testing.T) {
	var api inside
	r := newRig(t, &api, "/v1", nil, nil)
	for request, want := range map[string]int{
		"GET http://evil.example/ HTTP/1.1\r\nHost: $H":            405,
		"GET http://$H/$S/x HTTP/1.1\r\nHost: $H":                  405,
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example":  405,
		"CONNECT /$S/x HTTP/1.1\r\nHost: $H":                       405,
		"OPTIONS * HTTP/1.1\r\nHost: $H":                           405,
		"GET //evil.example/$S/x HTTP/1.1\r\nHost: $H":             404,
		"GET /$S@evil.example/x HTTP/1.1\r\nHost: $H":              404,
		"GET /$S%2fx HTTP/1.1\r\nHost: $H":                         404,
		"GET /x/$S/x HTTP/1.1\r\nHost: $H":                         404,
		"GET / HTTP/1.1\r\nHost: $H":                               404,
		"GET /favicon.ico HTTP/1.1\r\nHost: $H":                    404,
		"GET /$S/x HTTP/1.1\r\nHost: evil.example":                 421, // DNS rebinding
		"GET /$S/x HTTP/1.1\r\nHost: 127.0.0.1":                    421,
		"GET /$S/x HTTP/1.1\r\nHost: 127.0.0.1.evil.example:8000":  421,
		"GET /$S/x HTTP/1.1\r\nHost: $H.evil.example":              421,
		"GET /$S/x HTTP/1.1\r\nHost: 0.0.0.0:1":                    421,
		"GET /$S/x HTTP/1.0":                                       421,
		"GET /$S/x HTTP/1.1":                                       400,
		"GET /$S/x HTTP/1.1\r\nHost: $H\r\nHost: evil.example":     400,
		"GET /$S/x#y HTTP/1.1\r\nHost: $H":                         400,
		"GET /$S/x?access_token=T HTTP/1.1\r\nHost: $H":            502, // the carrier's: one credential in one place
		"GET /$S/x HTTP/1.1\r\nHost: $H\r\nX-Host: evil.example":   200,
		"GET /$S/x HTTP/1.1\r\nHost: LOCALHOST:$P":                 200,
		"GET /$S/x HTTP/1.1\r\nHost: $H\r\nX-Original-URL: /admin": 200,
	} {
		_, port, _ := net.SplitHostPort(r.address())
		if status := r.raw(strings.ReplaceAll(request, "$P", port) + "\r\n\r\n"); status != want {
			t.Errorf("%q: %d, want %d", request, status, want)
		}
	}
	for _, reached := range api.take() {
		if reached != "GET /v1/x" {
			t.Errorf("%s reached the API", reached)
		}
	}
}

// What two servers could read differently does not get through as something else: the API sees one request or none, and never the
// one that was hidden. R-303
func TestSmuggling(t *testing.T) {
	const hidden = "GET /$S/hidden HTTP/1.1\r\nHost: $H\r\n\r\n"
	for name, request := range map[string]string{
		"length and chunks":     "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":           "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: 0\r\nContent-Length: 50\r\n\r\n" + hidden,
		"lengths in a list":     "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: 0, 50\r\n\r\n" + hidden,
		"signed length":         "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: +0\r\n\r\n" + hidden,
		"negative length":       "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: -1\r\n\r\n" + hidden,
		"two encodings":         "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"odd encoding":          "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"encoding, tab":         "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + hidden,
		"space before colon":    "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length : 50\r\n\r\n" + hidden,
		"bad chunk size":        "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + hidden,
		"huge chunk size":       "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + hidden,
		"chunk without end":     "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n" + hidden,
		"chunk extension":       "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\n0;\nx\r\n\r\n" + hidden,
		"old chunks":            "POST /$S/x HTTP/1.0\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"carriage return alone": "POST /$S/x HTTP/1.1\r\nHost: $H\r\nX-A: a\rContent-Length: 50\r\n\r\n" + hidden,
		"folded header":         "POST /$S/x HTTP/1.1\r\nHost: $H\r\nX-A: a\r\n Content-Length: 50\r\n\r\n",
		"folded first header":   "POST /$S/x HTTP/1.1\r\n Host: $H\r\n\r\n" + hidden,
		"NUL in a header":       "POST /$S/x HTTP/1.1\r\nHost: $H\r\nX-A: a\x00b\r\n\r\n" + hidden,
		"name with a space":     "POST /$S/x HTTP/1.1\r\nHost: $H\r\nX A: a\r\n\r\n" + hidden,
		"no name":               "POST /$S/x HTTP/1.1\r\nHost: $H\r\n: a\r\n\r\n" + hidden,
		"space in the path":     "GET /$S/x HTTP/1.1 /$S/hidden HTTP/1.1\r\nHost: $H\r\n\r\n",
		"expectation":           "POST /$S/x HTTP/1.1\r\nHost: $H\r\nExpect: 100-something\r\nContent-Length: 0\r\n\r\n",
		"http/2 preface":        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"old protocol":          "GET /$S/hidden\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var api inside
			r := newRig(t, &api, "/v1", nil, func(p *Proxy) { // it hangs up when there is no more
				p.slow, p.server.ReadHeaderTimeout, p.server.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
			})
			conn := r.dial()
			_, _ = io.WriteString(conn, strings.NewReplacer("$S", r.proxy.secret, "$H", r.address()).Replace(request))
			all, _ := io.ReadAll(conn)
			reached := api.take()
			if len(reached) > 1 || len(reached) == 1 && reached[0] != "POST /v1/x" {
				t.Errorf("the API saw %v", reached)
			}
			if strings.Count(string(all), "HTTP/1.1 200") > len(reached) {
				t.Errorf("an answer without a request: %q", all)
			}
		})
	}
}

// Headers end at 64 KB.
func TestOversizedHeaders(t *testing.T) {
	var api inside
	r := newRig(t, &api, "", nil, nil)
	if status := r.raw("GET /$S/x HTTP/1.1\r\nHost: $H\r\nX-Fits: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"); status != 200 {
		t.Errorf("32 KB: %d", status)
	}
	for name, text := range map[string]string{
		"one header": "GET /$S/x HTTP/1.1\r\nHost: $H\r\nX-Long: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
		"many":       "GET /$S/x HTTP/1.1\r\nHost: $H\r\n" + strings.Repeat("X-A: b\r\n", 12<<10) + "\r\n",
		"the path":   "GET /$S/" + strings.Repeat("x", 80<<10) + " HTTP/1.1\r\nHost: $H\r\n\r\n",
	} {
		if status := r.raw(text); status != http.StatusRequestHeaderFieldsTooLarge && status != 0 { // reset while still sending
			t.Errorf("%s: %d", name, status)
		}
	}
	if got := api.take(); len(got) != 1 {
		t.Errorf("the API saw %d requests", len(got))
	}
}

// Who is slow is not waited for: with the header, with the body, with reading the answer. A body that the proxy does not want is
// not waited for either.
func TestSlow(t *testing.T) {
	over := make(chan error, 1)
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == "POST" {
			_, err := io.Copy(io.Discard, q.Body)
			over <- err
			return
		}
		_, err := io.Copy(w, zeros{}) // without end
		over <- err
	}), "", nil, func(p *Proxy) {
		p.slow, p.server.ReadHeaderTimeout = 300*time.Millisecond, 300*time.Millisecond
	})
	for name, text := range map[string]string{
		"header":        "GET /$S/x HTTP/1.1\r\nHost: $H\r\nX-A: b",
		"nothing":       "",
		"body":          "POST /$S/x HTTP/1.1\r\nHost: $H\r\nContent-Length: 10\r\n\r\nabc",
		"chunks":        "POST /$S/x HTTP/1.1\r\nHost: $H\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"unwanted body": "POST /wrong/x HTTP/1.1\r\nHost: $H\r\nContent-Length: 10\r\n\r\nabc",
	} {
		conn := r.dial()
		_, _ = io.WriteString(conn, strings.NewReplacer("$S", r.proxy.secret, "$H", r.address()).Replace(text))
		begun := time.Now()
		all, err := io.ReadAll(conn)
		if took := time.Since(begun); err != nil || took > 20*time.Second {
			t.Errorf("%s: held for %s, %v", name, took, err)
		}
		if body := name == "body" || name == "chunks"; body && (!strings.HasPrefix(string(all), "HTTP/1.1 408 ") || <-over == nil) {
			t.Errorf("%s: %q", name, all)
		}
	}
	conn := r.dial()
	fmt.Fprintf(conn, "GET /%s/x HTTP/1.1\r\nHost: %s\r\n\r\n", r.proxy.secret, r.address())
	if err := <-over; err == nil { // without having read anything
		t.Error("an answer without end was read by nobody")
	}
}

// 1,000 connections that say nothing keep nobody out, and are not all kept; of 1,000 clients at once each is answered,
// if it comes again when it is told to.
func TestThousandConnections(t *testing.T) {
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") }), "", nil, func(p *Proxy) {
		p.server.ReadHeaderTimeout = time.Hour // or that would cut them off
	})
	idle := make([]net.Conn, 1000)
	for i := range idle {
		idle[i] = r.dial()
	}
	begun := time.Now()
	if got := text(t, r.do("GET", "/", nil)); got != "in" || time.Since(begun) > 10*time.Second {
		t.Fatalf("%q after %s", got, time.Since(begun))
	}
	cut := 0
	for _, conn := range idle[:1000-maxConns] {
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			break
		}
		cut++
	}
	if cut < 1000-maxConns-1 {
		t.Errorf("only %d were cut off", cut)
	}
	for _, conn := range idle {
		conn.Close()
	}
	var again, unanswered atomic.Int32
	var all sync.WaitGroup
	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	for range 1000 {
		all.Go(func() {
			for ctx.Err() == nil {
				answer, err := r.client.Get(r.proxy.URL() + "/x")
				if err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					if answer.StatusCode == http.StatusOK {
						return
					}
				}
				again.Add(1) // told to come again, or cut off while it waited
			}
			unanswered.Add(1)
		})
	}
	all.Wait()
	t.Logf("1000 clients at once came again %d times", again.Load())
	if unanswered.Load() > 0 {
		t.Errorf("%d of 1000 were never answered", unanswered.Load())
	}
	if got := text(t, r.do("GET", "/", nil)); got != "in" {
		t.Errorf("afterwards: %q", got)
	}
}

// More requests than are answered at a time are told so.
func TestBusy(t *testing.T) {
	come, gone := make(chan bool, maxConns), make(chan bool)
	r := newRig(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { come <- true; <-gone }), "", nil, nil)
	var all sync.WaitGroup
	for range maxConns {
		all.Go(func() {
			if answer, err := r.client.Get(r.proxy.URL()); err == nil {
				answer.Body.Close()
			}
		})
	}
	for range maxConns {
		<-come
	}
	if status := r.raw("GET /$S HTTP/1.1\r\nHost: $H\r\n\r\n"); status != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", status)
	}
	close(gone)
	all.Wait()
}

// What a browser says of the page that asks decides. R-303
func TestPages(t *testing.T) {
	const mine = "http://localhost:5173"
	var api inside
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		api.ServeHTTP(w, q)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("X-Total", "7")
	}), "", func(o *Options) { o.Origins = []string{mine} }, nil)
	own := "http://" + r.address()
	for _, c := range []struct {
		header []string
		status int
		allow  string // Access-Control-Allow-Origin
	}{
		{nil, 200, "*"}, // no browser
		{[]string{"Origin", "https://evil.example"}, 403, ""},
		{[]string{"Origin", "null"}, 403, ""},
		{[]string{"Origin", ""}, 403, ""},
		{[]string{"Origin", "http://localhost:5174"}, 403, ""},
		{[]string{"Origin", "https://localhost:5173"}, 403, ""},
		{[]string{"Origin", mine + ".evil.example"}, 403, ""},
		{[]string{"Origin", mine, "Origin", "https://evil.example"}, 403, ""},
		{[]string{"Origin", "http://evil.example", "Host", "evil.example"}, 421, ""},
		{[]string{"Origin", mine}, 200, mine},
		{[]string{"Origin", mine, "Sec-Fetch-Site", "cross-site"}, 200, mine},
		{[]string{"Origin", own}, 200, ""},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403, ""}, // an image, a link
		{[]string{"Sec-Fetch-Site", "same-site"}, 403, ""},  // a page on another port
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200, "*"},
		{[]string{"Sec-Fetch-Site", "none"}, 200, "*"}, // typed in
		{[]string{"Origin", "https://evil.example", "Content-Type", "application/x-www-form-urlencoded"}, 403, ""},
		{[]string{"Origin", "https://evil.example", "Connection", "Upgrade", "Upgrade", "websocket"}, 403, ""},
	} {
		api.take()
		answer := r.do("POST", "/x", strings.NewReader("a=b"), c.header...)
		if answer.StatusCode != c.status || answer.Header.Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%v: %d, allows %q", c.header, answer.StatusCode, answer.Header.Get("Access-Control-Allow-Origin"))
		}
		if reached := len(api.take()) == 1; reached != (c.status == 200) {
			t.Errorf("%v: reached the API: %v", c.header, reached)
		}
	}
	answer := r.do("GET", "/x", nil, "Origin", mine)
	if !strings.Contains(answer.Header.Get("Access-Control-Expose-Headers"), "X-Total") || answer.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("what the page may read: %v", answer.Header)
	}
	api.take()
	ask := []string{"Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "x-a,content-type", "Access-Control-Request-Private-Network", "true"}
	answer = r.do("OPTIONS", "/x", nil, append(ask, "Origin", mine)...)
	h := answer.Header
	if answer.StatusCode != 204 || h.Get("Access-Control-Allow-Methods") != "DELETE" || h.Get("Access-Control-Allow-Headers") != "x-a,content-type" ||
		h.Get("Access-Control-Allow-Private-Network") != "true" || h.Get("Access-Control-Allow-Origin") != mine {
		t.Errorf("preflight: %d %v", answer.StatusCode, h)
	}
	if answer = r.do("OPTIONS", "/x", nil, append(ask, "Origin", "https://evil.example")...); answer.StatusCode != 403 || answer.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("foreign preflight: %d %v", answer.StatusCode, answer.Header)
	}
	if got := api.take(); len(got) != 0 {
		t.Errorf("preflights reached the API: %v", got)
	}
}

// The secret may be a header: then nothing is let in without it, and a page's browser may ask first.
func TestHeader(t *testing.T) {
	const mine = "http://localhost:5173"
	got := make(chan http.Header, 10)
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		got <- q.Header
		w.Header().Set("X-At", q.RequestURI)
	}), "/v1", func(o *Options) { o.Header, o.Origins = "X-Fob-Key", []string{mine} }, nil)
	name, key := r.proxy.Header()
	if name != "X-Fob-Key" || strings.Contains(r.proxy.URL(), key) {
		t.Fatalf("%s in %s", name, r.proxy.URL())
	}
	for want, header := range map[int][][]string{
		403: {nil, {name, ""}, {name, key[1:]}, {name, strings.ToLower(key)}, {name, key, name, "x"}, {"Origin", mine}},
		200: {{name, key}, {strings.ToLower(name), key}, {name, key, "Origin", mine}},
	} {
		for _, h := range header {
			if answer := r.do("GET", "/x", nil, h...); answer.StatusCode != want {
				t.Errorf("%v: %d, want %d", h, answer.StatusCode, want)
			} else if want == 200 && (<-got).Get(name) != "" {
				t.Error("the API was told the secret")
			}
		}
	}
	for ref, want := range map[string]string{"": "/v1", "?a=b": "/v1?a=b", "/": "/v1", "/x": "/v1/x"} {
		if at := r.do("GET", ref, nil, name, key).Header.Get("X-At"); at != want {
			t.Errorf("%q asks for %s", ref, at)
		}
		<-got
	}
	if answer := r.do("OPTIONS", "/x", nil, "Origin", mine, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", name); answer.StatusCode != 204 {
		t.Errorf("preflight: %d", answer.StatusCode)
	}
	if answer := r.do("OPTIONS", "/x", nil, "Access-Control-Request-Method", "GET"); answer.StatusCode != 403 {
		t.Errorf("no page's preflight: %d", answer.StatusCode)
	}
}

// Whatever path is asked for: what reaches the API is below its base URL, also to a server that decodes it twice.
func FuzzPath(f *testing.F) {
	for _, path := range climbing {
		f.Add(path)
	}
	f.Add("/group%2Fproject/a.b?c=/../d#e")
	f.Fuzz(func(t *testing.T, path string) {
		to, err := oauth.ResolveURL("https://api.example.com/v1/team", "/"+strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		request := httptest.NewRequest("GET", "https://api.example.com/", nil)
		request.URL = to
		target := to.RequestURI()
		if to.Scheme != "https" || to.Host != "api.example.com" || to.User != nil || strings.ContainsAny(target, " \r\n\x00") {
			t.Fatalf("%q leads to %s", path, to)
		}
		read, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			t.Fatalf("%q makes the request %q: %v", path, target, err)
		}
		decoded := read.URL.Path
		for range 3 {
			if !strings.HasPrefix(decoded+"/", "/v1/team/") {
				t.Fatalf("%q is read as %q", path, decoded)
			}
			for segment := range strings.SplitSeq(strings.ReplaceAll(decoded, `\`, "/"), "/") {
				if segment == ".." || segment == "." {
					t.Fatalf("%q is read as %q", path, decoded)
				}
			}
			request.URL.Path, request.URL.RawPath = decoded, ""
			again, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + strings.ReplaceAll(decoded, " ", "%20") + " HTTP/1.1\r\nHost: x\r\n\r\n")))
			if err != nil {
				break
			}
			decoded = again.URL.Path
		}
	})
}
