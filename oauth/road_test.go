package oauth

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What a token endpoint may send instead of a token. Each is refused by name,
// says nothing it should not, and is told transient from final.
func TestHostileTokenEndpoint(t *testing.T) { // F-115
	page := "<html><head><title>502 Bad Gateway</title></head><body onload=\"alert(1)\">nginx</body></html>"
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	tests := []struct {
		name      string
		route     http.HandlerFunc
		want      error
		transient bool
		says      string // part of the message
	}{
		{"invalid_grant", status(400, `{"error":"invalid_grant","error_description":"Token expired"}`), InvalidGrant, false, "Token expired"},
		{"invalid_grant with 500", status(500, `{"error":"invalid_grant"}`), InvalidGrant, false, ""},
		{"invalid_client", status(401, `{"error":"invalid_client"}`), InvalidClient, false, "401"},
		{"error with status 200", status(200, `{"ok":false,"error":"bad_verification_code"}`), Code("bad_verification_code"), false, ""},
		{"unknown error with 429", status(429, `{"error":"too_many_requests"}`), Code("too_many_requests"), true, ""},
		{"temporarily_unavailable", status(400, `{"error":"temporarily_unavailable"}`), TemporarilyUnavailable, true, ""},
		{"error of no type", status(400, `{"error":{"code":400,"message":"No <b>such</b> app"}}`), nil, false, "No such app"},
		{"page with 502", status(502, page), ErrNotJSON, true, "502"},
		{"page with 200", status(200, page), ErrNotJSON, true, ""},
		{"page with 403", status(403, page), ErrPortal, true, ""},
		{"page with 404", status(404, page), ErrNotJSON, false, ""},
		{"nothing with 503", status(503, ""), ErrNotJSON, true, ""},
		{"nothing with 408", status(408, ""), ErrNotJSON, true, ""},
		{"not implemented", status(501, ""), ErrNotJSON, false, ""},
		{"HTML in the description", status(400, `{"error":"invalid_request","error_description":"<script>alert(1)</script><<b>img src=x>\u001b[31mred\u202e\nline"}`), InvalidRequest, false, "alert(1) img src=x[31mred line"},
		{"HTML as the code", status(400, `{"error":"<script>"}`), Code("script"), false, ""},
		{"unprintable code", status(400, `{"error":"\u202e\u202e"}`), ServerError, true, ""},
		{"the secrets come back", status(400, `{"error":"invalid_grant","error_description":"bad code the-code-0123456789 or secret top+secret%3Avalue, top secret:value"}`), InvalidGrant, false, "bad code [secret] or secret [secret], [secret]"},
		{"a list", status(200, `[]`), ErrNotJSON, false, ""},
		{"two objects", status(200, `{}{}`), ErrNotJSON, false, ""},
		{"member twice", status(200, `{"access_token":"a","token_type":"bearer","access_token":"b"}`), ErrNotJSON, false, "twice"},
		{"deep", status(200, strings.Repeat(`{"a":`, 70)+"1"+strings.Repeat("}", 70)), ErrNotJSON, false, "deeper"},
		{"other case", status(200, `{"Access_Token":"a","token_type":"bearer"}`), ErrNoToken, false, ""},
		{"no token", status(200, `{"token_type":"bearer"}`), ErrNoToken, false, ""},
		{"token of no type", status(200, `{"access_token":7,"token_type":"bearer"}`), ErrNoToken, false, ""},
		{"unknown token_type", status(200, `{"access_token":"a","token_type":"mac"}`), ErrTokenType, false, "mac"},
		{"no token_type", status(200, `{"access_token":"a"}`), ErrTokenType, false, ""},
		{"DPoP unasked", status(200, `{"access_token":"a","token_type":"DPoP"}`), ErrTokenType, false, ""},
		{"10 MB", func(w http.ResponseWriter, _ *http.Request) {
			for range 10 << 4 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, ErrTooLarge, false, "1 MiB"},
		{"never ends", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(time.Millisecond):
				}
			}
		}, ErrTimeout, true, ""},
		{"never begins", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrTimeout, true, ""},
		{"breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"access_token":`))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, nil, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.routes["/token"] = tt.route
			f.secret = "top secret:value"
			c := f.client()
			if tt.want == ErrTimeout {
				c.Timeout = 50 * time.Millisecond
			}
			tok, err := f.login(c, openid)
			if tok != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("token %v, err %v, want %v", tok, err, tt.want)
			}
			if Transient(err) != tt.transient {
				t.Errorf("transient %v: %v", !tt.transient, err)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), f.URL+"/token") {
				t.Errorf("says %q", err)
			}
			noSecret(t, err.Error()+fmt.Sprintf("%+v", err), "<", ">", "\x1b", "\u202e", "\n",
				"the-code-0123456789", "top secret:value", "top+secret%3Avalue")
		})
	}
}

// Credentials follow no redirect, wherever it points: R-198.
func TestRedirectOnTokenEndpoint(t *testing.T) {
	elsewhere := newFake(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{elsewhere.URL + "/token", "/token2"} {
			f := newFake(t)
			f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
			c := f.client()
			own := &http.Client{}
			c.HTTP = own
			_, err := f.login(c, openid)
			if other := strings.HasPrefix(to, "http"); !errors.Is(err, ErrRedirect) || Transient(err) != other || errors.Is(err, ErrPortal) != other {
				t.Errorf("%d to %s: transient %v: %v", status, to, Transient(err), err)
			}
			if f.count("/token2") != 0 || elsewhere.count("/token") != 0 {
				t.Errorf("%d was followed", status)
			}
			if own.CheckRedirect != nil {
				t.Error("the caller's client was modified")
			}
		}
	}
	f := newFake(t)
	f.routes["/userinfo"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/u2", http.StatusFound) }
	c := f.client()
	if _, err := c.UserInfo(t.Context(), f.mustLogin(c)); !errors.Is(err, ErrRedirect) || f.count("/u2") != 0 {
		t.Errorf("userinfo: %v", err)
	}
}

// pipes dials in-memory connections served by serve, so that a synctest
// bubble can own all of it.
func pipes(wg *sync.WaitGroup, serve func(net.Conn)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			wg.Go(func() { serve(server) })
			return client, nil
		},
	}}
}

// Without a time limit of its own a client waits 30 seconds, no more, even if
// the server sends a byte now and then.
func TestDefaultTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served sync.WaitGroup
		defer served.Wait()
		hc := pipes(&served, func(conn net.Conn) {
			defer conn.Close()
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			_, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"))
			for err == nil {
				time.Sleep(time.Second)
				_, err = conn.Write([]byte(" "))
			}
		})
		start := time.Now()
		_, err := Discover(t.Context(), hc, "http://127.0.0.1:1")
		if !errors.Is(err, ErrTimeout) || !Transient(err) {
			t.Error(err)
		}
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// Both places of discovery together get the time of one.
func TestDiscoveryTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served sync.WaitGroup
		defer served.Wait()
		hc := pipes(&served, func(conn net.Conn) {
			defer conn.Close()
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			time.Sleep(20 * time.Second)
			_, _ = conn.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
		})
		start := time.Now()
		if _, err := Discover(t.Context(), hc, "http://127.0.0.1:1"); !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// endless is a body without end that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// No more than a megabyte is taken in before an answer is refused: R-054.
func TestBodyLimit(t *testing.T) {
	body := new(endless)
	hc := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
	})}
	c := &Client{ID: "c", HTTP: hc, Metadata: &Metadata{TokenEndpoint: "https://id.example/token"}}
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if body.read > maxBody+1 {
		t.Errorf("%d bytes were read", body.read)
	}
}

func TestCancelled(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.routes["/token"] = func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }
	a, response := f.authorize(f.client(), openid)
	if _, err := a.Redeem(ctx, response); !errors.Is(err, context.Canceled) || Transient(err) {
		t.Error(err)
	}
}

func TestTransientNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	if _, err := Discover(t.Context(), nil, gone); !Transient(err) {
		t.Errorf("refused connection: %v", err)
	}
	hc := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "id.example", IsNotFound: true}}
	}}}
	if _, err := Discover(t.Context(), hc, "https://id.example"); !Transient(err) {
		t.Errorf("no such host: %v", err)
	}
	for _, err := range []error{nil, InvalidGrant, ErrState, errors.New("x"), context.Canceled,
		&net.OpError{Op: "dial", Err: context.Canceled}} {
		if Transient(err) {
			t.Errorf("transient: %v", err)
		}
	}
	for _, err := range []error{context.DeadlineExceeded, fmt.Errorf("x: %w", &Error{Status: 500}), &Error{Status: 429}} {
		if !Transient(err) {
			t.Errorf("not transient: %v", err)
		}
	}
}

// A certificate that does not verify is final, and nothing is sent: R-015.
func TestCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it will complain about our refusal
	srv.StartTLS()
	defer srv.Close()
	_, err := Discover(t.Context(), nil, srv.URL)
	var cert *tls.CertificateVerificationError
	if !errors.As(err, &cert) || Transient(err) {
		t.Errorf("err %v, transient %v", err, Transient(err))
	}
	// http where https is spoken
	if _, err := Discover(t.Context(), nil, strings.Replace(srv.URL, "https", "http", 1)); err == nil {
		t.Error("http was answered")
	}
	if v := sharedClient().Transport.(*http.Transport).TLSClientConfig.MinVersion; v != tls.VersionTLS12 {
		t.Errorf("TLS %x", v)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		after, date string
		want        time.Duration
	}{
		{"120", "", 2 * time.Minute},
		{" 5 ", "", 5 * time.Second},
		{"", "", 0},
		{"-1", "", 0},
		{"soon", "", 0},
		{"999999999", "", maxRetryAfter},
		{"99999999999999999999", "", 0},
		{now.Add(time.Minute).Format(http.TimeFormat), "", time.Minute},
		{now.Add(-time.Minute).Format(http.TimeFormat), "", 0},
		{now.Add(time.Hour).Format(http.TimeFormat), now.Add(59 * time.Minute).Format(http.TimeFormat), time.Minute},
	}
	for _, tt := range tests {
		h := http.Header{"Retry-After": {tt.after}, "Date": {tt.date}}
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%q, date %q: %v, want %v", tt.after, tt.date, got, tt.want)
		}
	}
	f := newFake(t)
	f.routes["/revoke"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(503)
	}
	err := f.client().Revoke(t.Context(), "x", "")
	if RetryAfter(fmt.Errorf("profile work: %w", err)) != 7*time.Second || !Transient(err) {
		t.Error(err)
	}
	if RetryAfter(InvalidGrant) != 0 {
		t.Error("from nothing")
	}
}

// Endpoints.
func TestParseEndpoint(t *testing.T) { // F-062
	tests := []struct {
		in   string
		want error
	}{
		{"https://id.example/token", nil},
		{"https://id.example/token?tenant=7", nil},
		{"http://127.0.0.1:8080/token", nil},
		{"http://[::1]/token", nil},
		{"http://localhost/token", nil},
		{"http://127.8.9.10/token", nil},
		{"", ErrNoEndpoint},
		{"token", ErrNoEndpoint},
		{"https:///token", ErrNoEndpoint},
		{"https:opaque", ErrNoEndpoint},
		{"https://id.example/token#here", ErrNoEndpoint},
		{"https://id.example/token#", ErrNoEndpoint},
		{"https://user:pass@id.example/token", ErrNoEndpoint},
		{"http://id.example/token", ErrInsecure},
		{"http://127.0.0.1.evil.example/", ErrInsecure},
		{"http://localhost.evil.example/", ErrInsecure},
		{"ftp://id.example/", ErrInsecure},
		{"file://localhost/etc/passwd", ErrInsecure},
		{"https://id.example/%zz", ErrNoEndpoint},
	}
	for _, tt := range tests {
		_, err := parseEndpoint("token endpoint", tt.in)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.in, err, tt.want)
		}
		if err != nil {
			noSecret(t, err.Error(), "user:pass", ":pass@")
		}
	}
}
