package loopback

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// held makes a request whose page is held; the answer comes once.
func held(t *testing.T, r *Receiver, query url.Values) <-chan string {
	t.Helper()
	page := make(chan string, 1)
	go func() {
		resp, err := client.Get(r.RedirectURI() + "?" + query.Encode())
		page <- body(t, resp, err)
	}()
	return page
}

// A page that is held says what its owner says, and the usual when that says nothing.
func TestHold(t *testing.T) {
	for _, refused := range []bool{true, false} {
		r := mustListen(t, "http://127.0.0.1:0/cb")
		r.Hold = true
		done := start(t, r, "s")
		page := held(t, r, url.Values{"state": {"s"}, "code": {"c"}})
		if got := <-done; got.err != nil || got.values.Get("code") != "c" {
			t.Fatalf("%v, %v", got.values, got.err)
		}
		select {
		case text := <-page:
			t.Fatalf("the page did not wait: %s", text)
		default:
		}
		if refused {
			r.Refuse("Not <this> one", "ada & bob\nare \u202etwo")
			r.Refuse("once", "more")
		}
		r.Close()
		text := <-page
		if refused != strings.Contains(text, "Not &lt;this&gt; one") || refused != strings.Contains(text, "ada &amp; bob are two") || refused == strings.Contains(text, "go back to Fob") {
			t.Errorf("refused %t: %s", refused, text)
		}
	}
}

// What the server itself refused is said at once; a browser that goes away leaves nothing behind.
func TestHoldOfARefusal(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/cb")
	r.Hold = true
	done := start(t, r, "s")
	if text := <-held(t, r, url.Values{"state": {"s"}, "error": {"access_denied"}}); !strings.Contains(text, "Access was not granted") {
		t.Errorf("page %s", text)
	}
	<-done

	r = mustListen(t, "http://127.0.0.1:0/cb")
	r.Hold = true
	done = start(t, r, "s")
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.RedirectURI()+"?state=s&code=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := client.Do(request)
		gone <- err
	}()
	<-done
	cancel()
	<-gone
	began := time.Now()
	r.Close()
	if took := time.Since(began); took > closeGrace {
		t.Errorf("closing took %s", took)
	}
}
