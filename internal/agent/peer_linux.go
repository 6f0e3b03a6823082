package agent

import "golang.org/x/sys/unix"

// peerUser is the user behind a connected Unix socket, or -1.
func peerUser(fd int) int {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1
	}
	return int(peer.Uid)
}
