//go:build e2e && linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/agent"
	"fob/internal/authserver"
)

// twoFobs are an older and a newer program, really built, with one home between them.
type twoFobs struct {
	t        *testing.T
	old, new string // the programs
	env      []string
	home     agent.Home
	server   *authserver.Server
}

func newTwoFobs(t *testing.T, store string) *twoFobs {
	t.Helper()
	dir, err := os.MkdirTemp("", "fob") // short: a socket's path has 103 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	two := &twoFobs{t: t, home: homeOf(dir), env: append(os.Environ(), "FOB_HOME="+dir, "FOB_STORE="+store, "LANG=C.UTF-8", "DISPLAY=", "WAYLAND_DISPLAY=")}
	two.old, two.new = two.build("0.2.0"), two.build("0.10.0")
	if store == "keychain" {
		two.env = append(two.env, keyring(t, dir)...)
	}
	client := authserver.DemoClient()
	client.ID = "script"
	two.server, err = authserver.Start(t.Context(), authserver.Options{Clients: []authserver.Client{client}, AutoApprove: authserver.DemoUsers()[0].Login})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { two.server.Close() })
	t.Cleanup(func() { stopAgent(t, dir) })
	return two
}

// build builds the program as a release would be.
func (two *twoFobs) build(version string) string {
	two.t.Helper()
	path := filepath.Join(two.t.TempDir(), "fob")
	cmd := exec.Command("go", "build", "-o", path, "-ldflags", "-s -w -X fob/internal/cli.version="+version, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		two.t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// keyring starts a bus with an unlocked gnome-keyring and returns the environment that names it.
func keyring(t *testing.T, dir string) []string {
	t.Helper()
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path="+filepath.Join(dir, "bus"))
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started(t, bus)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon did not come up: %v", err)
	}
	env := []string{"DBUS_SESSION_BUS_ADDRESS=" + strings.TrimSpace(address), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_DATA_HOME=" + filepath.Join(dir, "share")}
	daemon := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	daemon.Env, daemon.Stdin = append(os.Environ(), env...), strings.NewReader("test")
	started(t, daemon)
	return env
}

// started starts a program and ends it with the test.
func started(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed (make test installs it): %v", filepath.Base(cmd.Path), err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// run runs a program to its end.
func (two *twoFobs) run(program string, args ...string) (out, said string, code int) {
	two.t.Helper()
	cmd := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = two.env, &stdout, &stderr
	_ = cmd.Run()
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// must is run for what has to work; it returns what stands on standard output.
func (two *twoFobs) must(program string, args ...string) string {
	two.t.Helper()
	out, said, code := two.run(program, args...)
	if code != 0 {
		log, _ := os.ReadFile(two.home.LogFile())
		two.t.Fatalf("fob %s: exit code %d\n%s\nagent.log:\n%s", strings.Join(args, " "), code, said, log)
	}
	return out
}

// begin begins a login and returns the page and what ends it.
func (two *twoFobs) begin(program, name string) (page string, end func() error) {
	two.t.Helper()
	cmd := exec.Command(program, "login", name, "--no-browser")
	cmd.Env = two.env
	said, err := cmd.StderrPipe()
	if err != nil {
		two.t.Fatal(err)
	}
	started(two.t, cmd)
	lines := bufio.NewScanner(said)
	var met []string
	for address := regexp.MustCompile(`http://\S+`); page == "" && lines.Scan(); page = address.FindString(lines.Text()) {
		met = append(met, lines.Text())
	}
	if page == "" {
		two.t.Fatalf("fob login showed no page: %q", met)
	}
	return page, func() error {
		_, _ = io.Copy(io.Discard, said)
		return cmd.Wait()
	}
}

func (two *twoFobs) visit(page string) {
	two.t.Helper()
	answer, err := http.Get(page)
	if err != nil {
		two.t.Fatal(err)
	}
	answer.Body.Close()
}

func (two *twoFobs) addAndLogIn(name string) {
	two.t.Helper()
	two.must(two.old, "profile", "add", name, "--issuer", two.server.Issuer(), "--client-id", "script", "--scope", "openid", "--scope", "profile", "--scope", "offline_access")
	page, end := two.begin(two.old, name)
	two.visit(page)
	if err := end(); err != nil {
		two.t.Fatalf("login: %v", err)
	}
}

// hello is what the agent says of itself.
func (two *twoFobs) hello() agent.Hello {
	two.t.Helper()
	client := agent.NewClient(two.home)
	defer client.Close()
	hello, err := client.Hello(two.t.Context())
	if err != nil {
		two.t.Fatal(err)
	}
	return hello
}

// until waits until the agent says that it is what is wanted.
func (two *twoFobs) until(what string, is func(agent.Hello) bool) {
	two.t.Helper()
	ctx, cancel := context.WithTimeout(two.t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is(two.hello()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(two.home.LogFile())
			two.t.Fatalf("never: %s; the agent is %+v\n%s", what, two.hello(), log)
		}
	}
}

// Issue 4, "One spender": an upgraded program takes over without losing a session. The token is the same, nobody has to log in, the
// server hears nothing of it, what watches goes on, and an older program takes nothing back.
func TestTakeOver(t *testing.T) {
	two := newTwoFobs(t, "keychain")
	two.addAndLogIn("work")
	before := two.must(two.old, "token", "work")
	asked := two.server.Stats().Requests["token"]
	watch := exec.Command(two.old, "status", "--watch")
	watch.Env = two.env
	out, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started(t, watch)
	lines := make(chan string, 1000)
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
		close(lines)
	}()
	<-lines // the titles: it watches
	first := two.hello()
	if first.Version != "0.2.0" {
		t.Fatalf("the agent is %s", first.Version)
	}
	if after := two.must(two.new, "token", "work"); after != before {
		t.Error("the token is another one")
	}
	two.must(two.new, "status") // takes over
	now := two.hello()
	if now.Version != "0.10.0" {
		log, _ := os.ReadFile(two.home.LogFile())
		t.Fatalf("after a newer program asked, the agent is %s\n%s", now.Version, log)
	}
	if after := two.must(two.new, "token", "work"); after != before {
		t.Error("the token is another one after the take-over")
	}
	if n := two.server.Stats().Requests["token"]; n != asked {
		t.Errorf("the server was asked for %d tokens more", n-asked)
	}
	two.must(two.old, "status")
	if two.hello().PID != now.PID || two.hello().Version != "0.10.0" {
		t.Error("an older program took over")
	}
	if out, said, code := two.run(two.new, "agent"); code != 1 || !strings.Contains(said, "an agent is running already: version ") {
		t.Errorf("a second agent: %d %s%s", code, out, said)
	}
	two.must(two.new, "refresh", "work")
	for deadline := time.After(30 * time.Second); ; {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("the watcher ended with the agent that it watched")
			}
			if regexp.MustCompile(`^\d\d:\d\d:\d\d +work`).MatchString(line) {
				return
			}
		case <-deadline:
			t.Fatal("the watcher heard nothing of the new agent")
		}
	}
}

// A login that waits for the browser is let end; then the newer program takes over by itself.
func TestTakeOverWaitsForALogin(t *testing.T) {
	two := newTwoFobs(t, "keychain")
	two.addAndLogIn("work")
	page, end := two.begin(two.old, "work")
	two.must(two.new, "status")
	if now := two.hello(); now.Version != "0.2.0" {
		t.Fatalf("the agent of %s left a login alone", now.Version)
	}
	two.visit(page)
	if err := end(); err != nil {
		t.Fatalf("the login that waited: %v", err)
	}
	two.until("the newer program took over", func(h agent.Hello) bool { return h.Version == "0.10.0" })
	two.must(two.new, "token", "work")
}

// Twenty clients of both versions ask while the agent changes: each gets the token.
func TestTakeOverUnderTwentyClients(t *testing.T) {
	two := newTwoFobs(t, "keychain")
	two.addAndLogIn("work")
	want := two.must(two.old, "token", "work")
	var clients sync.WaitGroup
	began := make(chan struct{}, 20)
	for i := range 20 {
		clients.Go(func() {
			program := []string{two.old, two.new}[i%2]
			for n := range 8 {
				args := []string{"token", "work"}
				if i%4 > 1 {
					args = append(args, "--json") // by the road of every verb
				}
				out, said, code := two.run(program, args...)
				if code != 0 || !strings.Contains(out, strings.TrimSpace(want)) {
					t.Errorf("client %d, request %d: exit code %d, %s", i, n, code, said)
				}
				if n == 1 {
					began <- struct{}{}
				}
			}
		})
	}
	for range 20 {
		<-began
	}
	two.must(two.new, "status")
	clients.Wait()
	if now := two.hello(); now.Version != "0.10.0" {
		t.Errorf("the agent is %s", now.Version)
	}
}

// What is in memory only is not handed over, which is said once; a program that does not run takes nothing over.
func TestNoTakeOver(t *testing.T) {
	two := newTwoFobs(t, "memory")
	two.addAndLogIn("work")
	before := two.must(two.old, "token", "work")
	_, said, code := two.run(two.new, "status")
	if code != 0 || !strings.Contains(said, "an agent of version 0.2.0 goes on running: it keeps its logins in memory") {
		t.Errorf("%d %s", code, said)
	}
	if _, said, _ = two.run(two.new, "status"); said != "" {
		t.Errorf("it is said again: %s", said)
	}
	if after := two.must(two.new, "token", "work"); after != before || two.hello().Version != "0.2.0" {
		t.Error("the login in memory is lost")
	}
}

// What a developer builds again takes over although it has the same version, also where nothing but tokens is asked for.
func TestTakeOverByARebuiltProgram(t *testing.T) {
	two := newTwoFobs(t, "keychain")
	two.addAndLogIn("work")
	before, first := two.must(two.old, "token", "work"), two.hello()
	two.must(two.old, "stop")
	text, err := os.ReadFile(two.old)
	if err != nil {
		t.Fatal(err)
	}
	two.must(two.old, "status") // an agent that has not been asked for a token
	asks := two.old + ".was"    // the same program, which is newer than nobody
	if err := os.Link(two.old, asks); err != nil {
		t.Fatal(err)
	}
	replace := func(text []byte) {
		if err := os.WriteFile(two.old+".new", text, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(two.old+".new", two.old); err != nil {
			t.Fatal(err)
		}
	}
	replace(text)
	two.must(asks, "token", "work") // by the quick road, which asks for nothing else
	two.until("the rebuilt program took over", func(h agent.Hello) bool { return h.Build.Modified.After(first.Build.Modified) })
	if after := two.must(two.old, "token", "work"); after != before {
		t.Error("the token is another one")
	}
	pid := two.hello().PID
	replace([]byte("#!/bin/sh\nexit 1\n"))
	client := agent.NewClient(two.home)
	defer client.Close()
	client.Version = "0.2.0"
	if err := client.Ensure(t.Context(), two.old, true); err != nil {
		t.Fatal(err)
	}
	if now := two.hello(); now.PID != pid || !strings.Contains(client.Note(), "does not run") {
		t.Errorf("a broken program took over, or nobody said so: %+v %q", now, client.Note())
	}
}
