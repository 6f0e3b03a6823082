package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// launchTimeout is how long a client waits for the agent it started; a cold disk takes a second.
const launchTimeout = 20 * time.Second

// launchedEnv names the descriptor on which a launched agent says that it is ready, or why it is not. That is the only one it
// gets from us, and it closes it after that line.
const launchedEnv = "FOB_LAUNCHED"

// launch starts the agent detached from the caller's terminal and session and waits until it answers. Nothing sleeps: the
// agent says on a pipe that it is ready.
func launch(ctx context.Context, home Home, exe string) error {
	if exe == "" {
		return &Error{Kind: Unreachable, Code: "no_agent", Sentence: "the agent is not running, and the program fob that it is part of was not found", Remedy: "install fob beside this program or in PATH"}
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	defer reader.Close()
	cmd := exec.Command(exe, "agent")
	cmd.Dir = filepath.VolumeName(exe) + string(filepath.Separator) // keeps no directory busy
	cmd.Env = append(os.Environ(), launchedEnv+"="+detach(cmd, writer))
	if root := os.Getenv("FOB_HOME"); root != "" { // relative to our directory, not to the agent's
		abs, err := filepath.Abs(root)
		if err != nil {
			writer.Close()
			return fmt.Errorf("FOB_HOME %s: %w", root, err)
		}
		cmd.Env = append(cmd.Env, "FOB_HOME="+abs)
	}
	err = cmd.Start()
	writer.Close()
	if err != nil {
		return &Error{Kind: Unreachable, Code: "no_agent", Sentence: fmt.Sprintf("the agent did not start: %v", err), Remedy: "run `fob agent` to see why"}
	}
	go cmd.Wait() // should it end before us, it leaves no zombie
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(reader).ReadString('\n')
		said <- strings.TrimSpace(line)
	}()
	timer := time.NewTimer(launchTimeout)
	defer timer.Stop()
	select {
	case line := <-said:
		return launched(line, home)
	case <-timer.C:
		return &Error{Kind: Unreachable, Code: "no_agent", Sentence: "the agent does not get ready", Remedy: "see " + home.LogFile() + ", or run `fob agent` to see why"}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// launched reads what the agent said. Another agent's being first is as good.
func launched(line string, home Home) error {
	switch {
	case line == sayReady, line == sayRunning:
		return nil
	case line == "":
		line = "the agent ended at once"
	}
	sentence, remedy, known := strings.Cut(line, "\t")
	if !known {
		remedy = "see " + home.LogFile() + ", or run `fob agent` to see why"
	}
	return &Error{Kind: Unreachable, Code: "no_agent", Sentence: sentence, Remedy: remedy}
}

// What an agent says on the pipe to the one that launched it; anything else is the reason why it ends.
const (
	sayReady   = "ready"
	sayRunning = "running" // another agent was faster
)

// Report tells the client that launched this process what became of it, once: nil for ready, [ErrRunning] when another agent
// serves already, else why it ends. Without such a client it does nothing.
func Report(err error) {
	descriptor, notLaunched := strconv.ParseUint(os.Getenv(launchedEnv), 10, 64)
	if notLaunched != nil {
		return
	}
	os.Unsetenv(launchedEnv)
	pipe := os.NewFile(uintptr(descriptor), "launcher")
	if pipe == nil {
		return
	}
	defer pipe.Close()
	line := sayReady
	switch {
	case errors.Is(err, ErrRunning):
		line = sayRunning
	case err != nil:
		line = strings.Map(oneLine, err.Error())
		var known *Error
		if errors.As(err, &known) && known.Remedy != "" {
			line += "\t" + strings.Map(oneLine, known.Remedy)
		}
	}
	fmt.Fprintln(pipe, line)
}

func oneLine(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return r
}

// ErrRunning means that another agent serves this home already.
var ErrRunning = errors.New("another agent is running")

// Refusal says to whoever started a second agent for home which one runs, and what to do.
func Refusal(ctx context.Context, home Home) *Error {
	said := &Error{Kind: Failed, Code: "agent_running", Sentence: ErrRunning.Error(),
		Remedy: "use it: every command does. `fob stop` ends it; with another FOB_HOME a second one has logins of its own"}
	client := NewClient(home)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, refusalWithin)
	defer cancel()
	if h, err := client.Hello(ctx); err == nil {
		said.Sentence = fmt.Sprintf("an agent is running already: version %s, process %d, since %s, at %s", h.Version, h.PID, h.Since.Local().Format("2006-01-02 15:04:05"), home.Socket())
	}
	return said
}

// refusalWithin is how long it may take to ask the agent that runs; without an answer it is refused in fewer words.
const refusalWithin = 3 * time.Second

// errElsewhere keeps an agent from starting where FOB_SOCKET says that it is elsewhere.
var errElsewhere = errors.New("FOB_SOCKET names the agent of another machine; unset it to run one here")
