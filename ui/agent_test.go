package ui

import (
	"context"
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

// TestWithTheRealAgent clicks through the first minute: no agent, no profile, the Demo, a login in a browser, the token; then
// the agent is killed, and the window brings it back by itself.
func TestWithTheRealAgent(t *testing.T) {
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
	client := agent.NewClient(home)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	queue := make(chan func(), 1000)
	until := func(what string, done func() bool) {
		t.Helper()
		for !done() {
			select {
			case do := <-queue:
				do()
			case <-ctx.Done():
				t.Fatalf("%s did not happen", what)
			}
		}
	}
	app := test.NewTempApp(t)
	w := Open(app, client, World{
		Start: func(ctx context.Context) error { return client.Ensure(ctx, exe, true) },
		Open:  func(ctx context.Context, page, _ string) error { return browse(ctx, page) },
		post:  func(do func()) { queue <- do },
	})
	defer func() {
		if err := client.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		w.Close()
		w.actions.tasks.Wait()
	}()
	state := func() agent.State {
		if s := w.model.status("Demo"); s != nil {
			return s.State
		}
		return ""
	}

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
