package ui

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"fob/internal/agent"
)

// locks is what the agent tells when it is locked or unlocked.
func (s *stage) locks(on bool) {
	update := agent.Update{Full: true, Profiles: slices.Clone(s.agent.statuses)}
	for i := range update.Profiles {
		update.Profiles[i].Locked = on
	}
	if on {
		update.Lock = &agent.Lock{Since: time.Now(), By: agent.ByScreen}
	}
	s.agent.tell(update)
	s.settle()
}

// a locked Fob says so at the top, takes a shown token off the screen, offers nothing that it would refuse, and is unlocked
// by a button or a key.
func TestTheLock(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		token := s.detail.tabs.token.access
		s.tap(token.reveal)
		if !token.open {
			t.Fatal("the token is not shown")
		}
		s.ctrl(fyne.KeyL)
		s.asked("lock", 1)
		s.locks(true)
		s.sees("Fob is locked with the screen since")
		s.picture("locked")
		if token.open {
			t.Error("the token is on the screen still")
		}
		commands := s.detail.head.commands
		for _, b := range []*button{commands.primary, commands.forms, commands.others[0], token.reveal, token.copy} {
			if b.Visible() && !b.Disabled() {
				t.Errorf("%q can be pressed while Fob is locked", b.Text)
			}
		}
		if b := commands.others[1]; b.Text != "Log out" || b.Disabled() {
			t.Errorf("%q cannot be pressed", b.Text)
		}
		s.tap(s.locked.unlock)
		s.asked("unlock", 1)
		s.ctrl(fyne.KeyL)
		s.asked("unlock", 2)
		s.locks(false)
		s.seesNot("Fob is locked")
		if commands.primary.Disabled() {
			t.Error("nothing can be copied after unlocking")
		}
	})
}

// Issue 4, "the agent hands out nothing": locked, no tab shows what a token, the server or the API said, and what comes late is not
// shown either. Unlocked, the claims are here again; what was asked for is not.
func TestLockedNothingIsShown(t *testing.T) {
	token := func(s *stage) *tokenTab { return s.detail.tabs.token }
	for name, c := range map[string]struct {
		tab  int
		ask  func(s *stage) *button // what brings it onto the screen; nil when it is there by itself
		text string
	}{
		"access token":    {0, func(s *stage) *button { return token(s).access.reveal }, "access-c4n4ry"},
		"ID token":        {0, func(s *stage) *button { return token(s).id.reveal }, "id-c4n4ry"},
		"introspection":   {0, func(s *stage) *button { return token(s).server.ask }, "The token is active"},
		"granted details": {0, nil, "payment of 17"},
		"claims":          {1, nil, "248289761001"},
		"UserInfo":        {1, func(s *stage) *button { return s.detail.tabs.claims.who.ask }, "You are Ada"},
		"API's answer":    {tryTabIndex, func(s *stage) *button { return s.detail.tabs.try.send }, "SECRET-of-the-answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newFake(crowd()...)
				d := depth()
				d.AuthorizationDetails = []byte(`["payment of 17"]`)
				fake.details["Acme API"] = d
				fake.active, fake.userinfo = agent.Introspection{Active: true}, map[string]any{"name": "Ada"}
				fake.reply = agent.Response{Status: 200, Header: []agent.HeaderField{{Name: "X-Session", Value: "SECRET-of-the-answer"}}, Body: []byte("SECRET-of-the-answer")}
				s := newStage(t, fake, "Acme API")
				s.window.Resize(fyne.NewSize(windowWidth, 1600)) // all of a tab is in sight
				s.onTab(c.tab)
				s.settle()
				if c.ask != nil {
					s.seesNot(c.text)
					s.tap(c.ask(s))
				}
				s.sees(c.text)
				if c.tab == tryTabIndex {
					s.tap(s.detail.tabs.try.answer.heads)
					s.sees("X-Session")
				}
				s.locks(true)
				s.seesNot(c.text)
				s.seesNot("X-Session")
				s.picture("locked-" + strings.ReplaceAll(name, " ", "-"))
				s.locks(false)
				if c.ask == nil {
					s.sees(c.text)
					return
				}
				s.seesNot(c.text)
				test.Tap(c.ask(s))
				synctest.Wait()
				s.mu.Lock()
				late := s.queue // the answer, on its way to the screen
				s.queue = nil
				s.mu.Unlock()
				s.locks(true)
				for _, arrive := range late {
					arrive()
				}
				s.settle()
				s.seesNot(c.text)
			})
		})
	}
}
