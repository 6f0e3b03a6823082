//go:build !windows

package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dial connects to the agent's socket after checking that it is ours: somebody else's socket in its place would be handed
// nothing, but could hand out tokens that are not the user's.
func dial(ctx context.Context, home Home) (net.Conn, error) {
	if home.Elsewhere != "" {
		// Where a forwarded socket lies is the user's own choice; that it is theirs is checked all the same.
	} else if err := ours(home.Runtime, os.ModeDir); err != nil { // in a directory of somebody else's the socket could change under us
		return nil, err
	}
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

// lookAgain is how often a lock is tried again; only two agents, or an agent and `fob stop`, ever wait for it.
const lookAgain = 10 * time.Millisecond

// Listen opens the agent's socket, mode 0600 in a directory of mode 0700, for this user's processes alone. It returns
// [ErrRunning] when another agent serves already; it waits for one that is ending, and removes what a dead one left behind.
// The process is the agent until [Socket.Close].
func Listen(home Home) (*Socket, error) {
	if home.Elsewhere != "" {
		return nil, errElsewhere
	}
	if socket, err := handed(home); socket != nil || err != nil {
		return socket, err
	}
	if err := os.MkdirAll(home.Runtime, 0o700); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	if err := ours(home.Runtime, os.ModeDir); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	if err := os.Chmod(home.Runtime, 0o700); err != nil {
		return nil, fmt.Errorf("socket directory: %w", err)
	}
	lock, err := takeLock(home)
	if err != nil {
		return nil, err
	}
	listener, err := listenUnix(home.Socket())
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &Socket{Listener: listener, lock: lock, place: home}, nil
}

// listenUnix opens a socket of mode 0600 for this user's processes, in the place of one that a dead process left.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("stale socket: %w", err)
	}
	// The directory keeps others out from the first instant; the mode of the socket is a second door.
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return guard(listener)
}

// guard notes where the socket lies, too.
func guard(listener net.Listener) (net.Listener, error) {
	at, err := os.Lstat(listener.Addr().String())
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return guarded{listener, os.Getuid(), at}, nil
}

// ListenShared opens the socket that is for forwarding; see [Server.ServeShared]. The caller is the agent: it holds [Listen]'s lock.
func ListenShared(home Home) (net.Listener, error) { return listenUnix(home.Share()) }

// lockPatience is how long an agent waits for one that holds the lock and does not answer: it is ending. Tests wait less.
var lockPatience = stopsWithin

// flock is the system's; a test lets it refuse as a network file system does, which cannot be mounted everywhere.
var flock = unix.Flock

// holderOf is the process that says in the lock's file that it holds the lock, 0 when none does. It is believed only while the lock
// is held: its number may be another process's afterwards.
func holderOf(lock *os.File) int {
	text := make([]byte, 20)
	n, _ := lock.ReadAt(text, 0) // shorter is fine
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// silent is the error of a lock whose holder does not answer: it hangs, or somebody has stopped it.
func silent(holder int, lock string) *Error {
	said := &Error{Kind: Unreachable, Code: CodeSilent, Sentence: "another process holds " + lock + " and does not answer as an agent", Remedy: "see which process has that file open, and end it"}
	if holder != 0 {
		said.Sentence = fmt.Sprintf("the agent that runs, process %d, holds %s and does not answer", holder, lock)
		said.Remedy = fmt.Sprintf("see what it does (ps %d); if it was stopped, let it go on: kill -CONT %d; if it hangs, end it: kill -KILL %d. Its logins stay", holder, holder, holder)
	}
	return said
}

// mute is the error of an agent that takes a connection and says nothing.
func mute(home Home) *Error {
	if home.Elsewhere != "" {
		return muteElsewhere(home)
	}
	lock, err := os.Open(home.lock())
	if err != nil {
		return silent(0, home.lock())
	}
	defer lock.Close()
	return silent(holderOf(lock), home.lock())
}

// takeLock takes the lock that decides who is the agent. The kernel drops it with the process, however that ends.
func takeLock(home Home) (*os.File, error) {
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(lookAgain) {
		lock, err := os.OpenFile(home.lock(), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		err = flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			// The lock is the kernel's; the number only tells people who has it, where nobody answers to say so.
			if err = lock.Truncate(0); err == nil {
				_, err = fmt.Fprintf(lock, "%d\n", os.Getpid())
			}
			if err != nil {
				_ = lock.Truncate(0) // no number is better than half of one
			}
			return lock, nil
		}
		holder := holderOf(lock)
		lock.Close()
		switch {
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOSYS):
			return nil, &Error{Kind: Failed, Code: "no_locks", Sentence: fmt.Sprintf("the file system of %s has no locks (%v), so that two agents could spend each other's tokens", home.lock(), err),
				Remedy: "let XDG_RUNTIME_DIR, or FOB_HOME, be a directory on a disk of this computer (a network file system needs its lock service)"}
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, fmt.Errorf("lock %s: %w", home.lock(), err)
		}
		// Held by an agent: one that answers stays; one that does not is starting or ending.
		conn, err := net.Dial("unix", home.Socket())
		if err == nil {
			conn.Close()
		}
		if err == nil {
			return nil, ErrRunning
		}
		if time.Now().After(deadline) {
			return nil, silent(holder, home.lock())
		}
	}
}

// released waits until no agent holds the lock of home.
func released(ctx context.Context, home Home) error {
	for {
		lock, err := os.OpenFile(home.lock(), os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		err = flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		lock.Close()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

func (h Home) lock() string { return filepath.Join(h.Runtime, "agent.lock") }

// Socket is what makes a process the agent.
type Socket struct {
	Listener net.Listener // ends before the agent does: see [Server.Serve]
	lock     *os.File
	kept     *os.File // the socket, while it is handed over: see Socket.Keep
	place    Home
}

// Lost says that socket or lock are no longer where they were, as when the last session of a user ends and the system clears up
// behind it. Nobody can ask this agent any more, and another one may have begun.
func (s *Socket) Lost() bool {
	lock, err := s.lock.Stat()
	listener, ok := s.Listener.(guarded)
	return err == nil && moved(s.place.lock(), lock) || ok && moved(s.place.Socket(), listener.at)
}

// moved says that path is missing, or another file than was.
func moved(path string, was os.FileInfo) bool {
	is, err := os.Lstat(path)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	return !os.SameFile(is, was)
}

// Close closes the listener and lets another process be the agent. It is the last thing an agent does: what it still
// stores must not meet a successor.
func (s *Socket) Close() error {
	err := s.Listener.Close()
	if s.kept != nil { // nobody took it over after all
		if !s.Lost() {
			os.Remove(s.Listener.Addr().String())
		}
		s.kept.Close()
	}
	s.lock.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// guarded accepts connections of this user's processes only. Processes of the same user are no boundary: each of them
// could ask the keychain as well.
type guarded struct {
	net.Listener
	user int
	at   os.FileInfo // the socket in its directory
}

// Close takes the socket out of its directory, unless it is another agent's there.
func (g guarded) Close() error {
	if listener, ok := g.Listener.(*net.UnixListener); ok && moved(g.Addr().String(), g.at) {
		listener.SetUnlinkOnClose(false)
	}
	return g.Listener.Close()
}

// Accept waits for the next connection of this user; others are closed.
func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		raw, err := conn.(*net.UnixConn).SyscallConn()
		if err == nil {
			peer := -1
			err = raw.Control(func(fd uintptr) { peer = peerUser(int(fd)) })
			if err == nil && peer == g.user {
				return conn, nil
			}
		}
		conn.Close()
	}
}
