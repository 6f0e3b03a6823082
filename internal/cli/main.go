// Package cli knows the verbs of the command line: it parses, asks the agent, and prints.
//
// House rules. A result goes to standard output, alone and whole; everything else goes to standard error as "fob: …" and
// "fob: hint: …", lower case, no period. A verb parses in its command and works in a method of [face]. Text that came
// from a server is cleaned before a terminal sees it.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"fob/internal/agent"
)

// Streams are where the command line reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer // results alone
	Err io.Writer // everything else
}

// Hooks are what the program adds that this package does not link.
type Hooks struct {
	// Agent runs the agent in this process until ctx ends or it is told to stop, and returns the exit code.
	Agent func(ctx context.Context, home agent.Home, noTray bool, stderr io.Writer) int
	// Asked is what the agent answered to `fob token` when package quick has asked it already: an HTTP/1.0 response.
	Asked []byte
}

// Main runs one command and returns its exit code: 0 done, 1 failed, 2 misused, 3 log in first, 4 the agent cannot be
// reached, 5 the network, the server or the keychain is away. args is without the program's name.
func Main(ctx context.Context, args []string, streams Streams, hooks Hooks) int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup stays in force
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal asks, the second one kills

	f := &face{Streams: streams, hooks: hooks}
	root := f.root()
	root.SetArgs(args)
	return f.report(root.ExecuteContext(ctx))
}

// face is one run of the command line.
type face struct {
	Streams
	hooks   Hooks
	noStart bool // do not start an agent that is not running
	shared  bool // the agent is on another machine, at the other end of a forwarded socket
	entered bool // a verb began to work: what is wrong from here on is not the command line's grammar

	mu   sync.Mutex // guards writing to Err, and live
	live string     // the line at a terminal that the next one overwrites
}

// connect returns a client of an agent that runs; it starts one unless --no-start was given.
func (f *face) connect(ctx context.Context) (*agent.Client, error) {
	home, err := agent.HomeFromEnv()
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	client := agent.NewClient(home)
	client.Version = Version()
	over := f.waiting("waiting for the agent")
	err = client.Ensure(ctx, exe, !f.noStart)
	over()
	if err != nil {
		return nil, err
	}
	f.shared = client.Greeting().Shared
	if note := client.Note(); note != "" {
		f.say("%s", note)
	}
	if damage := client.Greeting().Damage; damage != nil {
		f.say("%s", damage.Sentence)
	}
	return client, nil
}
