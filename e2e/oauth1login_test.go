//go:build e2e && linux

package e2e

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// at1 adds a profile of the server's consumer for a signature method.
func (f *fob) at1(s *oauth1Server, name, method string, sets ...string) {
	f.t.Helper()
	c := s.consumers[method]
	settings := []string{
		"grant_type=oauth1", "client_id=" + c.Key, "oauth_signature_method=" + method, "ca_certificate=@" + s.path("ca.pem"),
		"temporary_credential_endpoint=" + s.base + "/request_token", "authorization_endpoint=" + s.base + "/authorize", "token_endpoint=" + s.base + "/access_token",
	}
	if c.Secret != "" {
		settings = append(settings, "client_secret=@"+s.file(name+"-secret", c.Secret))
	}
	if c.PrivateKeyPEM != "" {
		settings = append(settings, "private_key=@"+s.file(name+"-key", c.PrivateKeyPEM))
	}
	f.run(append([]string{"profile", "add", name}, words("--set", append(settings, sets...)...)...)...).ok()
}

func (s *oauth1Server) client() *http.Client {
	transport := &http.Transport{TLSClientConfig: s.tls("")}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// Three legs with each signature method, at a server on a library that nobody here wrote, and requests signed for curl.
// F-190, F-191, F-192, F-193, F-194, F-197, F-200.
func TestFobOAuth1(t *testing.T) {
	t.Parallel()
	s, all := startOAuth1(t, "--tls"), newQuiet(t)
	hc, browser := s.client(), curlBrowser(all.desk, s.path("ca.pem"))
	api := s.base + "/api?q=a%20b&q=a"
	for _, method := range slices.Sorted(maps.Keys(s.consumers)) {
		t.Run(method, func(t *testing.T) {
			f := all.in(t)
			f.at1(s, method, method)
			f.run("login", method, "--browser", browser).exits(0).saying("logged in to " + method)
			header := strings.TrimSpace(f.run("header", method, "GET", api).ok())
			if answer := send(t, hc, api, nil, header); answer.status != 200 || answer.body["consumer"] != s.consumers[method].Key {
				t.Errorf("the API answers the signed request with %d", answer.status)
			}
			if answer := send(t, hc, api, nil, header); answer.status != 401 {
				t.Errorf("the same signed request again: %d", answer.status)
			}
			if method == "PLAINTEXT" {
				return // it signs nothing
			}
			header = strings.TrimSpace(f.run("header", method, "GET", api).ok())
			if answer := send(t, hc, api+"c", nil, header); answer.status != 401 {
				t.Errorf("another address than was signed: %d", answer.status)
			}
		})
	}
	// F-195: where the signature travels.
	t.Run("in the address", func(t *testing.T) {
		f := all.in(t)
		f.at1(s, "query", "HMAC-SHA256", "oauth_signature_placement=query")
		f.run("login", "query", "--browser", browser).ok()
		said := f.run("header", "query", "GET", api)
		said.exits(0).saying("this is the address of the request")
		if answer := send(t, hc, strings.TrimSpace(said.out), nil); answer.status != 200 {
			t.Errorf("the API answers the signed address with %d", answer.status)
		}
	})
	t.Run("in the body", func(t *testing.T) {
		f := all.in(t)
		f.at1(s, "body", "HMAC-SHA256", "oauth_signature_placement=body")
		f.run("login", "body", "--browser", browser).ok()
		said := f.run("header", "body", "POST", s.base+"/api")
		said.exits(0).saying("this is the form body of the request")
		form, err := url.ParseQuery(strings.TrimSpace(said.out))
		must(t, err)
		if answer := send(t, hc, s.base+"/api", form); answer.status != 200 {
			t.Errorf("the API answers the signed form with %d", answer.status)
		}
	})
	// F-084, F-061: the server shows a code; the page is opened and the code brought by hand, by two runs of fob.
	t.Run("out of band", func(t *testing.T) {
		f := all.in(t)
		f.at1(s, "oob", "HMAC-SHA1", "redirect_uri=oob")
		f.run("login", "oob").exits(2).saying("--print-url")
		page := strings.TrimSpace(f.run("login", "oob", "--print-url").ok())
		shown, err := hc.Get(page)
		must(t, err)
		defer shown.Body.Close()
		text, err := io.ReadAll(shown.Body)
		must(t, err)
		code := regexp.MustCompile(`id="verifier">([^<]+)<`).FindSubmatch(text)
		if code == nil {
			t.Fatalf("the server shows no code: %d", shown.StatusCode)
		}
		f.runWith(string(code[1])+"\n", "login", "oob", "--complete", "-").exits(0).saying("logged in to oob")
		header := strings.TrimSpace(f.run("header", "oob", "GET", api).ok())
		if answer := send(t, hc, api, nil, header); answer.status != 200 {
			t.Errorf("the API answers with %d", answer.status)
		}
	})
}
