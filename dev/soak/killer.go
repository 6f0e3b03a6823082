//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fob/internal/agent"
	"fob/internal/session"
)

// killer ends the agent with SIGKILL: at moments that the servers see, at steps of a rotation that only the agent knows, and at
// random ones.
type killer struct {
	client *agent.Client
	file   string // holds the step that the agent is to die at; see cmd/fob/soak.go

	looking sync.Mutex // orders those who look whether the agent has killed itself; guards no field

	mu       sync.Mutex // guards what follows
	random   *rand.Rand
	armed    string // the moment to kill at: request, answer, answered, or a step; "" while nothing is due
	killed   int
	last     time.Time // when the last one was
	gone     time.Time // it was gone then
	at       map[string]int
	failed   error         // the file could not be written
	unserved time.Time     // the first kill after which no token was handed out yet
	slow     time.Duration // the longest that a token was waited for after a kill, since slowest was asked
	back     int           // how often one was handed out again
}

// moments are those that a server sees. "any" is none of them, and "step" is one that the agent alone sees.
var moments = []string{"request", "answer", "answered", "any", "step", "step"}

// arm chooses the moment of the next kill, unless one is chosen; it returns the pause before one at any moment.
func (k *killer) arm() (pause time.Duration, now bool) {
	k.mu.Lock()
	if k.armed != "" {
		k.mu.Unlock()
		return 0, false
	}
	moment := moments[k.random.IntN(len(moments))]
	switch moment {
	case "any":
		defer k.mu.Unlock()
		return time.Duration(k.random.IntN(300)) * time.Millisecond, true
	case "step":
		step := session.Steps[k.random.IntN(len(session.Steps))]
		k.mu.Unlock()
		k.armStep(step)
		return 0, false
	}
	defer k.mu.Unlock()
	k.armed = moment
	return 0, false
}

// armStep has the agent die at the next step of that name.
func (k *killer) armStep(step string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := os.WriteFile(k.file+".new", []byte(step), 0o600); err != nil {
		k.failed = err
	} else if err := os.Rename(k.file+".new", k.file); err != nil {
		k.failed = err
	} else {
		k.armed = step
	}
}

// look counts an agent that has killed itself at a step.
func (k *killer) look() {
	k.looking.Lock()
	defer k.looking.Unlock()
	died := k.file + ".died"
	text, err := os.ReadFile(died)
	if err != nil || !strings.HasSuffix(string(text), "\n") {
		return // or it is just about to
	}
	var pid int
	var nanos int64 // not the file's time, which is coarser than a refresh is fast
	if _, err := fmt.Sscan(string(text), &pid, &nanos); err != nil {
		k.fail(err)
		return
	}
	at := time.Unix(0, nanos)
	gone(pid)
	k.mu.Lock()
	step := k.armed
	k.armed = ""
	k.mu.Unlock()
	k.note(step, at)
	k.left(at.Add(3 * time.Millisecond))          // what it had sent may still be accepted so much later
	for _, path := range []string{k.file, died} { // in this order: the next agent must not die of it
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.fail(err)
		}
	}
}

func (k *killer) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = errors.Join(k.failed, err)
}

// passes kills the agent if it is to die at this moment. After an answer it has a while to store it, or part of that.
func (k *killer) passes(moment string) {
	k.mu.Lock()
	if k.armed != moment {
		k.mu.Unlock()
		return
	}
	k.armed = ""
	pause := time.Duration(k.random.IntN(int(20 * time.Millisecond)))
	k.mu.Unlock()
	if moment != "answered" {
		k.kill(moment)
		return
	}
	time.AfterFunc(pause, func() { k.kill(moment) })
}

// disarm forgets a moment that has not come. An agent may have died of it just now.
func (k *killer) disarm() error {
	err := os.Remove(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	k.look()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = ""
	return errors.Join(err, k.failed)
}

// kill ends the agent and returns when it is gone. Where none runs there is nothing to do.
func (k *killer) kill(moment string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	hello, err := k.client.Hello(ctx)
	if err != nil || hello.PID <= 1 {
		return
	}
	k.note(moment, time.Now())
	if syscall.Kill(hello.PID, syscall.SIGKILL) != nil {
		return
	}
	gone(hello.PID)
	k.left(time.Now())
}

// gone returns when a process that was killed runs no more.
func gone(pid int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(5 * time.Second); alive(pid) && time.Now().Before(late); {
		<-tick.C
	}
}

func (k *killer) note(moment string, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.killed++
	if at.After(k.last) {
		k.last = at
	}
	k.at[moment]++
	if k.unserved.IsZero() {
		k.unserved = at
	}
}

func (k *killer) left(at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at.After(k.gone) {
		k.gone = at
	}
}

// served notes that a token was handed out to a client that had begun to ask then.
func (k *killer) served(begin time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.unserved.IsZero() && begin.After(k.unserved) {
		k.slow = max(k.slow, time.Since(k.unserved))
		k.unserved = time.Time{}
		k.back++
	}
}

// slowest is how long a token was waited for after a kill at most, since it was last asked.
func (k *killer) slowest() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	slow := k.slow
	k.slow = 0
	return slow
}

// alive says whether a process runs; one that nobody has waited for yet does not.
func alive(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// since says whether an agent was killed after that time, or is being killed. On a busy machine its threads go on for a moment after
// the time that is noted, and their requests come in; the next agent is not there so soon.
func (k *killer) since(at time.Time) bool {
	k.look()
	k.mu.Lock()
	defer k.mu.Unlock()
	const moment = 250 * time.Millisecond
	return k.last.After(at.Add(-moment)) || k.gone.After(at)
}

// when says when an agent was killed last, for who has to find out why something went wrong.
func (k *killer) when() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return fmt.Sprintf("an agent was killed %s ago, and gone %s ago", time.Since(k.last).Round(time.Millisecond), time.Since(k.gone).Round(time.Millisecond))
}

// generation is when the agent of now, or the one to come, may have begun at the earliest.
func (k *killer) generation() time.Time {
	k.look()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone
}

func (k *killer) count() int {
	k.look()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.killed
}
