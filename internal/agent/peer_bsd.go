//go:build darwin || freebsd

package agent

import "golang.org/x/sys/unix"

// peerUser is the user behind a connected Unix socket, or -1.
func peerUser(fd int) int {
	peer, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1
	}
	return int(peer.Uid)
}
