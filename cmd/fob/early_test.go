package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fob/internal/agent"
	"fob/internal/cli"
	"fob/profiles"
)

// fakeAgent answers what it is told to and remembers what it was asked.
type fakeAgent struct {
	mu     sync.Mutex // guards the fields below
	status int
	answer string
	asked  []string // protocol, path and body
}

func (a *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r.Proto+" "+r.URL.Path+" "+string(body))
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/v1/token" {
		io.WriteString(w, "{}\n")
		return
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.answer+"\n")
}

// take returns what was asked since the last time.
func (a *fakeAgent) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

func startFake(t *testing.T) *fakeAgent {
	t.Helper()
	dir, err := os.MkdirTemp("", "fob") // short: a socket's path has 103 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("FOB_HOME", dir)
	home, err := agent.HomeFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(home.Runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", home.Socket())
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeAgent{}
	server := &http.Server{Handler: fake}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return fake
}

// TestToken holds the two roads of `fob token` together: the early one asks once, initialises next to nothing, and asks and
// prints the same as the one that every verb takes.
func TestToken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("a named pipe is opened by the road that every verb takes")
		return
	}
	exe := filepath.Join(t.TempDir(), "fob")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fake := startFake(t)
	const handout = `{"name":"work","access_token":"at-1","id_token":"it-1","token_type":"Bearer"}`
	for _, c := range []struct {
		args   string
		status int
		answer string
		early  bool // ends before anything large is initialised
		code   int
	}{
		{"work", 200, handout, true, 0},
		{"work --min-ttl 90", 200, handout, true, 0},
		{"--no-start --min-ttl=5m work", 200, handout, true, 0},
		{"work --id-token", 200, handout, true, 0},
		{"work --json", 200, handout, false, 0},
		{"work", 200, `{"name":"work","access_token":"a\u0026b","token_type":"Bearer"}`, false, 0},
		{"work --id-token", 200, `{"name":"work","access_token":"at-1","token_type":"Bearer"}`, false, 1},
		{"work", 401, `{"error":{"kind":3,"code":"logged_out","sentence":"profile work: nobody is logged in","remedy":"log in"}}`, false, 3},
		{"work", 503, `{"error":{"kind":5,"code":"network","sentence":"profile work: no answer"}}`, false, 5},
	} {
		fake.mu.Lock()
		fake.status, fake.answer = c.status, c.answer
		fake.mu.Unlock()
		args := append([]string{"token"}, strings.Fields(c.args)...)

		cmd := exec.Command(exe, args...)
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		asked := fake.take()
		if got := cmd.ProcessState.ExitCode(); got != c.code {
			t.Errorf("%s: exit code %d, want %d: %s", c.args, got, c.code, &said)
		}
		if len(asked) != 1 || !strings.HasPrefix(asked[0], "HTTP/1.0 /v1/token ") {
			t.Errorf("%s: asked %q, want one HTTP/1.0 request", c.args, asked)
			continue
		}
		for _, large := range []string{"net/http", "encoding/json", "crypto/tls", "github.com/spf13/cobra", "unicode"} {
			if early := !strings.Contains(said.String(), "init "+large+" @"); early != c.early {
				t.Errorf("%s: early %v of %s, want %v", c.args, early, large, c.early)
			}
		}

		var long, longSaid bytes.Buffer
		code := cli.Main(context.Background(), args, cli.Streams{In: strings.NewReader(""), Out: &long, Err: &longSaid}, cli.Hooks{})
		if code != c.code || long.String() != out.String() || !strings.HasSuffix(said.String(), longSaid.String()) {
			t.Errorf("%s: the long road says %q %q (%d), the early one %q", c.args, &long, &longSaid, code, &out)
		}
		requests := fake.take()
		if last := requests[len(requests)-1]; body(t, last) != body(t, asked[0]) {
			t.Errorf("%s: the long road asks %q, the early one %q", c.args, last, asked[0])
		}
	}
}

type tokenBody struct {
	Name   string            `json:"name"`
	MinTTL profiles.Duration `json:"min_ttl"`
}

func body(t *testing.T, request string) (b tokenBody) {
	t.Helper()
	if err := json.Unmarshal([]byte(request[strings.Index(request, "{"):]), &b); err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return b
}
