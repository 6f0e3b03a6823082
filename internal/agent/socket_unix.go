//go:build !windows

package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
)

// dial connects to the agent's socket after checking that it is ours: somebody else's socket in its place would be handed
// nothing, but could hand out tokens that are not the user's.
func dial(ctx context.Context, home Home) (net.Conn, error) {
	info, err := os.Lstat(home.Socket())
	if err != nil {
		return nil, err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Getuid() || info.Mode()&os.ModeSocket == 0 {
		return nil, &Error{Kind: Unreachable, Code: "socket_owner", Sentence: fmt.Sprintf("%s belongs to user %d, not to you", home.Socket(), owner),
			Remedy: "remove it, or set FOB_HOME to a directory of your own"}
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", home.Socket())
}
