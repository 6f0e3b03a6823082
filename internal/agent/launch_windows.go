package agent

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach starts the agent without a console of its own or of ours. It returns the number that pipe has in the agent.
func detach(cmd *exec.Cmd, pipe *os.File) string {
	handle := pipe.Fd()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags:              windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS,
		AdditionalInheritedHandles: []syscall.Handle{syscall.Handle(handle)},
	}
	return strconv.FormatUint(uint64(handle), 10)
}

// KeepInherited has nothing to do on Windows, where a child gets the handles that are named to it and no others.
func KeepInherited() {}
