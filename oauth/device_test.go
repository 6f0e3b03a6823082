package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// waits is an authorization server for logins that are approved elsewhere. It
// writes down when it was asked.
type waits struct {
	t       *testing.T
	start   time.Time
	begin   map[string]any // the answer that starts the login
	answers []any          // of the token endpoint, in turn: a code, an error, or a map
	forms   []url.Values
	auth    url.Values // the request that started the login
	polls   []time.Duration
}

const deviceCode = "device-code-7f2d9c"

func newWaits(t *testing.T, answers ...any) (*waits, *Client) {
	w := &waits{t: t, start: time.Now(), answers: answers, begin: map[string]any{
		"device_code": deviceCode, "user_code": "WDJB-MJHT", "verification_uri": "https://as.example/device",
		"verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT", "expires_in": 600,
	}}
	return w, &Client{ID: "client", HTTP: &http.Client{Transport: w}, Metadata: &Metadata{
		Issuer: "https://as.example", TokenEndpoint: "https://as.example/token",
		DeviceAuthorizationEndpoint:       "https://as.example/device_authorization",
		BackchannelAuthenticationEndpoint: "https://as.example/bc-authorize",
	}}
}

func (w *waits) RoundTrip(req *http.Request) (*http.Response, error) {
	var ans any = w.begin
	if req.URL.Path == "/token" {
		w.polls = append(w.polls, time.Since(w.start))
		if len(w.answers) == 0 {
			w.t.Fatal("asked once too often")
		}
		ans, w.answers = w.answers[0], w.answers[1:]
	}
	return direct{http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			w.t.Error(err)
		}
		if r.URL.Path == "/token" {
			w.forms = append(w.forms, r.PostForm)
		} else {
			w.auth = r.PostForm
		}
		switch ans := ans.(type) {
		case Code:
			reply(rw, 400, map[string]any{"error": string(ans), "error_description": "about " + deviceCode})
		case int:
			rw.Header().Set("Retry-After", "30")
			rw.WriteHeader(ans)
		case map[string]any:
			reply(rw, 200, ans)
		}
	})}.answer(req, ans)
}

// answer is RoundTrip, unless the answer is a failure of the network or a
// server that never answers.
func (d direct) answer(req *http.Request, ans any) (*http.Response, error) {
	switch ans := ans.(type) {
	case error:
		if _, isCode := ans.(Code); !isCode {
			return nil, ans
		}
	case func(context.Context) error:
		return nil, ans(req.Context())
	}
	return d.RoundTrip(req)
}

var approved = map[string]any{"access_token": "access-1", "token_type": "Bearer", "refresh_token": "refresh-1", "expires_in": 60}

// at says that the polls came after these numbers of seconds.
func (w *waits) at(seconds ...int) {
	w.t.Helper()
	var got []int
	for _, d := range w.polls {
		got = append(got, int(d/time.Second))
	}
	if !slices.Equal(got, seconds) {
		w.t.Errorf("asked after %d s, want %d", got, seconds)
	}
}

func TestDevice(t *testing.T) { // F-013, F-014, F-018
	synctest.Test(t, func(t *testing.T) {
		w, c := newWaits(t, AuthorizationPending, AuthorizationPending, approved)
		r := TokenRequest{Scope: []string{"read"}, Resource: []string{"https://a.example"}, Audience: []string{"api"}, Extra: url.Values{"tenant": {"x"}}}
		d, err := c.AuthorizeDevice(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"client_id": {"client"}, "scope": {"read"}, "resource": r.Resource, "audience": {"api"}, "tenant": {"x"}}
		if w.auth.Encode() != want.Encode() {
			t.Errorf("form %v", w.auth)
		}
		//
		if d.UserCode != "WDJB-MJHT" || d.VerificationURI != "https://as.example/device" || !strings.HasSuffix(d.VerificationURIComplete, "WDJB-MJHT") ||
			d.ExpiresAt.Sub(w.start) != 10*time.Minute || d.Interval != 5*time.Second {
			t.Errorf("%+v %v %v", d.UserCode, d.ExpiresAt, d.Interval)
		}
		tok, err := d.Wait(t.Context())
		if err != nil || tok.AccessToken != "access-1" || !slices.Equal(tok.GrantScope, r.Scope) || !slices.Equal(tok.Resource, r.Resource) {
			t.Fatal(tok, err)
		}
		w.at(5, 10, 15) // five seconds, where the server says nothing
		want = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {deviceCode},
			"client_id": {"client"}, "resource": r.Resource}
		if w.forms[2].Encode() != want.Encode() {
			t.Errorf("form %v", w.forms[2])
		}
		if _, err := d.Poll(t.Context()); !errors.Is(err, ErrReused) {
			t.Errorf("a second token: %v", err)
		}
	})
}

// how fast, and what ends it. F-015
func TestDevicePolling(t *testing.T) {
	broken := errors.New("connection reset")
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name     string
		interval any
		answers  []any
		polls    []int
		err      error
	}{
		{"the server's interval", 7, []any{AuthorizationPending, approved}, []int{7, 14}, nil},
		{"an interval in a string", "7", []any{approved}, []int{7}, nil},
		{"none at all is not at once", 0, []any{AuthorizationPending, approved}, []int{1, 2}, nil},
		{"nonsense", -3, []any{approved}, []int{5}, nil},
		{"slow down, for good", 5, []any{SlowDown, AuthorizationPending, SlowDown, AuthorizationPending, approved}, []int{5, 15, 25, 40, 55}, nil},
		{"back off, and come back", 5, []any{broken, broken, broken, AuthorizationPending, approved}, []int{5, 15, 35, 75, 80}, nil},
		{"a timeout", 5, []any{never, approved}, []int{5, 45}, nil},
		{"a busy server says when", 5, []any{503, approved}, []int{5, 35}, nil},
		{"declined", 5, []any{AuthorizationPending, AccessDenied}, []int{5, 10}, AccessDenied},
		{"expired there", 5, []any{ExpiredToken}, []int{5}, ExpiredToken},
		{"any other code", 5, []any{Code("server_error")}, []int{5}, ServerError},
		{"expired here", 250, []any{AuthorizationPending, AuthorizationPending, AuthorizationPending, AuthorizationPending}, []int{120, 240, 360, 480}, ExpiredToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, client := newWaits(t, c.answers...)
				w.begin["interval"] = c.interval
				d, err := client.AuthorizeDevice(t.Context(), TokenRequest{})
				if err != nil {
					t.Fatal(err)
				}
				tok, err := d.Wait(t.Context())
				if !errors.Is(err, c.err) || (err == nil) != (tok != nil) {
					t.Fatal(tok, err)
				}
				w.at(c.polls...)
				if err == nil {
					return
				}
				noSecret(t, err.Error(), deviceCode)
				if time.Since(w.start) > 10*time.Minute {
					t.Error("waited beyond the end")
				}
				if _, err := d.Poll(t.Context()); !errors.Is(err, ErrReused) {
					t.Errorf("asked again after the end: %v", err)
				}
			})
		})
	}
}

func TestDevicePollOnce(t *testing.T) { // F-016
	synctest.Test(t, func(t *testing.T) {
		w, c := newWaits(t, AuthorizationPending, SlowDown, approved)
		d, err := c.AuthorizeDevice(t.Context(), TokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Poll(t.Context()); !errors.Is(err, AuthorizationPending) {
			t.Error(err)
		}
		if _, err := d.Poll(t.Context()); !errors.Is(err, SlowDown) {
			t.Error(err)
		}
		// Cancelled while it waits; nothing is asked, and it can go on.
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := d.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := d.Poll(t.Context()); err != nil {
			t.Error(err)
		}
		w.at(0, 5, 15)
	})
}

// A restart of the program does not end a login.
func TestDeviceResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWaits(t, SlowDown, map[string]any{"access_token": "a", "token_type": "DPoP"})
		c.DPoP = true
		d, err := c.AuthorizeDevice(t.Context(), TokenRequest{Scope: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = d.Poll(t.Context())
		saved, err := d.Save()
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.ResumeDevice(saved)
		if err != nil || again.UserCode != d.UserCode || again.VerificationURI != d.VerificationURI ||
			again.VerificationURIComplete != d.VerificationURIComplete || !again.ExpiresAt.Equal(d.ExpiresAt) {
			t.Fatal(again, err)
		}
		tok, err := again.Wait(t.Context())
		if err != nil || !slices.Equal(tok.Scope, []string{"read"}) || tok.ProofKey.Thumbprint() != d.poll.proof.Thumbprint() {
			t.Fatal(tok, err)
		}
		w.at(0, 10) // slow_down holds across the restart
		if _, err := again.Save(); !errors.Is(err, ErrReused) {
			t.Error(err)
		}
		other := *c.Metadata
		other.TokenEndpoint = "https://evil.example/token"
		for name, bad := range map[string]*Client{
			"another server": {ID: c.ID, Metadata: &other}, "another client": {ID: "other", Metadata: c.Metadata}, "no server": {ID: c.ID},
		} {
			if _, err := bad.ResumeDevice(saved); !errors.Is(err, ErrRequest) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.ResumeDevice("{}"); !errors.Is(err, ErrRequest) {
			t.Error(err)
		}
		if _, err := c.ResumeBackchannel(saved); !errors.Is(err, ErrRequest) {
			t.Error(err)
		}
	})
}

func TestDeviceOlderServers(t *testing.T) { // F-017
	synctest.Test(t, func(t *testing.T) {
		w, c := newWaits(t, approved)
		c.DeviceGrantType, c.DeviceCodeParam = "http://oauth.net/grant_type/device/1.0", "code"
		w.begin["verification_url"] = w.begin["verification_uri"]
		delete(w.begin, "verification_uri")
		d, err := c.AuthorizeDevice(t.Context(), TokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.forms[0].Get("grant_type") != c.DeviceGrantType || w.forms[0].Get("code") != deviceCode || w.forms[0].Has("device_code") {
			t.Errorf("form %v", w.forms[0])
		}
	})
}

func TestDeviceAnswer(t *testing.T) {
	for _, change := range []map[string]any{
		{"device_code": nil}, {"user_code": nil}, {"verification_uri": nil}, {"user_code": "A\x1b[2J"},
		{"verification_uri": "javascript:alert(1)"}, {"verification_uri": "http://plain.example"}, {"verification_uri": "https://u@as.example"},
	} {
		w, c := newWaits(t)
		w.begin = merged(w.begin, change)
		if _, err := c.AuthorizeDevice(t.Context(), TokenRequest{}); !errors.Is(err, ErrDeviceResponse) {
			t.Errorf("%v: %v", change, err)
		} else {
			noSecret(t, err.Error(), deviceCode)
		}
	}
	w, c := newWaits(t)
	w.begin["verification_uri_complete"] = "file:///etc/passwd"
	if d, err := c.AuthorizeDevice(t.Context(), TokenRequest{}); err != nil || d.VerificationURIComplete != "" {
		t.Error(d, err)
	}
	c.Metadata.DeviceAuthorizationEndpoint = ""
	if _, err := c.AuthorizeDevice(t.Context(), TokenRequest{}); !errors.Is(err, ErrNoEndpoint) {
		t.Error(err)
	}
}

// the device_code is worth the token, and never shown.
func TestDeviceCodeIsSecret(t *testing.T) {
	_, c := newWaits(t)
	d, err := c.AuthorizeDevice(t.Context(), TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := d.Save()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "d", d, "saved", saved)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "d", d)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb, d, saved)
	}
	noSecret(t, out.String()+string(b), deviceCode, fmt.Sprintf("%x", deviceCode))
	if !strings.Contains(saved.Reveal(), deviceCode) {
		t.Error("what is saved cannot be resumed")
	}
}
