package oauth1

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fob/oauth"
)

// each redirect and each retry is signed anew, for the address it goes to.
func TestTransportSignsAgain(t *testing.T) {
	s := newStrictServer(t)
	s.tokens["access token"] = "access%secret"
	token := &Token{Token: "access token", Secret: "access%secret"}
	c := s.client()
	// The server refuses a nonce that it has seen, and a signature of another address.
	for _, method := range []string{"GET", "POST"} {
		if status, text := fetch(t, c, token, method, s.URL+"/api/again", formType, "a=b"); status != 200 {
			t.Errorf("%s: %d %s", method, status, text)
		}
	}
	// A caller that sends one request twice.
	r := request(t, "POST", s.URL+"/api/photos", formType, "a=b")
	transport := &Transport{Client: c, Token: token, Base: c.HTTP.Transport}
	for range 2 {
		r.Body, _ = r.GetBody()
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%d %s", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
		}
	}
	if r.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
	if len(s.places) != 6 {
		t.Errorf("%d requests arrived", len(s.places))
	}
}

// nobody who stands elsewhere gets a signature, or chooses what is
// signed by sending the request back.
func TestTransportKeepsSignaturesAtHome(t *testing.T) {
	s := newStrictServer(t)
	s.tokens["access token"] = "access%secret"
	var seen []string
	away := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Header.Get("Authorization")+r.URL.RawQuery+string(body))
		if r.URL.Path == "/back" {
			http.Redirect(w, r, s.URL+"/api/photos?delete=all", http.StatusTemporaryRedirect)
		}
	}))
	defer away.Close()
	for _, place := range []Placement{InHeader, InQuery, InBody} {
		c := s.client()
		c.Placement = place
		token := &Token{Token: "access token", Secret: "access%secret"}
		for path, want := range map[string]int{"/there": 200, "/back": 401} {
			seen = nil
			status, _ := fetch(t, c, token, "POST", s.URL+"/api/away?to="+away.URL+path, formType, "a=b")
			if status != want {
				t.Errorf("%s %s: status %d, want %d", place, path, status, want)
			}
			if len(seen) != 1 || strings.Contains(seen[0], "oauth") || !strings.Contains(seen[0], "a=b") {
				t.Errorf("%s %s: %q arrived elsewhere", place, path, seen)
			}
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, v := range []struct {
		from, to string
		want     bool
	}{
		{"https://a.example/x", "https://A.example:443/y", true},
		{"https://a.example/x", "https://a.example:8443/y", false},
		{"https://a.example/x", "https://b.a.example/y", false},
		{"https://a.example/x", "http://a.example/y", false},
		{"http://a.example/x", "https://a.example/y", true},
		{"http://a.example:8080/x", "https://a.example/y", false},
		{"http://a.example/x", "https://a.example:8443/y", false},
	} {
		if got := sameOrigin(request(t, "GET", v.from, "", "").URL, request(t, "GET", v.to, "", "").URL); got != v.want {
			t.Errorf("%s to %s: %v", v.from, v.to, got)
		}
	}
}

func TestTransportClosesTheBody(t *testing.T) {
	body := &once{Reader: strings.NewReader("a=b")}
	r := request(t, "POST", "https://api.example/p", formType, "")
	r.Body = body
	_, err := (&Transport{Client: &Client{}, Base: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("it was sent")
		return nil, errors.New("sent")
	})}).RoundTrip(r)
	if !errors.Is(err, oauth.ErrRequest) || !body.closed {
		t.Errorf("%v, closed %v", err, body.closed)
	}
}
