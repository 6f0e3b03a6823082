package oauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func static(tok *Token) func(context.Context) (*Token, error) {
	return func(context.Context) (*Token, error) { return tok, nil }
}

var bearerToken = &Token{AccessToken: "access-token-1", Type: "Bearer"}

func TestUse(t *testing.T) { // F-151, F-152
	const form = "application/x-www-form-urlencoded"
	request := func(method, address, kind, body string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		return r
	}
	const address = "https://api.example/x?q=1"
	for _, tc := range []struct {
		name   string
		use    Use
		header http.Header
		query  string
		body   string
	}{
		{"by default", Use{}, http.Header{"Authorization": {"Bearer access-token-1"}}, "q=1", "a=b"},
		{"another scheme", Use{Scheme: "Token"}, http.Header{"Authorization": {"Token access-token-1"}}, "q=1", "a=b"},
		{"another header", Use{HeaderName: "x-api-token"}, http.Header{"X-Api-Token": {"access-token-1"}}, "q=1", "a=b"},
		{"another header and scheme", Use{HeaderName: "X-Auth", Scheme: "Bearer"}, http.Header{"X-Auth": {"Bearer access-token-1"}}, "q=1", "a=b"},
		{"in the query", Use{Placement: InQuery}, http.Header{"Cache-Control": {"no-store"}}, "access_token=access-token-1&q=1", "a=b"},
		{"in the body", Use{Placement: InBody}, http.Header{}, "q=1", "a=b&access_token=access-token-1"},
		{"with a quirk", Use{Query: map[string]string{"key": "k-{access_token}"}}, http.Header{"Authorization": {"Bearer access-token-1"}},
			"key=k-access-token-1&q=1", "a=b"},
	} {
		r := request("POST", address, form, "a=b")
		if err := tc.use.Apply(r, bearerToken, nil); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		tc.header.Set("Content-Type", form)
		// one place and no other; R-032: the query only when told to.
		if fmt.Sprint(r.Header) != fmt.Sprint(tc.header) || r.URL.RawQuery != tc.query || string(body) != tc.body || r.ContentLength != int64(len(body)) {
			t.Errorf("%s: %v, %q, %q", tc.name, r.Header, r.URL.RawQuery, body)
		}
	}
	for name, tc := range map[string]struct {
		use   Use
		token *Token
		req   *http.Request
	}{
		"GET with a body":          {Use{Placement: InBody}, bearerToken, request("GET", address, form, "a=b")},
		"JSON":                     {Use{Placement: InBody}, bearerToken, request("POST", address, "application/json", "{}")},
		"two parts":                {Use{Placement: InBody}, bearerToken, request("POST", address, "multipart/form-data; boundary=x", "")},
		"two tokens":               {Use{}, bearerToken, request("POST", address+"&access_token=x", form, "")},
		"two tokens in the body":   {Use{Placement: InBody}, bearerToken, request("POST", address, form, "access_token=x")},
		"an unknown place":         {Use{Placement: "cookie"}, bearerToken, request("POST", address, form, "")},
		"a bound one in the query": {Use{Placement: InQuery}, boundToken(t, "ES256"), request("POST", address, form, "")},
	} {
		if err := tc.use.Apply(tc.req, tc.token, nil); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		} else {
			noSecret(t, err.Error(), "access-token-1")
		}
	}
	for _, place := range []string{InHeader, InQuery, InBody} {
		r := request("POST", "http://api.example/x", form, "")
		if err := (Use{Placement: place}).Apply(r, bearerToken, nil); !errors.Is(err, ErrInsecure) {
			t.Errorf("%s: %v", place, err)
		}
	}
	c := &Client{ID: "id", Secret: "the-client-secret", AllowHTTP: true, Quirks: &Quirks{APIQuery: map[string]string{"key": "{client_id}-{access_token}"}}}
	u := c.Use(Use{})
	if r := request("GET", "http://api.example/x", "", ""); u.Apply(r, bearerToken, nil) != nil || r.URL.RawQuery != "key=id-access-token-1" {
		t.Errorf("%v", r.URL)
	}
}

func TestResolveURL(t *testing.T) { // F-154
	const base = "https://api.example/v1"
	for ref, want := range map[string]string{
		"": base, "users": base + "/users", "/users?x=1": base + "/users?x=1", "https://api.example/v1/a": base + "/a",
		"https://API.example:443/v1": "https://API.example:443/v1", "a%2Fb": base + "/a%2Fb", "a..b/.well": base + "/a..b/.well",
	} {
		if u, err := ResolveURL(base, ref); err != nil || u.String() != want {
			t.Errorf("%q: %v, %v", ref, u, err)
		}
	}
	for _, ref := range []string{
		"../admin", "a/../../admin", "%2e%2e/admin", "a/%2e%2e%2fadmin", `a\..\admin`, "./x", "..", "//evil.example/x",
		"https://evil.example/v1", "http://api.example/v1", "https://api.example/v10", "https://api.example/", "https://api.example:8443/v1",
		"https://u@evil.example/v1", "javascript:alert(1)", "https://api.example/v1/../admin",
	} {
		if u, err := ResolveURL(base, ref); !errors.Is(err, ErrRequest) {
			t.Errorf("%q became %v, %v", ref, u, err)
		}
	}
	for _, bad := range []string{"", "/v1", "file:///etc", "https://u:p@api.example"} {
		if _, err := ResolveURL(bad, "x"); !errors.Is(err, ErrRequest) {
			t.Errorf("base %q: %v", bad, err)
		}
	}
}

func TestTransport(t *testing.T) { // F-153
	a := newAPI(t, nil)
	hc := &http.Client{Transport: &Transport{BaseURL: a.URL + "/v1", Source: static(bearerToken)}}
	req, err := http.NewRequestWithContext(t.Context(), "GET", a.URL+"/v1/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer left-over")
	if _, err := hc.Do(req); err != nil {
		t.Fatal(err)
	}
	if got := a.got[0].Header.Values("Authorization"); len(got) != 1 || got[0] != "Bearer access-token-1" || req.Header.Get("Authorization") != "Bearer left-over" {
		t.Errorf("%q", got)
	}
	// F-154: the base URL is never left.
	for _, address := range []string{a.URL + "/v2", a.URL + "/v1/../v2", a.URL + "/v1/%2e%2e/v2", "http://127.0.0.1:1/v1/x"} {
		if resp, err := hc.Get(address); !errors.Is(err, ErrRequest) || len(a.got) != 1 {
			t.Errorf("%s: %v, %v", address, resp, err)
		} else {
			noSecret(t, err.Error(), "access-token-1")
		}
	}
	failing := &http.Client{Transport: &Transport{BaseURL: a.URL, Source: func(context.Context) (*Token, error) { return nil, ErrNoRefreshToken }}}
	if _, err := failing.Get(a.URL); !errors.Is(err, ErrNoRefreshToken) || len(a.got) != 1 {
		t.Error(err)
	}
	none := &http.Client{Transport: &Transport{BaseURL: a.URL}}
	if _, err := none.Get(a.URL); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}

// A redirect elsewhere loses the token, and one that comes back does not find
// it again: who is elsewhere could send anything here.
func TestTransportRedirects(t *testing.T) { // F-153, F-154
	var home *api
	away := newAPI(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			http.Redirect(w, r, home.URL+"/v1/delete-everything", http.StatusTemporaryRedirect)
		}
	})
	home = newAPI(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/within":
			http.Redirect(w, r, "/v1/end", http.StatusFound)
		case "/v1/beside":
			http.Redirect(w, r, "/v2/end", http.StatusFound)
		case "/v1/away", "/v1/back":
			http.Redirect(w, r, away.URL+strings.TrimPrefix(r.URL.Path, "/v1"), http.StatusTemporaryRedirect)
		}
	})
	for _, use := range []Use{{}, {HeaderName: "X-Api-Token"}, {Placement: InQuery}} {
		hc := &http.Client{Transport: &Transport{BaseURL: home.URL + "/v1", Source: static(bearerToken), Use: use}}
		carries := func(r *http.Request) bool {
			return strings.Contains(fmt.Sprint(r.Header, r.URL), "access-token-1")
		}
		for path, want := range map[string][2]int{"within": {2, 0}, "beside": {1, 0}, "away": {1, 0}, "back": {1, 0}} {
			home.got, away.got = nil, nil
			resp, err := hc.Get(home.URL + "/v1/" + path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			_ = resp.Body.Close()
			var got [2]int
			for i, list := range [2][]*http.Request{home.got, away.got} {
				for _, r := range list {
					if carries(r) {
						got[i]++
					}
				}
			}
			if got != want || len(home.got)+len(away.got) < 2 {
				t.Errorf("%+v %s: the token went %v times, want %v", use, path, got, want)
			}
		}
	}
}

// F-134: a refused token is replaced once.
func TestTransportRefreshes(t *testing.T) {
	a := newAPI(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access-token-2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x", Bearer error="invalid_token"`)
			w.WriteHeader(401)
		}
	})
	fresh, calls := &Token{AccessToken: "access-token-2", Type: "Bearer"}, 0
	tr := &Transport{BaseURL: a.URL, Source: static(bearerToken), Refresh: func(_ context.Context, refused *Token) (*Token, error) {
		if calls++; refused != bearerToken {
			t.Error("another token than was refused")
		}
		return fresh, nil
	}}
	hc := &http.Client{Transport: tr}
	resp, err := hc.Post(a.URL, "text/plain", strings.NewReader("the body"))
	if err != nil || resp.StatusCode != 200 || calls != 1 || len(a.got) != 2 || a.bodies[1] != "the body" {
		t.Errorf("%v, %d calls, %q", err, calls, a.bodies)
	}
	// Once, and not for every answer.
	fresh = &Token{AccessToken: "access-token-3", Type: "Bearer"}
	a.got, calls = nil, 0
	if resp, err = hc.Get(a.URL); err != nil || resp.StatusCode != 401 || calls != 1 || len(a.got) != 2 {
		t.Errorf("%v, %d calls, %d requests", err, calls, len(a.got))
	}
	fresh, calls, a.got = bearerToken, 0, nil
	if resp, err = hc.Get(a.URL); err != nil || resp.StatusCode != 401 || len(a.got) != 1 {
		t.Errorf("the same token was sent again: %v", err)
	}
	a.answer = func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		w.WriteHeader(401)
	}
	calls, a.got = 0, nil
	if _, err := hc.Get(a.URL); err != nil || calls != 0 || len(a.got) != 1 {
		t.Errorf("%v, %d calls", err, calls)
	}
}

// a bound token goes with its certificate, and the certificate
// to nobody else.
func TestTransportCertificate(t *testing.T) {
	var shown []int
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, len(r.TLS.PeerCertificates))
		if r.URL.Path == "/v1/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	})
	srv := httptest.NewUnstartedServer(handler)
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	defer srv.Close()
	cert := srv.TLS.Certificates[0] // any key pair will do
	c := &Client{HTTP: srv.Client(), Certificate: &cert, CertificateBound: true}
	hc := &http.Client{Transport: c.Transport(srv.URL+"/v1", Use{}, static(bearerToken))}
	for _, path := range []string{"/v1", "/v1/away"} {
		resp, err := hc.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if fmt.Sprint(shown) != "[1 1 0]" {
		t.Errorf("certificates shown: %v", shown)
	}
	if own, ok := srv.Client().Transport.(*http.Transport); !ok || own.TLSClientConfig.GetClientCertificate != nil {
		t.Error("the caller's transport was changed")
	}
	foreign := &http.Client{Transport: &Transport{BaseURL: srv.URL, Source: static(bearerToken), Certificate: &cert, Base: direct{handler}}}
	if _, err := foreign.Get(srv.URL); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
}
