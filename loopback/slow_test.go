package loopback

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

func dial(t *testing.T, r *Receiver, send string) net.Conn {
	t.Helper()
	u, _ := url.Parse(r.RedirectURI())
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.ReplaceAll(send, "HOST", u.Host)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ended waits until the other side has closed.
func ended(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// hundreds of idle connections and clients that send their request
// byte by byte or never finish it do not keep the response out, and Close
// does not wait for them.
func TestIdleAndSlowClients(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	done := start(t, r, "s1")
	var open []net.Conn
	for i := range 500 {
		switch i % 5 {
		case 0:
			open = append(open, dial(t, r, "GET /callback?code=slow"))
		case 1:
			open = append(open, dial(t, r, "POST /callback HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nstate="))
		default:
			open = append(open, dial(t, r, ""))
		}
	}
	if status, _ := get(t, r.RedirectURI()+"?code=c&state=s1"); status != 200 {
		t.Errorf("status %d", status)
	}
	if got := <-done; got.err != nil || got.values.Get("code") != "c" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	begun := time.Now()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took >= closeGrace {
		t.Errorf("closing took %v", took)
	}
	for _, conn := range open {
		if !ended(t, conn) {
			t.Fatal("a connection outlived Close")
		}
	}
}

func TestPreconnectDoesNotDelayClose(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	done := start(t, r, "s1")
	idle, partial := dial(t, r, ""), dial(t, r, "GET /")
	get(t, r.RedirectURI()+"?code=c&state=s1")
	<-done
	begun := time.Now()
	r.Close()
	if took := time.Since(begun); took >= closeGrace {
		t.Errorf("closing took %v", took)
	}
	if !ended(t, idle) || !ended(t, partial) {
		t.Error("a connection outlived Close")
	}
}

func TestOldestIdleConnectionMakesRoom(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.server.ReadHeaderTimeout = time.Hour // time alone does not end it here
	r.server.ReadTimeout = time.Hour
	start(t, r, "s1")
	first := dial(t, r, "")
	for range maxConns + 10 {
		dial(t, r, "")
	}
	if !ended(t, first) {
		t.Error("the oldest of too many idle connections is still open")
	}
}

func TestLimits(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.server.ReadHeaderTimeout = 50 * time.Millisecond
	r.server.ReadTimeout = 100 * time.Millisecond
	done := start(t, r, "s1")
	if !ended(t, dial(t, r, "GET /callback?state=s1")) {
		t.Error("an unfinished header is waited for without end")
	}
	if !ended(t, dial(t, r, "POST /callback HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nstate=s1")) {
		t.Error("an unfinished body is waited for without end")
	}
	u, _ := url.Parse(r.RedirectURI())
	req, _ := http.NewRequest("GET", r.RedirectURI()+"?code=c&state=s1", nil)
	req.Header.Set("Cookie", strings.Repeat("x", maxHeader+8<<10))
	resp, err := client.Do(req)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of %d bytes: %d", maxHeader+8<<10, resp.StatusCode)
		}
	}
	// Cookies of other programs on this host are no reason to fail.
	conn := dial(t, r, "GET /callback?code=c&state=s1 HTTP/1.1\r\nHost: "+u.Host+"\r\nCookie: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(conn), nil)
	if body(t, resp, err); resp.StatusCode != 200 {
		t.Errorf("with 40 KiB of cookies: %d", resp.StatusCode)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// The page arrives whole although its reader is slow and Close comes at once.
func TestPageIsDeliveredBeforeClose(t *testing.T) {
	for range 20 {
		r := mustListen(t, "http://127.0.0.1:0/callback")
		done := start(t, r, "s1")
		conn := dial(t, r, "GET /callback?code=c&state=s1 HTTP/1.1\r\nHost: HOST\r\n\r\n")
		<-done
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if text := body(t, resp, err); !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
			t.Fatal("the page was cut")
		}
	}
}
