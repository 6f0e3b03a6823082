//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// arrivals is an API that keeps what it was sent, and the server of its tokens.
type arrivals struct {
	*httptest.Server
	token string

	mu  sync.Mutex // guards all
	all []arrival
}

type arrival struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

func startArrivals(t *testing.T, token string) *arrivals {
	a := &arrivals{token: token}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a.mu.Lock()
		a.all = append(a.all, arrival{r.Method, r.URL.Path, r.URL.Query(), r.Header, string(body)})
		a.mu.Unlock()
		io.WriteString(w, `{"arrived":true}`)
	}))
	t.Cleanup(a.Close)
	return a
}

// robot adds a profile that needs nobody.
func (f *fob) robot(name string, a *arrivals, sets ...string) {
	f.t.Helper()
	sets = append(sets, "grant_type=client_credentials", "token_endpoint="+a.URL+"/token", "client_id=x")
	f.runWith("a secret\n", append([]string{"profile", "add", name, "--client-secret-stdin"}, words("--set", sets...)...)...).ok()
}

// last takes the only arrival since the last time.
func (a *arrivals) last(t *testing.T) (one arrival) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) != 1 {
		t.Errorf("%d requests arrived", len(a.all))
	}
	if len(a.all) > 0 {
		one = a.all[0]
	}
	a.all = nil
	return one
}

// Issue 5, "Copy as": the text of each form, run by the program that it is for, brings the token, the method, the URL, headers and body
// to the API as they were asked for. PowerShell is not in Debian, and .http files have no program there.
func TestFormsInTheirOwnPrograms(t *testing.T) {
	t.Parallel()
	f := newQuiet(t)
	api := startArrivals(t, "a.b-c_d~e+f/g==")
	f.robot("it's $work", api, "api_base_url="+api.URL+"/api")
	dir := t.TempDir()
	run := func(t *testing.T, file, text string, words ...string) string {
		t.Helper()
		path := filepath.Join(dir, file)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...)
		cmd.Dir = dir
		cmd.Env = append(f.desk.env(), "LC_ALL=C.UTF-8", "GOFLAGS=-mod=mod", "GOCACHE="+goEnv(t, "GOCACHE"), "GOTOOLCHAIN=local")
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", words, err, stderr.String())
		}
		return out.String()
	}
	node := os.Getenv("FOB_E2E_NODE")
	if node == "" {
		node = "node"
	}
	programs := map[string][]string{"curl": {"bash"}, "httpie": {"bash"}, "wget": {"bash"}, "fetch": {node}, "python": {"/usr/bin/python3"}, "go": {"go", "run"}}
	files := map[string]string{"fetch": "form.mjs", "go": "form.go"}
	for form, words := range programs {
		t.Run(form, func(t *testing.T) {
			file := files[form]
			if file == "" {
				file = "form"
			}
			shown := run(t, file, f.run("print", "it's $work", "--as", form).ok(), words...)
			if !strings.Contains(shown, "arrived") {
				t.Errorf("it shows %q", shown)
			}
			one := api.last(t)
			if one.method != "GET" || one.path != "/api" || one.header.Get("Authorization") != "Bearer "+api.token {
				t.Errorf("%+v", one)
			}
			const note, body = `it's "q" $HOME $(id) ` + "`id`" + ` !x; #y`, "{\"a\": \"it's $HOME `id` \\\\ ünï 日本 😀\"}\n@two"
			const path = `/it's/$HOME/(a);b`
			run(t, file, f.run("print", "it's $work", "PUT", path+`?q="a b"&x=ü&y[]=1&z=$(id)`, "--as", form, "-H", "X-Note: "+note, "-H", "Content-Type: text/plain", "-d", body).ok(), words...)
			one = api.last(t)
			if one.method != "PUT" || one.path != "/api"+path || one.query.Get("q") != `"a b"` || one.query.Get("x") != "ü" || one.query.Get("y[]") != "1" || one.query.Get("z") != "$(id)" {
				t.Errorf("%s %s %v", one.method, one.path, one.query)
			}
			if one.header.Get("X-Note") != note || one.header.Get("Content-Type") != "text/plain" || one.header.Get("Authorization") != "Bearer "+api.token {
				t.Errorf("headers %v", one.header)
			}
			if one.body != body {
				t.Errorf("body %q", one.body)
			}
		})
	}
	// A value is a value wherever it is read.
	const show = "\nprintf %s \"$MY_TOKEN\""
	if got := run(t, "export", f.run("print", "it's $work", "--as", "export", "--var", "MY_TOKEN").ok()+show, "sh"); got != api.token {
		t.Errorf("export gives %q", got)
	}
	if got := run(t, "dotenv", "set -a\n"+f.run("print", "it's $work", "--as", "env", "--var", "MY_TOKEN").ok()+show, "bash"); got != api.token {
		t.Errorf(".env gives %q", got)
	}
	var object map[string]any
	must(t, json.Unmarshal([]byte(f.run("print", "it's $work", "--as", "json").ok()), &object))
	has(t, "the JSON", object, map[string]any{"access_token": api.token, "profile": "it's $work", "url": api.URL + "/api"})
}

// goEnv is a setting of the go command of whoever runs the tests.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// Issue 5, "Run with it": the command takes the place of fob, so that a signal is its own.
func TestExecIsTheCommand(t *testing.T) {
	t.Parallel()
	f := newQuiet(t)
	api := startArrivals(t, "tok")
	f.robot("robot", api)
	cmd := f.command(context.Background(), "exec", "robot", "--", "bash", "-c", `trap 'echo "got it"; exit 7' TERM; echo "$$ $FOB_TOKEN"; while :; do read -t 1 <&3; done 3<> <(:)`)
	out := &safeBuffer{}
	cmd.Stdout = out
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	want := fmt.Sprintf("%d tok\n", cmd.Process.Pid)
	until(t, "the command", func() bool { return out.String() == want })
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 7 || out.String() != want+"got it\n" {
		t.Errorf("exit code %d, %q", code, out.String())
	}
}
