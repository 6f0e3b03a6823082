package session

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"fob/internal/durable"
)

// Lock says since when Fob is locked and what locked it.
type Lock struct {
	Since time.Time `json:"since"`
	By    Locker    `json:"by"`
	// Damage is what was found of a lock that could not be read whole. Whether it was one nobody can tell, so it is.
	Damage string `json:"damage,omitempty"`
}

// Locker is what locks: it is the same that may unlock, except that the user may always.
type Locker string

// The lockers.
const (
	ByUser   Locker = "user"
	ByScreen Locker = "screen" // the desktop's screen lock, where the setting is on
)

// Words says of a lock what faces show.
func (l Lock) Words() string {
	words := "locked"
	if l.By == ByScreen {
		words += " with the screen"
	}
	if !l.Since.IsZero() {
		words += " since " + l.Since.Local().Format("2006-01-02 15:04")
	}
	if l.Damage != "" {
		words += " (what kept the lock was damaged: " + l.Damage + ")"
	}
	return words
}

// openLock reads whether an agent before was locked. It is kept in two copies: one that is there, in whatever state, locks, for
// nothing else is ever written there than that Fob is locked, and unlocking removes both. What is damaged is moved aside, and a whole
// one written in its place, never leaving neither, so that the next start is locked, too.
func openLock(path string) (*Lock, error) {
	if path == "" {
		return nil, nil
	}
	text, found := durable.Twice(path).Mend(func(text []byte) error { return json.Unmarshal(text, new(Lock)) }, func() []byte { return []byte(`{"by":"user"}`) })
	if text == nil {
		return nil, nil
	}
	var l Lock
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err // never: it is valid, or ours
	}
	if l.By != ByScreen || found != nil {
		l.By = ByUser // the screen's unlocking must not end what nobody understands
	}
	if found != nil {
		l.Damage = strings.ReplaceAll(found.Error(), "\n", "; ")
		if err := writeLock(path, l); err != nil {
			found = errors.Join(found, err)
		}
	}
	return &l, found
}

func writeLock(path string, l Lock) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return durable.Twice(path).Write(text)
}

// Locked returns the lock that is in force, nil when there is none.
func (e *Engine) Locked() *Lock {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return nil
	}
	l := *e.lock
	return &l
}

// Lock lets nothing secret out and begins no login until [Engine.Unlock], also after a restart. Refreshes go on, or logins would
// die of it; so does a login that waits already, whose tokens are kept and not handed out. What the user has locked, the screen
// does not make its own.
func (e *Engine) Lock(by Locker) error {
	return e.setLock(func(now *Lock) *Lock {
		switch {
		case now == nil:
			return &Lock{Since: wall().UTC(), By: by}
		case by == ByUser:
			return &Lock{Since: now.Since, By: by, Damage: now.Damage}
		}
		return now
	})
}

// Unlock ends the lock. The screen's end only what the screen began.
func (e *Engine) Unlock(by Locker) error {
	return e.setLock(func(now *Lock) *Lock {
		if now != nil && by == ByScreen && now.By != ByScreen {
			return now
		}
		return nil
	})
}

func (e *Engine) setLock(change func(*Lock) *Lock) error {
	e.locking.Lock()
	defer e.locking.Unlock()
	before := e.Locked()
	after := change(before)
	if before == nil && after == nil || before != nil && after != nil && *before == *after {
		return nil
	}
	if after == nil { // a lock that would come back by itself is none that was opened
		if err := e.keepLock(nil); err != nil {
			return &Error{Kind: Failed, Code: CodeLocked, Sentence: "Fob could not be unlocked: " + err.Error(), Remedy: "see that the disk has room and try again", cause: err}
		}
	}
	e.mu.Lock()
	e.lock = after
	e.mu.Unlock()
	e.log.Info("lock", "locked", after != nil, "by", lockedBy(after, before))
	e.watch.moved() // every row and every menu looks different
	if after != nil {
		e.cutProxies()
		if err := e.keepLock(after); err != nil {
			return &Error{Kind: Failed, Code: CodeLocked, Sentence: "Fob is locked, but a restart of the agent would unlock it: " + err.Error(), Remedy: "see that the disk has room and lock again", cause: err}
		}
	}
	return nil
}

func lockedBy(after, before *Lock) string {
	if after != nil {
		return string(after.By)
	}
	return string(before.By)
}

func (e *Engine) keepLock(l *Lock) error {
	if e.lockFile == "" {
		return nil
	}
	if l == nil {
		return durable.Twice(e.lockFile).Remove()
	}
	return writeLock(e.lockFile, *l)
}

// refusal is why nothing is handed out and nobody is logged in now; nil when that is not so. Fob's own refreshes are no handing
// out.
func (e *Engine) refusal(ctx context.Context) error {
	if _, own := ctx.Value(placeKey{}).(*place); own {
		return nil
	}
	if l := e.Locked(); l != nil {
		return LockedError(*l)
	}
	return nil
}

// LockedError is what somebody is told who asks for something secret while the lock is in force.
func LockedError(l Lock) *Error {
	return &Error{Kind: LogInFirst, Code: CodeLocked, Sentence: "Fob is " + l.Words() + ": it hands out nothing and logs in nobody", Remedy: "unlock it: fob unlock"}
}
