// Fob is the command line, the agent and the tray icon in one static binary.
package main

import (
	"context"
	"os"

	"fob/internal/cli"
	"fob/internal/cli/quick"
)

func main() {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(context.Background(), os.Args[1:], streams, cli.Hooks{Agent: runAgent, Asked: quick.Answer()}))
}
