package loopback

import (
	"context"
	"net"
	"syscall"
	"testing"
)

// F-075: Windows lets a program with SO_REUSEADDR listen on a port that somebody else has, and receive what was meant for
// them, unless that somebody claimed it for himself.
func TestNoSecondListenerOnWindows(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/cb")
	defer r.Close()
	thief := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		})
		if err == nil {
			err = failed
		}
		return err
	}}
	if l, err := thief.Listen(context.Background(), "tcp4", r.listeners[0].Addr().String()); err == nil {
		l.Close()
		t.Error("another program could listen on the same port")
	}
}
