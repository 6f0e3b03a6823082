//go:build !windows

package cli

import "syscall"

// detached gives a process a session of its own: closing the terminal does not end it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
