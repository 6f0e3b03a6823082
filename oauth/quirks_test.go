package oauth

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// says makes the token endpoint say exactly this.
func (f *fake) says(status int, contentType, body string) {
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	asForm = "application/x-www-form-urlencoded; charset=utf-8"
	asJSON = "application/json"
)

// Answers as they come from servers of note: F-116, F-117, F-213, F-214, F-033.
func TestAnswerQuirks(t *testing.T) {
	bearer := map[string]any{"token_type": "Bearer"}
	slack := AnswerQuirk{Rename: map[string]string{"authed_user.access_token": "access_token",
		"authed_user.scope": "scope", "authed_user.token_type": "token_type"}}
	tests := []struct {
		name, contentType, body string
		quirks                  *Quirks
		access                  string
		lives                   time.Duration
		scope                   string
		code                    string // or this error, "-" without code
		text                    string
	}{
		{name: "GitHub", contentType: asForm, body: "access_token=gho_16C7&scope=repo%2Cgist&token_type=bearer", access: "gho_16C7", scope: "repo gist"},
		{name: "GitHub error", contentType: asForm, body: "error=bad_verification_code&error_description=The+code+is+incorrect.&error_uri=%2F",
			code: "bad_verification_code", text: "The code is incorrect."},
		{name: "GitHub error as JSON", contentType: asJSON, body: `{"error":"bad_verification_code","error_description":"expired."}`,
			code: "bad_verification_code", text: "expired."},
		{name: "Stack Overflow", contentType: "text/plain", body: "access_token=so&expires=86400",
			quirks: &Quirks{TokenAnswer: AnswerQuirk{Form: true, Rename: map[string]string{"expires": "expires_in"}, Defaults: bearer}},
			access: "so", lives: 24 * time.Hour, scope: "a b"},
		{name: "Stack Overflow error as JSON", contentType: asJSON, body: `{"error":{"type":"invalid_request","message":"no key"}}`,
			quirks: &Quirks{TokenAnswer: AnswerQuirk{Form: true}}, code: "-", text: "no key"},
		{name: "Facebook error", contentType: asJSON, body: `{"error":{"message":"Session has expired","type":"OAuthException","code":190}}`, code: "-", text: "Session has expired (code 190)"},
		{name: "Slack", contentType: asJSON, body: `{"ok":true,"access_token":"xoxb-bot","token_type":"bot","authed_user":{"id":"U1","scope":"chat:write,im:read","access_token":"xoxp-user","token_type":"user"}}`,
			quirks: &Quirks{TokenAnswer: slack, ErrorMember: "ok", ErrorDescriptionMember: "error"}, access: "xoxp-user", scope: "chat:write im:read"},
		{name: "Slack error", contentType: asJSON, body: `{"ok":false,"error":"invalid_code"}`,
			quirks: &Quirks{TokenAnswer: slack, ErrorMember: "ok"}, code: "invalid_code"},
		{name: "ok is false", contentType: asJSON, body: `{"ok":false,"why":{"text":"closed <b>today</b>"}}`,
			quirks: &Quirks{ErrorMember: "ok", ErrorDescriptionMember: "why.text"}, code: "-", text: "closed today"},
		{name: "error number", contentType: asJSON, body: `{"errcode":40029,"errmsg":"invalid code"}`,
			quirks: &Quirks{ErrorMember: "errcode", ErrorDescriptionMember: "errmsg"}, code: "40029", text: "invalid code"},
		{name: "no error number", contentType: asJSON, body: `{"errcode":0,"access_token":"wx","expires_in":7200}`,
			quirks: &Quirks{ErrorMember: "errcode", TokenAnswer: AnswerQuirk{Defaults: bearer}}, access: "wx", lives: 2 * time.Hour, scope: "a b"},
		{name: "nested in data", contentType: asJSON, body: `{"data":{"access_token":"deep","expires_in":"60"},"message":"success"}`,
			quirks: &Quirks{TokenAnswer: AnswerQuirk{Defaults: bearer, Rename: map[string]string{"data.access_token": "access_token", "data.expires_in": "expires_in"}}},
			access: "deep", lives: time.Minute, scope: "a b"},
		{name: "a name with a dot", contentType: asJSON, body: `{"data.token":"dot","token_type":"bearer"}`,
			quirks: &Quirks{TokenAnswer: AnswerQuirk{Rename: map[string]string{"data.token": "access_token"}}}, access: "dot", scope: "a b"},
		{name: "expires_in is text", contentType: asJSON, body: `{"access_token":"s","token_type":"bearer","expires_in":"3599"}`, access: "s", lives: 3599 * time.Second, scope: "a b"},
		{name: "no expires_in", contentType: asJSON, body: `{"access_token":"s","token_type":"bearer"}`, access: "s", scope: "a b"},
		{name: "expires_in by default", contentType: asJSON, body: `{"access_token":"s","token_type":"bearer"}`,
			quirks: &Quirks{TokenAnswer: AnswerQuirk{Defaults: map[string]any{"expires_in": 5184000.0}}}, access: "s", lives: 60 * 24 * time.Hour, scope: "a b"},
		{name: "scopes with semicolons", contentType: asJSON, body: `{"access_token":"s","token_type":"bearer","scope":"x;y"}`,
			quirks: &Quirks{ScopeSeparator: ";"}, access: "s", scope: "x y"},
		{name: "a form twice", contentType: asForm, body: "access_token=a&access_token=b&token_type=bearer", code: "-", text: ""},
		{name: "an empty form", contentType: asForm, body: "", code: "-"},
		{name: "HTML", contentType: "text/html", body: "<html>sign in</html>", code: "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.says(200, tt.contentType, tt.body)
			c := f.client()
			c.Quirks, c.BearerTypes = tt.quirks, []string{"user"}
			tok, err := c.Grant(t.Context(), "fb_exchange_token", url.Values{"fb_exchange_token": {"short-lived"}}, TokenRequest{Scope: []string{"a", "b"}})
			if tt.code != "" {
				var e *Error
				if !errors.As(err, &e) || e.Code != Code(strings.TrimPrefix(tt.code, "-")) || e.Description != tt.text || Transient(err) != errors.Is(err, ErrPortal) {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lives := time.Duration(0)
			if !tok.ExpiresAt.IsZero() {
				lives = tok.ExpiresAt.Sub(tok.ObtainedAt)
			}
			if tok.AccessToken != Secret(tt.access) || tok.Type != "Bearer" || lives != tt.lives || strings.Join(tok.Scope, " ") != tt.scope {
				t.Errorf("type %s, lives %v, scope %v", tok.Type, lives, tok.Scope)
			}
			// What was renamed is not kept a second time.
			if user, _ := tok.Extra["authed_user"].(map[string]any); user["access_token"] != nil || tok.Extra["expires"] != nil {
				t.Errorf("left behind: %d members", len(tok.Extra))
			}
		})
	}
}

// Without its quirk a departure is refused, not guessed at.
func TestNoQuirkNoGuess(t *testing.T) {
	f := newFake(t)
	for body, want := range map[string]error{
		"access_token=a&token_type=bearer": ErrNotJSON, `{"access_token":"a"}`: ErrTokenType, `{"data":{"access_token":"a"}}`: ErrNoToken,
	} {
		f.says(200, "text/plain", body)
		if _, err := f.client().Refresh(t.Context(), &Token{RefreshToken: "r"}); !errors.Is(err, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The quirk of one kind of answer does not touch another.
func TestRefreshAnswerQuirk(t *testing.T) {
	f := newFake(t)
	f.says(200, asJSON, `{"new_token":"a","token_type":"bearer"}`)
	c := f.client()
	c.Quirks = &Quirks{TokenAnswer: AnswerQuirk{Rename: map[string]string{"new_token": "access_token"}}}
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); !errors.Is(err, ErrNoToken) {
		t.Error(err)
	}
	c.Quirks = &Quirks{RefreshAnswer: c.Quirks.TokenAnswer}
	if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); err != nil {
		t.Error(err)
	}
}

// A server that wants token requests by GET gets them so, and no error shows
// what then stands in the address: F-112, R-004.
func TestGETTokenEndpoint(t *testing.T) {
	f := newFake(t)
	f.secret = "canary-secret"
	f.metadata["token_endpoint"] = f.URL + "/token?tenant=7"
	var got []*http.Request
	f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		if len(got) == 1 {
			reply(w, 200, map[string]any{"access_token": "a", "token_type": "bearer", "refresh_token": "canary-refresh"})
			return
		}
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": r.URL.String()})
	}
	c := f.client()
	c.AuthMethod, c.Quirks = AuthSecretPost, &Quirks{TokenMethod: "GET"}
	tok, err := f.login(c, AuthorizationRequest{RedirectURI: openid.RedirectURI, Scope: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Refresh(t.Context(), tok)
	if !errors.Is(err, InvalidGrant) {
		t.Fatal(err)
	}
	noSecret(t, err.Error(), "canary")
	q := got[0].URL.Query()
	if got[0].Method != "GET" || q.Get("code") == "" || q.Get("code_verifier") == "" || q.Get("tenant") != "7" || q.Get("client_secret") != "canary-secret" {
		t.Errorf("%s %v", got[0].Method, q)
	}
	f.routes["/token"] = nil
	if err := c.Revoke(t.Context(), "x", ""); err != nil { // every other request stays POST
		t.Error(err)
	}
	if form, _ := f.lastForm(); form.Get("token") != "x" {
		t.Error("revocation was no POST")
	}
}

// Query parameters are added at their six points, templates filled: F-116, F-110.
func TestAddedQueries(t *testing.T) {
	f := newFake(t)
	f.secret = "canary-secret"
	queries := map[string]url.Values{}
	record := func(path string, answer map[string]any) {
		f.routes[path] = func(w http.ResponseWriter, r *http.Request) {
			queries[path] = r.URL.Query()
			reply(w, 200, answer)
		}
	}
	record("/token", map[string]any{"access_token": "the-access-token", "token_type": "bearer"})
	record("/refresh", map[string]any{"access_token": "the-access-token", "token_type": "bearer"})
	record("/userinfo", map[string]any{"sub": "alice"})
	record("/revoke", nil)
	c := f.client()
	c.RefreshEndpoint = f.URL + "/refresh?v=2" // F-113
	c.Quirks = &Quirks{
		TokenQuery: map[string]string{"site": "s"}, RefreshQuery: map[string]string{"app": "{client_id}"},
		APIQuery: map[string]string{"t": "{access_token}", "key": "{client_secret}"}, RevokeQuery: map[string]string{"r": "1", "t": "{access_token}"},
	}
	tok, err := f.login(c, AuthorizationRequest{RedirectURI: openid.RedirectURI, Scope: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	tok.RefreshToken = "r"
	if _, err := c.Refresh(t.Context(), tok); err != nil {
		t.Error(err)
	}
	if _, err := c.UserInfo(t.Context(), tok); err != nil {
		t.Error(err)
	}
	if err := c.Revoke(t.Context(), "x", ""); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{
		"/token": "site=s", "/refresh": "app=client&v=2", "/userinfo": "key=canary-secret&t=the-access-token", "/revoke": "r=1&t=x",
	} {
		if got := queries[path].Encode(); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	u, err := url.Parse("https://api.example/me?key=mine&x=1")
	if err != nil {
		t.Fatal(err)
	}
	req := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
	if err := c.Use(Use{}).Apply(req, &Token{AccessToken: "tok", Type: "Bearer"}, nil); err != nil {
		t.Error(err)
	}
	if got := req.URL.String(); got != "https://api.example/me?key=mine&t=tok&x=1" || u.RawQuery != "key=mine&x=1" {
		t.Error(got) // what the caller has in the address stays
	}
}

// Scopes go out with the separator that the server reads: F-116.
func TestScopeSeparator(t *testing.T) {
	f := newFake(t)
	f.token["scope"], f.token["id_token"] = "a,b", nil
	c := f.client()
	c.Quirks = &Quirks{ScopeSeparator: ","}
	a, response := f.authorize(c, AuthorizationRequest{RedirectURI: openid.RedirectURI, Scope: []string{"a", "b"}})
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("scope"); got != "a,b" {
		t.Errorf("authorization request: %q", got)
	}
	tok, err := a.Redeem(t.Context(), response)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tok.Scope, []string{"a", "b"}) {
		t.Errorf("%q", tok.Scope)
	}
	if _, err := c.Refresh(t.Context(), tok, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if form, _ := f.lastForm(); form.Get("scope") != "a,b" {
		t.Errorf("%q", form.Get("scope"))
	}
}

// F-181: a server that does not return the nonce, by its quirk alone; one that
// returns another is refused all the same.
func TestNoNonceQuirk(t *testing.T) {
	f := newFake(t)
	f.claims["nonce"] = nil
	c := f.client()
	if _, err := f.login(c, openid); !errors.Is(err, ErrNonce) {
		t.Error(err)
	}
	c.Quirks = &Quirks{NoNonce: true}
	if _, err := f.login(c, openid); err != nil {
		t.Error(err)
	}
	f.claims["nonce"] = "another"
	if _, err := f.login(c, openid); !errors.Is(err, ErrNonce) {
		t.Error(err)
	}
}

func TestNoRedirectURIQuirk(t *testing.T) {
	f := newFake(t)
	c := f.client()
	for _, without := range []bool{false, true} {
		c.Quirks = &Quirks{NoRedirectURI: without}
		f.mustLogin(c)
		if form, _ := f.lastForm(); form.Has("redirect_uri") == without {
			t.Errorf("%v: %v", without, form)
		}
	}
}

// Through the browser the nonce is all that ties an id_token to the login
// (OpenID Connect Core section 3.2.2.11): no quirk forgives it there.
func TestNoNonceQuirkInTheBrowser(t *testing.T) {
	f := newFake(t)
	c := f.client()
	c.Quirks = &Quirks{NoNonce: true}
	c.Metadata.ResponseTypesSupported = nil
	for _, responseType := range []string{"id_token", "code id_token"} {
		a, response := f.hybrid(c, responseType, map[string]any{"nonce": nil})
		if _, err := a.Redeem(t.Context(), response); !errors.Is(err, ErrNonce) {
			t.Errorf("%s: %v", responseType, err)
		}
	}
}
