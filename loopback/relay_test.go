package loopback

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// post sends a form the way a page of some origin would.
func post(t *testing.T, r *Receiver, origin string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.RedirectURI(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := client.Do(req)
	text := body(t, resp, err)
	return resp.StatusCode, text
}

func originOf(t *testing.T, r *Receiver) string {
	t.Helper()
	u, err := url.Parse(r.RedirectURI())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + u.Host
}

// F-011: a fragment is taken only when asked for, through a page that
// may post to its own origin and do nothing else.
func TestFragment(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.QueryOnly, r.Fragment = true, true
	strays := make(chan string, 10)
	r.OnStray = func(s Stray) { strays <- s.Reason }
	done := start(t, r, "s1")
	resp, err := client.Get(r.RedirectURI())
	text := body(t, resp, err)
	policy := resp.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	m := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(text, -1)
	if len(m) != 1 || !strings.Contains(policy, "script-src "+hashOf(m[0][1])+";") {
		t.Error("the script in the page is not the one in the policy")
	}
	if resp.StatusCode != 200 || !strings.Contains(text, "One moment") || !strings.Contains(text, "<noscript>") ||
		resp.Header.Get("Referrer-Policy") != "same-origin" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v, page:\n%s", resp.StatusCode, resp.Header, text)
	}
	if m := regexp.MustCompile(`(?:src|href|url\()\s*=?\s*["']?(https?:)?//`).FindString(text); m != "" {
		t.Errorf("the page loads something: %q", m)
	}
	// Only our own page may post here: the login did not ask for form_post.
	answer := url.Values{"access_token": {"tok"}, "state": {"s1"}}
	for _, origin := range []string{"", "null", "https://evil.example", "http://127.0.0.1:1", "http://localhost"} {
		if status, _ := post(t, r, origin, answer); status != http.StatusMethodNotAllowed {
			t.Errorf("a form of origin %q: %d", origin, status)
		} else if s := <-strays; s != StrayMethod {
			t.Errorf("reason %q", s)
		}
	}
	if status, _ := post(t, r, originOf(t, r), url.Values{"access_token": {"evil"}, "state": {"s2"}}); status != 400 || <-strays != StrayState {
		t.Error("another state was taken")
	}
	if status, text := post(t, r, originOf(t, r), answer); status != 200 || strings.Contains(text, "tok<") {
		t.Errorf("our own form: %d\n%s", status, text)
	}
	if got := <-done; got.err != nil || got.values.Get("access_token") != "tok" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	if len(strays) != 0 {
		t.Errorf("the page itself counts as a stray: %s", <-strays)
	}
}

func TestNoFragmentUnasked(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.QueryOnly = true
	done := start(t, r, "s1")
	if status, text := get(t, r.RedirectURI()); status != 400 || strings.Contains(text, "location.hash") {
		t.Errorf("status %d, page:\n%s", status, text)
	}
	if status, _ := post(t, r, originOf(t, r), url.Values{"state": {"s1"}}); status != 405 {
		t.Errorf("our origin may post: %d", status)
	}
	get(t, r.RedirectURI()+"?code=c&state=s1")
	<-done
}

// An error may come in the query though the fragment was asked for.
func TestFragmentErrorInQuery(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.Fragment = true
	done := start(t, r, "s1")
	if status, text := get(t, r.RedirectURI()+"?error=access_denied&state=s1"); status != 200 || !strings.Contains(text, "not granted") {
		t.Errorf("status %d\n%s", status, text)
	}
	if got := <-done; got.values.Get("error") != "access_denied" {
		t.Errorf("got %v, %v", got.values, got.err)
	}
}

// the state of a signed response is found by whoever can read it,
// in the query, a form or the fragment.
func TestStateInsideTheResponse(t *testing.T) {
	stateOf := func(v url.Values) string {
		var claims struct{ State string }
		_ = json.Unmarshal([]byte(v.Get("response")), &claims)
		return claims.State
	}
	for name, send := range map[string]func(*testing.T, *Receiver, string) int{
		"query": func(t *testing.T, r *Receiver, response string) int {
			status, _ := get(t, r.RedirectURI()+"?response="+url.QueryEscape(response))
			return status
		},
		"form_post": func(t *testing.T, r *Receiver, response string) int {
			status, _ := post(t, r, "https://as.example", url.Values{"response": {response}})
			return status
		},
		"fragment": func(t *testing.T, r *Receiver, response string) int {
			status, _ := post(t, r, originOf(t, r), url.Values{"response": {response}})
			return status
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustListen(t, "http://127.0.0.1:0/callback")
			r.QueryOnly, r.Fragment, r.StateOf = name != "form_post", name == "fragment", stateOf
			done := start(t, r, "s1")
			if status := send(t, r, `{"state":"s2"}`); status != 400 {
				t.Errorf("another login's: %d", status)
			}
			if name == "query" { // a plain state does not stand for the one inside
				if status, _ := get(t, r.RedirectURI()+"?state=s1"); status != 400 {
					t.Errorf("a plain one: %d", status)
				}
			}
			if status := send(t, r, `{"state":"s1"}`); status != 200 {
				t.Errorf("its own: %d", status)
			}
			if got := <-done; got.values.Get("response") != `{"state":"s1"}` {
				t.Errorf("got %v, %v", got.values, got.err)
			}
		})
	}
}

// OAuth 1.0a has the temporary token instead of a state.
func TestOAuth1Token(t *testing.T) {
	for _, c := range []struct{ query, reason, page string }{
		{"?oauth_token=hh5s93&oauth_verifier=v", "", "You can go back to Fob"},
		{"?denied=hh5s93", "", "Access was not granted"},
	} {
		r := mustListen(t, "http://127.0.0.1:0/callback")
		r.QueryOnly, r.StateOf = true, OAuth1Token
		done := start(t, r, "hh5s93")
		for _, stray := range []string{"?oauth_token=other&oauth_verifier=v", "?oauth_verifier=v", "?state=hh5s93",
			"?oauth_token=hh5s93&oauth_token=hh5s93", "?oauth_token=hh5s93&denied=hh5s93"} {
			if status, _ := get(t, r.RedirectURI()+stray); status != 400 {
				t.Errorf("%s: %d", stray, status)
			}
		}
		if status, text := get(t, r.RedirectURI()+c.query); status != 200 || !strings.Contains(text, c.page) {
			t.Errorf("%s: %d\n%s", c.query, status, text)
		}
		if got := <-done; got.err != nil {
			t.Error(got.err)
		}
	}
}

// F-073, R-094: in a container the address to listen on is another one than
// the address that the browser knows, and only by name.
func TestListenAddress(t *testing.T) {
	for _, bad := range []string{":9000", "localhost:9000", "0.0.0.0:x", "example.com", "0.0.0.0:99999"} {
		if r, err := ListenAt(bad, "http://127.0.0.1:0/callback"); err == nil {
			r.Close()
			t.Errorf("%q is taken", bad)
		} else if !strings.Contains(err.Error(), "IP address") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	r, err := ListenAt("0.0.0.0:0", "http://127.0.0.1:0/callback")
	if err != nil {
		t.Fatal(err)
	}
	done := start(t, r, "s1")
	if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*/callback$`).MatchString(r.RedirectURI()) {
		t.Errorf("redirect URI %q", r.RedirectURI())
	}
	if host := r.listeners[0].Addr().String(); !strings.HasPrefix(host, "0.0.0.0:") {
		t.Errorf("listens on %s", host)
	}
	if status, _ := get(t, r.RedirectURI()+"?code=c&state=s1"); status != 200 {
		t.Errorf("status %d", status)
	}
	<-done

	// A forwarded port: the browser's Host is the redirect URI's, and no other is.
	r, err = ListenAt("127.0.0.1:0", "http://127.0.0.1:0/callback")
	if err != nil {
		t.Fatal(err)
	}
	free := strings.TrimPrefix(originOf(t, r), "http://")
	r.Close()
	r, err = ListenAt(free, "http://localhost:8080/callback")
	if err != nil {
		t.Fatal(err)
	}
	done = start(t, r, "s1")
	if r.RedirectURI() != "http://localhost:8080/callback" || len(r.listeners) != 1 {
		t.Errorf("redirect URI %s on %d listeners", r.RedirectURI(), len(r.listeners))
	}
	for host, want := range map[string]int{free: 421, "127.0.0.1:8080": 421, "localhost:8080": 200} {
		req, err := http.NewRequest(http.MethodGet, "http://"+free+"/callback?code=c&state=s1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if body(t, resp, err); resp.StatusCode != want {
			t.Errorf("host %s: %d", host, resp.StatusCode)
		}
	}
	<-done
}
