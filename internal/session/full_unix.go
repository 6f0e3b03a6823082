//go:build !windows

package session

import (
	"io/fs"
	"syscall"
)

// fullErrors are what a disk without room answers, and one behind a quota or a limit.
var fullErrors = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// refuseErrors are what a disk answers that is read-only or fails, and one on which something is another user's.
var refuseErrors = []error{syscall.EROFS, syscall.EIO, fs.ErrPermission}
