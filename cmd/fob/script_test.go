package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fob/internal/agent"
	"fob/internal/authserver"
)

// The scripts run the real program, which starts the real agent, against the strict server of package authserver. The
// browser is an HTTP GET.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"fob": main, "browse": browse, "browseas": browseAs, "redirected": redirected, "fob-app": window, "closed": closed,
		"git-credential-fob": main, "docker-credential-fob": main, "cargo-credential-fob": main, "terraform-credentials-fob": main,
	})
}

// browse is the browser of the scripts: it fetches its last argument, redirects followed. Arguments before that are noted in the
// file that the first of them names.
func browse() {
	address := os.Args[len(os.Args)-1]
	if words := os.Args[1 : len(os.Args)-1]; len(words) > 0 {
		if err := os.WriteFile(words[0], []byte(strings.Join(words[1:], " ")+"\n"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	response, err := http.Get(address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	response.Body.Close()
}

// browseAs is a browser where the person chooses the account of its first argument, whatever the request hints at. The page that it
// ends with is in the file that the second one names.
func browseAs() {
	address, err := url.Parse(os.Args[len(os.Args)-1])
	if err == nil {
		query := address.Query()
		query.Set("login_hint", os.Args[1])
		address.RawQuery = query.Encode()
		var response *http.Response
		if response, err = http.Get(address.String()); err == nil {
			defer response.Body.Close()
			var page []byte
			if page, err = io.ReadAll(response.Body); err == nil {
				err = os.WriteFile(os.Args[2], page, 0o600)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// window stands for fob-app: it notes what it was started with and, unless told to fail, ends well.
func window() {
	if text := os.Getenv("WINDOW_FAILS"); text != "" {
		fmt.Fprintln(os.Stderr, text)
		os.Exit(2)
	}
	if err := os.WriteFile(os.Getenv("WINDOW_LOG"), []byte(strings.Join(os.Args[1:], " ")+"\n"), 0o600); err != nil {
		os.Exit(1)
	}
}

// closed runs a command whose standard output is a pipe that nobody reads, and repeats its standard error.
func closed() {
	reader, writer, err := os.Pipe()
	if err != nil {
		os.Exit(9)
	}
	reader.Close()
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = writer, os.Stderr
	if cmd.Run() == nil {
		os.Exit(0)
	}
	os.Exit(1)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "f")
			for _, variable := range []string{
				"HOME=" + filepath.Join(env.WorkDir, "home"), "FOB_HOME=" + home, "FOB_STORE=memory", "BROWSER=browse",
				"LANG=C.UTF-8", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
			} {
				name, value, _ := strings.Cut(variable, "=")
				env.Setenv(name, value)
			}
			env.Defer(func() { stopAgent(t, home) })
			return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700)
		},
		Condition: func(name string) (bool, error) {
			if name != "bashcompletion" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			_, err := os.Stat("/usr/share/bash-completion/bash_completion")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "server": server, "fault": fault, "await": await, "inwork": inWork, "interrupt": interrupt, "meanwhile": meanwhile, "foreground": foreground,
			"fullserver": fullServer, "approving": approving, "setenv": setEnv, "elsewhere": elsewhere, "terminal": terminal, "oauth1server": oauth1Server, "echoapi": echoAPI,
			"visiting": visiting, "holds": holds,
		},
	})
}

// stopAgent ends the agent that a script left running.
func stopAgent(t *testing.T, home string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := agent.NewClient(homeOf(home))
	defer client.Close()
	var known *agent.Error
	if err := client.Stop(ctx); err != nil && !(errors.As(err, &known) && known.Kind == agent.Unreachable) {
		t.Errorf("the agent of %s does not stop: %v", home, err)
	}
}

func homeOf(root string) agent.Home {
	return agent.Home{Config: filepath.Join(root, "config"), Data: filepath.Join(root, "data"), Runtime: filepath.Join(root, "run")}
}

// code N COMMAND…: the command ends with exactly that exit code; "any" is any.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND…")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if want := args[0]; want != "any" && want != strconv.Itoa(got) {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// server [opaque] [norefresh]: starts an authorization server that logs in without asking; its address is $ISSUER.
func server(ts *testscript.TestScript, _ bool, args []string) {
	client := authserver.DemoClient()
	client.ID, client.NoRefresh = "script", slices.Contains(args, "norefresh")
	s, err := authserver.Start(context.Background(), authserver.Options{
		Clients: []authserver.Client{client}, AutoApprove: authserver.DemoUsers()[0].Login,
		OpaqueTokens: slices.Contains(args, "opaque"),
	})
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv("ISSUER", s.Issuer())
	ts.Setenv("API", s.API())
	servers[ts.MkAbs(".")] = s
}

// servers holds each script's server by its directory; scripts of one run start in turn or use different directories.
var servers = map[string]*authserver.Server{}

// fault NAME N: makes the server misbehave.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	faults := map[string]authserver.Fault{
		"unavailable": authserver.TokenUnavailable, "invalid_grant": authserver.InvalidGrant, "wrong_nonce": authserver.WrongNonce,
		"denied": authserver.AccessDenied, "html": authserver.AuthorizeHTML, "discovery_down": authserver.DiscoveryDown, "inactive": authserver.IntrospectionInactive,
		"slow": authserver.TokenSlow,
	}
	name, ok := faults[args[0]]
	if !ok {
		ts.Fatalf("no fault %s", args[0])
	}
	servers[ts.MkAbs(".")].Faults().SetDelay(1500 * time.Millisecond)
	servers[ts.MkAbs(".")].Faults().Set(name, n)
}

// await NAME STATE: waits until the agent says that the profile is in the state.
func await(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := agent.NewClient(homeOf(ts.Getenv("FOB_HOME")))
	defer client.Close()
	met := false
	err := client.Watch(ctx, func(update agent.Update) {
		for _, s := range update.Profiles {
			if s.Name == args[0] && string(s.State) == args[1] {
				met = true
				cancel()
			}
		}
	})
	if !met {
		ts.Fatalf("%s did not get %s: %v", args[0], args[1], err)
	}
}

// inwork TEXT: some file below $WORK holds the text.
func inWork(ts *testscript.TestScript, neg bool, args []string) {
	found := ""
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		text, err := io.ReadAll(bufio.NewReader(file))
		if strings.Contains(string(text), args[0]) {
			found = path
		}
		return err
	}))
	switch {
	case neg && found != "":
		ts.Fatalf("%s holds it", found)
	case !neg && found == "":
		ts.Fatalf("no file holds it")
	}
}

// interrupt N TEXT COMMAND…: the command gets Ctrl-C when it has printed the text, and ends with that exit code. What it printed is
// in the file printed.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt N TEXT COMMAND…")
	}
	converse(ts, args[0], args[1], args[2:], func(process *os.Process, _ string) { ts.Check(process.Signal(os.Interrupt)) })
}

// visiting N COMMAND…: somebody opens the login page whose address the command prints; the command ends with that exit code.
func visiting(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: visiting N COMMAND…")
	}
	const before = "login page: "
	converse(ts, args[0], before, args[1:], func(_ *os.Process, line string) {
		answer, err := http.Get(line[strings.Index(line, before)+len(before):])
		ts.Check(err)
		answer.Body.Close()
	})
}

// meanwhile N TEXT 'OTHER; OTHER' COMMAND…: the other commands run when the command has printed the text; the command ends with
// that exit code. What it printed is in the file printed.
func meanwhile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: meanwhile N TEXT OTHERS COMMAND…")
	}
	converse(ts, args[0], args[1], args[3:], func(*os.Process, string) {
		for other := range strings.SplitSeq(args[2], ";") {
			words := strings.Fields(other)
			ts.Check(ts.Exec(words[0], words[1:]...))
		}
	})
}

// converse runs a command, acts once when it has printed a text, and holds it to its exit code.
func converse(ts *testscript.TestScript, want, text string, command []string, act func(*os.Process, string)) {
	cmd := prepare(ts, command)
	reader, writer, err := os.Pipe()
	ts.Check(err)
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, writer
	ts.Check(cmd.Start())
	writer.Close()
	ts.Check(reader.SetReadDeadline(time.Now().Add(20 * time.Second)))
	var printed strings.Builder
	acted := false
	for scanner := bufio.NewScanner(reader); scanner.Scan(); {
		printed.WriteString(scanner.Text() + "\n")
		if !acted && strings.Contains(scanner.Text(), text) {
			acted = true
			act(cmd.Process, scanner.Text())
		}
	}
	if !acted {
		cmd.Process.Kill()
	}
	cmd.Wait()
	ts.Logf("%s", printed.String())
	ts.Check(os.WriteFile(ts.MkAbs("printed"), []byte(printed.String()), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); !acted || got != want {
		ts.Fatalf("the text came: %v; exit code %s, want %s", acted, got, want)
	}
}

// prepare makes a command that runs as the script's own do.
func prepare(ts *testscript.TestScript, command []string) *exec.Cmd {
	path, err := exec.LookPath(command[0])
	ts.Check(err)
	cmd := exec.Command(path, command[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "FOB_HOME", "FOB_STORE", "FOB_SOCKET", "BROWSER", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// foreground: `fob agent` in this terminal says that it is ready, answers, and ends well at Ctrl-C.
func foreground(ts *testscript.TestScript, _ bool, args []string) {
	cmd := prepare(ts, append([]string{"fob", "agent"}, args...))
	reader, writer, err := os.Pipe()
	ts.Check(err)
	defer reader.Close()
	cmd.ExtraFiles = []*os.File{writer} // as package agent does when it launches one
	cmd.Env = append(cmd.Env, "FOB_LAUNCHED=3")
	ts.Check(cmd.Start())
	writer.Close()
	ts.Check(reader.SetReadDeadline(time.Now().Add(20 * time.Second)))
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil || line != "ready\n" {
		cmd.Process.Kill()
		ts.Fatalf("the agent says %q: %v", line, err)
	}
	ts.Check(ts.Exec("fob", "status", "--no-start"))
	ts.Check(cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("the agent ended badly: %v", err)
	}
}
