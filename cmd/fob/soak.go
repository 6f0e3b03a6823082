//go:build soak && unix

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// A binary built with the tag soak ends itself by SIGKILL at a step of a rotation (session.Steps): FOB_KILL_AT names a file that
// holds the step while one is to be died at. FILE.died, with the process id and the time, claims it, so that one agent dies of it. The agent
// alone passes steps. The binary that is shipped has none of this.
func init() {
	file := os.Getenv("FOB_KILL_AT")
	if file == "" {
		return
	}
	passed = func(at string) {
		if step, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(step)) != at {
			return
		}
		died, err := os.OpenFile(file+".died", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return // of another kill, which nobody has counted yet
		}
		fmt.Fprintln(died, os.Getpid(), time.Now().UnixNano())
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // it comes at once
	}
}
