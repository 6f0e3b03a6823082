package keychain

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// patience is how long an unattended call waits for the keychain. One update with 1,000 items in gnome-keyring takes 0.2 s;
// 5 s is far above every healthy answer and short enough for somebody who waits for a token.
const patience = 5 * time.Second

// filePatience is for the file store, which nobody's prompt can hold up: its first call may have to open it, and scrypt takes ten
// times its half second on a machine that is busy starting.
const filePatience = time.Minute

// turns lets one operation at a time talk to the keychain. The keychain calls below have no context, so one that hangs
// keeps the turn until it comes back: never more than one goroutine is stuck, and a late Set cannot overtake a newer one.
type turns struct {
	slot     chan struct{} // holds one element while somebody has the turn
	answered atomic.Int64  // counts calls that came back: a long queue that moves is no hang
	patience time.Duration // of the unattended
}

func newTurns(patience time.Duration) *turns {
	return &turns{slot: make(chan struct{}, 1), patience: patience}
}

// turn is one operation's time with the keychain.
type turn struct {
	of       *turns
	attended bool
	stuck    chan struct{} // closed when the call that was given up comes back; nil when none was
}

// take waits for the turn: as long as ctx lives when attended, else as long as anything moves.
func (t *turns) take(ctx context.Context, attended bool) (*turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err, "before it was asked")
	}
	for {
		seen := t.answered.Load()
		var late <-chan time.Time
		if !attended {
			late = time.After(t.patience)
		}
		select {
		case t.slot <- struct{}{}:
			return &turn{of: t, attended: attended}, nil
		case <-ctx.Done():
			return nil, gaveUp(ctx.Err(), "an earlier call has not come back")
		case <-late:
			if t.answered.Load() == seen {
				return nil, problem(ErrTimeout, "an earlier call has not come back", nil)
			}
		}
	}
}

// end gives the turn back, at once or when the call that was given up returns.
func (u *turn) end() {
	if u.stuck == nil {
		<-u.of.slot
		return
	}
	go func() { // ends with the stuck call; the slot keeps it single
		<-u.stuck
		<-u.of.slot
	}()
}

// ask runs one call of the keychain and waits for it: as long as ctx lives when attended, else patience at most.
func ask[T any](ctx context.Context, u *turn, call func(context.Context) (T, error)) (T, error) {
	var none T
	if u.stuck != nil {
		return none, problem(ErrTimeout, "", nil)
	}
	if !u.attended {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, u.of.patience, impatient(u.of.patience))
		defer cancel()
	}
	type answer struct {
		value T
		err   error
	}
	answers, back := make(chan answer, 1), make(chan struct{})
	go func() {
		defer close(back)
		value, err := call(ctx)
		u.of.answered.Add(1)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		u.stuck = back
		return none, gaveUp(context.Cause(ctx), "")
	}
}

// errImpatient ends a call that nobody is asked to wait for any longer.
var errImpatient = errors.New("it is slow or hangs")

func impatient(after time.Duration) error {
	return fmt.Errorf("%w: nothing came in %d s", errImpatient, int(after.Seconds()))
}

// gaveUp says that we stopped waiting: a cancelled caller gets its own error back, everything else is a timeout.
func gaveUp(err error, detail string) error {
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: err, Detail: detail}
	}
	if errors.Is(err, errImpatient) && detail == "" {
		return problem(ErrTimeout, err.Error(), nil)
	}
	return problem(ErrTimeout, detail, err)
}
