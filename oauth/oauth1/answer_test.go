package oauth1

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/oauth"
)

const goodTemporary = "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"

// answering is a client of a server that gives one answer to everything.
func answering(t testing.TB, h http.HandlerFunc) *Client {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Client{ConsumerKey: "key", ConsumerSecret: "consumer-secret", TemporaryCredentialEndpoint: s.URL + "/request?key=hidden-in-query",
		AuthorizationEndpoint: s.URL + "/page", TokenEndpoint: s.URL + "/access"}
}

// F-199, R-250, R-251: what servers send instead of credentials, and the forms
// in which they send credentials.
func TestAnswers(t *testing.T) {
	page := "<html><title>502 Bad Gateway</title><body onload=\"alert(1)\">nginx oauth_token=a&oauth_token_secret=b</body></html>"
	for _, v := range []struct {
		name      string
		status    int
		header    string // "Name: value"
		body      string
		want      error
		transient bool
		says      string
	}{
		{"form", 200, "", goodTemporary, nil, false, ""},
		{"form with line end and text/html", 200, "Content-Type: text/html", "\ufeff" + goodTemporary + "&x=\r\n", nil, false, ""},
		{"JSON", 201, "Content-Type: text/plain", `{"oauth_token":"t","oauth_token_secret":"s","oauth_callback_confirmed":true,"n":null,"o":{"a":[1]}}`, nil, false, ""},
		{"same value twice", 200, "", goodTemporary + "&oauth_token=t", nil, false, ""},
		{"empty secret", 200, "", "oauth_token=t&oauth_token_secret=&oauth_callback_confirmed=true", nil, false, ""},

		{"callback not confirmed", 200, "", "oauth_token=t&oauth_token_secret=s", ErrNotConfirmed, false, "revision A"},
		{"callback denied", 200, "", "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=false", ErrNotConfirmed, false, ""},
		{"two tokens", 200, "", goodTemporary + "&oauth_token=u", ErrAnswer, false, "oauth_token twice"},
		{"two tokens in JSON", 200, "", `{"oauth_token":"t","oauth_token":"t"}`, ErrAnswer, false, "twice"},
		{"no token", 200, "", "oauth_token_secret=s&oauth_callback_confirmed=true", ErrAnswer, false, "no oauth_token"},
		{"no secret", 200, "", "oauth_token=t&oauth_callback_confirmed=true", ErrAnswer, false, "oauth_token_secret"},
		{"token of null", 200, "", `{"oauth_token":null,"oauth_token_secret":"s"}`, ErrAnswer, false, ""},
		{"cut escape", 200, "", "oauth_token=%zz&oauth_token_secret=s", ErrAnswer, false, ""},
		{"nothing", 200, "", "", ErrAnswer, false, ""},
		{"page", 200, "", page, oauth.ErrPortal, true, "a web page came"},
		{"half an object", 200, "", `{"oauth_token":"t"`, ErrAnswer, false, ""},
		{"10 MB", 200, "", strings.Repeat("oauth_token=a&", 10<<20/14), oauth.ErrTooLarge, false, ""},

		{"problem in the header", 401, `WWW-Authenticate: OAuth realm="a, b", oauth_problem="consumer_key_unknown", oauth_problem_advice="get%20a%20key"`, "", ConsumerKeyUnknown, false, "get a key"},
		{"problem without quotes", 401, `WWW-Authenticate: oauth oauth_problem=nonce_used,x=y`, "", NonceUsed, false, "401"},
		{"problem of another scheme", 401, `WWW-Authenticate: Basic oauth_problem="nonce_used"`, "", nil, false, "the server refused (status 401)"},
		{"problem in the body", 400, "", "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26oauth_token", ParameterAbsent, false, "oauth_parameters_absent: oauth_nonce&oauth_token"},
		{"problem with status 200", 200, "", "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2", TimestampRefused, false, "oauth_acceptable_timestamps: 1-2"},
		{"problem in JSON", 401, "", `{"oauth_problem":"signature_invalid"}`, SignatureInvalid, false, ""},
		{"unknown problem", 401, "", "oauth_problem=<too> odd", oauth.Code("too odd"), false, ""},
		{"problem with 503", 503, "", "oauth_problem=consumer_key_refused", ConsumerKeyRefused, true, ""},
		{"plain text", 401, "Content-Type: text/plain", "Invalid signature. Expected: a=b", nil, false, "Invalid signature. Expected: a=b"},
		{"plain text of Twitter", 401, "Content-Type: text/plain; charset=utf-8", "Failed to validate oauth signature and token", nil, false, "Failed to validate"},
		{"JSON of Twitter", 403, "Content-Type: application/json", `{"errors":[{"code":415,"message":"Callback URL not <approved>"}]}`, nil, false, "Callback URL not approved"},
		{"JSON like OAuth 2", 400, "", `{"error":"nope","error_description":"No such app"}`, nil, false, "No such app"},
		{"JSON error with 200", 200, "", `{"error":"nope"}`, nil, false, "nope"},
		{"page with 401", 401, "Content-Type: text/plain", page, nil, false, "the server refused (status 401)"},
		{"page with 502", 502, "Content-Type: text/html", page, nil, true, "502"},
		{"429", 429, "Retry-After: 120", "", nil, true, "429"},
		{"the secrets come back", 401, "Content-Type: text/plain", "key consumer-secret&, or consumer-secret%26, consumer-secret", nil, false, "key [secret]&, or [secret]%26, [secret]"},
		{"terminal escapes", 401, "Content-Type: text/plain", "no\x1b[31m\u202e way\nthere", nil, false, "no[31m way there"},
		{"redirect", 302, "Location: https://evil.example/?x=1", "", oauth.ErrRedirect, true, "to evil.example"},
		{"redirect that repeats", 307, "Location: /access", "", oauth.ErrRedirect, false, ""},
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(v.header, ": "); ok {
				w.Header().Set(name, value)
			} else {
				w.Header().Set("Content-Type", formType)
			}
			w.WriteHeader(v.status)
			_, _ = io.WriteString(w, v.body)
		})
		login, err := c.Authorize(context.Background(), "oob")
		if (login == nil) == (err == nil) {
			t.Fatalf("%s: %v, %v", v.name, login, err)
		}
		if v.want == nil && v.says == "" {
			if err != nil || login.Token != "t" {
				t.Errorf("%s: %v", v.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken", v.name)
			continue
		}
		if v.want != nil && !errors.Is(err, v.want) || !strings.Contains(err.Error(), v.says) {
			t.Errorf("%s: %v", v.name, err)
		}
		if oauth.Transient(err) != v.transient {
			t.Errorf("%s: transient %v: %v", v.name, !v.transient, err)
		}
		if strings.ContainsAny(err.Error(), "<>\x1b\n\u202e") || strings.Contains(err.Error(), "hidden-in-query") || strings.Contains(err.Error(), "consumer-secret") {
			t.Errorf("%s: %q", v.name, err)
		}
		if v.status == 429 && oauth.RetryAfter(err) != 2*time.Minute {
			t.Errorf("Retry-After %v", oauth.RetryAfter(err))
		}
	}
}

// a clock that is wrong is named, when the server refuses.
func TestClockSkewIsNamed(t *testing.T) {
	for offset, says := range map[time.Duration]string{10 * time.Minute: "10m0s ahead", -time.Hour: "1h0m0s behind", time.Second: ""} {
		at := time.Now().Truncate(time.Second)
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", at.UTC().Format(http.TimeFormat))
			w.WriteHeader(401)
		})
		c.now = func() time.Time { return at }
		c.ClockOffset = offset
		_, err := c.Authorize(context.Background(), "")
		if err == nil || says != "" && !strings.Contains(err.Error(), says) || says == "" && strings.Contains(err.Error(), "clock") {
			t.Errorf("%v: %v", offset, err)
		}
	}
}

// Nothing is sent to where it would be read, or for a login that cannot end.
func TestAuthorizeRefuses(t *testing.T) {
	for _, v := range []struct {
		name   string
		change func(*Client)
		want   error
		says   string
	}{
		{"no request endpoint", func(c *Client) { c.TemporaryCredentialEndpoint = "" }, oauth.ErrNoEndpoint, "temporary credentials"},
		{"no page", func(c *Client) { c.AuthorizationEndpoint = "" }, oauth.ErrNoEndpoint, "authorization endpoint"},
		{"no token endpoint", func(c *Client) { c.TokenEndpoint = "" }, oauth.ErrNoEndpoint, "token endpoint"},
		{"http", func(c *Client) { c.TemporaryCredentialEndpoint = "http://id.example/r" }, oauth.ErrInsecure, ""},
		{"http that is allowed for the API", func(c *Client) { c.TokenEndpoint, c.AllowHTTP = "http://id.example/r", true }, oauth.ErrInsecure, ""},
		{"page by http", func(c *Client) { c.AuthorizationEndpoint = "http://id.example/r" }, oauth.ErrInsecure, ""},
		{"fragment", func(c *Client) { c.TokenEndpoint = "https://id.example/r#" }, oauth.ErrNoEndpoint, "fragment"},
		{"user", func(c *Client) { c.TokenEndpoint = "https://a:bcdefgh@id.example/r" }, oauth.ErrNoEndpoint, "user"},
		{"oauth_ in the query", func(c *Client) { c.TokenEndpoint = "https://id.example/r?oauth_x=1" }, oauth.ErrNoEndpoint, "oauth_x"}, // section 2
		{"protocol parameter", func(c *Client) { c.RequestTokenParams = url.Values{"oauth_nonce": {"1"}} }, oauth.ErrRequest, "oauth_nonce"},
		{"callback as a parameter", func(c *Client) { c.RequestTokenParams = url.Values{"oauth_callback": {"x"}} }, oauth.ErrRequest, "oauth_callback"},
		{"oauth_token for the page", func(c *Client) { c.AuthorizeParams = url.Values{"oauth_token": {"1"}} }, oauth.ErrRequest, "oauth_token"},
		{"no consumer key", func(c *Client) { c.ConsumerKey = "" }, oauth.ErrRequest, "consumer key"},
	} {
		c := &Client{ConsumerKey: "key", TemporaryCredentialEndpoint: "https://id.example/r", AuthorizationEndpoint: "https://id.example/p",
			TokenEndpoint: "https://id.example/a", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s: %s was asked", v.name, r.URL)
				return nil, errors.New("asked")
			})}}
		v.change(c)
		if _, err := c.Authorize(context.Background(), "https://app.example/cb"); !errors.Is(err, v.want) || !strings.Contains(err.Error(), v.says) || strings.Contains(err.Error(), "bcdefgh") {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	c := &Client{}
	for _, callback := range []string{"/relative", "https://a.example/#f", "OOB", "%"} {
		if _, err := c.Authorize(context.Background(), callback); !errors.Is(err, oauth.ErrRequest) || !strings.Contains(err.Error(), "callback") {
			t.Errorf("%q: %v", callback, err)
		}
	}
}

// Time limits, the caller's change of mind, and a network that is away.
func TestTimeAndNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c := &Client{ConsumerKey: "key", TemporaryCredentialEndpoint: "https://id.example/r", AuthorizationEndpoint: "https://id.example/p",
			TokenEndpoint: "https://id.example/a", HTTP: hang}
		start := time.Now()
		if _, err := c.Authorize(context.Background(), ""); !errors.Is(err, oauth.ErrTimeout) || !oauth.Transient(err) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		c.Timeout = time.Second
		start = time.Now()
		if _, err := c.Authorize(context.Background(), ""); !errors.Is(err, oauth.ErrTimeout) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := c.Authorize(ctx, ""); !errors.Is(err, context.Canceled) || oauth.Transient(err) {
			t.Error(err)
		}
		for _, cause := range []error{&net.DNSError{Name: "id.example", IsNotFound: true}, errors.New("http2: server sent GOAWAY")} {
			c.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, cause })}
			if _, err := c.Authorize(context.Background(), ""); !errors.Is(err, cause) || !oauth.Transient(err) {
				t.Errorf("%v: %v", cause, err)
			}
		}
	})
}

// A certificate that nobody vouches for is no matter of time.
// Something on the way answers in the server's place: the server has decided nothing, and another try may succeed.
func TestPortal(t *testing.T) {
	var answer http.HandlerFunc
	portal := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	portal.Config.ErrorLog = log.New(io.Discard, "", 0)
	portal.StartTLS()
	defer portal.Close()
	through := portal.Client().Transport.(*http.Transport).Clone()
	through.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, portal.Listener.Addr().String())
	}
	strange := through.Clone()
	strange.TLSClientConfig = nil
	through.TLSClientConfig.InsecureSkipVerify = true // a proxy whose authority is trusted here
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "\n<html><body>Welcome to the lounge</body></html>")
		}
	}
	for _, c := range []struct {
		what, words string
		answer      http.HandlerFunc
		transport   *http.Transport
	}{
		{"page", "a web page came where data was due", page(200), through},
		{"page of a firewall", "a web page came where data was due", page(403), through},
		{"network authentication", "a web page came where data was due", page(511), through},
		{"redirect", "it redirects to wifi.hotel.example", http.RedirectHandler("https://wifi.hotel.example/login", http.StatusFound).ServeHTTP, through},
		{"certificate", "its certificate is of an authority that this computer does not know", page(200), strange},
	} {
		answer = c.answer
		o := &Client{ConsumerKey: "key", ConsumerSecret: "secret", HTTP: &http.Client{Transport: c.transport},
			TemporaryCredentialEndpoint: "https://api.example.com/request", AuthorizationEndpoint: "https://api.example.com/page", TokenEndpoint: "https://api.example.com/access"}
		_, begun := o.Authorize(t.Context(), "http://127.0.0.1/callback")
		_, renewed := o.Renew(t.Context(), &Token{Token: "t", Secret: "s", SessionHandle: "h"})
		for leg, err := range map[string]error{"first leg": begun, "renewal": renewed} {
			if !errors.Is(err, oauth.ErrPortal) || !oauth.Transient(err) || !strings.Contains(err.Error(), "instead of api.example.com ("+c.words) {
				t.Errorf("%s, %s: transient %v: %v", c.what, leg, oauth.Transient(err), err)
			}
		}
	}
	answer = http.RedirectHandler("https://www.example.com/", http.StatusMovedPermanently).ServeHTTP
	o := &Client{ConsumerKey: "key", HTTP: &http.Client{Transport: through}, TokenEndpoint: "https://example.com/access",
		TemporaryCredentialEndpoint: "https://example.com/request", AuthorizationEndpoint: "https://example.com/page"}
	if _, err := o.Authorize(t.Context(), "http://127.0.0.1/callback"); !errors.Is(err, oauth.ErrRedirect) || oauth.Transient(err) {
		t.Errorf("a site that moved: %v", err)
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s := newStrictServer(t)
	c := s.client()
	c.HTTP = nil
	_, err := c.Authorize(context.Background(), "")
	if err == nil || oauth.Transient(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	if len(s.received) != 0 {
		t.Error("a request arrived")
	}
}

// Every problem has a sentence and a remedy of its own.
func TestExplain(t *testing.T) {
	general, _ := oauth.Code("nobody knows this").Explain()
	for _, code := range []oauth.Code{VersionRejected, ParameterAbsent, ParameterRejected, TimestampRefused, NonceUsed, SignatureMethodRejected,
		SignatureInvalid, ConsumerKeyUnknown, ConsumerKeyRejected, ConsumerKeyRefused, TokenUsed, TokenExpired, TokenRevoked, TokenRejected,
		VerifierInvalid, AdditionalAuthorizationRequired, PermissionUnknown, PermissionDenied, UserRefused, oauth.AccessDenied} {
		sentence, remedy := Explain(code)
		if sentence == "" || remedy == "" || sentence == general || strings.HasSuffix(sentence, ".") || strings.HasSuffix(remedy, ".") {
			t.Errorf("%s: %q, %q", code, sentence, remedy)
		}
	}
	if sentence, _ := Explain("nobody knows this"); sentence != general {
		t.Errorf("%q", sentence)
	}
}
