package ui

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
)

// stage is a window on Fyne's software driver. What the window's goroutines post waits in a queue until settle runs it on
// the test's goroutine: widgets are touched by one goroutine only, as under the real driver.
type stage struct {
	*Window
	t      *testing.T
	agent  *fakeAgent
	mu     sync.Mutex // guards queue and opened
	queue  []func()
	opened []string
	clock  time.Time
}

// newStage opens a window on a fake agent. It is called inside a synctest bubble, so that settle knows when every
// goroutine waits.
func newStage(t *testing.T, fake *fakeAgent, name string) *stage {
	t.Helper()
	s := &stage{t: t, agent: fake, clock: noon}
	app := test.NewTempApp(t)
	s.Window = Open(app, fake, World{
		Start: fake.start, Env: map[string]string{"DISPLAY": ":77"}, Profile: name, Version: "test",
		Open: func(_ context.Context, url, command string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.opened = append(s.opened, url+" "+command)
			return nil
		},
		post: func(do func()) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.queue = append(s.queue, do)
		},
		now: func() time.Time { return s.clock },
	})
	s.window.Resize(fyne.NewSize(windowWidth, windowHeight))
	t.Cleanup(func() {
		s.Close()
		s.actions.tasks.Wait()
	})
	s.settle()
	return s
}

// settle lets every goroutine run until all wait, and runs what they posted, until nothing is left.
func (s *stage) settle() {
	for {
		synctest.Wait()
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, do := range queue {
			do()
		}
	}
}

// pass lets time go by, second by second.
func (s *stage) pass(d time.Duration) {
	for range int(d / time.Second) {
		time.Sleep(time.Second) // inside a synctest bubble: no time goes by outside it
		s.clock = s.clock.Add(time.Second)
		s.settle()
	}
}

// editorOf is the form that is open.
func (s *stage) editorOf() *editor {
	s.t.Helper()
	if s.page == nil {
		s.t.Fatal("no page is open")
	}
	e, ok := s.page.about.(*editor)
	if !ok {
		s.t.Fatal("the page is not a form")
	}
	return e
}

// key types a key as the driver would: to what has the focus, else to the window.
func (s *stage) key(name fyne.KeyName) {
	event := &fyne.KeyEvent{Name: name}
	if focused := s.window.Canvas().Focused(); focused != nil {
		focused.TypedKey(event)
	} else {
		s.window.Canvas().OnTypedKey()(event)
	}
	s.settle()
}

// ctrl types a shortcut as the driver would.
func (s *stage) ctrl(name fyne.KeyName) {
	var shortcut fyne.Shortcut = &desktop.CustomShortcut{KeyName: name, Modifier: fyne.KeyModifierShortcutDefault}
	if name == fyne.KeyC {
		shortcut = &fyne.ShortcutCopy{Clipboard: fyne.CurrentApp().Clipboard()}
	}
	if focused, ok := s.window.Canvas().Focused().(fyne.Shortcutable); ok {
		focused.TypedShortcut(shortcut)
	} else {
		s.onShortcut(shortcut)
	}
	s.settle()
}

// tap presses a button as a finger would: a disabled one does nothing.
func (s *stage) tap(b fyne.Tappable) {
	test.Tap(b)
	s.settle()
}

// asked fails unless the agent was asked this many times.
func (s *stage) asked(call string, times int) {
	s.t.Helper()
	n := 0
	for _, c := range s.agent.calls() {
		if c == call {
			n++
		}
	}
	if n != times {
		s.t.Errorf("the agent was asked %q %d times, want %d; it was asked %q", call, n, times, s.agent.calls())
	}
}

// screen is everything that is drawn, as text.
func (s *stage) screen() string { return test.RenderToMarkup(s.window.Canvas()) }

func (s *stage) sees(text string) {
	s.t.Helper()
	if !strings.Contains(s.screen(), text) {
		s.t.Errorf("%q is not on the screen", text)
	}
}

func (s *stage) seesNot(text string) {
	s.t.Helper()
	if strings.Contains(s.screen(), text) {
		s.t.Errorf("%q is on the screen", text)
	}
}

// play runs one test in a bubble, on a window that shows the named profile of the crowd.
func play(t *testing.T, name string, act func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(crowd()...)
		fake.details["Acme API"] = depth()
		act(t, newStage(t, fake, name))
	})
}
