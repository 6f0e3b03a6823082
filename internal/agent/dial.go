package agent

import (
	"context"
	"net"
)

// Dial connects to the agent's socket, after checking that it is this user's. It is for the one caller that cannot wait
// for an HTTP client to be set up: `fob token`.
func Dial(ctx context.Context, home Home) (net.Conn, error) { return dial(ctx, home) }
