//go:build !windows

package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// handedEnv names the descriptors of socket and lock that an agent leaves to the program that it becomes.
const handedEnv = "FOB_HANDED_OVER"

// Become makes this process the program at path, which is the agent from its start: socket and lock stay open, so that whoever
// connects meanwhile is answered by it. Everything else of this agent has ended. It returns only when it failed.
func (s *Socket) Become(path string, args, env []string) error {
	if s.kept == nil {
		return errors.New("take-over: the socket was not kept")
	}
	var left []string
	for _, open := range []*os.File{s.kept, s.lock} {
		fd, err := unix.Dup(int(open.Fd())) // which is not closed by exec
		if err != nil {
			return fmt.Errorf("take-over: %w", err)
		}
		left = append(left, strconv.Itoa(fd))
	}
	env = append(env, handedEnv+"="+strings.Join(left, ","))
	return fmt.Errorf("take-over: %s: %w", path, syscall.Exec(path, append([]string{path}, args...), env))
}

// Keep holds the socket open when its listener closes, for [Socket.Become]: who connects meanwhile waits in its queue.
func (s *Socket) Keep() error {
	guard, ok := s.Listener.(guarded)
	if !ok {
		return errors.New("take-over: this socket cannot be handed over")
	}
	listener := guard.Listener.(*net.UnixListener)
	file, err := listener.File()
	if err != nil {
		return fmt.Errorf("take-over: socket: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	s.kept = file
	return nil
}

// handed takes socket and lock from the agent that this process was before, nil when it was none.
func handed(home Home) (*Socket, error) {
	listed := os.Getenv(handedEnv)
	if listed == "" {
		return nil, nil
	}
	os.Unsetenv(handedEnv)
	var files []*os.File
	for text := range strings.SplitSeq(listed, ",") {
		fd, err := strconv.Atoi(text)
		if err != nil || fd < 3 {
			return nil, fmt.Errorf("%s %s: not what an agent leaves", handedEnv, listed)
		}
		unix.CloseOnExec(fd)
		files = append(files, os.NewFile(uintptr(fd), "handed over"))
	}
	if len(files) != 2 {
		return nil, fmt.Errorf("%s %s: not what an agent leaves", handedEnv, listed)
	}
	defer files[0].Close()
	listener, err := net.FileListener(files[0])
	if err != nil {
		return nil, fmt.Errorf("handed socket: %w", err)
	}
	own, isUnix := listener.(*net.UnixListener)
	if !isUnix || own.Addr().String() != home.Socket() || !sameFile(files[1], home.lock()) {
		return nil, fmt.Errorf("%s: socket and lock are not those of %s", handedEnv, home.Runtime)
	}
	own.SetUnlinkOnClose(true)
	guard, err := guard(own)
	if err != nil {
		return nil, err
	}
	return &Socket{Listener: guard, lock: files[1], place: home}, nil
}

func sameFile(open *os.File, path string) bool {
	a, err := open.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
