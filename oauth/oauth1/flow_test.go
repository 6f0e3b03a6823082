package oauth1

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"fob/oauth"
)

func secretOf(s string) oauth.Secret { return oauth.Secret(s) }

// fetch makes one API request through a Transport.
func fetch(t *testing.T, c *Client, token *Token, method, address, contentType, body string) (int, string) {
	t.Helper()
	api := &http.Client{Transport: &Transport{Client: c, Token: token, Base: c.HTTP.Transport}}
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := api.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got) + resp.Header.Get("WWW-Authenticate")
}

// F-190, F-191, F-192, F-193, F-194, F-195, F-196, F-197, F-198, F-199, F-200, R-250, R-251, R-252,
// three legs and API requests, with each method in
// each place, at a server that computes for itself.
func TestThreeLegs(t *testing.T) {
	key := readKey(t, "testdata/rsa.pem")
	for _, method := range []string{"", HMACSHA1, HMACSHA256, HMACSHA512, RSASHA1, RSASHA256, RSASHA512, Plaintext} {
		for _, place := range []Placement{"", InHeader, InQuery, InBody} {
			for _, hashed := range []bool{false, true} {
				if hashed && (method == Plaintext || place == InBody) {
					continue // no body is hashed there
				}
				t.Run(fmt.Sprintf("%s %s hash %v", method, place, hashed), func(t *testing.T) {
					s := newStrictServer(t)
					s.rsa, s.realm, s.json, s.bodyHash = &key.PublicKey, `Photos & "more"`, hashed, hashed
					c := s.client()
					c.SignatureMethod, c.Placement, c.PrivateKey, c.BodyHash = method, place, key, hashed
					threeLegs(t, s, c)
				})
			}
		}
	}
}

func threeLegs(t *testing.T, s *strictServer, c *Client) {
	ctx := context.Background()
	if c.placement() == InHeader && !c.BodyHash {
		c.RequestTokenParams = url.Values{"scope": {"read write+ü"}, "x_auth_access_type": {"read"}}
		c.AccessTokenParams = url.Values{"expiration": {"never"}}
		c.AuthorizeParams = url.Values{"force_login": {"true"}}
	}
	login, err := c.Authorize(ctx, "http://127.0.0.1:7777/callback?x=1")
	if err != nil {
		t.Fatal(err)
	}
	token, err := login.Redeem(ctx, s.approve(t, login.URL))
	if err != nil {
		t.Fatal(err)
	}
	if token.Token != "access token" || token.Secret != "access%secret" || token.Extra["user_id"] != "38895958" || token.Extra["screen_name"] != "jane" || len(token.Extra) != 2 {
		t.Errorf("token of %d and secret of %d bytes, extra %v", len(token.Token), len(token.Secret), token.Extra)
	}
	if got := s.received[0].Get("oauth_callback"); got != "http://127.0.0.1:7777/callback?x=1" { // F-197
		t.Errorf("oauth_callback %q", got)
	}
	for name, want := range c.RequestTokenParams { // F-198
		if got := s.received[0][name]; !slices.Equal(got, want) {
			t.Errorf("leg 1 has %s %q", name, got)
		}
	}
	for name, want := range c.AccessTokenParams {
		if got := s.received[1][name]; !slices.Equal(got, want) {
			t.Errorf("leg 3 has %s %q", name, got)
		}
	}
	if c.AuthorizeParams != nil && !strings.Contains(login.URL, "force_login=true") {
		t.Errorf("leg 2 is %s", login.URL)
	}
	for _, r := range []struct{ method, path, contentType, body string }{
		{"GET", "/api/photos?file=vacation.jpg&q=a+b%20c&q=%E2%98%83&q=&empty", "", ""},
		{"DELETE", "/api/photos/a%2Fb%20c", "", ""},
		{"POST", "/api/photos", formType, "status=Hello+%26+%C3%BC&status=again&c2"},
		{"POST", "/api/photos", "", ""},
		{"POST", "/api/photos?x=1", "application/json", `{"a":"b=c&d"}`},
		{"PUT", "/api/photos", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb=c\r\n--x--\r\n"},
		{"GET", "/api/again?y=2", "", ""},
		{"POST", "/api/again", formType, "a=b"},
	} {
		if c.placement() == InBody && r.contentType != formType && (r.method != "POST" || r.body != "") {
			continue // TestPlacements holds that these are refused
		}
		if status, text := fetch(t, c, token, r.method, s.URL+r.path, r.contentType, r.body); status != 200 {
			t.Errorf("%s %s %s: %d %s", r.method, r.path, r.contentType, status, text)
		}
	}
	for _, place := range s.places {
		if place != string(c.placement()) {
			t.Errorf("a request carried its parameters in the %s: %v", place, s.places)
			break
		}
	}
}

// R-250, F-190: out of band, the login begun here and completed in "another
// process" that knows only what was saved.
func TestPendingAndPIN(t *testing.T) {
	s := newStrictServer(t)
	login, err := s.client().Authorize(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.received[0].Get("oauth_callback"); got != "oob" || login.CallbackURI != OutOfBand {
		t.Errorf("oauth_callback %q", got)
	}
	saved, err := login.MarshalPending()
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.client().Resume(saved)
	if err != nil {
		t.Fatal(err)
	}
	if again.URL != login.URL || again.Token != login.Token || again.CallbackURI != login.CallbackURI || !again.CreatedAt.Equal(login.CreatedAt) {
		t.Errorf("%s became %s", login.URL, again.URL)
	}
	pin := s.approve(t, again.URL).Get("oauth_verifier")
	if _, err := again.RedeemPIN(context.Background(), " \n"); !errors.Is(err, oauth.ErrRequest) {
		t.Errorf("an empty code: %v", err)
	}
	token, err := again.RedeemPIN(context.Background(), " "+pin+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if token.Token != "access token" {
		t.Error("another token")
	}
	if _, err := again.RedeemPIN(context.Background(), pin); !errors.Is(err, oauth.ErrReused) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := again.MarshalPending(); !errors.Is(err, oauth.ErrReused) {
		t.Errorf("saved after it was redeemed: %v", err)
	}
	// The copy that is left is refused by the server.
	if _, err := login.RedeemPIN(context.Background(), pin); !errors.Is(err, TokenRejected) {
		t.Errorf("the copy: %v", err)
	}
}

func TestResumeRefuses(t *testing.T) {
	s := newStrictServer(t)
	c := s.client()
	login, err := c.Authorize(context.Background(), "https://app.example/cb")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := login.RedeemPIN(context.Background(), "12345"); !errors.Is(err, oauth.ErrRequest) {
		t.Errorf("a code where a callback is due: %v", err)
	}
	saved, err := login.MarshalPending()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(name string, value any) []byte {
		var m map[string]any
		if err := json.Unmarshal(saved, &m); err != nil {
			t.Fatal(err)
		}
		m[name] = value
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, in := range map[string][]byte{
		"nothing": nil, "cut short": saved[:20], "another version": edit("version", 2), "no token": edit("oauth_token", ""),
		"another consumer": edit("oauth_consumer_key", "x"), "another server": edit("token_endpoint", "https://evil.example/"),
		"no callback": edit("oauth_callback", ""),
	} {
		if _, err := c.Resume(in); !errors.Is(err, ErrPending) || strings.Contains(err.Error(), "temporary&secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Resume(saved); err != nil {
		t.Error(err)
	}
}

// only the callback of this login is taken, once.
func TestRedeemChecksTheCallback(t *testing.T) {
	ctx := context.Background()
	s := newStrictServer(t)
	start := func() (*Authorization, url.Values) {
		login, err := s.client().Authorize(ctx, "http://127.0.0.1:7777/")
		if err != nil {
			t.Fatal(err)
		}
		return login, s.approve(t, login.URL)
	}
	for _, v := range []struct {
		name    string
		change  func(url.Values)
		want    error
		waiting bool // the login still waits
		says    string
	}{
		{"another oauth_token", func(v url.Values) { v.Set("oauth_token", "temporary+token/99") }, oauth.ErrState, true, "oauth_token is not"},
		{"a longer oauth_token", func(v url.Values) { v.Set("oauth_token", v.Get("oauth_token")+"x") }, oauth.ErrState, true, ""},
		{"an empty oauth_token", func(v url.Values) { v.Set("oauth_token", "") }, oauth.ErrState, true, ""},
		{"no oauth_token", func(v url.Values) { v.Del("oauth_token") }, oauth.ErrState, true, ""},
		{"oauth_token twice", func(v url.Values) { v.Add("oauth_token", v.Get("oauth_token")) }, oauth.ErrState, true, "twice"},
		{"oauth_verifier twice", func(v url.Values) { v.Add("oauth_verifier", "x") }, oauth.ErrResponse, true, "twice"},
		{"no oauth_verifier", func(v url.Values) { v.Del("oauth_verifier") }, oauth.ErrResponse, false, "oauth_verifier"},
		{"denied", func(v url.Values) { v.Set("denied", v.Get("oauth_token")); v.Del("oauth_token") }, oauth.AccessDenied, false, ""},
		{"denied for another", func(v url.Values) { v.Set("denied", "x"); v.Del("oauth_token") }, oauth.ErrState, true, ""},
		{"user_refused", func(v url.Values) { v.Set("oauth_problem", "user_refused") }, oauth.AccessDenied, false, "user_refused"},
		{"permission_denied", func(v url.Values) { v.Set("oauth_problem", "permission_denied") }, oauth.AccessDenied, false, ""},
		{"another problem", func(v url.Values) {
			v.Set("oauth_problem", "token_expired")
			v.Set("oauth_problem_advice", "<b>late\x1b")
		}, TokenExpired, false, "late"},
		{"error of OAuth 2", func(v url.Values) { v.Set("error", "access_denied"); v.Set("error_description", "no") }, oauth.AccessDenied, false, "no"},
		{"error that nobody vouches for", func(v url.Values) { v.Del("oauth_token"); v.Set("error", "access_denied") }, oauth.AccessDenied, true, ""},
		{"unprintable error", func(v url.Values) { v.Set("error", "\u202e") }, oauth.ServerError, false, ""},
		{"wrong verifier", func(v url.Values) { v.Set("oauth_verifier", "guessed") }, VerifierInvalid, false, "see the docs"},
	} {
		login, response := start()
		good := url.Values{"oauth_token": response["oauth_token"], "oauth_verifier": response["oauth_verifier"]}
		v.change(response)
		token, err := login.Redeem(ctx, response)
		var e *oauth.Error
		if token != nil || !errors.Is(err, v.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), v.says) {
			t.Errorf("%s: %v", v.name, err)
		}
		if strings.ContainsAny(fmt.Sprint(err), "<\x1b\u202e") {
			t.Errorf("%s: unprintable: %q", v.name, err)
		}
		_, err = login.Redeem(ctx, good)
		if v.waiting && err != nil || !v.waiting && !errors.Is(err, oauth.ErrReused) {
			t.Errorf("%s, afterwards: %v", v.name, err)
		}
	}

	// Of many at once, one wins.
	login, response := start()
	var won, lost int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := login.Redeem(ctx, response)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, oauth.ErrReused):
				lost++
			}
		})
	}
	group.Wait()
	if won != 1 || lost != 19 {
		t.Errorf("%d won, %d lost", won, lost)
	}
}

// Extension "Session": a token that expires and is renewed.
func TestRenew(t *testing.T) {
	answers := []string{"oauth_token=a2&oauth_token_secret=s2&oauth_expires_in=3600", "oauth_token=a3&oauth_token_secret=s3&oauth_session_handle=h3&oauth_expires_in=-1"}
	var got []string
	c := &Client{ConsumerKey: "k", ConsumerSecret: "consumer-secret", TokenEndpoint: "https://id.example/token", HTTP: &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = append(got, param(r.Header.Get("Authorization"), "oauth_token")+" "+param(r.Header.Get("Authorization"), "oauth_session_handle"))
			return reply(r, 200, answers[len(got)-1]), nil
		})}}
	second, err := c.Renew(context.Background(), &Token{Token: "a1", Secret: "s1", SessionHandle: "h1"})
	if err != nil {
		t.Fatal(err)
	}
	if second.Token != "a2" || second.SessionHandle != "h1" || second.ExpiresAt.Sub(second.ObtainedAt).Seconds() != 3600 {
		t.Errorf("%v until %v", second, second.ExpiresAt)
	}
	third, err := c.Renew(context.Background(), second)
	if err != nil {
		t.Fatal(err)
	}
	if third.SessionHandle != "h3" || !third.ExpiresAt.IsZero() || !slices.Equal(got, []string{"a1 h1", "a2 h1"}) {
		t.Errorf("%v, %q", third, got)
	}
	if _, err := c.Renew(context.Background(), &Token{Token: "a"}); !errors.Is(err, oauth.ErrRequest) {
		t.Error(err)
	}
}

// smartcard is a key that is no pointer.
type smartcard struct {
	crypto.Signer
	PIN string
}

// Nothing that a caller might print by accident shows a secret.
func TestNothingPrints(t *testing.T) {
	key := readKey(t, "testdata/rsa.pem")
	const hidden = "hidden-secret"
	c := &Client{ConsumerKey: "visible", ConsumerSecret: hidden, PrivateKey: smartcard{key, hidden}, AuthorizationEndpoint: "https://id.example/a"}
	token := &Token{Token: hidden, Secret: hidden, SessionHandle: hidden, Extra: map[string]string{"other": hidden}}
	login := &Authorization{URL: "https://id.example/a?oauth_token=" + hidden, secret: hidden, client: c}
	var out bytes.Buffer
	transport := &Transport{Client: c, Token: token}
	for _, v := range []any{c, *c, token, *token, login, transport, *transport, struct{ T *Token }{token}, []any{transport}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	encoded, err := json.Marshal(&Client{ConsumerSecret: hidden, PrivateKey: smartcard{key, hidden}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	if encoded, err = json.Marshal([]any{token, *token, transport}); err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	if strings.Contains(out.String(), hidden) || strings.Contains(out.String(), key.D.String()) || !strings.Contains(out.String(), "visible") {
		t.Error("a secret is printed")
	}
}
