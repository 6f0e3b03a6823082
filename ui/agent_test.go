package ui

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"fob/internal/agent"
	"fob/internal/authserver"
	"fob/profiles"
)

// fobProgram builds the agent's program.
func fobProgram(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "fob")
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	build := exec.Command("go", "build", "-o", exe, "fob/cmd/fob")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build fob: %v\n%s", err, out)
	}
	return exe
}

var (
	formAction = regexp.MustCompile(`action="([^"]*)"`)
	account    = regexp.MustCompile(`name="account" value="([^"]*)"`)
	scopeBox   = regexp.MustCompile(`name="scope" value="([^"]*)"`)
)

// browse does what a person does in the demo's pages: picks the first account and allows everything.
func browse(ctx context.Context, page string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	for {
		if err != nil {
			return err
		}
		response, err2 := browser.Do(request)
		if err2 != nil {
			return err2
		}
		body, err2 := io.ReadAll(response.Body)
		response.Body.Close()
		if err2 != nil {
			return err2
		}
		at := response.Request.URL
		action := formAction.FindStringSubmatch(string(body))
		if action == nil || strings.HasPrefix(at.Path, "/callback") {
			return nil
		}
		target, err2 := at.Parse(html.UnescapeString(action[1]))
		if err2 != nil {
			return err2
		}
		form := url.Values{}
		if strings.Contains(string(body), `name="approve"`) {
			form.Set("approve", "yes")
			for _, box := range scopeBox.FindAllStringSubmatch(string(body), -1) {
				form.Add("scope", html.UnescapeString(box[1]))
			}
		} else {
			form.Set("account", account.FindStringSubmatch(string(body))[1])
		}
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
		if err == nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", target.Scheme+"://"+target.Host)
		}
	}
}

// real is a window on the agent's own program, in a home of its own; widgets are touched by the test's goroutine.
type real struct {
	*Window
	t      *testing.T
	ctx    context.Context
	client *agent.Client
	queue  chan func()
}

func newReal(t *testing.T) *real {
	t.Helper()
	exe := fobProgram(t)
	t.Setenv("FOB_HOME", t.TempDir())
	t.Setenv("FOB_STORE", "memory")
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"} {
		t.Setenv(name, "") // no tray, no notification of a test on a real desktop
	}
	home, err := agent.HomeFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	r := &real{t: t, client: agent.NewClient(home), queue: make(chan func(), 1000)}
	var cancel context.CancelFunc
	r.ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	r.Window = Open(test.NewTempApp(t), r.client, World{
		Start: func(ctx context.Context) error { return r.client.Ensure(ctx, exe, true) },
		Open:  func(ctx context.Context, page, _ string) error { return browse(ctx, page) },
		post:  func(do func()) { r.queue <- do },
	})
	t.Cleanup(func() {
		if err := r.client.Stop(r.ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		r.Close()
		r.actions.tasks.Wait()
		cancel()
		r.client.Close()
	})
	return r
}

// until does what the window's goroutines post, until done.
func (r *real) until(what string, done func() bool) {
	r.t.Helper()
	for !done() {
		select {
		case do := <-r.queue:
			do()
		case <-r.ctx.Done():
			words := ""
			if r.failure != nil {
				words = r.failure.problem.Sentence
			}
			r.t.Fatalf("%s did not happen: %s", what, words)
		}
	}
}

func (r *real) state(name string) agent.State {
	if s := r.model.status(name); s != nil {
		return s.State
	}
	return ""
}

// TestWithTheRealAgent clicks through the first minute: no agent, no profile, the Demo, a login in a browser, the token; then
// the agent is killed, and the window brings it back by itself.
func TestWithTheRealAgent(t *testing.T) {
	w := newReal(t)
	until, client, ctx := w.until, w.client, w.ctx
	state := func() agent.State { return w.state("Demo") }
	until("the agent's start", func() bool { return w.online && w.empty.content.Visible() })
	test.Tap(w.empty.demo)
	until("the Demo", func() bool { return w.selected == "Demo" && state() == agent.LoggedOut })
	test.Tap(w.detail.head.commands.primary)
	until("the login", func() bool { return state() == agent.LoggedIn && len(w.detail.tabs.checks.shown) > 5 })
	if got := w.detail.tabs.checks.summary.text; !strings.HasPrefix(got, "All ") {
		t.Errorf("the checks say %q", got)
	}
	if w.detail.head.commands.primary.Text != "Copy token" {
		t.Errorf("the primary action is %q", w.detail.head.commands.primary.Text)
	}
	secret := w.detail.tabs.token.access
	test.Tap(secret.reveal)
	until("the token", func() bool { return secret.open })
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.model.status("Demo").APIBaseURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret.text.Text)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the API answers %d to the token on the screen", response.StatusCode)
	}

	hello, err := client.Hello(ctx)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(hello.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	until("the word that the agent is gone", func() bool { return w.offline.content.Visible() && w.detail.head.commands.primary.Disabled() })
	until("the agent's return", func() bool { return w.online && !w.offline.content.Visible() && state() != "" })
	if again, err := client.Hello(ctx); err != nil || again.PID == hello.PID {
		t.Errorf("the agent is %+v, %v; want another process", again, err)
	}
}

// TestEveryKindOfLoginWithTheRealAgent goes through the window's other doors: an API's address, a device code, an approval
// elsewhere, a password, a client of its own, an answer that is pasted; then it asks the server and reads the wire.
func TestEveryKindOfLoginWithTheRealAgent(t *testing.T) { // F-003, F-006, F-010, F-013, F-018, F-171, F-172
	w := newReal(t)
	redirect := []string{"http://127.0.0.1/callback"}
	server, err := authserver.Start(w.ctx, authserver.Options{
		Introspection: true, Registration: &authserver.Registration{}, ResourceMetadata: true, Scopes: []string{"admin"}, Device: authserver.Device{}, CIBA: authserver.CIBA{},
		Users: []authserver.User{{Login: "ada", Password: "correct horse", Sub: "1", Name: "Ada Lovelace", Email: "ada@example.com", OneClick: true}},
		Clients: []authserver.Client{
			{ID: "fob", RedirectURIs: redirect, GrantTypes: []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}},
			{ID: "web", Secret: "s3cret-of-the-web", RedirectURIs: redirect},
			{ID: "phone", Secret: "s3cret-of-the-phone", GrantTypes: []string{"urn:openid:params:grant-type:ciba", "refresh_token"}},
			{ID: "robot", Secret: "s3cret-of-the-robot", GrantTypes: []string{"client_credentials", "password"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	w.until("the agent's start", func() bool { return w.online })
	put := func(grant, client, secret string) {
		t.Helper()
		edit := agent.ProfileEdit{Create: true, Secrets: map[string]string{}, Profile: profiles.Profile{Name: grant, Issuer: server.Issuer(), ClientID: client, GrantType: grant,
			Scope: profiles.List{"openid", "profile", "api"}, APIBaseURL: server.API(), Username: "ada", LoginHint: "ada", BindingMessage: "W4SCT"}}
		if grant == "client_credentials" {
			edit.Profile.Scope, edit.Profile.LoginHint, edit.Profile.BindingMessage = profiles.List{"api"}, "", ""
		}
		if secret != "" {
			edit.Secrets["client_secret"] = secret
		}
		if err := w.client.PutProfile(w.ctx, edit); err != nil {
			t.Fatalf("%s: %v", grant, err)
		}
		w.until("the profile", func() bool { return w.model.status(grant) != nil })
		w.onSelect(grant)
	}
	loggedIn := func(name string) func() bool {
		return func() bool { return w.state(name) == agent.LoggedIn || w.state(name) == agent.Expiring }
	}
	card, primary := w.detail.card, w.detail.head.commands.primary

	put("device_code", "fob", "")
	test.Tap(primary)
	w.until("the code", func() bool { return card.content.Visible() && card.code.text.text != "" && card.qr.Visible() })
	if err := server.ApproveDevice(card.code.text.text, "ada"); err != nil {
		t.Fatal(err)
	}
	w.until("the login by code", loggedIn("device_code"))

	put("ciba", "phone", "s3cret-of-the-phone")
	test.Tap(primary)
	w.until("the binding message", func() bool { return card.content.Visible() && card.code.text.text == "W4SCT" })
	if err := server.ApproveCIBA(""); err != nil {
		t.Fatal(err)
	}
	w.until("the approved login", loggedIn("ciba"))

	put("password", "robot", "s3cret-of-the-robot")
	test.Tap(primary)
	w.until("the question for the password", func() bool { return w.latest.password != nil })
	w.latest.password.password.SetText("correct horse")
	test.Tap(w.latest.password.yes)
	w.until("the login by password", loggedIn("password"))

	put("client_credentials", "robot", "s3cret-of-the-robot")
	if primary.Text != "Get token" {
		t.Errorf("a profile that needs nobody offers %q", primary.Text)
	}
	test.Tap(primary)
	w.until("the robot's token", loggedIn("client_credentials"))

	put("authorization_code", "web", "s3cret-of-the-web")
	w.paste("authorization_code")
	view := w.page.about.(*pasteView)
	w.until("the link", func() bool { return view.pending.URL != "" })
	view.answer.SetText(answerOf(t, view.pending.URL))
	test.Tap(view.finish)
	w.until("the login by hand", loggedIn("authorization_code"))
	w.until("the details", func() bool { return w.detail.tabs.token.shown.Usable() })
	test.Tap(w.detail.tabs.token.server.ask)
	w.until("the introspection", func() bool { return strings.HasPrefix(w.detail.tabs.token.server.verdict.text, "The token is active") })
	test.Tap(w.detail.tabs.claims.who.ask)
	w.until("the user's info", func() bool { return w.detail.tabs.claims.who.verdict.text == "You are Ada Lovelace" })
	w.onTab(3)
	w.until("the wire", func() bool { return len(w.detail.tabs.wire.runs.Objects) > 0 })
	if run := w.detail.tabs.wire.shown[0]; run.Operation != "login" || run.Steps[0].Explanation == "" {
		t.Errorf("the wire tells of %s without words", run.Operation)
	}

	w.addFromURL()
	found := w.page.about.(*urlView)
	found.address.SetText(server.Issuer() + "/api/admin")
	test.Tap(found.look)
	w.until("the chain of hosts", func() bool { return found.result.Visible() || found.wrong.Visible() })
	if found.wrong.Visible() || found.found.Client != "registered" && found.found.Client != "registration" {
		t.Fatalf("found %q: %s", found.found.Client, found.wrong.words.Text)
	}
	test.Tap(found.login)
	w.until("the API's answer", func() bool { return w.detail.tabs.try.answer.result.Visible() })
	if got := w.detail.tabs.try.answer.answer.Status; got != http.StatusOK {
		t.Errorf("the API answers %d", got)
	}
	w.onTab(3)
	w.until("the wire of the whole login", func() bool { return len(w.detail.tabs.wire.shown) > 0 && len(w.detail.tabs.wire.shown[0].Steps) > 2 })
}

// answerOf is where a browser ends at, when a person logs in on the page: an address that nobody listens on.
func answerOf(t *testing.T, page string) string {
	t.Helper()
	err := browse(t.Context(), page)
	var end *url.Error
	if !errors.As(err, &end) {
		t.Fatalf("the browser ended elsewhere: %v", err)
	}
	return end.URL
}
