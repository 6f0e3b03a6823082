//go:build !windows

package agent

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// detach gives the agent a session of its own: closing the terminal ends nothing. Its standard descriptors are the null
// device's because cmd's are nil. It returns the number that pipe has in the agent.
func detach(cmd *exec.Cmd, pipe *os.File) string {
	KeepInherited()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{pipe}
	return "3" // the first after the standard ones
}

// KeepInherited lets no descriptor that this process was started with pass to its children: the agent would hold a script's
// lock (`9>lock`) or its pipe as long as it lives. Go marks only those close-on-exec that it opened itself.
func KeepInherited() {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // no such directory on this system: what was inherited passes on
	}
	for _, entry := range open {
		if descriptor, err := strconv.Atoi(entry.Name()); err == nil && descriptor > 2 {
			syscall.CloseOnExec(descriptor)
		}
	}
}
