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
		for a.ctx.Err() == nil {
			err := a.world.Start(a.ctx)
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

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
