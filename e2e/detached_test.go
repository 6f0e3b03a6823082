//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// $(fob token work) returns although it had to start the agent, and the end of the terminal ends nothing.
func TestDetached(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t)
	f := newFob(d)
	f.addNative("work", p)
	f.login("work", newPerson(d))
	want := f.token("work")
	f.run("stop").ok()

	// The shell reads its pipe to the end, and so do we: it ends only when nobody holds its other end.
	shell := exec.CommandContext(t.Context(), "sh", "-c", `exec 7>"$1"; cd "$2"; token=$("$0" token work 2>&1); echo "<$token>"`,
		program(t, "fob"), filepath.Join(d.root, "held"), d.root)
	shell.Env = d.env(f.vars...)
	shell.WaitDelay = 10 * time.Second
	out, err := shell.CombinedOutput()
	if err != nil || string(out) != "<"+want+">\n" {
		t.Fatalf("$(fob token work): %v", err)
	}
	pid := f.agent()
	f.holdsNothing(pid)

	// A terminal that is closed hangs up everything in its session.
	f.run("stop").ok()
	terminal, name := newTerminal(t)
	tty, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	cmd := f.command(t.Context(), "token", "work")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	must(t, cmd.Run())
	pid = f.agent()
	must(t, tty.Close())
	must(t, terminal.Close())
	f.holdsNothing(pid)
	if f.token("work") != want || f.agent() != pid {
		t.Error("the agent did not outlive the terminal")
	}
}

// holdsNothing checks that the agent has a session of its own, no terminal, and none of the descriptors of who started it.
func (f *fob) holdsNothing(pid int) {
	f.t.Helper()
	session, err := unix.Getsid(pid)
	must(f.t, err)
	if session != pid {
		f.t.Errorf("the agent belongs to session %d", session)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(f.t, err)
	_, rest, _ := strings.Cut(string(stat), ") ")
	if tty := strings.Fields(rest)[4]; tty != "0" { // proc(5): tty_nr
		f.t.Errorf("the agent has a terminal: %s", tty)
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(f.t, err)
	for _, entry := range entries {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		// Its own files, and those of Go's runtime (CPU limits, the poller).
		own := strings.HasPrefix(target, f.home+"/") || target == "/dev/null" || strings.HasPrefix(target, "anon_inode:") ||
			strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "/sys/fs/cgroup/")
		if !own && (!strings.HasPrefix(target, "pipe:") || held(target, pid)) {
			f.t.Errorf("the agent holds descriptor %s: %s", entry.Name(), target)
		}
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	must(f.t, err)
	if cwd != "/" {
		f.t.Errorf("the agent keeps %s busy", cwd)
	}
}

// held says whether another process than pid holds the pipe.
func held(pipe string, pid int) bool {
	return slices.ContainsFunc(processes(), func(other int) bool {
		if other == pid {
			return false
		}
		fds, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(other), "fd"))
		return err == nil && slices.ContainsFunc(fds, func(fd os.DirEntry) bool {
			target, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(other), "fd", fd.Name()))
			return err == nil && target == pipe
		})
	})
}

// newTerminal makes a pseudo terminal: our side of it, and the other side's name (pts(4)).
func newTerminal(t *testing.T) (ours *os.File, name string) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	must(t, err)
	return ours, fmt.Sprintf("/dev/pts/%d", number)
}
