package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/internal/logbook"
	"fob/profiles"
)

// tap listens on the wire between engine and server and remembers every secret that passes.
type tap struct {
	http.RoundTripper
	mu      sync.Mutex // guards what follows
	secrets map[string]string
	echo    bool // the token endpoint answers with an error that repeats what it was sent
}

func (w *tap) learn(kind, value string) {
	if len(value) < 8 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[value] = kind
	if parts := strings.Split(value, "."); len(parts) == 3 && len(parts[2]) > 20 { // a part of a JWT is as bad
		w.secrets[parts[1]], w.secrets[parts[2]] = kind+" (claims)", kind+" (signature)"
	}
}

func (w *tap) known() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for value, kind := range w.secrets {
		all[value] = kind
		all[url.QueryEscape(value)] = kind
	}
	return all
}

func (w *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(text))
		form := url.Values{}
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			if form, err = url.ParseQuery(string(text)); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{"code", "code_verifier", "refresh_token", "client_secret", "token", "device_code", "auth_req_id", "assertion",
			"client_assertion", "subject_token", "actor_token", "password", "badge"} {
			w.learn(name, form.Get(name))
			sent += form.Get(name) + " "
		}
	}
	w.learn("DPoP proof", r.Header.Get("DPoP"))
	if _, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		w.learn("Authorization", value)
	}
	w.mu.Lock()
	echo := w.echo
	w.mu.Unlock()
	if echo && strings.HasSuffix(r.URL.Path, "/token") {
		text, err := json.Marshal(map[string]string{"error": "invalid_request", "error_description": "cannot read " + sent, "error_uri": "https://as.example/?" + sent})
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
	}
	answer, err := w.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &tapped{ReadCloser: answer.Body, tap: w}
	}
	return answer, err
}

var tokenMember = regexp.MustCompile(`"(access_token|refresh_token|id_token|registration_access_token|client_secret|device_code|auth_req_id)":"([^"]+)"`)

// tapped is an answer that is read and listened to.
type tapped struct {
	io.ReadCloser
	tap  *tap
	seen bytes.Buffer
}

func (t *tapped) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if t.seen.Len() < 64<<10 {
		t.seen.Write(p[:n])
		for _, found := range tokenMember.FindAllStringSubmatch(t.seen.String(), -1) {
			t.tap.learn(found[1], found[2])
		}
	}
	return n, err
}

// safeBuffer is a log that several goroutines write.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// witness lives with a rig and keeps everything that anybody may see of it.
type witness struct {
	*rig
	tap *tap
	log *safeBuffer
}

func newWitness(t *testing.T, method string) *witness {
	client := authserver.DemoClient()
	client.ID, client.AuthMethod = "confidential", method
	const secret = "canary client s+cret/8d1f"
	if method != "" {
		client.Secret = secret
	}
	r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, Clients: []authserver.Client{client}})
	w := &witness{rig: r, tap: &tap{RoundTripper: r.server.Transport(), secrets: map[string]string{}}, log: &safeBuffer{}}
	r.engine.Close()
	r.http = &http.Client{Transport: w.tap}
	var err error
	book := logbook.New(filepath.Join(r.dir, "agent.log"))
	book.Max = 500 // so that it is moved aside again and again
	t.Cleanup(func() { book.Close() })
	r.engine, err = New(Options{Profiles: r.file, Store: r.store, Dir: r.dir, HTTP: r.http, Log: slog.New(slog.NewTextHandler(io.MultiWriter(w.log, book), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.engine.Close)
	p := r.profile("work")
	p.ClientID, p.TokenEndpointAuthMethod = client.ID, method
	secrets := map[string]string{}
	if method != "" {
		secrets["client_secret"] = secret
		w.tap.learn("client secret", secret)
	}
	if err := r.engine.PutProfile(t.Context(), p, secrets, "", false); err != nil {
		t.Fatal(err)
	}
	return w
}

// serve puts another server behind the tap, and another profile before it.
func (w *witness) serve(o authserver.Options, p profiles.Profile, secrets map[string]string) {
	w.t.Helper()
	if o.Issuer = issuer; o.AutoApprove == "" {
		o.AutoApprove = "ada"
	}
	var err error
	if w.server, err = authserver.New(o); err != nil {
		w.t.Fatal(err)
	}
	w.tap.RoundTripper = w.server.Transport()
	for key, value := range secrets {
		w.hide(key, value)
	}
	p.Name = "work"
	if err := w.engine.PutProfile(w.t.Context(), p, secrets, "", false); err != nil {
		w.t.Fatal(err)
	}
}

// hide learns a secret that the keychain holds: the private part of a key in each spelling that a line could give it.
func (w *witness) hide(kind, value string) {
	var key map[string]any
	if json.Unmarshal([]byte(value), &key) == nil {
		if d, ok := key["d"].(string); ok {
			w.tap.learn(kind, d)
		}
		return
	}
	w.tap.learn(kind, value)
	for _, line := range strings.Split(value, "\n") {
		if !strings.HasPrefix(line, "-----") {
			w.tap.learn(kind, strings.TrimSpace(line))
		}
	}
}

// keychain learns what a login has left in the keychain: the key that its tokens are bound to.
func (w *witness) keychain() {
	for _, key := range w.engine.Keys() {
		text, err := w.store.Get(w.t.Context(), key)
		if err != nil {
			continue
		}
		var kept map[string]any
		if json.Unmarshal(text, &kept) != nil {
			continue
		}
		for name, value := range kept {
			if text, ok := value.(string); ok && (name == "pk" || name == "registration_access_token" || name == "client_secret" || name == "saved") {
				w.hide("kept "+name, text)
			}
		}
	}
}

// say keeps an error or a value in every spelling that a careless line could give it.
func (w *witness) say(what string, value any) {
	text, err := json.Marshal(value)
	fmt.Fprintf(w.log, "%s: %v %+v %#v %s %v\n", what, value, value, value, text, err)
	if failure, ok := value.(error); ok && failure != nil {
		fmt.Fprintf(w.log, "%s: %s\n", what, failure.Error())
		slog.New(slog.NewJSONHandler(w.log, nil)).Error(what, "err", failure)
	}
}

// tryLogin logs in as far as it goes, and listens to the browser too.
func (w *witness) tryLogin() {
	_, err := w.engine.Login(w.t.Context(), "work", within(time.Minute), func(ev LoginEvent) {
		u, err := url.Parse(ev.URL)
		if err != nil {
			w.t.Error(err)
			return
		}
		w.tap.learn("state", u.Query().Get("state"))
		go func() {
			as := &http.Client{Transport: w.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			answer, err := as.Get(ev.URL)
			if err != nil {
				return
			}
			answer.Body.Close()
			redirect, err := answer.Location()
			if err == nil {
				w.tap.learn("code", redirect.Query().Get("code"))
				_ = visit(redirect.String()) // whatever a spoilt redirect does
			}
			if err != nil || redirect.Query().Get("state") != u.Query().Get("state") {
				_ = w.engine.CancelLogin("work") // real connections do not let the bubble's time pass
			}
		}()
	})
	w.say("login", err)
}

// use does everything that a face can ask for and keeps what it would show.
func (w *witness) use() {
	ctx := w.t.Context()
	_, err := w.engine.Token(ctx, "work", -1)
	w.say("token", err)
	status, err := w.engine.Refresh(ctx, "work")
	w.say("refresh", err)
	w.say("refresh", status)
	details, err := w.engine.Details(ctx, "work")
	details.AccessClaims, details.IDClaims = nil, nil // what they say is the token's own business
	w.say("details", err)
	w.say("details", details)
	all, err := w.engine.Status()
	w.say("status", err)
	w.say("status", all)
	_, err = w.engine.Text(ctx, "work", "postcard")
	w.say("text", err)
	runs, err := w.engine.Trace("work")
	w.say("trace", err)
	w.say("trace", runs)
	said, err := w.engine.Introspect(ctx, "work", "")
	w.say("introspect", err)
	w.say("introspect", said)
	registration, err := w.engine.Registration(ctx, "work")
	w.say("registration", err)
	w.say("registration", registration)
	keys, err := w.engine.PublicKeys(ctx, "work")
	w.say("keys", err)
	w.say("keys", string(keys))
	_, err = w.engine.Credential(ctx, "work", "GET", "not an address", "")
	w.say("credential", err)
	answer, err := w.engine.Request(ctx, Request{Name: "work", URL: "https://elsewhere.example/"})
	w.say("request", err)
	w.say("request", answer)
	_, err = w.engine.TokenFor(ctx, TokenQuery{Name: "work", Scope: []string{"never-granted"}}, -1)
	w.say("second token", err)
	_, err = w.engine.Complete(ctx, "work", "http://127.0.0.1:9/callback?state=not-ours&code=canary-foreign-code")
	w.say("complete", err)
	w.engine.mu.Lock()
	// A login printed whole, tokens and all, by somebody who looks for a mistake.
	fmt.Fprintf(w.log, "%v %+v\n", w.engine.logins["work"].rec, w.engine.logins["work"].rec)
	if held := w.engine.logins["work"].held; held != nil {
		fmt.Fprintf(w.log, "%v %+v %#v %v\n", held, held, held, *held)
		slog.New(slog.NewTextHandler(w.log, nil)).Info("held", "tokens", held, "value", *held)
	}
	w.engine.mu.Unlock()
}

// check looks for every secret in everything that was kept, and on the disk.
func (w *witness) check() {
	w.t.Helper()
	places := map[string]string{"what was said": w.log.text.String()}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		places[filepath.Base(path)] = string(text)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for value, kind := range w.tap.known() {
		for place, text := range places {
			if i := strings.Index(text, value); i >= 0 {
				line := text[strings.LastIndex(text[:i], "\n")+1 : i]
				w.t.Errorf("%s in %s, after %q", kind, place, line[max(0, len(line)-80):])
			}
		}
	}
}

var allFaults = []authserver.Fault{
	"", authserver.TokenUnavailable, authserver.TokenBusy, authserver.TokenError, authserver.TokenHTML, authserver.TokenLost, authserver.TokenCut,
	authserver.TokenSlow, authserver.TokenHuge, authserver.TokenEndless, authserver.TokenTruncated, authserver.TokenRedirect, authserver.InvalidGrant,
	authserver.InvalidClient, authserver.NoIDToken, authserver.NoRefreshToken, authserver.NoExpiresIn, authserver.WrongTokenType,
	authserver.NoAccessToken, authserver.WrongNonce, authserver.NoNonce, authserver.WrongIssuer, authserver.WrongAudience, authserver.ExtraAudience,
	authserver.WrongSubject, authserver.ExpiredIDToken, authserver.FutureIDToken, authserver.NoExpiry, authserver.WrongAuthTime,
	authserver.WrongAtHash, authserver.AlgNone, authserver.AlgHS256, authserver.UnknownKid, authserver.ForeignKey, authserver.BrokenSignature,
	authserver.UnknownCrit, authserver.WrongState, authserver.MissingState, authserver.WrongIss, authserver.MissingIss, authserver.AccessDenied,
	authserver.AuthorizeHTML, authserver.DiscoveryDown, authserver.DiscoveryOther, authserver.JWKSDown, authserver.JWKSOdd,
	authserver.RevokeUnavailable, authserver.UserinfoOther,
}

func TestNoSecretIsEverSaid(t *testing.T) { // R-300 R-083 R-115 R-035, design.md decision 8
	for i, fault := range allFaults {
		method := []string{"client_secret_basic", "client_secret_post", ""}[i%3]
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWitness(t, method)
				w.server.Faults().Set(fault, authserver.UntilCleared)
				w.tryLogin()
				w.use()
				w.server.Faults().Clear()
				w.tryLogin()
				w.use()
				w.server.Faults().Set(fault, authserver.UntilCleared)
				time.Sleep(10 * time.Minute)
				w.use()
				_, err := w.engine.Logout(t.Context(), "work", false)
				w.say("logout", err)
				w.server.Faults().Clear()
				w.use()
				_, err = w.engine.Logout(t.Context(), "work", false)
				w.say("logout", err)
				w.use()
				w.check()
				if _, err := os.Stat(filepath.Join(w.dir, "agent.log.1")); err != nil {
					t.Errorf("the log was never moved aside: %v", err)
				}
				if kinds := len(w.tap.known()); kinds < 10 {
					t.Errorf("%d secrets passed: the tap hears nothing", kinds)
				}
			})
		})
	}
}

func TestServerThatRepeatsWhatItWasSent(t *testing.T) {
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWitness(t, method)
				w.tryLogin()
				w.tap.mu.Lock()
				w.tap.echo = true
				w.tap.mu.Unlock()
				w.use()
				w.tryLogin()
				w.use()
				w.check()
			})
		})
	}
}

func TestUnstoredTokensAreNotSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness(t, "client_secret_post")
		store := &brokenStore{Store: w.store}
		store.broken.Store(true)
		w.engine.store = store
		w.tryLogin()
		w.use()
		w.check()
	})
}
