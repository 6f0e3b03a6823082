//go:build soak && unix

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// A binary built with the tag soak ends itself by SIGKILL at a step of a rotation (session.Steps) that FOB_KILL_AT names, as
// STEP or STEP:N for the Nth time: the agent alone passes steps. The binary that is shipped has none of this.
func init() {
	step, count, counted := strings.Cut(os.Getenv("FOB_KILL_AT"), ":")
	if step == "" {
		return
	}
	left := new(atomic.Int64)
	left.Store(1)
	if n, err := strconv.ParseInt(count, 10, 64); counted && err == nil {
		left.Store(n)
	}
	passed = func(at string) {
		if at == step && left.Add(-1) == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // it comes at once
		}
	}
}
