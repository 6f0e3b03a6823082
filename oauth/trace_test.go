package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// everything that a trace shows to people, as one text.
func shown(t testing.TB, trace *Trace) string {
	t.Helper()
	text, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.Write(text)
	for _, s := range trace.Steps() {
		pretty, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n%+v", pretty, s.Curl(), s.Explain(), s)
		for _, n := range s.Notes {
			b.WriteString(n)
		}
		b.WriteString(s.Answer)
	}
	return b.String()
}

// hides is noSecret for long texts: it shows the place.
func hides(t testing.TB, s string, secrets ...string) {
	t.Helper()
	for _, x := range secrets {
		if i := strings.Index(s, x); i >= 0 {
			t.Errorf("%q shows up in %q", x, s[max(0, i-80):min(len(s), i+80)])
		}
	}
}

// No secret of a login shows in its trace, whatever the method, and whatever
// the server sends back.
func TestTraceShowsNoSecret(t *testing.T) {
	_, keys, err := GeneratePrivateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	methods := map[string]func(*Client){
		"none":  func(*Client) {},
		"basic": func(c *Client) { c.Secret = "CANARY-secret:%" },
		"post":  func(c *Client) { c.Secret, c.AuthMethod = "CANARY-secret:%", AuthSecretPost },
		"mac":   func(c *Client) { c.Secret, c.AuthMethod = "CANARY-secret:%", AuthSecretJWT },
		"key":   func(c *Client) { c.PrivateKeys = keys },
		"custom": func(c *Client) {
			c.Secret, c.AuthMethod = "CANARY-secret:%", AuthCustom
			c.CustomAuth = CustomAuth{Query: map[string]string{"k": "{client_secret}"}, Header: map[string]string{"X-Key": "v {client_secret}"}}
		},
		"GET": func(c *Client) {
			c.Secret, c.AuthMethod, c.Quirks = "CANARY-secret:%", AuthSecretPost, &Quirks{TokenMethod: "GET"}
		},
		"extras": func(c *Client) {
			c.TokenParams = url.Values{"api_key": {"CANARY-param"}}
			c.Headers = map[RequestKind]http.Header{"": {"X-Api-Key": {"CANARY-header"}}}
			c.Quirks = &Quirks{TokenQuery: map[string]string{"q": "CANARY-query"}, APIQuery: map[string]string{"t": "{access_token}"}}
		},
	}
	for name, setup := range methods {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.token = map[string]any{"access_token": "CANARY-access", "refresh_token": "CANARY-refresh", "device_secret": "CANARY-device",
				"authed_user": map[string]any{"access_token": "CANARY-user", "list": []string{"CANARY-list"}}}
			f.routes["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Set-Cookie", "sid=CANARY-cookie")
				reply(w, 200, map[string]any{"sub": "alice", "name": "Alice", "echo": r.Header.Get("Authorization"), "api_key": "CANARY-api"})
			}
			f.routes["/revoke"] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("WWW-Authenticate", `Bearer error="x", error_description="`+r.PostFormValue("token")+`"`)
				w.WriteHeader(400)
				fmt.Fprintf(w, "<p>no: %s %s eyJhbGciOiJub25lIn0CANARYx.eyJhIjoiCANARYx-0123456789", r.PostForm.Encode(), r.Header.Get("Authorization"))
			}
			var trace Trace
			ctx := WithTrace(t.Context(), &trace)
			m, err := Discover(ctx, nil, f.URL)
			if err != nil {
				t.Fatal(err)
			}
			c := &Client{ID: "client", Metadata: m}
			setup(c)
			if c.Quirks != nil && c.Quirks.TokenMethod == "GET" {
				f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) { reply(w, 200, f.tokenAnswer(r.URL.Query())) }
			}
			a, err := c.Authorize(ctx, openid)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(a.URL)
			if err != nil {
				t.Fatal(err)
			}
			f.nonce = u.Query().Get("nonce")
			verifier := a.verifier.Reveal()
			trace.Browser("authorization request", a.URL, "opened by the test")
			back := a.RedirectURI + "?code=CANARY-code&state=" + a.State + "#access_token=CANARY-fragment&CANARY-bare"
			trace.Browser("redirect", back, "")
			tok, err := a.Redeem(ctx, url.Values{"code": {"CANARY-code"}, "state": {a.State}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.UserInfo(ctx, tok); err != nil {
				t.Error(err)
			}
			if _, err := c.Refresh(ctx, tok); err != nil {
				t.Error(err)
			}
			if err := c.Revoke(ctx, tok.RefreshToken, "refresh_token"); err == nil {
				t.Error("no error")
			}
			out := shown(t, &trace)
			hides(t, out, "CANARY-", "CANARYx", verifier, a.State, f.nonce, b64([]byte("client:CANARY")), url.QueryEscape("CANARY-secret:%"))
			if form, _ := f.lastForm(); form.Get("client_assertion") != "" {
				parts := strings.Split(form.Get("client_assertion"), ".")
				hides(t, out, parts[1], parts[2])
				if !strings.Contains(out, "client_assertion: ") {
					t.Error("the assertion is not explained")
				}
			}
			hides(t, out, strings.Split(tok.IDToken.Reveal(), ".")[2])
			var kinds []string
			for _, s := range trace.Steps() {
				kinds = append(kinds, s.What)
				if s.Explain() == "" || s.At.IsZero() || s.URL == "" {
					t.Errorf("%+v", s)
				}
			}
			if want := []string{"discovery", "authorization request", "redirect", "token endpoint", "key set", "userinfo endpoint",
				"token endpoint", "revocation endpoint"}; !slices.Equal(kinds, want) {
				t.Errorf("steps %q", kinds)
			}
			for _, want := range []string{`"sub"`, "alice", "authorization_code", "client authentication: ", `id_token: {"alg":"RS256"`, f.URL + "/jwks", "opened by the test"} {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing", want)
				}
			}
		})
	}
}

// The agent keeps traces: what it reads back is what it wrote.
func TestTraceRoundTrip(t *testing.T) {
	f := newFake(t)
	var trace, again Trace
	ctx := WithTrace(t.Context(), &trace)
	if _, err := f.client().Refresh(ctx, &Token{RefreshToken: "r"}); err != nil {
		t.Fatal(err)
	}
	Note(ctx, "the end")
	data, err := json.Marshal(&trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	was, is := trace.Steps(), again.Steps()
	for i := range was {
		if !was[i].At.Equal(is[i].At) {
			t.Error(was[i].At, is[i].At)
		}
		was[i].At = is[i].At
	}
	if !reflect.DeepEqual(was, is) || !slices.Contains(is[len(is)-1].Notes, "the end") {
		t.Errorf("%+v\n%+v", was, is)
	}
}

// What failed is in the trace with its reason, and what was not answered too.
func TestTraceOfFailures(t *testing.T) {
	f := newFake(t)
	var trace Trace
	ctx := WithTrace(t.Context(), &trace)
	c := f.client()
	f.routes["/token"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example/x?code=CANARY-code", http.StatusTemporaryRedirect)
	}
	if _, err := c.Refresh(ctx, &Token{RefreshToken: "CANARY-refresh"}); !errors.Is(err, ErrRedirect) {
		t.Error(err)
	}
	f.Close()
	if _, err := c.Refresh(ctx, &Token{RefreshToken: "CANARY-refresh"}); !Transient(err) {
		t.Error(err)
	}
	steps := trace.Steps()
	if len(steps) != 2 || steps[0].Status != 307 || steps[0].Problem == "" || steps[1].Status != 0 || steps[1].Problem == "" {
		t.Errorf("%+v", steps)
	}
	hides(t, shown(t, &trace), "CANARY")
}

// A nonce retry is two steps, and the second says why it is there.
func TestTraceOfASecondTry(t *testing.T) {
	f := newFake(t)
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("DPoP-Nonce", "n-1")
		if f.count("/token") == 1 {
			reply(w, 400, map[string]any{"error": "use_dpop_nonce"})
			return
		}
		reply(w, 200, map[string]any{"access_token": "a", "token_type": "DPoP"})
	}
	proof, err := NewProofKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	var trace Trace
	c := f.client()
	c.DPoP = true
	if _, err := c.Refresh(WithTrace(t.Context(), &trace), &Token{RefreshToken: "r", ProofKey: proof}); err != nil {
		t.Fatal(err)
	}
	steps := trace.Steps()
	if len(steps) != 2 || !strings.Contains(strings.Join(steps[1].Notes, " "), "second try") || !strings.Contains(strings.Join(steps[1].Notes, " "), `"nonce":"n-1"`) {
		t.Errorf("%+v", steps)
	}
}

// A trace is bounded, and keeps its beginning and its end.
func TestTraceIsBounded(t *testing.T) {
	var trace Trace
	for i := range 3 * maxSteps {
		trace.Browser(fmt.Sprint("step ", i), "https://id.example/", "")
	}
	steps := trace.Steps()
	if len(steps) != maxSteps || steps[0].What != "step 0" || steps[maxSteps-1].What != fmt.Sprint("step ", 3*maxSteps-1) {
		t.Errorf("%d steps", len(steps))
	}
	(*Trace)(nil).Browser("", "", "")
	Note(context.Background(), "nobody listens")
}

// The command is what a shell makes the same request of: quotes in values do
// not end it, and masked values are its variables.
func TestCurl(t *testing.T) {
	s := Step{
		Method: "POST", URL: "https://id.example/to'ken?site=a%27b&key=%5Bsecret%5D",
		Header: []Member{{Name: "Accept", Value: "application/json"}, {Name: "Authorization", Value: "Basic [secret]", Secret: true},
			{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, {Name: "Dpop", Value: "[secret]", Secret: true}},
		Form: []Member{{Name: "grant_type", Value: "authorization_code"}, {Name: "code", Value: "[secret]", Secret: true},
			{Name: "scope", Value: "it's $HOME `id` \"x\" \\ !"}},
		Certificate: true,
	}
	// The shell itself says what the words are.
	script := "curl() { printf '%s\\n' \"$@\"; }\nCODE=c0de KEY=k3y DPOP=pr00f CLIENT_ID=me CLIENT_SECRET=s CLIENT_CERTIFICATE=cert CLIENT_KEY=ck\n" + s.Curl()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"-i", "https://id.example/to'ken?site=a%27b&key=k3y", "--cert", "cert", "--key", "ck", "-H", "Accept: application/json",
		"-u", "me:s", "-H", "Dpop: pr00f", "--data-urlencode", "grant_type=authorization_code", "--data-urlencode", "code=c0de",
		"--data-urlencode", "scope=it's $HOME `id` \"x\" \\ !"}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("%q\n%s", got, s.Curl())
	}
	for step, want := range map[*Step]string{
		{Method: "GET", URL: "https://id.example/x#code=1"}: "curl -i https://id.example/x",
		{Method: "DELETE", URL: "https://id.example/x", Header: []Member{{Name: "Authorization", Value: "Bearer [secret]", Secret: true}}}: "curl -i \\\n  -X DELETE https://id.example/x \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\"",
		{Method: "POST", URL: "https://id.example/x", Body: `{"a":"it's"}`}:                                                                "curl -i https://id.example/x \\\n  --data-raw '{\"a\":\"it'\\''s\"}'",
	} {
		if got := step.Curl(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// Whatever a token endpoint answers, what was secret in the request is not in
// the trace, nor are the tokens that it gave.
func FuzzTrace(f *testing.F) {
	f.Add(200, "application/json", `{"access_token":"CANARY-0123456789","x":{"y":["CANARY-0123456789"]}}`)
	f.Add(400, "text/html", "<b>CANARY-0123456789</b>&x=%43ANARY-0123456789")
	f.Add(200, asForm, "access_token=CANARY-0123456789&z=1")
	f.Add(200, "application/jwt", "e30.e30.CANARY-0123456789")
	f.Add(400, "0", "CANARY-\xc50123456789")
	f.Add(400, "0", "CANARY-0123456789=0")
	f.Add(302, "", "\x00\xff\u202e")
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		const canary = "CANARY-0123456789"
		ask := url.Values{"grant_type": {"x"}, "code": {canary}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://id.example/token?k="+canary, strings.NewReader(ask.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+canary)
		job := &errand{what: "token endpoint", kind: ForToken, secrets: []string{canary}}
		ans := &answer{errand: job, status: status, header: http.Header{"Content-Type": {contentType}, "Location": {body}}, body: []byte(body)}
		var trace Trace
		trace.exchanged(req, ask, job, ans, io.ErrUnexpectedEOF, 0)
		trace.Browser("redirect", body, "")
		steps := trace.Steps()
		for _, s := range steps[:1] {
			data, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			hides(t, string(data)+s.Curl()+s.Answer, canary)
		}
		if len(steps[0].Answer) > maxTraced+8 {
			t.Errorf("%d bytes", len(steps[0].Answer))
		}
	})
}

// An answer with a token that cannot be read is not shown at all: what a token
// looks like is the server's business.
func TestTraceOfOddAnswers(t *testing.T) {
	for _, answer := range []string{
		`{"access_token":"CAN/ary+1","access_token":"CAN/ary+2"}`, `[{"access_token":"CAN/ary+1"}]`, `access_token: CAN/ary+1`,
		`<token>CAN/ary+1</token>`, `CAN/ary+1`, `"CAN/ary+1"`, `{"access_token":"CAN/ary+1",}`, "{\"a\":1}\nCAN/ary+1", `CAN/ary+1==`,
	} {
		for _, status := range []int{200, 400} {
			f := newFake(t)
			f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, answer)
			}
			var trace Trace
			if _, err := f.client().Refresh(WithTrace(t.Context(), &trace), &Token{RefreshToken: "refresh-0123"}); err == nil {
				t.Fatal("accepted")
			}
			if status == 200 || strings.Contains(answer, "access_token") {
				hides(t, shown(t, &trace), "CAN/ary")
			}
		}
	}
	// What a server says when it refuses stays readable.
	f := newFake(t)
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(502)
		_, _ = io.WriteString(w, "<h1>Bad gateway</h1> upstream is away")
	}
	var trace Trace
	_, _ = f.client().Refresh(WithTrace(t.Context(), &trace), &Token{RefreshToken: "refresh-0123"})
	if s := shown(t, &trace); !strings.Contains(s, "upstream is away") {
		t.Error(s)
	}
}
