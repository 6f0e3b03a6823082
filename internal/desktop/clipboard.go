package desktop

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Clipboard puts text on the clipboard and, when asked to, takes it away
// again. Make it with NewClipboard in the process that lives on: under X11 and
// Wayland the text is there only as long as its owner is.
type Clipboard struct {
	mu     sync.Mutex // guards the fields below
	held   map[holder]*time.Timer
	closed bool
}

// holder is a text on the clipboard that we put there.
type holder interface {
	clear() error          // takes it away if it is still the one there
	gone() <-chan struct{} // closed when it is not there any more
}

// Receipt says what became of a Copy.
type Receipt struct {
	Through string    // what took the text: "X11", "wl-copy", "Windows" or "macOS"
	Clears  time.Time // when it is cleared; zero: never by us
}

// NewClipboard returns a Clipboard that holds nothing.
func NewClipboard() *Clipboard {
	return &Clipboard{held: make(map[holder]*time.Timer)}
}

// Copy puts the text on the clipboard of the desktop that env names and
// returns when it can be pasted (with wl-copy: 0.25 s later, since it does not
// say when). A secret text carries the platform's marks
// for clipboard histories to leave it out; a program that ignores them keeps
// it all the same. With clearAfter above zero the clipboard is emptied after
// that time, unless somebody else has put something there meanwhile.
func (c *Clipboard) Copy(ctx context.Context, env Env, text string, secret bool, clearAfter time.Duration) (Receipt, error) {
	if text == "" {
		return Receipt{}, errors.New("clipboard: there is nothing to copy")
	}
	h, through, err := hold(ctx, env, text, secret)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Through: through}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return Receipt{}, errors.Join(errors.New("clipboard: closed"), h.clear())
	}
	var timer *time.Timer
	if clearAfter > 0 {
		receipt.Clears = time.Now().Add(clearAfter).Round(0)
		timer = time.AfterFunc(clearAfter, func() { _ = h.clear() })
	}
	c.held[h] = timer
	c.mu.Unlock()
	go func() {
		<-h.gone()
		c.mu.Lock()
		defer c.mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		delete(c.held, h)
	}()
	return receipt, nil
}

// Clear empties the clipboard at once if what is there is still ours.
func (c *Clipboard) Clear() error {
	c.mu.Lock()
	held := make([]holder, 0, len(c.held))
	for h := range c.held {
		held = append(held, h)
	}
	c.mu.Unlock()
	var failed []error
	for _, h := range held {
		failed = append(failed, h.clear())
	}
	return errors.Join(failed...)
}

// Close clears and refuses further copies. For the agent's own end.
func (c *Clipboard) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	return c.Clear()
}
