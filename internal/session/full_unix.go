//go:build !windows

package session

import "syscall"

// fullErrors are what a disk without room answers, and one behind a quota or a limit.
var fullErrors = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
