//go:build !windows

package agent

import (
	"errors"
	"os"
	"syscall"
)

// Exchange writes one request to the agent's socket and reads the answer to its end. It is for the one caller that cannot
// wait for an HTTP client, or even for Go's network poller, to be set up: `fob token`. Blocking system calls save a quarter of
// a millisecond of the 1.6 that a Go program with one net.Dial takes (measured, BenchmarkToken of package cli).
func Exchange(home Home, request []byte) (answer []byte, err error) {
	if err := ours(home.Socket(), os.ModeSocket); err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	syscall.CloseOnExec(fd)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: home.Socket()}); err != nil {
		return nil, err
	}
	for len(request) > 0 {
		n, err := syscall.Write(fd, request)
		if err == nil {
			request = request[n:]
		} else if err != syscall.EINTR {
			return nil, err
		}
	}
	answer = make([]byte, 0, 8<<10) // a token and its head, without growing
	for len(answer) < exchangeMax {
		if cap(answer)-len(answer) < 1<<10 {
			answer = append(make([]byte, 0, 2*cap(answer)), answer...)
		}
		n, err := syscall.Read(fd, answer[len(answer):cap(answer)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return answer, nil
		default:
			answer = answer[:len(answer)+n]
		}
	}
	return nil, errors.New("the agent's answer is too large")
}
