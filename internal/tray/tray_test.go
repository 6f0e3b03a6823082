package tray

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/agent"
)

// paper is a shelf that remembers when it was drawn.
type paper struct {
	at    []time.Duration
	views []view
	began time.Time
}

func (p *paper) posts() <-chan func() { return nil }

func (p *paper) show(v view) {
	p.at = append(p.at, time.Since(p.began))
	p.views = append(p.views, v)
}

// onPaper runs the owner of the icon in a bubble of synctest.
func onPaper(t *testing.T, play func(tray *Tray, p *paper)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		tray, p := New(Options{}), &paper{began: time.Now()}
		var owner sync.WaitGroup
		owner.Go(func() { tray.draw(ctx, p) })
		synctest.Wait()
		play(tray, p)
		cancel()
		owner.Wait()
	})
}

func fromNow(d time.Duration) *time.Time {
	at := time.Now().Add(d)
	return &at
}

// platform.md, "Tray": the menu is drawn on a change, and at most once a second.
func TestMenuIsDrawnAtMostOnceASecond(t *testing.T) {
	onPaper(t, func(tray *Tray, p *paper) {
		for i := range 50 { // 5 seconds of changes, ten a second
			state := agent.LoggedIn
			if i%2 == 1 {
				state = agent.Offline
			}
			tray.Show([]agent.Status{{Name: "a", State: state, Issuer: string(rune('a' + i))}})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(p.at); n > 6 {
			t.Errorf("%d drawings in 5 seconds: %v", n, p.at)
		}
		for i := 1; i < len(p.at); i++ {
			if gap := p.at[i] - p.at[i-1]; gap < time.Second {
				t.Errorf("drawings %v apart: %v", gap, p.at)
			}
		}
		if last := p.views[len(p.views)-1]; last.state != "offline" {
			t.Errorf("the last change is not drawn: %s", last.state)
		}
	})
}

func TestWhatIsNotShownIsNotDrawn(t *testing.T) {
	onPaper(t, func(tray *Tray, p *paper) {
		for i := range 100 {
			tray.Show([]agent.Status{{Name: "a", State: agent.LoggedIn, Issuer: string(rune('a' + i))}})
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		if len(p.at) != 2 { // the empty menu, then this one
			t.Errorf("drawn %d times: %v", len(p.at), p.at)
		}
	})
}

// Issue 2, "Tray": no ticking. Words about time change at most once a minute, and nothing wakes up where none will change.
func TestWordsAboutTimeDoNotTick(t *testing.T) {
	onPaper(t, func(tray *Tray, p *paper) {
		tray.Show([]agent.Status{
			{Name: "a", State: agent.LoggedIn, ExpiresAt: fromNow(5*time.Minute + 10*time.Second)},
			{Name: "b", State: agent.LoggedIn, ExpiresAt: fromNow(5*time.Minute + 40*time.Second)},
			{Name: "c", State: agent.LoggedIn},
		})
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if n := len(p.at); n < 6 || n > 9 {
			t.Errorf("drawn %d times while two tokens of 5 minutes ended: %v", n, p.at)
		}
		for i := 3; i < len(p.at); i++ {
			if gap := p.at[i] - p.at[i-1]; gap < time.Minute {
				t.Errorf("words redrawn after %v: %v", gap, p.at)
			}
		}
		last := outline(p.views[len(p.views)-1].items)
		if want := outline(Menu(tray.all, agent.BuiltInForms(), time.Now())); last != want {
			t.Errorf("the words are stale:\n%s\nwant:\n%s", last, want)
		}
	})
}

// fake remembers what was said; it is the desktop's notification service.
type fake struct {
	said   []string
	chosen map[string]func(Command)
}

func (f *fake) Notify(r Reminder, chosen func(Command)) error {
	f.said = append(f.said, r.Title)
	if f.chosen == nil {
		f.chosen = make(map[string]func(Command))
	}
	f.chosen[r.Key] = chosen
	return nil
}

func (f *fake) Withdraw(key string) error {
	f.said = append(f.said, "withdraw "+key)
	return nil
}

// Issue 2, "Tray": reminders have buttons that work, are said once, also by the next agent, and in a burst together.
func TestRemindersAreSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var kept Memory
		var did []string
		service := &fake{}
		tray := New(Options{
			Notifier: service,
			Remember: func(m Memory) { kept = m },
			Actions:  Actions{Login: func(profile string) { did = append(did, "login "+profile) }},
		})
		var reminding sync.WaitGroup
		reminding.Go(func() { tray.remind(ctx) })
		for range 3 {
			tray.Show([]agent.Status{ended("a", 0)})
			time.Sleep(5 * time.Second)
		}
		service.chosen["profile a"](Command{Verb: VerbLogin, Profile: "a"})
		synctest.Wait()
		if !reflect.DeepEqual(did, []string{"login a"}) {
			t.Errorf("the button did %q", did)
		}
		for i := range 5 { // one after another, as an agent that starts finds out
			tray.Show([]agent.Status{ended("b", 0), ended("c", 0), ended("d", 0), ended("e", 0), ended("f", 0)}[:i+1])
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if want := []string{"a: log in again", "withdraw profile a", "5 logins needed"}; !reflect.DeepEqual(service.said, want) {
			t.Errorf("said %q, want %q", service.said, want)
		}
		cancel()
		reminding.Wait()

		ctx, cancel = context.WithCancel(t.Context())
		next := &fake{}
		tray = New(Options{Notifier: next, Memory: kept})
		reminding.Go(func() { tray.remind(ctx) })
		tray.Show([]agent.Status{ended("b", 0), ended("c", 0), ended("d", 0), ended("e", 0), ended("f", 0)})
		time.Sleep(5 * time.Second)
		cancel()
		reminding.Wait()
		if next.said != nil {
			t.Errorf("the next agent repeats %q", next.said)
		}
	})
}
