package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"fob/oauth"
)

// What arrives at the API is what was sent, with the credential and without what was not meant for it.
func TestForwards(t *testing.T) {
	got := make(chan *http.Request, 1)
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
		got <- q
		w.Header().Set("Set-Cookie", "b=2; Path=/v1")
		w.Header().Set("Alt-Svc", `h3=":443"`)
		w.Header().Set("Connection", "X-Once")
		w.Header().Set("X-Once", "1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}), "/v1", nil, nil)
	answer := r.do("PATCH", "/a%2Fb/c;d=1?q=1;2&r=%20+&r", strings.NewReader("the body"), "Authorization", "Bearer MINE", "Proxy-Authorization", "Basic MINE",
		"DPoP", "MINE", "Cookie", "a=1", "Connection", "X-Hop", "X-Hop", "1", "X-Kept", "k", "Referer", r.proxy.URL()+"/docs?x", "Sec-Fetch-Site", "none")
	q := <-got
	if q.Method != "PATCH" || q.RequestURI != "/v1/a%2Fb/c;d=1?q=1;2&r=%20+&r" || q.Host != strings.TrimPrefix(r.api.URL, "http://") {
		t.Errorf("%s %s at %s", q.Method, q.RequestURI, q.Host)
	}
	if body, _ := io.ReadAll(q.Body); string(body) != "the body" {
		t.Errorf("body %q", body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + token, "Proxy-Authorization": "", "Dpop": "", "Cookie": "a=1", "X-Hop": "", "X-Kept": "k",
		"Referer": r.api.URL + "/v1/docs?x", "Sec-Fetch-Site": "", "X-Forwarded-For": "",
	} {
		if got := strings.Join(q.Header.Values(name), "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, values := range q.Header {
		if strings.Contains(strings.Join(values, " "), r.proxy.secret) {
			t.Errorf("the API was told the secret in %s", name)
		}
	}
	if answer.StatusCode != http.StatusTeapot || text(t, answer) != "short and stout" || answer.Header.Get("Set-Cookie") != "b=2; Path=/v1" {
		t.Errorf("answer %d %v", answer.StatusCode, answer.Header)
	}
	if answer.Header.Get("X-Once") != "" || answer.Header.Get("Alt-Svc") != "" {
		t.Errorf("what is between the proxy and the API was passed on: %v", answer.Header)
	}
	if e := <-r.log; e.Method != "PATCH" || e.Path != "/a%2Fb/c;d=1" || e.Status != http.StatusTeapot || e.Took <= 0 {
		t.Errorf("logged %+v", e)
	}
}

// The base URL itself, with and without a slash, is the API's.
func TestBase(t *testing.T) {
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, q.RequestURI) }), "/v1", nil, nil)
	for ref, want := range map[string]string{"": "/v1", "?a=b": "/v1?a=b", "/": "/v1/", "/x/": "/v1/x/", "/x//y": "/v1/x//y", "/a:b@c": "/v1/a:b@c"} {
		if got := text(t, r.do("GET", ref, nil)); got != want {
			t.Errorf("%q asks for %q, want %q", ref, got, want)
		}
	}
}

// Redirects are passed on, never followed: those within the API lead back through the proxy, others away from it. R-303
func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		t.Errorf("the proxy followed a redirect, with %q", q.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	var api string
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Location", strings.NewReplacer("$api", api, "$else", elsewhere.URL).Replace(q.Header.Get("X-To")))
		w.Header().Set("Link", `<`+api+`/v1/items?page=2>; rel="next", </other>; rel="up"`)
		w.WriteHeader(http.StatusFound)
	}), "/v1", nil, nil)
	api = r.api.URL
	for to, want := range map[string]string{
		"$api/v1/x?y=1#z":           "$proxy/x?y=1#z",
		"/v1/x":                     "$proxy/x",
		"next":                      "$proxy/a/next",
		"../up":                     "$proxy/up",
		"/other":                    "$api/other",
		"/v1evil":                   "$api/v1evil",
		"$else/x":                   "$else/x",
		"//elsewhere.example/x":     "http://elsewhere.example/x",
		"$else/x?access_token=T&a=": "$else/x?a=",
	} {
		answer := r.do("GET", "/a/b", nil, "X-To", to)
		want = strings.NewReplacer("$api", api, "$else", elsewhere.URL, "$proxy", r.proxy.URL()).Replace(want)
		if got := answer.Header.Get("Location"); got != want || answer.StatusCode != http.StatusFound {
			t.Errorf("%s becomes %d %s, want %s", to, answer.StatusCode, got, want)
		}
		if got, want := answer.Header.Get("Link"), `<`+r.proxy.URL()+`/items?page=2>; rel="next", <`+api+`/other>; rel="up"`; got != want {
			t.Errorf("link %s, want %s", got, want)
		}
	}
}

// Events arrive one by one, trailers in both directions, and the API is spoken to in HTTP/2 where it can.
func TestStreams(t *testing.T) {
	next := make(chan bool)
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Trailer", "X-End")
		fmt.Fprintf(w, "data: HTTP/%d %s %s\n\n", q.ProtoMajor, body, q.Trailer.Get("X-Sum"))
		_ = http.NewResponseController(w).Flush()
		<-next
		fmt.Fprint(w, "data: second\n\n")
		w.Header().Set("X-End", "over")
	}))
	api.EnableHTTP2 = true
	api.StartTLS()
	defer api.Close()
	road := api.Client().Transport.(*http.Transport)
	r := &rig{t: t, api: api, log: make(chan Entry, 10)}
	r.open(api.URL, road, nil, nil)
	send, from := io.Pipe()
	q, err := http.NewRequest("POST", r.proxy.URL()+"/events", send)
	if err != nil {
		t.Fatal(err)
	}
	q.Trailer = http.Header{"X-Sum": nil}
	go func() {
		_, _ = io.WriteString(from, "hello")
		q.Trailer.Set("X-Sum", "5")
		from.Close()
	}()
	answer, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	if line, err := lines.ReadString('\n'); line != "data: HTTP/2 hello 5\n" { // before the second was sent
		t.Fatalf("%q, %v", line, err)
	}
	next <- true
	if rest, err := io.ReadAll(lines); string(rest) != "\ndata: second\n\n" || err != nil || answer.Trailer.Get("X-End") != "over" {
		t.Errorf("%q, %v, trailer %v", rest, err, answer.Trailer)
	}
}

// An upgraded connection (a WebSocket) carries whatever both sides say, and ends with the proxy.
func TestUpgrade(t *testing.T) {
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") != "Bearer "+token || q.Header.Get("Upgrade") != "websocket" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(conn, both)
	}), "/v1", nil, nil)
	conn := r.dial()
	fmt.Fprintf(conn, "GET /%s/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", r.proxy.secret, r.address())
	read := bufio.NewReader(conn)
	answer, err := http.ReadResponse(read, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	for _, said := range []string{"one\n", "two\n"} {
		_, _ = io.WriteString(conn, said)
		if line, err := read.ReadString('\n'); line != said {
			t.Fatalf("%q, %v", line, err)
		}
	}
	r.proxy.Close()
	if _, err := read.ReadByte(); err == nil {
		t.Error("the connection outlives the proxy")
	}
	if e := <-r.log; e.Status != http.StatusSwitchingProtocols || e.Path != "/ws" {
		t.Errorf("logged %+v", e)
	}
}

// 100 MB go through in either direction without being kept.
func TestLargeBodies(t *testing.T) {
	const size = 100 << 20
	var peak atomic.Uint64
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapInuse > peak.Load() {
			peak.Store(m.HeapInuse)
		}
	}
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var n int64
		for {
			m, err := io.CopyN(io.Discard, q.Body, 10<<20)
			n += m
			look()
			if err != nil {
				break
			}
		}
		w.Header().Set("X-Came", fmt.Sprint(n))
		_, _ = io.CopyN(w, zeros{}, size)
		look()
	}), "", nil, nil)
	runtime.GC()
	look()
	before := peak.Load()
	answer := r.do("POST", "/big", io.LimitReader(zeros{}, size))
	n, err := io.Copy(io.Discard, answer.Body)
	if n != size || err != nil || answer.Header.Get("X-Came") != fmt.Sprint(size) {
		t.Fatalf("%d bytes back, %s bytes there, %v", n, answer.Header.Get("X-Came"), err)
	}
	if grown := int64(peak.Load()) - int64(before); grown > 16<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// After a refusal the request is made again with another token, once, when its body can be had again; else the refusal is passed
// on, and says that the next request will do.
func TestAgain(t *testing.T) {
	const size = repeatMax + 1
	var tries atomic.Int32
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n, _ := io.Copy(io.Discard, q.Body)
		tries.Add(1)
		if q.Header.Get("Authorization") != "Bearer FRESH" {
			w.WriteHeader(http.StatusUnauthorized) // without a reason, as many do
			return
		}
		fmt.Fprint(w, n)
	}), "", nil, nil)
	refreshed := 0
	r.carrier.Refresh = func(context.Context, *oauth.Token) (*oauth.Token, error) {
		refreshed++
		return &oauth.Token{AccessToken: "FRESH", Type: "Bearer"}, nil
	}
	for _, n := range []int{0, 1, size - 1} {
		tries.Store(0)
		answer := r.do("POST", "/x", io.LimitReader(zeros{}, int64(n)))
		if got := text(t, answer); answer.StatusCode != http.StatusOK || got != fmt.Sprint(n) || tries.Load() != 2 {
			t.Errorf("%d bytes: %d after %d tries, %s bytes arrived", n, answer.StatusCode, tries.Load(), got)
		}
	}
	tries.Store(0)
	refreshed = 0
	answer := r.do("POST", "/x", io.LimitReader(zeros{}, size))
	if answer.StatusCode != http.StatusUnauthorized || tries.Load() != 1 || refreshed != 1 || !strings.Contains(answer.Header.Get("Fob-Hint"), "send the request again") {
		t.Errorf("%d after %d tries and %d refreshes, hint %q", answer.StatusCode, tries.Load(), refreshed, answer.Header.Get("Fob-Hint"))
	}
}

// What the API asks for and what is wrong with the login are said, to a program and to a person.
func TestSays(t *testing.T) {
	r := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "the API's own words")
	}), "", func(o *Options) {
		o.Demand = func(*http.Response) (Demand, bool) { return Demand{"more\nscope", "fob login work --scope x"}, true }
	}, nil)
	answer := r.do("GET", "/", nil)
	if answer.Header.Get("Fob-Step-Up") != "more scope" || answer.Header.Get("Fob-Hint") != "fob login work --scope x" || text(t, answer) != "the API's own words" {
		t.Errorf("%v", answer.Header)
	}
	if e := <-r.log; e.Note != "more\nscope: fob login work --scope x" {
		t.Errorf("logged %+v", e)
	}
	r.carrier.Source = func(context.Context) (*oauth.Token, error) { return nil, errors.New("nobody <b>is</b> logged in") }
	answer = r.do("GET", "/", nil)
	if got := text(t, answer); answer.StatusCode != http.StatusBadGateway || !strings.Contains(got, `"code":"test"`) || answer.Header.Get("Fob-Error") != "test" {
		t.Errorf("%d %s", answer.StatusCode, got)
	}
	answer = r.do("GET", "/", nil, "Accept", "text/html,*/*")
	if got := text(t, answer); !strings.Contains(got, "nobody &lt;b&gt;is&lt;/b&gt; logged in") || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%s", got)
	}
}

func TestReadOnly(t *testing.T) {
	r := newRig(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "", func(o *Options) { o.ReadOnly = true }, nil)
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 405, "PUT": 405, "DELETE": 405, "QUERY": 405} {
		if answer := r.do(method, "/", nil); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", method, answer.StatusCode, want)
		}
	}
	if answer := r.do("GET", "/", nil, "Connection", "Upgrade", "Upgrade", "websocket"); answer.StatusCode != 405 {
		t.Errorf("upgrade: %d", answer.StatusCode)
	}
}

func TestMisuse(t *testing.T) {
	for _, o := range []Options{
		{Listen: "0.0.0.0:0"}, {Listen: "192.0.2.1:0"}, {Listen: "example.com:0"}, {Listen: ":0"}, {Listen: "127.0.0.1:0/x"}, {Listen: "127.0.0.1:99999"}, {Listen: "me@127.0.0.1:0"},
		{Header: "Host"}, {Header: "content-length"}, {Header: "X Y"}, {Header: "X:Y"},
		{Origins: []string{"null"}}, {Origins: []string{"*"}}, {Origins: []string{"localhost:5173"}}, {Origins: []string{"http://localhost/x"}},
	} {
		o.Base = "https://api.example.com"
		if p, err := Open(o); err == nil {
			t.Errorf("%+v listens at %s", o, p.URL())
			p.Close()
		}
	}
	if _, err := Open(Options{Base: "ftp://x"}); err == nil {
		t.Error("an API that is none")
	}
}

// localhost is both families, and each proxy has a secret of its own.
func TestListen(t *testing.T) {
	seen := map[string]bool{}
	for listen, host := range map[string]string{"": "127.0.0.1", "0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1", "localhost:0": "localhost", "[::1]:0": "[::1]"} {
		p, err := Open(Options{Base: "https://api.example.com", Listen: listen})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if !strings.HasPrefix(p.URL(), "http://"+host+":") || len(p.secret) < 26 || seen[p.secret] || !strings.HasSuffix(p.URL(), "/"+p.secret) {
			t.Errorf("%s: %s", listen, p.URL())
		}
		seen[p.secret] = true
	}
}
