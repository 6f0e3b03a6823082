//go:build !windows

package loopback

import "syscall"

// exclusive does nothing: elsewhere a second bind of a listening address fails.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }
