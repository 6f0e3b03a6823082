package cli

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// detached gives a process no console of ours: closing the terminal does not end it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
}
