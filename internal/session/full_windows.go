package session

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// fullErrors are what a disk without room answers, and one behind a quota.
var fullErrors = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_NOT_ENOUGH_QUOTA}

// refuseErrors are what a disk answers that is read-only or fails, and one on which something is another user's.
var refuseErrors = []error{windows.ERROR_WRITE_PROTECT, windows.ERROR_IO_DEVICE, windows.ERROR_CRC, fs.ErrPermission}
