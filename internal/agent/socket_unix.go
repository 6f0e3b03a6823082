//go:build !windows

package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// dial connects to the agent's socket after checking that it is ours: somebody else's socket in its place would be handed
// nothing, but could hand out tokens that are not the user's.
func dial(ctx context.Context, home Home) (net.Conn, error) {
	if err := ours(home.Socket(), os.ModeSocket); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", home.Socket())
}

// ours checks that path is of the kind expected and belongs to this user.
func ours(path string, kind os.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != os.Getuid() || info.Mode()&os.ModeType != kind {
		return &Error{Kind: Unreachable, Code: "socket_owner", Sentence: fmt.Sprintf("%s is not yours (user %d, %s)", path, owner, info.Mode()),
			Remedy: "remove it, or set FOB_HOME to a directory of your own"}
	}
	return nil
}

// Listen opens the agent's socket, mode 0600 in a directory of mode 0700, for this user's processes alone. It returns
// [ErrRunning] when another agent serves already; what a dead one left behind is removed. The lock is held until the
// listener is closed.
func Listen(home Home) (net.Listener, error) {
	if err := os.MkdirAll(home.Runtime, 0o700); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	if err := ours(home.Runtime, os.ModeDir); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	if err := os.Chmod(home.Runtime, 0o700); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	// The lock decides who is the agent, and the kernel drops it with the process, however that ends.
	lock, err := os.OpenFile(filepath.Join(home.Runtime, "agent.lock"), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if err := os.Remove(home.Socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Close()
		return nil, fmt.Errorf("stale socket: %w", err)
	}
	// The directory keeps others out from the first instant; the mode of the socket is a second door.
	listener, err := net.Listen("unix", home.Socket())
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(home.Socket(), 0o600); err != nil {
		listener.Close()
		lock.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return &guarded{Listener: listener, lock: lock}, nil
}

// guarded accepts connections of this user's processes only. Processes of the same user are no boundary: each of them
// could ask the keychain as well.
type guarded struct {
	net.Listener
	lock *os.File
}

// Accept waits for the next connection of this user; others are closed.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		raw, err := conn.(*net.UnixConn).SyscallConn()
		if err == nil {
			peer := -1
			err = raw.Control(func(fd uintptr) { peer = peerUser(int(fd)) })
			if err == nil && peer == os.Getuid() {
				return conn, nil
			}
		}
		conn.Close()
	}
}

// Close closes the socket, then lets go of the lock.
func (g *guarded) Close() error {
	err := g.Listener.Close()
	g.lock.Close()
	return err
}
