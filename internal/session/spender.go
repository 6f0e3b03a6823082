package session

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// spenders are the locks by which agents on one keychain take turns at spending the token of a login: a directory that they share.
// The system releases the lock of an agent that ends, however it ends. None, or "", locks nothing.
// It is asked for each time: what clears up temporary files may have removed it in weeks of running.
type spenders func() string

// take waits until no other agent of this machine changes what the keychain holds under key. Without a place for the lock, the
// generation alone keeps agents apart: that is no reason to refuse a token.
func (s spenders) take(ctx context.Context, key string) (release func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	dir := s()
	if dir == "" {
		return func() {}, nil
	}
	file, err := os.OpenFile(filepath.Join(dir, short(key)+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return func() {}, nil
	}
	for {
		switch free, err := lock(file); {
		case err != nil:
			file.Close()
			return func() {}, nil
		case free:
			return func() { file.Close() }, nil
		}
		select {
		case <-time.After(turnEvery):
		case <-ctx.Done():
			file.Close()
			return nil, turnless(ctx)
		}
	}
}

// turnEvery is how often an agent looks whether the other one is done: a refresh takes longer, and there are rarely two.
const turnEvery = 10 * time.Millisecond
