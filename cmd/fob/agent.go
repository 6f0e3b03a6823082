package main

import (
	"context"
	"fmt"
	"io"

	"fob/internal/agent"
)

// runAgent runs the agent in this process until ctx ends, and returns the exit code.
func runAgent(_ context.Context, _ agent.Home, _ bool, stderr io.Writer) int {
	fmt.Fprintln(stderr, "fob: this build has no agent yet")
	return int(agent.Failed)
}
