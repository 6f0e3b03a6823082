package authserver

import (
	"context"
	"errors"
	"sync"
	"time"
)

// replays remembers the jti of every JWT that a client sent, for longer than any is accepted.
type replays struct {
	mu   sync.Mutex // guards seen
	seen map[string]time.Time
}

// replayMemory is more than the ten minutes for which go-oidc takes a client's JWT.
const replayMemory = 15 * time.Minute

var errReplayed = errors.New("this jti was used before")

// once notes a jti and refuses one that came before.
func (r *replays) once(jti string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.seen == nil {
		r.seen = map[string]time.Time{}
	}
	for k, at := range r.seen {
		if now.Sub(at) > replayMemory {
			delete(r.seen, k)
		}
	}
	if _, ok := r.seen[jti]; ok {
		return errReplayed
	}
	r.seen[jti] = now
	return nil
}

// consume is once for go-oidc.
func (r *replays) consume(_ context.Context, jti string) error { return r.once("jwt " + jti) }
