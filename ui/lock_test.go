package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

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
		all := append([]agent.Status(nil), s.agent.statuses...)
		for i := range all {
			all[i].Locked = true
		}
		s.agent.tell(agent.Update{Full: true, Profiles: all, Lock: &agent.Lock{Since: time.Now(), By: agent.ByScreen}})
		s.settle()
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
		for i := range all {
			all[i].Locked = false
		}
		s.agent.tell(agent.Update{Full: true, Profiles: all})
		s.settle()
		s.seesNot("Fob is locked")
		if commands.primary.Disabled() {
			t.Error("nothing can be copied after unlocking")
		}
	})
}
