package loopback

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever arrives, by query, form or from our own page: only a request to the
// right host and path with the right state is the response.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct{ method, target, host, body string }{
		{"GET", "/callback?code=c&state=good", "127.0.0.1:9", ""}, {"POST", "/callback", "127.0.0.1:9", "code=c&state=good"},
		{"GET", "/callback", "127.0.0.1:9", ""}, {"GET", "/callback?state=good&state=good", "127.0.0.1:9", ""},
		{"GET", "/callback?%zz&state=%", "127.0.0.1:9", ""}, {"POST", "/callback?state=good", "127.0.0.1:9", "a;b&state"},
		{"GET", "/Callback?state=good", "evil.example", ""}, {"HEAD", "/callback?state=good", "127.0.0.1:9", ""},
		{"GET", "/callback?response=x&error=%3Cscript%3E", "127.0.0.1:9", ""},
	} {
		for mode := range uint8(4) {
			f.Add(mode, seed.method, seed.target, seed.host, seed.body)
		}
	}
	f.Fuzz(func(t *testing.T, mode uint8, method, target, host, form string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || len(form) > maxBody {
			return
		}
		r := &Receiver{QueryOnly: mode&1 != 0, Fragment: mode&2 != 0, uri: "http://127.0.0.1:9/callback", path: "/callback",
			hosts: []string{"127.0.0.1:9"}, conns: newConns(), received: make(chan url.Values, 1), state: "good", waiting: true}
		req := &http.Request{Method: method, URL: u, Host: host, Header: http.Header{}, Body: http.NoBody}
		if method == http.MethodPost {
			req = httptest.NewRequest(method, "http://127.0.0.1:9/", strings.NewReader(form))
			req.URL, req.Host = u, host
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", "http://"+host)
		}
		w := httptest.NewRecorder()
		r.answer(w, req)
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("header %v", w.Header())
		}
		taken := len(r.received) == 1
		if !taken {
			return
		}
		values := <-r.received
		if host != "127.0.0.1:9" || u.EscapedPath() != "/callback" || len(values["state"]) != 1 || values.Get("state") != "good" || w.Code != http.StatusOK ||
			method != http.MethodGet && (method != http.MethodPost || mode&3 == 1) {
			t.Errorf("taken: %s %s of %s, %v", method, target, host, values)
		}
	})
}
