//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fob is one user's Fob: a FOB_HOME on a desktop.
type fob struct {
	t    *testing.T
	desk *desk
	home string
	vars []string // beyond the desktop's
}

func newFob(d *desk, pairs ...string) *fob {
	home := filepath.Join(d.root, "fob")
	f := &fob{t: d.t, desk: d, home: home, vars: append([]string{"FOB_HOME=" + home}, pairs...)}
	d.t.Cleanup(func() {
		if d.t.Failed() {
			text, _ := os.ReadFile(filepath.Join(home, "data", "agent.log"))
			d.t.Logf("agent.log:\n%s", text)
		}
	})
	return f
}

// said is what one run of the command line did.
type said struct {
	t        *testing.T
	verb     string
	code     int
	out, err string
}

// command prepares a run of `fob`.
func (f *fob) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program(f.t, "fob"), args...)
	cmd.Env = f.desk.env(f.vars...)
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs `fob` to its end.
func (f *fob) run(args ...string) said {
	f.t.Helper()
	return f.runWith("", args...)
}

func (f *fob) runWith(stdin string, args ...string) said {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := f.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) {
		f.t.Fatalf("fob %s does not end: %v\n%s", args[0], err, stderr.String())
	}
	if cmd.ProcessState == nil {
		f.t.Fatal(err)
	}
	return said{t: f.t, verb: strings.Join(args[:min(2, len(args))], " "), code: cmd.ProcessState.ExitCode(), out: out.String(), err: stderr.String()}
}

// ok is the result of a run that has to succeed.
func (s said) ok() string {
	s.t.Helper()
	return s.exits(0).out
}

// exits checks the exit code.
func (s said) exits(code int) said {
	s.t.Helper()
	if s.code != code {
		s.t.Fatalf("fob %s: exit code %d, want %d\n%s", s.verb, s.code, code, s.err)
	}
	if code != 0 && s.out != "" {
		s.t.Errorf("fob %s: exit code %d and yet standard output is not empty", s.verb, code)
	}
	return s
}

// saying checks that standard error holds the words.
func (s said) saying(words ...string) said {
	s.t.Helper()
	for _, word := range words {
		if !strings.Contains(s.err, word) {
			s.t.Errorf("fob %s: %q is not in:\n%s", s.verb, word, s.err)
		}
	}
	return s
}

// token is the profile's token.
func (f *fob) token(name string, more ...string) string {
	f.t.Helper()
	out := f.run(append([]string{"token", name}, more...)...).ok()
	token, newline := strings.CutSuffix(out, "\n")
	if !newline || token == "" || strings.ContainsAny(token, "\n ") {
		f.t.Fatalf("fob token %s: not one line with a token", name)
	}
	return token
}

// refreshEnds refreshes until that ends with the code: a request that arrives in the last moment of a refresh of the agent's own
// is content with its outcome.
func (f *fob) refreshEnds(name string, code int) (last said) {
	f.t.Helper()
	until(f.t, "fob refresh with exit code "+strconv.Itoa(code), func() bool {
		last = f.run("refresh", name)
		if last.code != 0 {
			last.exits(code)
		}
		return last.code == code
	})
	return last
}

// status is what `fob status NAME --json` says.
type status struct {
	State, Account string
	ExpiresAt      *time.Time                       `json:"expires_at"`
	Refreshable    bool                             `json:"refreshable"`
	Problem        *struct{ Code, Sentence string } `json:"problem"`
}

func (f *fob) status(name string) (s status) {
	f.t.Helper()
	must(f.t, json.Unmarshal([]byte(f.run("status", name, "--json").ok()), &s))
	return s
}

// agent is the process id of the agent that serves this home; 0 when there is none.
func (f *fob) agent() int {
	f.t.Helper()
	found := 0
	for _, pid := range processes() {
		words, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil || !bytes.HasSuffix(words, []byte("\x00agent\x00")) {
			continue
		}
		vars, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err == nil && bytes.Contains(append([]byte{0}, vars...), []byte("\x00FOB_HOME="+f.home+"\x00")) {
			if found != 0 {
				f.t.Fatalf("two agents serve %s: %d and %d", f.home, found, pid)
			}
			found = pid
		}
	}
	return found
}

// killAgent ends the agent with SIGKILL and returns when it is gone.
func (f *fob) killAgent() {
	f.t.Helper()
	pid := f.agent()
	if pid == 0 {
		f.t.Fatal("there is no agent to kill")
	}
	must(f.t, syscall.Kill(pid, syscall.SIGKILL))
	until(f.t, "agent gone", func() bool { return f.agent() != pid })
}

func processes() (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// waiting is a `fob login` under way.
type waiting struct {
	said
	cmd    *exec.Cmd
	stdout *safeBuffer
	stderr *safeBuffer
	done   chan error
	url    string // of the login page
}

// start starts `fob login`.
func (f *fob) start(args ...string) *waiting {
	f.t.Helper()
	cmd := f.command(context.Background(), append([]string{"login"}, args...)...)
	w := &waiting{said: said{t: f.t, verb: "login"}, cmd: cmd, stdout: &safeBuffer{}, stderr: &safeBuffer{}, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = w.stdout, w.stderr
	must(f.t, cmd.Start())
	go func() { w.done <- cmd.Wait() }()
	f.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return w
}

// begin starts `fob login` and returns when it has named its page.
func (f *fob) begin(args ...string) *waiting {
	f.t.Helper()
	w := f.start(args...)
	until(f.t, "address of the login page", func() bool {
		select {
		case <-w.done:
			f.t.Fatalf("fob login ended: %s", w.stderr)
		default:
		}
		for line := range strings.Lines(w.stderr.String()) {
			if address, found := strings.CutPrefix(line, "fob: login page: "); found && strings.HasSuffix(line, "\n") {
				w.url = strings.TrimSpace(address)
				return true
			}
		}
		return false
	})
	return w
}

// end waits for the login to end.
func (w *waiting) end() said {
	w.t.Helper()
	select {
	case <-w.done:
	case <-time.After(2 * patience):
		w.t.Fatalf("fob login does not end: %s", w.stderr)
	}
	w.code, w.err = w.cmd.ProcessState.ExitCode(), w.stderr.String()
	return w.said
}

// safeBuffer collects what a running program prints.
type safeBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
