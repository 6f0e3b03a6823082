package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os/user"
	"strings"
	"time"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// pipeName is the named pipe of home: pipes live in one name space for the whole machine, so it is named for user and home.
func pipeName(home Home) (string, *user.User, error) {
	who, err := user.Current()
	if err != nil {
		return "", nil, fmt.Errorf("who runs this: %w", err)
	}
	sum := sha256.Sum256([]byte(who.Uid + "\x00" + strings.ToLower(home.Runtime)))
	return `\\.\pipe\fob-` + hex.EncodeToString(sum[:8]), who, nil
}

func dial(ctx context.Context, home Home) (net.Conn, error) {
	if home.Elsewhere != "" {
		return winio.DialPipeContext(ctx, home.Elsewhere)
	}
	name, _, err := pipeName(home)
	if err != nil {
		return nil, err
	}
	return winio.DialPipeContext(ctx, name)
}

// Listen opens the agent's pipe for this user alone. It returns [ErrRunning] when another agent serves already.
func Listen(home Home) (*Socket, error) {
	if home.Elsewhere != "" {
		return nil, errElsewhere
	}
	name, who, err := pipeName(home)
	if err != nil {
		return nil, err
	}
	// Everything to this user, nothing to anybody else; "P" keeps inherited entries out.
	listener, err := winio.ListenPipe(name, &winio.PipeConfig{SecurityDescriptor: "D:P(A;;GA;;;" + who.Uid + ")"})
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_PIPE_BUSY) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	return &Socket{Listener: listener}, nil
}

// mute is the error of an agent that takes a connection and says nothing.
func mute(home Home) *Error {
	if home.Elsewhere != "" {
		return muteElsewhere(home)
	}
	return &Error{Kind: Unreachable, Code: CodeSilent, Sentence: "the agent that runs does not answer", Remedy: "end the process fob in the Task Manager and try again. Its logins stay"}
}

// ListenShared is not there on Windows: its OpenSSH forwards no named pipes.
func ListenShared(Home) (net.Listener, error) { return nil, errors.ErrUnsupported }

// Socket is what makes a process the agent: the first instance of its pipe.
type Socket struct {
	Listener net.Listener // ends before the agent does: see [Server.Serve]
}

// Close closes the pipe and lets another process be the agent.
func (s *Socket) Close() error { return s.Listener.Close() }

// Lost is false: a pipe is nothing that could be removed.
func (s *Socket) Lost() bool { return false }

// released waits until nobody serves the pipe of home.
func released(ctx context.Context, home Home) error {
	for {
		conn, err := dial(ctx, home)
		if err != nil {
			return ctx.Err()
		}
		conn.Close()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
