package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

// sealedStage is a window whose agent keeps its secrets in sealed files and has no passphrase.
func sealedStage(t *testing.T, code string) *stage {
	t.Helper()
	why := &agent.Error{Kind: agent.TryAgain, Code: code, Sentence: "profile Okta sandbox: the file store is locked", Remedy: "unlock it: fob store unlock"}
	fake := newFake(crowd()...)
	fake.kept = agent.StoreView{Kind: "file", Problem: &agent.Problem{Code: code, Sentence: why.Sentence}}
	fake.refuse["login"] = why
	return newStage(t, fake, "Okta sandbox")
}

// opens is what the agent does when it gets the passphrase.
func (s *stage) opens() {
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	s.agent.kept.Problem = nil
	delete(s.agent.refuse, "login")
	delete(s.agent.refuse, "unlock store")
}

// the file store's passphrase is asked for in the window, masked; a wrong one is said, and nothing that was typed is kept. What
// was asked for goes on when the store is open.
func TestPassphraseInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sealedStage(t, agent.CodeStoreLocked)
		s.sees("The file store is locked: the agent needs its passphrase")
		s.onIntent(askLogin)
		s.settle()
		f := s.latest.passphrase
		if f == nil || f.again.Visible() || !f.first.Password || !f.yes.Disabled() || s.window.Canvas().Focused() != fyne.Focusable(f.first) {
			t.Fatalf("the dialog: %+v", f)
		}
		s.picture("passphrase")
		s.agent.refuse["unlock store"] = &agent.Error{Kind: agent.Failed, Code: agent.CodeStoreWrong, Sentence: "wrong passphrase for the file store", Remedy: "try again"}
		f.first.SetText("SECRET-wrong")
		s.key(fyne.KeyReturn)
		s.sees("Wrong passphrase for the file store. Try again; nothing was changed.")
		s.seesNot("SECRET-wrong")
		s.picture("passphrase-wrong")
		if f.first.Text != "" || s.window.Canvas().Focused() != fyne.Focusable(f.first) {
			t.Error("the wrong passphrase stays, or the next one cannot be typed")
		}
		s.asked("login Okta sandbox", 1)

		s.opens()
		f.first.SetText("SECRET-right")
		s.seesNot("Wrong passphrase")
		s.key(fyne.KeyReturn)
		s.asked("unlock store create=false", 2)
		s.asked("login Okta sandbox", 2)
		s.seesNot("Unlock the file store")
		s.seesNot("The file store is locked")
		if f.first.Text != "" {
			t.Error("the dialog keeps the passphrase")
		}
		if got := strings.Join(s.agent.passed, " "); got != "SECRET-wrong SECRET-right" {
			t.Errorf("the agent got %q", got)
		}
	})
}

// A new store's passphrase is typed twice.
func TestNewPassphraseInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sealedStage(t, agent.CodeStoreNew)
		s.sees("none is chosen yet")
		s.sees("Choose a passphrase") // what the button does
		s.tap(s.sealed.unlock)
		f := s.latest.passphrase
		if f == nil || !f.again.Visible() || !f.again.Password {
			t.Fatal("nothing asks twice")
		}
		f.first.SetText("SECRET-one")
		s.key(fyne.KeyReturn)
		if s.window.Canvas().Focused() != fyne.Focusable(f.again) {
			t.Error("Enter does not go on to the second field")
		}
		f.again.SetText("SECRET-two")
		s.sees("The two differ.")
		s.key(fyne.KeyReturn)
		s.asked("unlock store create=true", 0)
		s.picture("passphrase-new")
		s.opens()
		f.again.SetText("SECRET-one")
		s.seesNot("The two differ.")
		s.key(fyne.KeyReturn)
		s.asked("unlock store create=true", 1)
		s.sees("The file store is open.")
	})
}

// What takes long says so, and Escape gives up: nothing is asked for then that nobody waits for.
func TestPassphraseTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sealedStage(t, agent.CodeStoreLocked)
		s.agent.stretch = make(chan struct{})
		s.onIntent(askLogin)
		s.settle()
		f := s.latest.passphrase
		f.first.SetText("SECRET-right")
		s.key(fyne.KeyReturn)
		s.seesNot("Opening it")
		s.pass(time.Second)
		s.sees("Opening it")
		s.picture("passphrase-slow")
		if !f.yes.Disabled() || !f.first.Disabled() {
			t.Error("it can be pressed twice")
		}
		s.key(fyne.KeyEscape)
		s.seesNot("Unlock the file store")
		s.opens()
		close(s.agent.stretch)
		s.settle()
		s.asked("login Okta sandbox", 1)
		s.seesNot("The file store is locked: the agent needs")
	})
}

// Issue 4, "Moving between stores": from the settings, with what is to be known before, and a passphrase where one is needed.
func TestStoreIsMovedFromTheSettings(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.refuse["move store"] = &agent.Error{Kind: agent.TryAgain, Code: agent.CodeStoreNew, Sentence: "the file store has no passphrase yet"}
		s.agent.moves = []agent.StoreMove{{Step: "copy", Done: 1, Total: 7}, {Step: "done", Done: 7, Total: 7}}
		s.ctrl(fyne.KeyComma)
		v := s.page.about.(*settingsView)
		if v.keeps.text != "the system's keychain" || v.move.Text != "Move to sealed files …" {
			t.Fatalf("%q, %q", v.keeps.text, v.move.Text)
		}
		s.tap(v.move)
		s.sees("Move to files sealed with a passphrase?")
		s.asked("move store file", 0)
		s.tap(s.latest.question.yes)
		f := s.latest.passphrase
		if f == nil || !f.fresh {
			t.Fatal("nobody asks for a passphrase")
		}
		delete(s.agent.refuse, "move store")
		f.first.SetText("SECRET-one")
		f.again.SetText("SECRET-one")
		s.tap(f.yes)
		s.asked("unlock store create=true", 1)
		s.asked("move store file", 2)
		if v.moving.text != "Moved: 7 items." || v.move.Disabled() {
			t.Errorf("%q", v.moving.text)
		}
		s.picture("settings-moved")
	})
}

// A store that somebody unlocked on the command line is no longer called locked: at the next update, and without one a little later.
func TestStoreUnlockedElsewhere(t *testing.T) {
	for name, happens := range map[string]func(s *stage){
		"update": func(s *stage) {
			s.agent.tell(agent.Update{Profiles: s.agent.statuses[:1]})
			s.settle()
		},
		"time": func(s *stage) { s.pass((listEach + 1) * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sealedStage(t, agent.CodeStoreLocked)
				happens(s)
				s.sees("The file store is locked")
				s.opens()
				happens(s)
				s.seesNot("The file store is locked")
				s.agent.mu.Lock()
				s.agent.asked = nil
				s.agent.mu.Unlock()
				happens(s)
				s.asked("store", 0) // nobody looks at a store that is open
			})
		})
	}
}
