package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// lockStrip is the line at the top that says that Fob, or its file store, is locked, with the button that unlocks it.
type lockStrip struct {
	content *fyne.Container
	words   *line
	unlock  *button
}

func newLockStrip(label string) *lockStrip {
	s := &lockStrip{words: newShortLine("", plain), unlock: quiet(label, theme.LoginIcon(), nil)}
	s.content = container.NewStack(newFill(colorSoonTint, 0), inset(4, 4, 16, 10, across(10, 1, square(icon("locked", colorSoon), 15), s.words, s.unlock)))
	s.content.Hide()
	return s
}

func (s *lockStrip) show(lock *agent.Lock) {
	if lock == nil {
		s.say("")
		return
	}
	s.say("Fob is " + lock.Words() + ". It hands out nothing and logs in nobody; logins are kept alive.")
}

// say writes the line, or takes it away when there is nothing to say.
func (s *lockStrip) say(text string) {
	if text != "" {
		s.words.set(text)
	}
	visible(s.content, text != "")
}

// toggleLock is what the shortcut does.
func (w *Window) toggleLock() {
	if w.locked.content.Visible() {
		w.unlock()
		return
	}
	w.lock()
}

// lock locks Fob, unlock ends that; the agent tells when it is so.
func (w *Window) lock() {
	w.actions.setLock(true, func(_ nothing, err error) { w.lockFailed(err) })
}

func (w *Window) unlock() {
	w.actions.setLock(false, func(_ nothing, err error) { w.lockFailed(err) })
}

func (w *Window) lockFailed(err error) {
	if err != nil {
		w.failed(err)
	}
}

func (a *actions) setLock(on bool, done func(nothing, error)) {
	begin(a, without(func(ctx context.Context) error {
		if on {
			return a.agent.Lock(ctx)
		}
		return a.agent.Unlock(ctx)
	}), done)
}
