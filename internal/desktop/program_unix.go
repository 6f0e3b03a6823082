//go:build !windows

package desktop

import (
	"os/exec"
	"syscall"
)

// detach gives the child a session of its own: neither a closed terminal nor
// Ctrl+C in it ends the child.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
