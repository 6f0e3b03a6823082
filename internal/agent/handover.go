package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// An upgraded program takes over from an agent that runs: a client that is newer than the agent, or the agent itself that finds its
// program file replaced, asks for it. The agent looks that the new program runs, lets logins that wait for somebody end, finishes
// what has been spent, and becomes the new program: the same process, with socket and lock in its hands all the time. Connections
// made meanwhile wait in the socket's queue. What cannot be handed over so (logins in memory only) stays with the agent there is,
// which says so. On Windows, where a process cannot become another program, the agent ends and the client starts the new one.

// CodeHandedOver is the code of the error with which [Client.Watch] ends when a newer agent takes over: it can be watched at once.
const CodeHandedOver = "agent_handed_over"

// Codes of a take-over that does not happen, or not now.
const (
	codeKept  = "agent_stays"     // the logins would be lost
	codeLater = "agent_is_busy"   // it happens when that is over
	codeOlder = "agent_is_newer"  // than who asked
	codeOther = "program_refused" // what was named does not run as Fob
)

const (
	// tryProgram bounds how long a new program may take to say its version.
	tryProgram = 10 * time.Second
	// settleRefreshes is how long an agent goes on answering while it waits for refreshes under way before it hands over; what takes
	// longer is waited for with the socket's queue filling.
	settleRefreshes = 10 * time.Second
	// lookForUpgrade is how often, at most, an agent that is asked for tokens looks at its own program file.
	lookForUpgrade = 10 * time.Second
	// busyEvery is how often an agent that is to hand over looks whether it can.
	busyEvery = 100 * time.Millisecond
	// takesOver is how long a client waits for the new agent.
	takesOver = 30 * time.Second
	// askAgain is how often it asks meanwhile; there is one client that waits so.
	askAgain = 20 * time.Millisecond
)

type handoverRequest struct {
	Build Build `json:"build"`
}

// handover is what a server knows of its successor.
type handover struct {
	mu        sync.Mutex // guards what follows
	successor string     // the program that takes over, "" as long as none does
	begun     bool       // one is being looked at, or waited for
	told      map[Build]bool
	looked    time.Time // when the own program file was looked at
}

// Successor is the program that the process shall become after [Server.Stopped], "" when it shall end.
func (s *Server) Successor() string {
	s.handing.mu.Lock()
	defer s.handing.mu.Unlock()
	return s.handing.successor
}

func (s *Server) handoverRoute(handle func(string, func(*http.Request) (any, error))) {
	handle("POST /v1/handover", asked(func(ctx context.Context, q handoverRequest) (any, error) { return nil, s.handOver(ctx, q.Build) }))
}

// handOver makes the program of b take over, now or when what waits for somebody is over.
func (s *Server) handOver(ctx context.Context, b Build) error {
	if !b.NewerThan(s.options.Build) {
		return &Error{Kind: Misused, Code: codeOlder, Sentence: "the agent is " + s.options.Build.Words() + ", which is not older than " + b.Words()}
	}
	if why := s.options.Keeps(); why != "" {
		s.handing.mu.Lock()
		defer s.handing.mu.Unlock()
		if s.handing.told[b] {
			return &Error{Kind: Failed, Code: codeKept} // it was said before
		}
		if s.handing.told == nil {
			s.handing.told = map[Build]bool{}
		}
		s.handing.told[b] = true
		return &Error{Kind: Failed, Code: codeKept, Sentence: fmt.Sprintf("an agent of %s goes on running: %s", s.options.Build.Words(), why),
			Remedy: "run fob stop when those may go; the next command starts the agent of this version"}
	}
	s.handing.mu.Lock()
	if s.handing.begun {
		s.handing.mu.Unlock()
		return &Error{Kind: TryAgain, Code: codeLater}
	}
	s.handing.begun = true
	s.handing.mu.Unlock()
	if err := s.tryProgram(ctx, b); err != nil {
		s.handing.mu.Lock()
		s.handing.begun = false
		s.handing.mu.Unlock()
		s.options.Log.Warn("take-over", "version", b.Version, "problem", err.Error())
		return err
	}
	if what := s.waits(); what != "" {
		s.options.Log.Info("take-over", "version", b.Version, "waits for", what)
		go s.handOverLater(b)
		return &Error{Kind: TryAgain, Code: codeLater}
	}
	s.become(b)
	return nil
}

// handOverLater hands over as soon as nothing waits for somebody.
func (s *Server) handOverLater(b Build) {
	for tick := time.NewTicker(busyEvery); ; {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if s.waits() == "" {
			s.become(b)
			return
		}
	}
}

// waits says what somebody uses that would end with this process; "" is nothing.
func (s *Server) waits() string {
	if running := s.proxies.list(); len(running) > 0 {
		return "a proxy that runs"
	}
	return s.engine.Waits()
}

// become ends the server for its successor.
func (s *Server) become(b Build) {
	ends := time.After(settleRefreshes)
	for tick := time.NewTicker(busyEvery); s.engine.Refreshing(); {
		select {
		case <-s.stop:
			return
		case <-ends:
		case <-tick.C:
			continue
		}
		break
	}
	s.options.Log.Info("take-over", "version", b.Version, "program", b.Path)
	s.handing.mu.Lock()
	s.handing.successor = b.Path
	s.handing.mu.Unlock()
	s.http.SetKeepAlivesEnabled(false)
	s.stopping()
}

// tryProgram lets the program say its version: what does not run, or is not Fob, takes nothing over.
func (s *Server) tryProgram(ctx context.Context, b Build) error {
	refused := func(why string) error {
		return &Error{Kind: Failed, Code: codeOther, Sentence: fmt.Sprintf("the agent of %s goes on running: %s %s", s.options.Build.Words(), b.Path, why)}
	}
	if !filepath.IsAbs(b.Path) {
		return refused("is no absolute path")
	}
	ctx, cancel := context.WithTimeout(ctx, tryProgram)
	defer cancel()
	said, err := exec.CommandContext(ctx, b.Path, "version", "--json").Output()
	if err != nil {
		return refused("does not run: " + err.Error())
	}
	var version struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(said, &version) != nil || version.Version == "" {
		return refused("does not say which version of Fob it is")
	}
	if real := BuildOf(version.Version, b.Path); !real.NewerThan(s.options.Build) {
		return refused("is " + real.Words() + ", which is not newer")
	}
	return nil
}

// noticeUpgrade looks, not too often, whether the program file that this agent was started from is another one now. Where tokens
// are all that is asked for, nobody else would notice.
func (s *Server) noticeUpgrade() {
	now := time.Now()
	s.handing.mu.Lock()
	soon := s.handing.begun || now.Sub(s.handing.looked) < lookForUpgrade
	if !soon {
		s.handing.looked = now
	}
	s.handing.mu.Unlock()
	if soon || s.options.Build.Path == "" {
		return
	}
	file := BuildOf(s.options.Build.Version, s.options.Build.Path)
	if !file.NewerThan(s.options.Build) {
		return
	}
	go func() {
		var known *Error
		if err := s.handOver(context.Background(), file); err != nil && errors.As(err, &known) && known.Sentence != "" {
			s.options.Log.Info("take-over", "problem", known.Sentence)
		}
	}()
}

// takeOver asks an agent that is older than mine to make place. It returns what the agent says of itself afterwards, and what a
// person should know when it stays.
func (c *Client) takeOver(ctx context.Context, old Hello, mine Build) (Hello, string, error) {
	err := c.call(ctx, http.MethodPost, "handover", handoverRequest{mine}, nil)
	var known *Error
	switch {
	case errors.As(err, &known) && known.Kind != Unreachable:
		if known.Sentence == "" {
			return old, "", nil
		}
		return old, known.Sentence + "; " + known.Remedy, nil
	case err != nil && ctx.Err() != nil:
		return old, "", err
	}
	c.Close()
	within, cancel := context.WithTimeout(ctx, takesOver)
	defer cancel()
	for {
		hello, err := c.Hello(within)
		if err == nil && !mine.NewerThan(hello.Build) {
			return hello, "", nil
		}
		if errors.As(err, &known) && known.Kind == Unreachable {
			if err := launch(within, c.home, mine.Path); err != nil {
				return hello, "", err
			}
		}
		select {
		case <-within.Done():
			if err == nil {
				return hello, "", nil // the older one serves as well
			}
			return hello, "", err
		case <-time.After(askAgain):
		}
	}
}
