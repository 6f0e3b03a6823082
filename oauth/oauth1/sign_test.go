package oauth1

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/oauth"
)

func newAPI(t testing.TB) (*Client, *Token) {
	t.Helper()
	return &Client{ConsumerKey: "key", ConsumerSecret: "consumer-secret"}, &Token{Token: "the-token", Secret: "token-secret"}
}

func request(t testing.TB, method, address, contentType, body string) *http.Request {
	t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, address, from)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// signatures counts in how many places a request carries a signature.
func signatures(t testing.TB, r *http.Request) (places string, body string) {
	t.Helper()
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(data)
		if int64(len(data)) != r.ContentLength && r.ContentLength >= 0 {
			t.Errorf("ContentLength %d of %d bytes", r.ContentLength, len(data))
		}
		if r.GetBody != nil {
			again, err := r.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			if copied, _ := io.ReadAll(again); string(copied) != body {
				t.Errorf("GetBody gives %q, Body %q", copied, body)
			}
		}
	}
	for range strings.Count(strings.Join(r.Header.Values("Authorization"), ","), "oauth_signature=") {
		places += "header "
	}
	for range strings.Count(r.URL.RawQuery, "oauth_signature=") {
		places += "query "
	}
	for range strings.Count(body, "oauth_signature=") {
		places += "body "
	}
	return strings.TrimSpace(places), body
}

// R-256, F-195: exactly one place, also when a request that was signed
// in another is signed again, and what is not ours stays as it was written.
func TestPlacements(t *testing.T) {
	c, token := newAPI(t)
	const query, form = "a=b+c&;=%2a&a=&oauth=1&oauth_verifier=kept", "x=1&y=%7e+~&oauth_callback=kept"
	for _, first := range []Placement{InHeader, InQuery, InBody} {
		for _, then := range []Placement{"", InHeader, InQuery, InBody} {
			r := request(t, "POST", "https://api.example/p?"+query, formType+"; charset=utf-8", form)
			for _, place := range []Placement{first, then} {
				at := *c
				at.Placement = place
				if err := at.Sign(r, token); err != nil {
					t.Fatal(err)
				}
			}
			want := string(then)
			if then == "" {
				want = "header"
			}
			places, body := signatures(t, r)
			if places != want {
				t.Errorf("%s, then %s: signed in %q", first, then, places)
			}
			if unsigned(r.URL.RawQuery) != query || unsigned(body) != form || !strings.HasPrefix(r.URL.RawQuery, query) || !strings.HasPrefix(body, form) {
				t.Errorf("%s, then %s: query %s, form %s", first, then, r.URL.RawQuery, body)
			}
			if r.Header.Get("Content-Type") != formType+"; charset=utf-8" {
				t.Errorf("Content-Type %s", r.Header.Get("Content-Type"))
			}
		}
	}

	// The body's place exists only in a form; a POST without body gets one.
	c.Placement = InBody
	r := request(t, "POST", "https://api.example/p", "", "")
	if err := c.Sign(r, token); err != nil {
		t.Fatal(err)
	}
	if places, _ := signatures(t, r); places != "body" || r.Header.Get("Content-Type") != formType {
		t.Errorf("signed in %q as %s", places, r.Header.Get("Content-Type"))
	}
	for _, r := range []*http.Request{
		request(t, "GET", "https://api.example/p", "", ""),
		request(t, "POST", "https://api.example/p", "application/json", "{}"),
		request(t, "POST", "https://api.example/p", "multipart/form-data; boundary=x", "--x--"),
	} {
		err := c.Sign(r, token)
		if places, _ := signatures(t, r); !errors.Is(err, oauth.ErrRequest) || places != "" || !strings.Contains(err.Error(), "header or the query") {
			t.Errorf("%s %s: signed in %q, %v", r.Method, r.Header.Get("Content-Type"), places, err)
		}
	}

	// An Authorization header of another scheme stays where the signature goes elsewhere.
	c.Placement = InQuery
	r = request(t, "GET", "https://api.example/p", "", "")
	r.SetBasicAuth("a", "b")
	if err := c.Sign(r, token); err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
		t.Errorf("%v, %s", err, r.Header.Get("Authorization"))
	}
}

// the body counts only where it is one form, as it travels.
func TestOnlyFormsAreSigned(t *testing.T) {
	sign := func(contentType, encoding, body string) string {
		c, token := newAPI(t)
		r := request(t, "POST", "https://api.example/p", contentType, body)
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		if err := fixed(c, 1318622958, "n").Sign(r, token); err != nil {
			t.Fatal(err)
		}
		if _, got := signatures(t, r); got != body {
			t.Errorf("the body became %q", got)
		}
		return param(r.Header.Get("Authorization"), "oauth_signature")
	}
	none := sign("", "", "")
	form := sign(formType, "", "a=b")
	if form == none {
		t.Error("a form is not signed")
	}
	for _, contentType := range []string{"Application/X-WWW-Form-URLEncoded", formType + ";charset=UTF-8"} {
		if sign(contentType, "identity", "a=b") != form {
			t.Errorf("%s is not signed like a form", contentType)
		}
	}
	for _, v := range [][2]string{{"application/json", ""}, {"", ""}, {"text/plain", ""}, {"multipart/form-data; boundary=a", ""},
		{"multipart/mixed; boundary=x; type=\"" + formType + "\"", ""}, {formType + "x", ""}, {formType, "gzip"}} {
		if sign(v[0], v[1], "a=b") != none {
			t.Errorf("%s %s is signed like a form", v[0], v[1])
		}
	}
}

// once is a body that can be read only once.
type once struct {
	io.Reader
	closed bool
}

func (o *once) Close() error { o.closed = true; return nil }

func TestBodiesAreReadWithinBounds(t *testing.T) {
	c, token := newAPI(t)
	for _, bodyHash := range []bool{false, true} {
		c.BodyHash = bodyHash
		contentType := map[bool]string{false: formType, true: "text/plain"}[bodyHash]
		body := &once{Reader: strings.NewReader("a=b&c=d")}
		r := request(t, "POST", "https://api.example/p", contentType, "")
		r.Body, r.GetBody, r.ContentLength = body, nil, -1
		if err := c.Sign(r, token); err != nil {
			t.Fatal(err)
		}
		if _, got := signatures(t, r); got != "a=b&c=d" || r.ContentLength != 7 || !body.closed {
			t.Errorf("body %q, length %d, closed %v", got, r.ContentLength, body.closed)
		}
		r.Body, r.GetBody = &once{Reader: strings.NewReader(strings.Repeat("a", maxForm+1))}, nil
		if err := c.Sign(r, token); !errors.Is(err, oauth.ErrRequest) || !strings.Contains(err.Error(), "16 MiB") {
			t.Error(err)
		}
		r.Body, r.GetBody = &once{Reader: io.MultiReader(strings.NewReader("a="), broken{})}, nil
		if err := c.Sign(r, token); !errors.Is(err, oauth.ErrRequest) || !strings.Contains(err.Error(), "disk on fire") {
			t.Error(err)
		}
	}
	// What needs no reading is not read.
	c.BodyHash = false
	untouched := &once{Reader: broken{}}
	r := request(t, "PUT", "https://api.example/p", "video/mp4", "")
	r.Body, r.GetBody = untouched, nil
	if err := c.Sign(r, token); err != nil || r.Body != untouched || untouched.closed {
		t.Errorf("%v, %T", err, r.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// F-196: draft-eaton-oauth-bodyhash; the first hash is the one of the draft's
// own example of a request without body.
func TestBodyHash(t *testing.T) {
	for _, v := range []struct{ method, algorithm, contentType, body, want string }{
		{"GET", HMACSHA1, "", "", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
		{"PUT", HMACSHA1, "text/plain", "Hello World!", "Lve95gjOVATpfV8EL5X4nxwjKHE="}, // the draft's other example
		{"PUT", RSASHA1, "text/plain", "Hello World!", "Lve95gjOVATpfV8EL5X4nxwjKHE="},
		{"PUT", HMACSHA256, "text/plain", "Hello World!", "f4OxZX/x/FO5LcGBSKHWXfwtSx+j1ncoSt3SABJtkGk="}, // printf 'Hello World!' | openssl sha256 -binary | base64
		{"POST", HMACSHA1, formType, "a=b", ""},
		{"POST", HMACSHA1, formType, "", ""},
		{"PUT", Plaintext, "text/plain", "Hello World!", ""}, // nothing is signed
	} {
		c, token := newAPI(t)
		c.BodyHash, c.SignatureMethod, c.PrivateKey = true, v.algorithm, readKey(t, "testdata/rsa.pem")
		r := request(t, v.method, "https://api.example/p", v.contentType, v.body)
		if err := c.Sign(r, token); err != nil {
			t.Fatal(err)
		}
		if got := param(r.Header.Get("Authorization"), "oauth_body_hash"); got != v.want {
			t.Errorf("%s %s %s: %q", v.method, v.algorithm, v.body, got)
		}
	}
	c, token := newAPI(t)
	c.BodyHash = true
	if h, err := c.Header("POST", "https://api.example/p", token); err != nil || strings.Contains(h, "body_hash") {
		t.Errorf("the hash of a body that Header does not see: %v", err)
	}
	if h, err := c.Header("GET", "https://api.example/p", token); err != nil || !strings.Contains(h, "body_hash") {
		t.Errorf("no hash of the empty body: %v", err)
	}
}

// timestamps are positive, follow the offset, and no nonce repeats.
func TestTimestampAndNonce(t *testing.T) {
	c, token := newAPI(t)
	at := time.Unix(1_700_000_000, 999_999_999)
	c.now = func() time.Time { return at }
	header := func() string {
		t.Helper()
		h, err := c.Header("GET", "https://api.example/p", token)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if got := param(header(), "oauth_timestamp"); got != "1700000000" {
		t.Errorf("timestamp %s", got)
	}
	c.ClockOffset = -90 * time.Second
	if got := param(header(), "oauth_timestamp"); got != "1699999910" {
		t.Errorf("timestamp %s with an offset", got)
	}
	seen := make(map[string]bool)
	for range 2000 {
		nonce := param(header(), "oauth_nonce")
		if seen[nonce] || len(nonce) < 22 || strings.ContainsFunc(nonce, func(r rune) bool { return r > 0x7E || !unreserved(byte(r)) }) {
			t.Fatalf("nonce %q", nonce)
		}
		seen[nonce] = true
	}
	for _, early := range []time.Time{time.Unix(90, 0), time.Unix(0, 0), {}} {
		at = early
		if _, err := c.Header("GET", "https://api.example/p", token); !errors.Is(err, oauth.ErrRequest) || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%v: %v", early, err)
		}
	}
}

// R-254, F-193: what is secret, and what is signed, travels only where nobody reads along.
func TestOnlyOverTLS(t *testing.T) {
	for _, v := range []struct {
		method, address string
		allowHTTP, ok   bool
	}{
		{HMACSHA1, "https://api.example/p", false, true},
		{HMACSHA1, "http://api.example/p", false, false},
		{HMACSHA1, "http://api.example/p", true, true},
		{HMACSHA1, "http://127.0.0.1:8080/p", false, true},
		{HMACSHA1, "http://[::1]:8080/p", false, true},
		{HMACSHA1, "http://localhost/p", false, true},
		{HMACSHA1, "http://localhost.evil.example/p", false, false},
		{HMACSHA1, "http://127.0.0.1.evil.example/p", false, false},
		{HMACSHA1, "ftp://api.example/p", true, false},
		{HMACSHA1, "/p", true, false},
		{HMACSHA1, "https:api.example", true, false},
		{Plaintext, "https://api.example/p", false, true},
		{Plaintext, "http://api.example/p", false, false},
		{Plaintext, "http://api.example/p", true, false},
		{Plaintext, "http://localhost:80/p", false, true},
	} {
		c, token := newAPI(t)
		c.SignatureMethod, c.AllowHTTP = v.method, v.allowHTTP
		h, err := c.Header("GET", v.address, token)
		if v.ok != (err == nil) || v.ok == (h == "") {
			t.Errorf("%s %s, AllowHTTP %v: %v", v.method, v.address, v.allowHTTP, err)
		}
		if strings.HasPrefix(v.address, "http://api") && err != nil && !errors.Is(err, oauth.ErrInsecure) {
			t.Errorf("%s: %v", v.address, err)
		}
	}
}

// F-195, F-200: what is handed to another program.
func TestSignedElsewhere(t *testing.T) {
	c, token := newAPI(t)
	fixed(c, 1318622958, "n")
	h, err := c.Header("GET", "https://api.example/p?a=b", token)
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.SignedURL("GET", "https://api.example/p?a=b", token)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	// The place is not signed, so the signature is the same.
	if q := u.Query(); q.Get("oauth_signature") != param(h, "oauth_signature") || q.Get("a") != "b" || q.Get("oauth_token") != "the-token" {
		t.Errorf("%s\n%s", h, address)
	}
	form := url.Values{"s": {"ä b+c", "", "2"}, "t": {"&="}}
	signed, err := c.SignedForm("POST", "https://api.example/p", form, token)
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, "POST", "https://api.example/p", formType, form.Encode())
	if err := c.Sign(r, token); err != nil {
		t.Fatal(err)
	}
	if signed.Get("oauth_signature") != param(r.Header.Get("Authorization"), "oauth_signature") || signed["s"][0] != "ä b+c" || len(signed["s"]) != 3 || form.Has("oauth_token") {
		t.Errorf("%v", signed)
	}
	// Without a user there is no oauth_token (section 3.1).
	if h, err := c.Header("", "https://api.example/p", nil); err != nil || strings.Contains(h, "oauth_token") {
		t.Errorf("%s, %v", h, err)
	}
}

func TestSignRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name   string
		change func(*Client)
		url    string
		says   string
	}{
		{"no consumer key", func(c *Client) { c.ConsumerKey = "" }, "", "consumer key"},
		{"unknown method", func(c *Client) { c.SignatureMethod = "HMAC-MD5" }, "", "choose one of HMAC-SHA1"},
		{"method in lower case", func(c *Client) { c.SignatureMethod = "hmac-sha1" }, "", "hmac-sha1 is not known"},
		{"unknown placement", func(c *Client) { c.Placement = "cookie" }, "", "header, query, body"},
		{"no key", func(c *Client) { c.SignatureMethod = RSASHA256 }, "", "needs a private key"},
		{"EC key", func(c *Client) { c.SignatureMethod, c.PrivateKey = RSASHA256, ec }, "", "RSA"},
		{"realm with a line break", func(c *Client) { c.Realm = "a\r\nX: y" }, "", "realm"},
		{"cut escape", func(*Client) {}, "https://api.example/p?a=100%", "%25"},
		{"cut escape in a name", func(*Client) {}, "https://api.example/p?a%zz=1", "%25"},
		{"no address", func(*Client) {}, "::", "cannot be read"},
	} {
		c, token := newAPI(t)
		v.change(c)
		if v.url == "" {
			v.url = "https://api.example/p"
		}
		r, err := newRequest("GET", v.url)
		if err == nil {
			err = c.Sign(r, token)
		}
		if !errors.Is(err, oauth.ErrRequest) || !strings.Contains(err.Error(), v.says) {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}
