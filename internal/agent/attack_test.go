package agent

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rawAsk sends bytes to the agent's socket and returns all that it answers before it hangs up.
func (h *house) rawAsk(text string) string {
	h.t.Helper()
	conn, err := net.Dial("unix", h.home.Socket())
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		h.t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text)
	all, _ := io.ReadAll(conn)
	return string(all)
}

// Where a browser gets at the socket after all, through a port that somebody put before it: no page is answered, however it asks.
// A form is a body that is no JSON. R-302
func TestNoPageIsAnswered(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	h.login("work")
	const body = `{"name":"work"}`
	post := func(header string) string {
		return h.rawAsk("POST /v1/token HTTP/1.1\r\nConnection: close\r\nContent-Length: 15\r\n" + header + "\r\n\r\n" + body)
	}
	for _, header := range []string{
		"Host: fob\r\nOrigin: https://evil.example", "Host: fob\r\nOrigin: null", "Host: localhost\r\nOrigin: http://localhost:5173", "Host: fob\r\nSec-Fetch-Site: cross-site",
		"Host: fob\r\nSec-Fetch-Site: same-origin", "Host: evil.example", "Host: localhost:8000", "Host: 127.0.0.1:8000", "Host: fob.evil.example",
	} {
		if answer := post(header); !strings.HasPrefix(answer, "HTTP/1.1 403 ") || strings.Contains(answer, "access_token") {
			t.Errorf("%q: %.80q", header, answer)
		}
	}
	for _, header := range []string{"Host: fob", "Host: localhost"} {
		if answer := post(header); !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, "access_token") {
			t.Errorf("%q: %.80q", header, answer)
		}
	}
	for _, form := range []string{"name=work", "name%3Dwork", `--x` + "\r\n" + `Content-Disposition: form-data; name="name"`} {
		answer := h.rawAsk("POST /v1/token HTTP/1.1\r\nHost: fob\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " + strconv.Itoa(len(form)) + "\r\n\r\n" + form)
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("%q: %.80q", form, answer)
		}
	}

}

// What is no request, too large or cut short is refused, and hides nothing. R-302
func TestSocketSmuggling(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	h.login("work")
	const hidden = "POST /v1/token HTTP/1.1\r\nHost: fob\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{\"name\":\"work\"}"
	for name, text := range map[string]string{
		"two lengths":        "POST /v1/token HTTP/1.1\r\nHost: fob\r\nContent-Length: 0\r\nContent-Length: 99\r\n\r\n" + hidden,
		"length and chunks":  "POST /v1/token HTTP/1.1\r\nHost: fob\r\nContent-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n" + hidden,
		"bad chunk":          "POST /v1/token HTTP/1.1\r\nHost: fob\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + hidden,
		"space before colon": "POST /v1/token HTTP/1.1\r\nHost: fob\r\nContent-Length : 0\r\n\r\n" + hidden,
		"NUL":                "POST /v1/token HTTP/1.1\r\nHost: fob\r\nX: a\x00b\r\n\r\n" + hidden,
		"large header":       "POST /v1/token HTTP/1.1\r\nHost: fob\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"another protocol":   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + hidden,
	} {
		if answer := h.rawAsk(text); strings.Contains(answer, "access_token") || strings.HasPrefix(answer, "HTTP/1.1 2") {
			t.Errorf("%s: %.80q", name, answer)
		}
	}
	large := `{"name":"` + strings.Repeat("x", requestMax) + `"}`
	request, err := http.NewRequest("POST", "http://fob/v1/token", strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := h.client.http.Do(request); err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a body of 1 MiB: %d", answer.StatusCode)
		}
	}
}

// 1,000 connections that say nothing keep nobody from the socket.
func TestThousandSilentConnections(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	h.login("work")
	var open []net.Conn
	for range 1000 {
		conn, err := net.Dial("unix", h.home.Socket())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	begun := time.Now()
	if _, err := h.client.Token(t.Context(), TokenQuery{Name: "work"}, 0); err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	if _, err := io.WriteString(open[0], "GET /v1/hello HTTP/1.1\r\nHost: fob\r\n"); err != nil { // half a header
		t.Fatal(err)
	}
	if _, err := h.client.Hello(t.Context()); err != nil {
		t.Error(err)
	}
}

// Talking to servers is bounded, handing out what is there is not. R-302
func TestAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a allowance
		taken := func() (n int) {
			for a.take(time.Now()) {
				n++
			}
			return n
		}
		if n := taken(); n != allowedAtOnce {
			t.Errorf("%d at once", n)
		}
		time.Sleep(time.Second)
		if n := taken(); n != allowedASecond {
			t.Errorf("%d a second later", n)
		}
		time.Sleep(time.Hour)
		if n := taken(); n != allowedAtOnce {
			t.Errorf("%d after an hour", n)
		}
	})
	h := newHouse(t)
	h.add("work")
	h.login("work")
	var mu sync.Mutex
	codes := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				_, err := h.client.Discover(context.Background(), "not an issuer")
				var said *Error
				if errors.As(err, &said) {
					mu.Lock()
					codes[said.Code]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if codes["too_many_requests"] == 0 {
		t.Errorf("2400 questions to servers were let through: %v", codes)
	}
	for range 2000 {
		if _, err := h.client.Token(t.Context(), TokenQuery{Name: "work"}, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkTokenKept is a cached token over a kept connection, the whole road.
func BenchmarkTokenKept(b *testing.B) {
	h := newHouse(b)
	h.add("work")
	h.login("work")
	conn, err := net.Dial("unix", h.home.Socket())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("POST /v1/token HTTP/1.1\r\nHost: fob\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"name\":\"work\"}")
	answers := bufio.NewReaderSize(conn, 16<<10)
	b.ResetTimer()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != 200 {
			b.Fatal(answer, err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			b.Fatal(err)
		}
	}
}
