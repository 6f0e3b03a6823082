//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fob/internal/agent"
)

// killer ends the agent with SIGKILL, at moments that the servers see and at random ones.
type killer struct {
	client *agent.Client

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	armed  string // the moment to kill at: request, answer, answered; "" while nothing is due
	times  []time.Time
	gone   time.Time // the last one was gone
	at     map[string]int
}

// moments are those that a server sees. "any" is none of them.
var moments = []string{"request", "answer", "answered", "any"}

// arm chooses the moment of the next kill, unless one is chosen; it returns the pause before one at any moment.
func (k *killer) arm() (pause time.Duration, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.armed != "" {
		return 0, false
	}
	moment := moments[k.random.IntN(len(moments))]
	if moment == "any" {
		return time.Duration(k.random.IntN(300)) * time.Millisecond, true
	}
	k.armed = moment
	return 0, false
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

// disarm forgets a moment that has not come.
func (k *killer) disarm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = ""
}

// kill ends the agent and returns when it is gone. Where none runs there is nothing to do.
func (k *killer) kill(moment string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	hello, err := k.client.Hello(ctx)
	if err != nil || hello.PID <= 1 {
		return
	}
	k.note(moment)
	if syscall.Kill(hello.PID, syscall.SIGKILL) != nil {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for alive(hello.PID) && ctx.Err() == nil {
		<-tick.C
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = time.Now()
}

// died counts an agent that has killed itself.
func (k *killer) died(step string) {
	k.note(step)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = time.Now()
}

func (k *killer) note(moment string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.times = append(k.times, time.Now())
	k.at[moment]++
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

// since says whether an agent was killed after that time, or is being killed.
func (k *killer) since(at time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.times) > 0 && !k.times[len(k.times)-1].Before(at)
}

// generation is when the agent of now, or the one to come, may have begun at the earliest.
func (k *killer) generation() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone
}

func (k *killer) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.times)
}
