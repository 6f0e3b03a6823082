package session

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

// rig is an engine with a real authorization server, a real redirect listener and a browser that is an http.Get.
type rig struct {
	t        testing.TB
	server   *authserver.Server
	http     *http.Client
	store    Store
	dir      string
	file     *profiles.File
	engine   *Engine
	step     func(string)
	spenders string
}

const issuer = "http://127.0.0.1:1/as" // reached by the server's own transport: nothing listens there

// newRig returns a rig with one profile, "work".
func newRig(t testing.TB, o authserver.Options) *rig {
	t.Helper()
	o.Issuer = issuer
	if o.AutoApprove == "" {
		o.AutoApprove = "ada"
	}
	server, err := authserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	store, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, server: server, http: &http.Client{Transport: server.Transport()}, store: store, dir: t.TempDir()}
	r.open()
	r.put(r.profile("work"))
	return r
}

// open starts an engine on what the rig has kept, as a new agent does.
func (r *rig) open() {
	r.t.Helper()
	var err error
	if r.file, err = profiles.OpenFile(filepath.Join(r.dir, "profiles.json")); err != nil {
		r.t.Fatal(err)
	}
	if r.engine, err = New(Options{Profiles: r.file, Store: r.store, Dir: r.dir, HTTP: r.http, LockFile: filepath.Join(r.dir, "lock.json"), Step: r.step, Spenders: func() string { return r.spenders }}); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(r.engine.Close)
}

// reopen ends the engine and starts another on what it has kept.
func (r *rig) reopen() {
	r.t.Helper()
	r.engine.Close()
	r.open()
}

func (r *rig) profile(name string) profiles.Profile {
	return profiles.Profile{
		Name: name, Issuer: issuer, ClientID: authserver.DemoClientID,
		Scope: profiles.List{"openid", "profile", "email", "offline_access", "api"}, APIBaseURL: issuer + "/api",
	}
}

func (r *rig) put(p profiles.Profile) {
	r.t.Helper()
	if err := r.engine.PutProfile(r.t.Context(), p, nil, "", false); err != nil {
		r.t.Fatal(err)
	}
}

// browse is the browser: it goes to the authorization endpoint and brings the answer to the listener, in whatever way the server
// sends it there.
func (r *rig) browse(target string) error {
	as := &http.Client{Transport: r.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := as.Get(target)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusOK { // OAuth 2.0 Form Post Response Mode
		action := formAction.FindStringSubmatch(string(page))
		if action == nil {
			return errors.New("the server showed a page")
		}
		fields := url.Values{}
		for _, field := range formField.FindAllStringSubmatch(string(page), -1) {
			fields.Set(field[1], html.UnescapeString(field[2]))
		}
		return submit(html.UnescapeString(action[1]), "null", fields)
	}
	redirect, err := answer.Location()
	if err != nil {
		return err
	}
	fragment := redirect.EscapedFragment()
	redirect.Fragment, redirect.RawFragment = "", ""
	if fragment == "" {
		return visit(redirect.String())
	}
	// The listener's page posts what it finds behind the #.
	if err := visit(redirect.String()); err != nil {
		return err
	}
	fields, err := url.ParseQuery(fragment)
	if err != nil {
		return err
	}
	return submit(redirect.String(), "http://"+redirect.Host, fields)
}

var (
	formAction = regexp.MustCompile(`action="([^"]*)"`)
	formField  = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)
)

// submit posts a form as a browser does from a page of that origin.
func submit(target, origin string, fields url.Values) error {
	request, err := http.NewRequest(http.MethodPost, target, strings.NewReader(fields.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", origin)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	return nil
}

// visit makes one GET request over the real network and leaves no connection behind.
func visit(target string) error {
	direct := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := direct.Get(target)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// tryLogin logs in with the rig's browser.
func (r *rig) tryLogin(name string) (Status, error) {
	browsed := make(chan error, 1)
	status, err := r.engine.Login(r.t.Context(), name, within(time.Minute), func(ev LoginEvent) {
		go func() { browsed <- r.browse(ev.URL) }()
	})
	if err != nil {
		return status, err
	}
	return status, <-browsed
}

func (r *rig) login(name string) Status {
	r.t.Helper()
	status, err := r.tryLogin(name)
	if err != nil {
		r.t.Fatalf("login %s: %v", name, err)
	}
	return status
}

func (r *rig) token(name string) Handout {
	r.t.Helper()
	h, err := r.engine.Token(r.t.Context(), name, -1)
	if err != nil {
		r.t.Fatalf("token %s: %v", name, err)
	}
	return h
}

func (r *rig) status(name string) Status {
	r.t.Helper()
	s, err := r.engine.one(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// works says whether the server's API takes the token.
func (r *rig) works(token string) bool {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.server.API(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := (&http.Client{Transport: r.server.Transport()}).Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// wantError checks kind and code of an error that faces show.
func wantError(t testing.TB, err error, kind Kind, code string) {
	t.Helper()
	var said *Error
	if !errors.As(err, &said) {
		t.Fatalf("error %v, want kind %d code %s", err, kind, code)
	}
	if said.Kind != kind || said.Code != code {
		t.Fatalf("kind %d code %s (%v), want kind %d code %s", said.Kind, said.Code, said, kind, code)
	}
}

// brokenStore refuses to store while broken.
type brokenStore struct {
	Store
	broken atomic.Bool
}

func (b *brokenStore) Set(ctx context.Context, key string, value []byte) error {
	if b.broken.Load() {
		return &keychain.Error{Object: "keychain", Kind: keychain.ErrTimeout}
	}
	return b.Store.Set(ctx, key, value)
}

// within are the options of a login that may take this long.
func within(timeout time.Duration) LoginOptions {
	return LoginOptions{Timeout: profiles.Duration(timeout)}
}
