package tray

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"testing"

	"fob/internal/agent"
)

// TestMain lets the test binary be the agent's process with its tray: systray belongs to a process, and tests end it.
func TestMain(m *testing.M) {
	if os.Getenv("FOB_TRAY_TEST") == "" {
		os.Exit(m.Run())
	}
	os.Exit(child())
}

// child shows what its stdin says, one JSON list of statuses a line, and says on stdout what it is asked for.
func child() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	t := New(Options{
		OnHost: func(present bool) { say("host %t", present) },
		Actions: Actions{
			OpenWindow: func(profile string) { say("open %s", profile) },
			Login:      func(profile string) { say("login %s", profile) },
			Copy:       func(profile string, form agent.Form) { say("copy %s %s", form, profile) },
			Refresh:    func(profile string) { say("refresh %s", profile) },
			Logout:     func(profile string) { say("logout %s", profile) },
			Quit:       func() { say("quit"); stop() },
		},
	})
	go func() {
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			var all []agent.Status
			if err := json.Unmarshal(in.Bytes(), &all); err != nil {
				say("stdin: %v", err)
				continue
			}
			t.Show(all)
		}
		stop()
	}()
	if err := t.Run(ctx); err != nil {
		say("run: %v", err)
		return 1
	}
	say("ended")
	return 0
}
