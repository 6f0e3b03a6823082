package session

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// hub tells watchers which profiles changed. A watcher that is slow gets fewer, not older, messages.
type hub struct {
	mu       sync.Mutex // guards watchers and their dirty sets
	watchers map[*watcher]bool
}

type watcher struct {
	dirty map[string]bool
	all   bool          // the order is another one
	wake  chan struct{} // capacity 1
}

// moved tells watchers that profiles changed their places.
func (h *hub) moved() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.all = true
		w.nudge()
	}
}

func (w *watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// changed lets the loop and the watchers look at the named profiles again.
func (e *Engine) changed(names ...string) {
	e.mu.Lock()
	for _, name := range names {
		if l := e.logins[name]; l != nil {
			e.againLocked(l)
		}
	}
	e.mu.Unlock()
	e.tell(names...)
}

// tell lets the watchers look at the named profiles again.
func (e *Engine) tell(names ...string) {
	if len(names) == 0 {
		return
	}
	now := wall()
	e.mu.Lock()
	for _, name := range names {
		if l := e.logins[name]; l != nil {
			l.shown, l.warned = e.stateLocked(l, now), e.endsSoonLocked(l, now) != nil
		}
	}
	e.mu.Unlock()
	e.watch.mu.Lock()
	for w := range e.watch.watchers {
		for _, name := range names {
			w.dirty[name] = true
		}
		w.nudge()
	}
	e.watch.mu.Unlock()
}

// Watch calls show with all profiles, then with those that changed and the names of those that are gone, until ctx ends or
// show fails. A new profile is the last one; when profiles moved otherwise, all is true and changed holds everything.
func (e *Engine) Watch(ctx context.Context, show func(all bool, changed []Status, removed []string) error) error {
	w := &watcher{dirty: map[string]bool{}, wake: make(chan struct{}, 1)}
	e.watch.mu.Lock()
	if e.watch.watchers == nil {
		e.watch.watchers = map[*watcher]bool{}
	}
	e.watch.watchers[w] = true
	e.watch.mu.Unlock()
	defer func() {
		e.watch.mu.Lock()
		delete(e.watch.watchers, w)
		e.watch.mu.Unlock()
	}()
	all, err := e.Status()
	if err != nil {
		return err
	}
	if err := show(true, all, nil); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.life.Done():
			return nil
		case <-w.wake:
		}
		e.watch.mu.Lock()
		dirty, moved := w.dirty, w.all
		w.dirty, w.all = map[string]bool{}, false
		e.watch.mu.Unlock()
		changed, removed := e.pick(dirty, moved)
		if len(changed)+len(removed) == 0 && !moved {
			continue
		}
		if err := show(moved, changed, removed); err != nil {
			return err
		}
	}
}

// pick returns the named profiles, or all, in the order of the file, and the names that are gone.
func (e *Engine) pick(names map[string]bool, all bool) (changed []Status, removed []string) {
	now := wall()
	e.mu.Lock()
	defer e.mu.Unlock()
	var picked []*login
	for name := range names {
		if l := e.logins[name]; l == nil {
			removed = append(removed, name)
		} else if !all {
			picked = append(picked, l)
		}
	}
	if all {
		picked = slices.Collect(maps.Values(e.logins))
	}
	slices.SortFunc(picked, func(a, b *login) int { return a.nth - b.nth })
	for _, l := range picked {
		changed = append(changed, e.statusLocked(l, now))
	}
	return changed, removed
}
