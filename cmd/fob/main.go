// Fob is the command line, the agent and the tray icon in one static binary.
package main

import (
	"context"
	"os"
	"runtime"

	"fob/internal/cli"
	"fob/internal/cli/quick"
)

func main() {
	// The tray's library locks the main goroutine to its thread when it is linked, for macOS's sake; elsewhere that would make
	// every switch to and from this goroutine a switch of threads.
	if runtime.GOOS != "darwin" {
		runtime.UnlockOSThread()
	}
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(context.Background(), cli.Arguments(os.Args), streams, cli.Hooks{Agent: runAgent, Asked: quick.Answer()}))
}
