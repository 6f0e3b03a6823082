package desktop

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach keeps a console window from flashing up.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		HideWindow:    true,
		CreationFlags: windows.CREATE_NO_WINDOW | windows.CREATE_NEW_PROCESS_GROUP,
	}
}
