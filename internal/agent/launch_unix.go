//go:build !windows

package agent

import (
	"os"
	"os/exec"
	"syscall"
)

// detach gives the agent a session of its own: closing the terminal ends nothing. Its standard descriptors are the null
// device's because cmd's are nil. It returns the number that pipe has in the agent.
func detach(cmd *exec.Cmd, pipe *os.File) string {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{pipe}
	return "3" // the first after the standard ones
}
