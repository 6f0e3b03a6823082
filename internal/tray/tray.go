// Package tray knows the icon, its menu and its reminders. It shows what the agent says of the profiles and reports what the user
// asks for; it runs in the agent's process, holds no token and imports no Fyne.
//
// One goroutine owns the icon. Everything that is decided (which icon, which menu, which reminder) is a pure function of the
// profiles' status; the rest hands it to the desktop.
package tray

import (
	"context"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"fob/internal/agent"
)

const (
	// redrawEvery is the shortest time between two drawings of the menu: hosts read the whole menu anew each time.
	redrawEvery = time.Second
	// wordsEvery is the shortest time between two drawings that only bring the time left up to date.
	wordsEvery = time.Minute
	// gather is how long a reminder waits for others of the same moment, so that a burst becomes one.
	gather = time.Second
	// quietEvery is how often it is looked whether quiet hours have ended.
	quietEvery = time.Minute
	// hostGrace is how long a desktop may take to bring its panel up before Fob says that there is no tray.
	hostGrace = 10 * time.Second
)

// Actions are what the menu and the reminders ask for. Each call has a goroutine of its own and may take its time; nil
// functions are left out.
type Actions struct {
	OpenWindow func(profile string) // "" opens the list
	Login      func(profile string)
	Copy       func(profile string, form agent.Form)
	Refresh    func(profile string)
	Logout     func(profile string)
	CopyProxy  func(profile, id string)
	StopProxy  func(profile, id string)
	Lock       func()
	Unlock     func()
	Quit       func()
}

// Notifier shows reminders. Both methods may block; they are called from one goroutine.
type Notifier interface {
	// Notify shows a reminder, in place of the one with the same key. Title and body are plain text: where the platform
	// reads markup, the notifier escapes it. It calls chosen once, from any goroutine, with the command of the button that
	// was pressed or the reminder's default; never when the reminder is dismissed or withdrawn.
	Notify(r Reminder, chosen func(Command)) error
	// Withdraw takes the reminder with that key away; one that is gone already is no error.
	Withdraw(key string) error
}

// Options say what the tray works with. The zero value shows an icon that does nothing.
type Options struct {
	Actions  Actions
	Notifier Notifier           // nil: no reminders
	Memory   Memory             // what an earlier agent has said already
	Remember func(Memory)       // called with what to keep for the next agent, each time that it changes
	OnHost   func(present bool) // called when it is known whether the desktop shows an icon, and when that changes
	// Env reads the user's desktop environment: DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR, XDG_CURRENT_DESKTOP. It is asked
	// again at each attempt to reach the bus, so it may learn. The default is the process's own.
	Env func(key string) string
	// Forms are the forms in which a token can be copied, read when the menu is made; nil means those that Fob brings along.
	Forms func() []agent.FormInfo
	// Quiet says whether nothing but what is urgent is to be said now, and until when; nil: never.
	Quiet func(now time.Time) (until time.Time, quiet bool)
	// Failed hears of reminders that could not be shown; nil drops it.
	Failed func(error)
}

// Tray is the icon with its menu. There is one in a process: the library below has one icon.
type Tray struct {
	opts    Options
	changed chan struct{} // for the icon
	news    chan struct{} // for the reminders

	mu    sync.Mutex // guards all and known
	all   []agent.Status
	known bool // Show was called: until then the list is not empty but unknown
}

// New returns a tray that shows nothing until it runs.
func New(opts Options) *Tray {
	if opts.Env == nil {
		opts.Env = os.Getenv
	}
	if opts.Forms == nil {
		opts.Forms = agent.BuiltInForms
	}
	if opts.OnHost == nil {
		opts.OnHost = func(bool) {}
	}
	return &Tray{opts: opts, changed: make(chan struct{}, 1), news: make(chan struct{}, 1)}
}

// Show says how all profiles are now. It never waits, keeps only the latest, and may be called before [Tray.Run].
func (t *Tray) Show(all []agent.Status) {
	t.mu.Lock()
	t.all, t.known = slices.Clone(all), true
	t.mu.Unlock()
	poke(t.changed)
	poke(t.news)
}

// Run shows the icon, its menu and the reminders until ctx ends. That no panel shows the icon is no error: [Options.OnHost]
// tells, and the icon comes when a panel comes. The icon itself goes with the process, because it hangs on the process's shared
// D-Bus connection (Linux). On macOS it must be called on the main goroutine; nothing else there may wait on it.
func (t *Tray) Run(ctx context.Context) error {
	var reminding sync.WaitGroup
	if t.opts.Notifier != nil {
		reminding.Go(func() { t.remind(ctx) })
	}
	err := t.run(ctx)
	reminding.Wait()
	return err
}

// view is all that the desktop shows of Fob.
type view struct {
	state   State
	tooltip string
	items   []Item
}

// shelf is where the icon stands. Both methods are called by the goroutine that owns the icon.
type shelf interface {
	show(v view)
	posts() <-chan func() // what comes from elsewhere and is to be done by the owner
}

// draw owns the icon until ctx ends: at most one drawing a second, none without a change, and one a minute at most for words
// about time.
func (t *Tray) draw(ctx context.Context, where shelf) {
	var shown view
	var drawn time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case post := <-where.posts():
			post()
			continue
		case <-t.changed:
		case <-timer.C:
		}
		now := time.Now()
		if wait := redrawEvery - now.Sub(drawn); wait > 0 && !drawn.IsZero() {
			timer.Reset(wait)
			continue
		}
		all, _ := t.status()
		if v := (view{Icon(all), Tooltip(all, now), Menu(all, t.opts.Forms(), now)}); !reflect.DeepEqual(v, shown) {
			where.show(v)
			shown, drawn = v, now
		}
		if next := nextWords(all, now); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(next.Sub(now), wordsEvery))
		}
	}
}

// remind says what is to be said until ctx ends, and apart from the icon: a notification service may take seconds to answer.
func (t *Tray) remind(ctx context.Context) {
	memory := t.opts.Memory
	look := time.NewTimer(0) // at what quiet hours kept back
	look.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.news:
		case <-look.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gather):
		}
		all, known := t.status()
		if !known {
			continue
		}
		now := time.Now()
		until, quiet := t.quiet(now)
		if quiet {
			// Timers stand still while a laptop sleeps, and the hours may be changed.
			look.Reset(min(max(until.Round(0).Sub(now.Round(0)), time.Second), quietEvery))
		}
		say, withdraw, next := reminders(all, memory, now, quiet)
		if !maps.Equal(next, memory) && t.opts.Remember != nil {
			t.opts.Remember(next) // first: a crash here loses a reminder rather than saying it at every start
		}
		memory = next
		for _, key := range withdraw {
			t.failed(t.opts.Notifier.Withdraw(key))
		}
		for _, r := range say {
			t.failed(t.opts.Notifier.Notify(r, t.do))
		}
	}
}

func (t *Tray) quiet(now time.Time) (until time.Time, quiet bool) {
	if t.opts.Quiet == nil {
		return until, false
	}
	return t.opts.Quiet(now)
}

func (t *Tray) failed(err error) {
	if err != nil && t.opts.Failed != nil {
		t.opts.Failed(err)
	}
}

// do passes a command on, away from the goroutine that owns the icon.
func (t *Tray) do(c Command) {
	a := t.opts.Actions
	switch {
	case c.Verb == VerbOpen && a.OpenWindow != nil:
		go a.OpenWindow(c.Profile)
	case c.Verb == VerbLogin && a.Login != nil:
		go a.Login(c.Profile)
	case c.Verb == VerbCopy && a.Copy != nil:
		go a.Copy(c.Profile, c.Form)
	case c.Verb == VerbRefresh && a.Refresh != nil:
		go a.Refresh(c.Profile)
	case c.Verb == VerbLogout && a.Logout != nil:
		go a.Logout(c.Profile)
	case c.Verb == VerbAddress && a.CopyProxy != nil:
		go a.CopyProxy(c.Profile, c.Proxy)
	case c.Verb == VerbStop && a.StopProxy != nil:
		go a.StopProxy(c.Profile, c.Proxy)
	case c.Verb == VerbLock && a.Lock != nil:
		go a.Lock()
	case c.Verb == VerbUnlock && a.Unlock != nil:
		go a.Unlock()
	case c.Verb == VerbQuit && a.Quit != nil:
		go a.Quit()
	}
}

func (t *Tray) status() ([]agent.Status, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all, t.known
}

// poke wakes the owner of a channel of capacity one; a second poke before it wakes is the same one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
