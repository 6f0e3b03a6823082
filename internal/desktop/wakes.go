package desktop

import (
	"context"
	"strings"
	"time"
)

const (
	// Events come in bursts: an interface that comes up is a dozen of them.
	settle = 500 * time.Millisecond
	// Where nothing tells of a resume, the clock is looked at this often: as
	// often as the session's own loop wakes anyway.
	lookInterval = 30 * time.Second
	// A wall clock that gained this much over the monotonic one has slept, or
	// was set. Slewing by NTP stays far below it.
	jump = 5 * time.Second
)

// Wake says that what was true before may be so no more: look again at what is
// due and at what failed for lack of a network.
type Wake struct {
	Resumed bool // the machine slept, or its clock was set
	Network bool // an address, a route or the connectivity has changed
}

// String is the wake in words.
func (w Wake) String() string {
	var words []string
	if w.Resumed {
		words = append(words, "resumed")
	}
	if w.Network {
		words = append(words, "network changed")
	}
	return strings.Join(words, ", ")
}

func (w Wake) with(other Wake) Wake {
	return Wake{Resumed: w.Resumed || other.Resumed, Network: w.Network || other.Network}
}

// Wakes reports until ctx ends, when the channel is closed. Events within half
// a second are one; while nobody receives, they add up to one. On Linux they
// come from logind, NetworkManager and the kernel's routing messages, and
// nothing runs in between; where no logind is to be had, and on other systems,
// the clocks are compared every 30 s.
func Wakes(ctx context.Context) <-chan Wake {
	raw := make(chan Wake)
	watch(ctx, func(w Wake) {
		select {
		case raw <- w:
		case <-ctx.Done():
		}
	})
	out := make(chan Wake)
	go coalesce(ctx, raw, out)
	return out
}

// coalesce gathers what comes within the settling time and holds it until it
// is received.
func coalesce(ctx context.Context, raw <-chan Wake, out chan<- Wake) {
	defer close(out)
	var pending Wake
	var settled <-chan time.Time // set while something is gathered
	var ready chan<- Wake        // out, once it has settled
	for {
		select {
		case w := <-raw:
			pending = pending.with(w)
			if ready == nil && settled == nil {
				settled = time.After(settle)
			}
		case <-settled:
			settled, ready = nil, out
		case ready <- pending:
			pending, ready = Wake{}, nil
		case <-ctx.Done():
			return
		}
	}
}

// watchClock compares the clocks until ctx ends.
func watchClock(ctx context.Context, report func(Wake)) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	before := time.Now()
	for {
		select {
		case <-tick.C:
			now := time.Now() // the tick's own time may be old
			if jumped(before, now) {
				report(Wake{Resumed: true})
			}
			before = now
		case <-ctx.Done():
			return
		}
	}
}

// jumped compares what the wall clock and the monotonic clock say has passed.
func jumped(before, now time.Time) bool {
	return jumpedBy(now.Round(0).Sub(before.Round(0)), now.Sub(before))
}

func jumpedBy(wall, monotonic time.Duration) bool {
	gained := wall - monotonic
	return gained > jump || gained < -jump
}
