package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/internal/session"
	"fob/profiles"
)

// house is a home with a serving agent, a real authorization server behind it and a client.
type house struct {
	t      testing.TB
	home   Home
	as     *authserver.Server
	engine *session.Engine
	server *Server
	client *Client
	copied chan string
	stop   context.CancelFunc
	served chan error
}

func newHouse(t testing.TB, with ...authserver.Options) *house {
	t.Helper()
	o := authserver.Options{}
	if len(with) > 0 {
		o = with[0]
	}
	o.AutoApprove = "ada"
	root, err := os.MkdirTemp("", "fob") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	t.Setenv("FOB_HOME", root)
	home, err := HomeFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, home: home, copied: make(chan string, 1), served: make(chan error, 1)}
	if h.as, err = authserver.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.as.Close() })
	file, err := profiles.OpenFile(home.ProfilesFile())
	if err != nil {
		t.Fatal(err)
	}
	store, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	if h.engine, err = session.New(session.Options{Profiles: file, Store: store, Dir: home.Data}); err != nil {
		t.Fatal(err)
	}
	h.server, err = NewServer(home, h.engine, Options{
		Version: "test", Store: Store{Kind: func() string { return "memory" }}, Log: slog.New(slog.DiscardHandler),
		Copy: func(_ context.Context, env map[string]string, text string, after time.Duration) error {
			h.copied <- env["DISPLAY"] + " " + after.String() + " " + text
			return nil
		},
		Open:   func(context.Context, string, string) error { return errors.New("no desktop") },
		Attach: func(map[string]string) {}, Tray: func() bool { return false },
		Demo:   func(context.Context) (string, error) { return "Demo", nil },
		Doctor: func(context.Context) []Finding { return []Finding{{Subject: "store", OK: true}} },
		Prompt: func(all []Status, r PromptRequest) string {
			return r.Color + ":" + r.Name + ":" + string(all[0].State) + "\n"
		},
		StartAtLogin: func(bool) error { return errors.New("no desktop") },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go func() { h.served <- h.server.Serve(ctx, listener.Listener) }()
	h.client = NewClient(home)
	t.Cleanup(func() {
		h.client.Close()
		stop()
		if err := <-h.served; err != nil {
			t.Error(err)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		h.engine.Close()
	})
	return h
}

func (h *house) add(name string) profiles.Profile {
	h.t.Helper()
	p := profiles.Profile{Name: name, Issuer: h.as.Issuer(), ClientID: authserver.DemoClientID,
		Scope: profiles.List{"openid", "profile", "email", "offline_access", "api"}, APIBaseURL: h.as.API()}
	if err := h.client.PutProfile(h.t.Context(), ProfileEdit{Profile: p, Create: true}); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// browse is a browser with nobody before it: the authorization server redirects at once.
func browse(t testing.TB, target string) {
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(target)
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Error(err)
	}
}

func (h *house) login(name string) Status { return h.loginWith(name, LoginOptions{}) }

func (h *house) loginWith(name string, o LoginOptions) Status {
	h.t.Helper()
	s, err := h.client.Login(h.t.Context(), name, o, func(ev LoginEvent) {
		if ev.Kind == "open" {
			go browse(h.t, ev.URL)
		}
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func wantError(t *testing.T, err error, kind Kind, code string) {
	t.Helper()
	var said *Error
	if !errors.As(err, &said) || said.Kind != kind || said.Code != code {
		t.Fatalf("error %#v, want kind %d code %s", err, kind, code)
	}
}

func TestEverythingOverTheSocket(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	if hello, err := h.client.Hello(ctx); err != nil || hello.Version != "test" || hello.PID != os.Getpid() {
		t.Errorf("hello %+v, %v", hello, err)
	}
	h.add("work")
	_, err := h.client.Token(ctx, TokenQuery{Name: "work"}, -1)
	wantError(t, err, LogInFirst, session.CodeLoggedOut)
	if s := h.login("work"); s.State != LoggedIn || s.Account == "" {
		t.Errorf("status %+v", s)
	}
	token, err := h.client.Token(ctx, TokenQuery{Name: "work"}, time.Second)
	if err != nil || token.AccessToken == "" || token.IDToken == "" {
		t.Fatalf("token %v", err)
	}
	if d, err := h.client.Details(ctx, "work"); err != nil || d.IDClaims["iss"] != h.as.Issuer() || len(d.Checks) == 0 {
		t.Errorf("details %v", err)
	}
	env := map[string]string{"DISPLAY": ":7"}
	if copied, err := h.client.Copy(ctx, FormRequest{Name: "work", Form: FormHeader}, env); err != nil || time.Duration(copied.ClearsAfter) != 45*time.Second {
		t.Errorf("copy %+v %v", copied, err)
	}
	if got := <-h.copied; got != ":7 45s Authorization: Bearer "+token.AccessToken {
		t.Errorf("%d bytes on the clipboard", len(got))
	}
	if text, err := h.client.Prompt(ctx, PromptRequest{Name: "work", Color: "zsh"}); err != nil || text != "zsh:work:logged_in\n" {
		t.Errorf("prompt %q %v", text, err)
	}
	if _, err := h.client.Refresh(ctx, "work"); err != nil {
		t.Error(err)
	}
	if again, _ := h.client.Token(ctx, TokenQuery{Name: "work"}, -1); again.AccessToken == token.AccessToken {
		t.Error("refreshed, and the token is the same")
	}
	if s, err := h.client.Logout(ctx, "work", false); err != nil || s.State != LoggedOut {
		t.Errorf("logout %s %v", s.State, err)
	}
	if found, err := h.client.Discover(ctx, h.as.Issuer()); err != nil || found.TokenEndpoint == "" {
		t.Errorf("discover %+v %v", found, err)
	}
	if found, err := h.client.Doctor(ctx); err != nil || len(found) != 1 {
		t.Errorf("doctor %v %v", found, err)
	}
	if err := h.client.RemoveProfile(ctx, "work"); err != nil {
		t.Error(err)
	}
	_, err = h.client.Profile(ctx, "work")
	wantError(t, err, Misused, session.CodeUnknownProfile)
}

func TestWatch(t *testing.T) { // F-137
	h := newHouse(t)
	h.add("work")
	updates := make(chan Update, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.client.Watch(ctx, func(u Update) { updates <- u }) }()
	if first := <-updates; !first.Full || len(first.Profiles) != 1 || first.Settings == nil {
		t.Fatalf("first %+v", first)
	}
	h.login("work")
	until(t, updates, func(u Update) bool { return len(u.Profiles) == 1 && u.Profiles[0].State == LoggedIn })
	if err := h.client.PutSettings(t.Context(), Settings{Theme: "dark", ClipboardSeconds: 5}); err != nil {
		t.Fatal(err)
	}
	until(t, updates, func(u Update) bool { return u.Settings != nil && u.Settings.Theme == "dark" })
	// A hand edit of profiles.json shows as well.
	text, err := os.ReadFile(h.home.ProfilesFile())
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), `"work"`, `"job"`, 1)
	if err := os.WriteFile(h.home.ProfilesFile(), []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, updates, func(u Update) bool { return len(u.Removed) == 1 && u.Removed[0] == "work" })
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v", err)
	}
}

// until waits for an update that fits.
func until(t *testing.T, updates <-chan Update, fits func(Update) bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case u := <-updates:
			if fits(u) {
				return
			}
		case <-deadline:
			t.Fatal("the update never came")
		}
	}
}

func TestWatchEndsWithTheAgent(t *testing.T) {
	h := newHouse(t)
	first := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() { ended <- h.client.Watch(t.Context(), func(Update) { first <- struct{}{} }) }()
	<-first
	h.stop()
	wantError(t, <-ended, Unreachable, "agent_unreachable")
}

func TestWatchTellsAStopOnPurpose(t *testing.T) {
	h := newHouse(t)
	first := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() { ended <- h.client.Watch(t.Context(), func(Update) { first <- struct{}{} }) }()
	<-first
	h.server.Stop()
	<-h.server.Stopped()
	h.stop()
	wantError(t, <-ended, Unreachable, CodeStopped)
}

func TestStoredSettings(t *testing.T) {
	h := newHouse(t)
	if s := StoredSettings(h.home); s != defaultSettings {
		t.Errorf("without a file: %+v", s)
	}
	want := Settings{Theme: "light", ClipboardSeconds: 7}
	if err := h.client.PutSettings(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if s := StoredSettings(h.home); s != want {
		t.Errorf("stored %+v", s)
	}
}

func TestLoginCancelledByLeaving(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	ctx, leave := context.WithCancel(t.Context())
	_, err := h.client.Login(ctx, "work", LoginOptions{}, func(LoginEvent) { leave() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if err := h.client.CancelLogin(t.Context(), "work"); err != nil { // returns when it has ended
		t.Fatal(err)
	}
	if s, _ := h.client.Status(t.Context(), "work"); s[0].State != LoggedOut {
		t.Errorf("state %s", s[0].State)
	}
}

func TestSettings(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	wantError(t, h.client.PutSettings(ctx, Settings{Theme: "pink"}), Misused, "setting")
	wantError(t, h.client.PutSettings(ctx, Settings{Theme: "dark", ClipboardSeconds: -1}), Misused, "setting")
	wantError(t, h.client.PutSettings(ctx, Settings{Theme: "dark", StartAtLogin: true}), Failed, "setting")
	if s, err := h.client.Settings(ctx); err != nil || s != defaultSettings {
		t.Errorf("after refusals: %+v %v", s, err)
	}
	want := Settings{Theme: "light", ClipboardSeconds: 10}
	if err := h.client.PutSettings(ctx, want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.home.Config, "settings.json")
	kept, err := openSettings(path)
	if err != nil || kept.get() != want {
		t.Errorf("kept %+v %v", kept.get(), err)
	}
}

// TestDamagedSettings: the defaults are in force, but that Fob locks with the screen where nobody knows that it should not, at each start,
// and doctor says so. The file stays until somebody has chosen anew, and is then kept aside; one that is mended counts at once.
func TestDamagedSettings(t *testing.T) {
	locks := defaultSettings
	locks.LockOnScreenLock = true
	for name, one := range map[string]struct {
		damage func(path string) error
		want   Settings
	}{
		"truncated":    {func(path string) error { return os.Truncate(path, 12) }, locks},
		"empty":        {func(path string) error { return os.Truncate(path, 0) }, locks},
		"garbage":      {func(path string) error { return os.WriteFile(path, []byte("\x00\xff"), 0o600) }, locks},
		"another type": {func(path string) error { return os.WriteFile(path, []byte(`{"lock_on_screen_lock":"no"}`), 0o600) }, locks},
		"no setting":   {func(path string) error { return os.WriteFile(path, []byte(`{"theme":"pink"}`), 0o600) }, defaultSettings},
		"no setting, locking": {func(path string) error {
			return os.WriteFile(path, []byte(`{"theme":"pink","lock_on_screen_lock":true}`), 0o600)
		}, locks},
		"directory": {func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/mine", 0o700)) }, locks},
	} {
		path := filepath.Join(t.TempDir(), "settings.json")
		first, err := openSettings(path)
		if err != nil {
			t.Fatal(err)
		}
		chosen := Settings{Theme: "dark", ClipboardSeconds: 10, LockOnScreenLock: true}
		if err := errors.Join(first.put(chosen), one.damage(path)); err != nil {
			t.Fatal(err)
		}
		if old, err := openSettings(path); err == nil || old.get() != one.want {
			t.Errorf("%s: in force is %+v, said %v", name, old.get(), err)
		}
		kept, err := openSettings(path)
		if kept.get() != one.want || err == nil || strings.Contains(err.Error(), "locks with the screen") != one.want.LockOnScreenLock || kept.finding() == nil {
			t.Errorf("%s: at the second start, in force is %+v, said %v", name, kept.get(), err)
		}
		if err := kept.put(Settings{Theme: "light"}); err != nil || kept.finding() != nil {
			t.Errorf("%s: chosen anew: %v, %v", name, err, kept.finding())
		}
		if aside, err := filepath.Glob(path + ".damaged-*"); err != nil || len(aside) != 1 {
			t.Errorf("%s: kept %v, %v", name, aside, err)
		}
		if again, err := openSettings(path); err != nil || again.get().Theme != "light" {
			t.Errorf("%s: the next start: %+v, %v", name, again.get(), err)
		}
		if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("{"), 0o600)); err != nil {
			t.Fatal(err)
		}
		mended, err := openSettings(path)
		if err == nil {
			t.Errorf("%s: %+v", name, mended.get())
		}
		if err := os.WriteFile(path, []byte(`{"theme":"dark"}`), 0o600); err != nil || mended.get().Theme != "dark" || mended.finding() != nil {
			t.Errorf("%s: mended, it says %+v, %v", name, mended.get(), mended.finding())
		}
	}
}

// TestUnreadableSettings: a file that may be whole stays where it is, nothing is written over it, and it is in force once it can be read.
func TestUnreadableSettings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "settings.json")
	if err := os.Symlink("settings.json", path); err != nil { // what root cannot read either
		t.Fatal(err)
	}
	kept, err := openSettings(path)
	if err == nil || strings.Contains(err.Error(), "no sense") || !strings.Contains(err.Error(), "cannot be read") || !kept.get().LockOnScreenLock {
		t.Errorf("in force is %+v, said %v", kept.get(), err)
	}
	wantError(t, kept.put(Settings{Theme: "light"}), Failed, "setting")
	if finding := kept.finding(); finding == nil || !strings.Contains(finding.Remedy, path) {
		t.Errorf("doctor says %+v", finding)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != "settings.json" {
		t.Errorf("there are %v, %v", entries, err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(`{"theme":"dark"}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	if kept.get().Theme != "dark" || kept.get().LockOnScreenLock || kept.finding() != nil {
		t.Errorf("read at last: %+v, %+v", kept.get(), kept.finding())
	}
	if err := kept.put(Settings{Theme: "light"}); err != nil {
		t.Error(err)
	}
}

func TestOneAgentPerHome(t *testing.T) {
	h := newHouse(t)
	if _, err := Listen(h.home); !errors.Is(err, ErrRunning) {
		t.Fatalf("a second agent: %v", err)
	}
	if _, err := h.client.Hello(t.Context()); err != nil {
		t.Errorf("the first one suffered: %v", err)
	}
}

func TestStaleSocket(t *testing.T) {
	root, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	home := Home{Runtime: filepath.Join(root, "run")}
	if err := os.Mkdir(home.Runtime, 0o755); err != nil {
		t.Fatal(err)
	}
	dead, err := net.Listen("unix", home.Socket())
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	listener, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, want := range map[string]os.FileMode{home.Runtime: 0o700, home.Socket(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestNotAgentsSocket(t *testing.T) {
	root, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	home := Home{Runtime: root}
	if err := os.WriteFile(home.Socket(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = NewClient(home).Hello(t.Context())
	wantError(t, err, Unreachable, "socket_owner")
}

func TestDeepHome(t *testing.T) {
	t.Setenv("FOB_HOME", "/"+strings.Repeat("deep/", 30))
	home, err := HomeFromEnv()
	if err != nil || len(home.Socket()) > socketPathMax || !strings.HasPrefix(home.Config, "/deep/") {
		t.Errorf("%+v %v", home, err)
	}
}

func TestBadRequests(t *testing.T) {
	h := newHouse(t)
	for name, body := range map[string]string{"not JSON": "canary-7", "too large": `{"name":"` + strings.Repeat("x", requestMax) + `"}`} {
		request, err := http.NewRequest(http.MethodPost, "http://fob/v1/token", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := h.client.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var failure errorAnswer
		if err := json.NewDecoder(answer.Body).Decode(&failure); err != nil || failure.Error == nil || failure.Error.Kind != Misused {
			t.Errorf("%s: %v %+v", name, err, failure.Error)
		}
		answer.Body.Close()
		if failure.Error != nil && strings.Contains(failure.Error.Sentence, "canary") {
			t.Errorf("%s: the answer quotes the request", name)
		}
	}
}

func TestSecretNeverComesBack(t *testing.T) {
	h := newHouse(t)
	p := h.add("work")
	const canary = "canary-secret-8d1f"
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p, Secrets: map[string]string{"client_secret": canary}}); err != nil {
		t.Fatal(err)
	}
	view, err := h.client.Profile(t.Context(), "work")
	if err != nil || len(view.Secrets) != 1 || view.Secrets[0] != "client_secret" {
		t.Errorf("view %+v %v", view, err)
	}
	text, err := json.Marshal(view)
	if err != nil || strings.Contains(string(text), canary) {
		t.Errorf("the secret is in the answer: %v", err)
	}
	err = filepath.WalkDir(filepath.Dir(h.home.Config), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if kept, err := os.ReadFile(path); err != nil || strings.Contains(string(kept), canary) {
			t.Errorf("the secret is in %s (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyConnections(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	h.login("work")
	errs := make(chan error, 200)
	for range cap(errs) {
		go func() {
			c := NewClient(h.home)
			defer c.Close()
			_, err := c.Token(context.Background(), TokenQuery{Name: "work"}, 0)
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}
