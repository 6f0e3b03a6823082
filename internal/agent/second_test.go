//go:build !windows

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shortHome is a home whose socket's path is not too long.
func shortHome(t *testing.T) Home {
	t.Helper()
	root, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	return Home{Config: filepath.Join(root, "config"), Data: filepath.Join(root, "data"), Runtime: filepath.Join(root, "run")}
}

// A second agent is told which one runs, and what can be done.
func TestSecondAgentIsToldWho(t *testing.T) {
	h := newHouse(t)
	said := Refusal(t.Context(), h.home)
	for _, part := range []string{"version test", "process " + strconv.Itoa(os.Getpid()), "since " + h.server.since.Local().Format(time.DateTime), h.home.Socket()} {
		if !strings.Contains(said.Sentence, part) {
			t.Errorf("%q lacks %q", said.Sentence, part)
		}
	}
	if !strings.Contains(said.Remedy, "fob stop") || !strings.Contains(said.Remedy, "FOB_HOME") {
		t.Errorf("remedy %q", said.Remedy)
	}
}

// An agent that holds the lock and does not answer is named; it is nobody else's to end.
func TestAgentThatDoesNotAnswerIsNamed(t *testing.T) {
	home := shortHome(t)
	hanging, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	hanging.Listener.Close()
	patience := lockPatience
	lockPatience = 50 * time.Millisecond
	t.Cleanup(func() { lockPatience = patience })
	_, err = Listen(home)
	var known *Error
	if !errors.As(err, &known) || known.Code != "agent_silent" || !strings.Contains(known.Sentence, fmt.Sprintf("process %d,", os.Getpid())) || !strings.Contains(known.Remedy, fmt.Sprintf("kill -KILL %d", os.Getpid())) {
		t.Errorf("said %v, remedy %q", err, known.Remedy)
	}
	if back := <-launchedWith(t, err); back.Remedy != known.Remedy || back.Sentence != known.Sentence {
		t.Errorf("who launched it is told %+v", back)
	}
}

// An agent that takes a connection and says nothing is named to every client, and no other one is started beside it.
func TestMuteAgentIsNamed(t *testing.T) {
	home := shortHome(t)
	mute, err := Listen(home) // who connects waits for an answer
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	patience := helloPatience
	helloPatience = 50 * time.Millisecond
	t.Cleanup(func() { helloPatience = patience })
	client := NewClient(home)
	defer client.Close()
	var known *Error
	if err := client.Ensure(t.Context(), "/nonexistent/fob", true); !errors.As(err, &known) || known.Kind != Unreachable || known.Code != "agent_silent" ||
		!strings.Contains(known.Sentence, fmt.Sprintf("process %d,", os.Getpid())) || !strings.Contains(known.Remedy, "kill -CONT") {
		t.Errorf("said %v", err)
	}
	elsewhere := NewClient(Home{Elsewhere: home.Socket()})
	defer elsewhere.Close()
	if err := elsewhere.Ensure(t.Context(), "/nonexistent/fob", true); !errors.As(err, &known) || known.Code != "agent_silent" || !strings.Contains(known.Sentence, "FOB_SOCKET") {
		t.Errorf("said %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Ensure(gone, "", true); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up is told %v", err)
	}
}

// An agent whose directory was cleared up knows it, and takes nothing of its successor's along.
func TestLostSocket(t *testing.T) {
	for name, remove := range map[string]func(Home) error{
		"socket":    func(h Home) error { return os.Remove(h.Socket()) },
		"lock":      func(h Home) error { return os.Remove(h.lock()) },
		"directory": func(h Home) error { return os.RemoveAll(h.Runtime) },
	} {
		home := shortHome(t)
		old, err := Listen(home)
		if err != nil {
			t.Fatal(err)
		}
		if old.Lost() {
			t.Errorf("%s: lost while it is there", name)
		}
		if err := remove(home); err != nil {
			t.Fatal(err)
		}
		if !old.Lost() {
			t.Errorf("%s: not seen", name)
		}
		if name == "socket" { // its lock keeps others out until it ends
			if err := old.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		fresh, err := Listen(home)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !old.Lost() || fresh.Lost() {
			t.Errorf("%s: the old one lost: %v, the fresh one: %v", name, old.Lost(), fresh.Lost())
		}
		if err := old.Close(); err != nil {
			t.Error(err)
		}
		if conn, err := dial(t.Context(), home); err != nil {
			t.Errorf("%s: the fresh one's socket: %v", name, err)
		} else {
			conn.Close()
		}
		if err := fresh.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(home.Socket()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the socket is left: %v", name, err)
		}
	}
}

// launchedWith is what a client hears of an agent that it launched and that ends with err.
func launchedWith(t *testing.T, err error) <-chan *Error {
	t.Helper()
	reader, writer, pipeErr := os.Pipe()
	if pipeErr != nil {
		t.Fatal(pipeErr)
	}
	defer reader.Close()
	fd, dupErr := unix.Dup(int(writer.Fd())) // Report closes what it is given
	if dupErr != nil {
		t.Fatal(dupErr)
	}
	writer.Close()
	t.Setenv(launchedEnv, strconv.Itoa(fd))
	Report(err)
	line := make([]byte, 1000)
	n, _ := reader.Read(line)
	heard := make(chan *Error, 1)
	var known *Error
	if errors.As(launched(strings.TrimSuffix(string(line[:n]), "\n"), Home{}), &known) {
		heard <- known
	}
	close(heard)
	return heard
}

// The number in the lock's file locks nothing: it may be another process's by now.
func TestReusedProcessNumberLocksNobodyOut(t *testing.T) {
	home := shortHome(t)
	if err := os.MkdirAll(home.Runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("cat") // lives on, with the number that a dead agent had
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer in.Close()
	for _, left := range []string{fmt.Sprintln(other.Process.Pid), fmt.Sprintln(os.Getpid()), "99999999999999999999\n", "garbage", ""} {
		if err := os.WriteFile(home.lock(), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		socket, err := Listen(home)
		if err != nil {
			t.Fatalf("%q was left in the lock's file: %v", left, err)
		}
		if said, err := os.ReadFile(home.lock()); err != nil || string(said) != fmt.Sprintln(os.Getpid()) {
			t.Errorf("the lock's file says %q, %v", said, err)
		}
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file system that has no locks is named, with what helps: no agent may run there, for a second one could.
func TestFileSystemWithoutLocks(t *testing.T) {
	t.Cleanup(func() { flock = unix.Flock })
	for _, refused := range []error{unix.ENOLCK, unix.ENOTSUP, unix.ENOSYS} {
		flock = func(int, int) error { return refused }
		home := shortHome(t)
		_, err := Listen(home)
		var known *Error
		if !errors.As(err, &known) || known.Code != "no_locks" || !strings.Contains(known.Sentence, home.Runtime) || !strings.Contains(known.Sentence, refused.Error()) || !strings.Contains(known.Remedy, "XDG_RUNTIME_DIR") {
			t.Errorf("%v: said %v", refused, err)
		}
		if _, err := os.Stat(home.Socket()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: there is a socket: %v", refused, err)
		}
	}
}
