package ui

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/agent"
	"fob/internal/authserver"
	"fob/internal/cli"
	"fob/internal/keychain"
	"fob/internal/session"
	"fob/internal/tray"
	"fob/oauth"
	"fob/profiles"
)

// faces is Fob with everything that shows a login: an engine with a real server, the agent's socket before it, and the command line.
// Tray and window are shown what the socket tells.
type faces struct {
	t      *testing.T
	server *authserver.Server
	engine *session.Engine
	client *agent.Client
	store  *swapped
	road   *swappedRoad
}

// swapped is a store in whose place another one can be put.
type swapped struct {
	session.Store
	other atomic.Pointer[session.Store]
}

func (s *swapped) now() session.Store {
	if other := s.other.Load(); other != nil {
		return *other
	}
	return s.Store
}

func (s *swapped) Get(ctx context.Context, key string) ([]byte, error) { return s.now().Get(ctx, key) }
func (s *swapped) Delete(ctx context.Context, key string) error        { return s.now().Delete(ctx, key) }
func (s *swapped) Set(ctx context.Context, key string, value []byte) error {
	return s.now().Set(ctx, key, value)
}

// swappedRoad is the network, which another one can replace.
type swappedRoad struct {
	http.RoundTripper
	other atomic.Pointer[http.RoundTripper]
}

func (r *swappedRoad) RoundTrip(request *http.Request) (*http.Response, error) {
	if other := r.other.Load(); other != nil {
		return (*other).RoundTrip(request)
	}
	return r.RoundTripper.RoundTrip(request)
}

func newFaces(t *testing.T) *faces {
	t.Helper()
	root, err := os.MkdirTemp("", "fob") // t.TempDir can be too long for a socket
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	t.Setenv("FOB_HOME", root)
	home, err := agent.HomeFromEnv()
	must(t, err)
	f := &faces{t: t}
	f.server, err = authserver.New(authserver.Options{Issuer: "https://login.example.com", AutoApprove: "ada", AccessTokenTTL: 10 * time.Minute})
	must(t, err)
	f.road = &swappedRoad{RoundTripper: f.server.Transport()}
	file, err := profiles.OpenFile(home.ProfilesFile())
	must(t, err)
	memory, err := keychain.Open(keychain.KindMemory, "")
	must(t, err)
	f.store = &swapped{Store: memory}
	f.engine, err = session.New(session.Options{Profiles: file, Store: f.store, Dir: home.Data, HTTP: &http.Client{Transport: f.road}})
	must(t, err)
	server, err := agent.NewServer(home, f.engine, agent.Options{
		Version: "test", Store: agent.Store{Kind: func() string { return "memory" }}, Log: slog.New(slog.DiscardHandler),
		Copy:   func(context.Context, map[string]string, string, time.Duration) error { return errors.New("no desktop") },
		Open:   func(context.Context, string, string) error { return errors.New("no desktop") },
		Attach: func(map[string]string) {}, Tray: func() bool { return false },
		Demo:         func(context.Context) (string, error) { return "", errors.New("no demo") },
		Doctor:       func(context.Context) []agent.Finding { return nil },
		Prompt:       func(all []agent.Status, r agent.PromptRequest) string { return cli.Prompt(all, r, time.Now()) },
		StartAtLogin: func(bool) error { return errors.New("no desktop") },
	})
	must(t, err)
	listener, err := agent.Listen(home)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener.Listener) }()
	f.client = agent.NewClient(home)
	t.Cleanup(func() {
		f.client.Close()
		stop()
		must(t, <-served)
		must(t, listener.Close())
		f.engine.Close()
	})
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// login makes a profile of that name and logs in with a browser that nobody sits before.
func (f *faces) login(name string) {
	f.t.Helper()
	p := profiles.Profile{Name: name, Issuer: f.server.Issuer(), ClientID: authserver.DemoClientID, Scope: profiles.List{"openid", "email", "offline_access", "api"}}
	must(f.t, f.client.PutProfile(f.t.Context(), agent.ProfileEdit{Profile: p, Create: true}))
	browsed := make(chan error, 1)
	_, err := f.client.Login(f.t.Context(), name, agent.LoginOptions{}, func(event agent.LoginEvent) {
		if event.Kind != "open" {
			return
		}
		go func() {
			page := &http.Client{Transport: f.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			answer, err := page.Get(event.URL)
			if err == nil {
				answer.Body.Close()
				direct := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				answer, err = direct.Get(answer.Header.Get("Location"))
			}
			if err == nil {
				answer.Body.Close()
			}
			browsed <- err
		}()
	})
	must(f.t, err)
	must(f.t, <-browsed)
}

// run runs a verb of the command line.
func (f *faces) run(args ...string) (code int, out, stderr string) {
	var o, e bytes.Buffer
	code = cli.Main(f.t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}, cli.Hooks{})
	return code, o.String(), e.String()
}

func (f *faces) status(name string) agent.Status {
	f.t.Helper()
	all, err := f.client.Status(f.t.Context(), name)
	must(f.t, err)
	return all[0]
}

// What may go wrong, by what makes it so: each part is a real one.

// serving is a server in the place of the one that is asked, with a certificate that is taken.
func serving(t *testing.T, answer http.HandlerFunc) http.RoundTripper {
	t.Helper()
	s := httptest.NewUnstartedServer(answer)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	road := toward(s.Listener.Addr().String())
	road.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // one that is taken
	return road
}

// toward is a road on which every name leads to one address.
func toward(address string) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
}

func saying(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if name, value, found := strings.Cut(header, ": "); found {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refusing(code, description string) http.HandlerFunc {
	return saying(400, "Content-Type: application/json", fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description))
}

func closedPort(t *testing.T) http.RoundTripper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return toward(l.Addr().String())
}

// proxied is a road that leads through a proxy that refuses with this status, or is gone when it is 0.
func proxied(t *testing.T, status int) http.RoundTripper {
	t.Helper()
	proxy := httptest.NewServer(saying(status, "", ""))
	t.Cleanup(proxy.Close)
	if status == 0 {
		proxy.Close()
	}
	hc, err := oauth.NewHTTPClient(oauth.HTTPOptions{Proxy: oauth.Secret(proxy.URL)})
	must(t, err)
	return hc.Transport
}

func noNames() http.RoundTripper {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ENETUNREACH }}
	return &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
}

// silent is a server that takes connections and says nothing.
func silent(t *testing.T) http.RoundTripper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes them
	must(t, err)
	t.Cleanup(func() { l.Close() })
	road := toward(l.Addr().String())
	road.TLSHandshakeTimeout = 50 * time.Millisecond
	return road
}

// runOut is a server whose certificate's time is over.
func runOut(t *testing.T) http.RoundTripper {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"login.example.com"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	s := httptest.NewUnstartedServer(saying(200, "", ""))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	road := toward(s.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	road.TLSClientConfig = &tls.Config{RootCAs: roots}
	return road
}

// stranger is a server whose certificate nobody here knows.
func stranger(t *testing.T) http.RoundTripper {
	t.Helper()
	road := serving(t, saying(200, "", "")).(*http.Transport)
	road.TLSClientConfig = nil
	return road
}

// noBus is the real keychain where there is no session bus.
func noBus(t *testing.T) session.Store {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	k, err := keychain.Open(keychain.KindKeychain, t.TempDir())
	must(t, err)
	return k
}

// sealed is the real file store, to which nobody has given the passphrase.
func sealed(t *testing.T) session.Store {
	t.Helper()
	dir := t.TempDir()
	made, err := keychain.Open(keychain.KindFile, dir)
	must(t, err)
	must(t, made.Unlock(t.Context(), "correct horse battery", true))
	k, err := keychain.Open(keychain.KindFile, dir)
	must(t, err)
	return k
}

// failing is a keychain that does not serve for that reason; e2e's TestLockedKeychain and TestStoreTroubles have real ones.
type failing struct{ why error }

func (f failing) Get(context.Context, string) ([]byte, error) { return nil, f.why }
func (f failing) Set(context.Context, string, []byte) error   { return f.why }
func (f failing) Delete(context.Context, string) error        { return f.why }

func troubled(kind error) session.Store {
	return failing{&keychain.Error{Object: "keychain", Kind: kind, Remedy: "see to the keychain"}}
}

// disk is one that does not take what is to be kept.
type disk struct {
	session.Store
	why error
}

func (d disk) Set(context.Context, string, []byte) error {
	return &os.PathError{Op: "write", Path: "/home/ada/item", Err: d.why}
}

const loungePage = "<!DOCTYPE html><html><body>Welcome to the lounge</body></html>"

// honest is one thing that goes wrong, and what every face has to make of it.
type honest struct {
	name  string
	road  http.RoundTripper // the network meanwhile
	store session.Store     // the keychain meanwhile
	state agent.State
	code  string // of the problem
	word  string // for the state, in lower case
	says  string // in the sentence
	exit  int
}

// Every error that the engine can tell, in every face: an outage never reads as a log-out, and says why, since when and when the next
// try is; the end of a login reads as one and gives the reason; what somebody has to mend says so.
func TestHonestInEveryFace(t *testing.T) {
	f := newFaces(t)
	outage := func(name, code, word, says string, road http.RoundTripper, store session.Store) honest {
		return honest{name, road, store, agent.Offline, code, word, says, 5}
	}
	over := func(name, code, says string, answer http.HandlerFunc) honest {
		return honest{name, serving(t, answer), nil, agent.LoginRequired, code, "login needed", says, 3}
	}
	cases := []honest{
		outage("no names", "network", "offline", "cannot be looked up now", noNames(), nil),
		outage("refused", "network", "offline", "connection refused", closedPort(t), nil),
		outage("proxy gone", "network", "offline", "the proxy 127.0.0.1:", proxied(t, 0), nil),
		outage("proxy refuses", "network", "offline", "does not let it through (407 Proxy Authentication Required)", proxied(t, 407), nil),
		outage("no answer", "network", "offline", "timeout", silent(t), nil),
		outage("certificate run out", "tls", "offline", "certificate has expired", runOut(t), nil),
		outage("unknown certificate", "captive_portal", "captive portal", "an authority that this computer does not know", stranger(t), nil),
		outage("500", "server_answer", "offline", "status 500", serving(t, saying(500, "", "")), nil),
		outage("502 with a page", "server_answer", "offline", "status 502", serving(t, saying(502, "", loungePage)), nil),
		outage("503", "server_answer", "offline", "status 503", serving(t, saying(503, "Retry-After: 120", "")), nil),
		outage("429", "server_answer", "offline", "status 429", serving(t, saying(429, "Retry-After: 120", "")), nil),
		outage("temporarily_unavailable", "server_answer", "offline", "back at noon", serving(t, refusing("temporarily_unavailable", "back at noon")), nil),
		outage("portal's page", "captive_portal", "captive portal", "a web page came where data was due", serving(t, saying(200, "", loungePage)), nil),
		outage("firewall's page", "captive_portal", "captive portal", "a web page came where data was due", serving(t, saying(403, "", loungePage)), nil),
		outage("network authentication", "captive_portal", "captive portal", "a captive portal or proxy answers instead of login.example.com", serving(t, saying(511, "", loungePage)), nil),
		outage("redirect to a login page", "captive_portal", "captive portal", "it redirects to wifi.hotel.example", serving(t, saying(302, "Location: https://wifi.hotel.example/login", "")), nil),
		outage("disk full", "disk_full", "disk full", "the disk is full", nil, disk{f.store.Store, syscall.ENOSPC}),
		outage("disk read-only", "disk_refuses", "disk trouble", "the disk refuses: write /home/ada/item: read-only", nil, disk{f.store.Store, syscall.EROFS}),
		outage("keychain locked", "keychain_locked", "keychain locked", "the keychain is locked", nil, troubled(keychain.ErrLocked)),
		outage("keychain slow", "keychain_slow", "keychain trouble", "does not answer", nil, troubled(keychain.ErrTimeout)),
		outage("keychain without a collection", "keychain_missing", "no keychain", "no default collection", nil, troubled(keychain.ErrNoCollection)),
		outage("no session bus", "keychain_missing", "no keychain", "there is no session bus here", nil, noBus(t)),
		outage("file store locked", "keychain_passphrase", "passphrase needed", "the file store is locked", nil, sealed(t)),

		over("invalid_grant", "invalid_grant", "", refusing("invalid_grant", "")),
		over("revoked", "invalid_grant", "session was ended by an administrator", refusing("invalid_grant", "session was ended by an administrator")),
		over("reuse", "invalid_grant", "refresh token was used before", refusing("invalid_grant", "refresh token was used before")),
		over("consent withdrawn", "consent_required", "", refusing("consent_required", "")),
		over("login required", "login_required", "", refusing("login_required", "")),
		over("interaction required", "interaction_required", "", refusing("interaction_required", "")),

		{"client unknown", serving(t, refusing("invalid_client", "no such client")), nil, agent.Unusable, "invalid_client", "unusable", "no such client", 1},
		{"client disabled", serving(t, refusing("unauthorized_client", "the client is disabled")), nil, agent.Unusable, "unauthorized_client", "unusable", "the client is disabled", 1},
		{"wrong address", serving(t, saying(404, "", loungePage)), nil, agent.Unusable, "server_answer", "unusable", "status 404", 1},
	}
	for _, c := range cases {
		f.login(c.name)
	}
	shown := map[string]agent.Status{}
	began := time.Now()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.road != nil {
				f.road.other.Store(&c.road)
			}
			if c.store != nil {
				f.store.other.Store(&c.store)
			}
			defer f.road.other.Store(nil)
			defer f.store.other.Store(nil)
			now := *f
			now.t = t
			shown[c.name] = now.commandLine(c, began)
			tell(t, c, shown[c.name])
		})
		if _, err := f.client.Refresh(t.Context(), c.name); (err == nil) != (c.state != agent.LoginRequired) {
			t.Fatalf("%s is over: %v", c.name, err)
		}
	}
	if t.Failed() {
		return
	}
	synctest.Test(t, func(t *testing.T) { showHonest(t, cases, shown) })
}

// loggedOut are words that an outage must not use.
var loggedOut = []string{"fob login", "log in again", "login needed", "logged out", "login has ended", "login ended"}

func noLogout(t *testing.T, face, text string) {
	t.Helper()
	for _, words := range loggedOut {
		if strings.Contains(strings.ToLower(text), words) {
			t.Errorf("%s reads as a log-out (%q):\n%s", face, words, text)
		}
	}
}

func has(t *testing.T, face, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: %q is not in:\n%s", face, word, text)
		}
	}
}

// commandLine asks for a token that is not there and looks how that is said; it returns the status that the other faces get.
func (f *faces) commandLine(c honest, began time.Time) agent.Status {
	t := f.t
	t.Helper()
	for _, verb := range [][]string{{"refresh", c.name}, {"token", c.name, "--min-ttl", "10m"}} {
		code, out, stderr := f.run(verb...)
		if code != c.exit || out != "" {
			t.Errorf("fob %s: exit code %d, want %d\n%s%s", verb[0], code, c.exit, out, stderr)
		}
		has(t, "fob "+verb[0], stderr, "fob: profile "+c.name, c.says, "fob: hint: ")
		switch c.state {
		case agent.Offline:
			noLogout(t, "fob "+verb[0], stderr)
			has(t, "fob "+verb[0], stderr, "fob: since ", "next try at ")
		case agent.LoginRequired:
			has(t, "fob "+verb[0], stderr, "log in again: fob login ", c.name)
		}
	}
	s := f.status(c.name)
	if s.State != c.state || s.Problem == nil || s.Problem.Code != c.code || !strings.Contains(s.Problem.Sentence, c.says) || s.Problem.Remedy == "" || s.Problem.Since.Before(began.Add(-time.Second)) {
		t.Fatalf("state %s, problem %+v", s.State, s.Problem)
	}
	if next := s.Problem.NextTry; (next != nil) == (c.state == agent.LoginRequired) {
		t.Errorf("next try %v", next)
	}
	_, table, _ := f.run("status", c.name)
	has(t, "fob status", table, c.word, s.Problem.Sentence, "since ")
	_, text, _ := f.run("status", c.name, "--json")
	var told struct {
		State   string
		Problem map[string]any
	}
	must(t, json.Unmarshal([]byte(text), &told))
	if told.State != string(c.state) || told.Problem["code"] != c.code || told.Problem["since"] == nil || told.Problem["sentence"] == nil || told.Problem["remedy"] == nil {
		t.Errorf("fob status --json: %s", text)
	}
	_, segment, _ := f.run("status", "--prompt")
	if c.state == agent.Offline {
		noLogout(t, "fob status", table)
		has(t, "fob status", table, "next try at ")
		if told.Problem["next_try"] == nil {
			t.Errorf("fob status --json: %s", text)
		}
		if strings.Contains(segment, c.name) {
			t.Errorf("the shell's prompt: %q", segment)
		}
	}
	return s
}

// tell looks at the tray: icon, tooltip, menu and reminders.
func tell(t *testing.T, c honest, s agent.Status) {
	t.Helper()
	now, one := time.Now(), []agent.Status{s}
	tooltip, menu := tray.Tooltip(one, now), tray.Menu(one, agent.BuiltInForms(), now)
	var row string
	var first tray.Item // that can be pressed, below the row
	for _, item := range menu {
		if row == "" && strings.Contains(item.Label, c.name) {
			row = item.Label
		}
		if verb := item.Command.Verb; first.Label == "" && verb != "" && verb != tray.VerbOpen && !item.Disabled {
			first = item
		}
	}
	say, _, _ := tray.Reminders(one, nil, now)
	var labels []string
	for _, item := range menu {
		labels = append(labels, item.Label)
	}
	all := strings.Join(labels, "\n")
	switch c.state {
	case agent.Offline:
		if icon := tray.Icon(one); icon != "offline" {
			t.Errorf("the icon is %s", icon)
		}
		has(t, "the tooltip", tooltip, c.name+": "+c.word, "Since ", "next try at ")
		noLogout(t, "the tooltip", tooltip)
		has(t, "the menu's row", row, "⊘ "+c.name, c.word)
		has(t, "the menu", all, "Since ", "next try at ")
		noLogout(t, "the menu's row", row)
		if first.Command.Verb != tray.VerbCopy {
			t.Errorf("the menu's first entry is %q", first.Label)
		}
		if len(say) > 0 {
			t.Errorf("somebody is disturbed: %+v", say)
		}
	case agent.LoginRequired:
		if icon := tray.Icon(one); icon != "login" {
			t.Errorf("the icon is %s", icon)
		}
		has(t, "the tooltip", tooltip, "1 login needed")
		has(t, "the menu's row", row, "▲ "+c.name, "log in again")
		if first.Command.Verb != tray.VerbLogin || len(say) != 1 || !strings.Contains(say[0].Title, "log in again") || !strings.Contains(say[0].Body, c.says) {
			t.Errorf("the menu's first entry is %q; reminders %+v", first.Label, say)
		}
	case agent.Unusable:
		has(t, "the tooltip", tooltip, "1 profile to mend")
		noLogout(t, "the tooltip", tooltip)
		has(t, "the menu's row", row, "needs mending")
		if len(say) > 0 {
			t.Errorf("a reminder: %+v", say)
		}
	}
}

// showHonest looks at the window: row, header, button and banner of each.
func showHonest(t *testing.T, cases []honest, shown map[string]agent.Status) {
	var all []agent.Status
	for _, c := range cases {
		s := shown[c.name]
		s.Environment = map[agent.State]string{agent.Offline: "outages", agent.LoginRequired: "over", agent.Unusable: "to mend"}[c.state]
		all = append(all, s)
	}
	s := newStage(t, newFake(all...), cases[0].name)
	for _, c := range cases {
		p := shown[c.name].Problem
		s.clock = p.Since.Add(100 * time.Millisecond)
		s.onSelect(c.name)
		s.settle()
		head := s.detail.head
		row := newRow()
		row.show(all[slices.IndexFunc(all, func(one agent.Status) bool { return one.Name == c.name })], listTime(shown[c.name], s.clock))
		face := "the window, " + c.name
		if !head.problem.content.Visible() || head.problem.what.Text != sentence(about(c.name, p.Sentence)) || head.problem.remedy.Text != sentence(p.Remedy) {
			t.Errorf("%s: the banner says %q, %q", face, head.problem.what.Text, head.problem.remedy.Text)
		}
		has(t, face, head.problem.times.text, "Since ")
		first := offers(scene{status: shown[c.name], online: true, now: s.clock})[0]
		switch c.state {
		case agent.Offline:
			has(t, face, head.problem.times.text, "next try at ")
			has(t, face, head.state.text, upperFirst(c.word))
			has(t, face, row.second.text, upperFirst(c.word))
			noLogout(t, face, head.state.text+"\n"+head.problem.what.Text+"\n"+head.problem.remedy.Text+"\n"+row.second.text+"\n"+row.time.text)
			if c.code == "keychain_passphrase" { // what helps is known, and it is no login
				if first.intent != askUnlock {
					t.Errorf("%s: the first thing to press is %q", face, first.label)
				}
				continue
			}
			if first.intent != askCopy && first.intent != askRefresh {
				t.Errorf("%s: the first thing to press is %q", face, first.label)
			}
			// The token in hand has ended meanwhile: there is still nothing to log in to.
			if late := offers(scene{status: shown[c.name], online: true, now: s.clock.Add(time.Hour)}); late[0].intent != askRefresh || !late[0].enabled || late[1].enabled {
				t.Errorf("%s: an hour later there is %+v", face, late)
			}
		case agent.LoginRequired:
			if first.intent != askLogin || !strings.Contains(head.state.text, "Login needed") {
				t.Errorf("%s: %q, and to press %q", face, head.state.text, first.label)
			}
		case agent.Unusable:
			noLogout(t, face, head.state.text)
			if first.intent != askEdit {
				t.Errorf("%s: the first thing to press is %q", face, first.label)
			}
		}
	}
}
