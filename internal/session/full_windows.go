package session

import "golang.org/x/sys/windows"

// fullErrors are what a disk without room answers, and one behind a quota.
var fullErrors = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_NOT_ENOUGH_QUOTA}
