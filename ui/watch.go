package ui

import (
	"context"
	"errors"
	"time"

	"fob/internal/agent"
)

// The pauses between attempts to reach an agent that is gone: short enough that a restart is not noticed, long enough that
// an agent which cannot start costs nothing.
const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 5 * time.Second
)

// link is how the window stands to the agent.
type link struct {
	up    bool
	waits bool  // it is down, and what is waited for takes long
	why   error // why it is down
	tries int   // how often it was not reached, in a row
}

// watch follows the agent until the window closes: it starts the agent when there is none, hands on what it tells, and
// when it goes away says so and begins again. When somebody stopped the agent on purpose, another one would be unwanted: then
// it calls stopped and ends.
func (a *actions) watch(show func(agent.Update), linked func(link), stopped func()) {
	a.tasks.Add(1)
	go func() {
		defer a.tasks.Done()
		pause, tries := retryFirst, 0
		var err error
		for a.ctx.Err() == nil {
			long := link{waits: true, why: err, tries: tries}
			over := a.waiting(func() { linked(long) })
			err = a.world.Start(a.ctx)
			over()
			if err == nil {
				err = a.agent.Watch(a.ctx, func(update agent.Update) {
					pause, tries = retryFirst, 0
					a.post(func() {
						if update.Full {
							linked(link{up: true})
						}
						show(update)
					})
				})
			}
			if a.ctx.Err() != nil {
				return
			}
			var known *agent.Error
			if errors.As(err, &known) && known.Code == agent.CodeStopped {
				a.post(stopped)
				return
			}
			if errors.As(err, &known) && known.Code == agent.CodeHandedOver {
				continue // a newer agent listens at the same socket already
			}
			tries++
			now := link{why: err, tries: tries}
			a.post(func() { linked(now) })
			wait(a.ctx, pause)
			pause = min(2*pause, retryMost)
		}
	}()
}

// sayAfter is how long something may take before a person wants to know what is waited for.
const sayAfter = 500 * time.Millisecond

// waiting calls say when over has not been called for long.
func (a *actions) waiting(say func()) (over func()) {
	ctx, cancel := context.WithCancel(a.ctx)
	a.tasks.Add(1)
	go func() {
		defer a.tasks.Done()
		if wait(ctx, sayAfter); ctx.Err() == nil {
			a.post(func() {
				if ctx.Err() == nil {
					say()
				}
			})
		}
	}()
	return cancel
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
