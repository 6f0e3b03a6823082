package ui

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
	"fob/profiles"
)

// kinds is one logged-out profile of each kind of grant.
func kinds() []agent.Status {
	var all []agent.Status
	for _, grant := range []string{"authorization_code", "device_code", "ciba", "password", "client_credentials", "oauth1"} {
		all = append(all, agent.Status{Name: grant, State: agent.LoggedOut, Grant: grant, Attended: grant != "client_credentials"})
	}
	all[3].Weaknesses = []agent.Weakness{{Key: "grant_type", Sentence: "Fob sees the password, and whoever has it can do more than the token allows."}}
	return all
}

// playKinds is play on a window that shows the profile of one grant.
func playKinds(t *testing.T, grant string, act func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { act(t, newStage(t, newFake(kinds()...), grant)) })
}

// waits makes the selected profile wait for what event tells.
func (s *stage) waits(event agent.LoginEvent) {
	s.t.Helper()
	status := *s.model.status(s.selected)
	status.State = agent.LoggingIn
	s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
	s.agent.login <- event
	s.settle()
}

// rest ends a login.
func (s *stage) rest(state agent.State) {
	status := *s.model.status(s.selected)
	status.State = state
	s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
	s.settle()
}

func (s *stage) labels() string {
	scene, _ := s.scene()
	var all []string
	for _, o := range offers(scene) {
		all = append(all, o.label)
	}
	return strings.Join(all, ", ")
}

// F-018, F-013: what a device login needs is on the screen.
func TestADeviceLoginShowsItsCode(t *testing.T) {
	playKinds(t, "device_code", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.waits(agent.LoginEvent{Kind: "device", UserCode: "WDJB-MJHT", VerificationURI: "https://login.example.com/device",
			VerificationURIComplete: "https://login.example.com/device?user_code=WDJB-MJHT", Until: noon.Add(10 * time.Minute)})
		s.picture("login-device")
		s.sees("WDJB-MJHT")
		s.sees("https://login.example.com/device")
		s.sees("10 min left")
		if len(s.opened) != 0 {
			t.Errorf("it opened %q by itself: the code may be for another device", s.opened)
		}
		if got := s.labels(); got != "Open page, Copy code, Cancel" {
			t.Errorf("it offers %q", got)
		}
		if !s.detail.card.qr.Visible() || s.detail.card.qr.Image == nil {
			t.Error("no picture to scan")
		}
		s.tap(s.detail.head.commands.others[0])
		if got := fyne.CurrentApp().Clipboard().Content(); got != "WDJB-MJHT" {
			t.Errorf("copied %q", got)
		}
		s.key(fyne.KeyReturn)
		if len(s.opened) != 1 || !strings.HasPrefix(s.opened[0], "https://login.example.com/device?user_code=WDJB-MJHT") {
			t.Errorf("opened %q", s.opened)
		}
		s.pass(2 * time.Second)
		s.sees("9 min left")
		s.key(fyne.KeyEscape)
		s.asked("cancel device_code", 1)
		s.rest(agent.LoggedOut)
		s.seesNot("WDJB-MJHT")
	})
}

// A login by code that was begun in the tray or a terminal shows its code in the window, too.
func TestALoginByCodeThatWasBegunElsewhereIsFollowed(t *testing.T) {
	playKinds(t, "authorization_code", func(t *testing.T, s *stage) {
		for _, grant := range []string{"device_code", "authorization_code"} {
			status := *s.model.status(grant)
			status.State = agent.LoggingIn
			s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
			s.settle()
		}
		s.asked("login device_code", 0) // nobody looks at it
		s.onSelect("device_code")
		s.settle()
		s.asked("login device_code", 1)
		s.agent.login <- agent.LoginEvent{Kind: "device", UserCode: "ABCD", VerificationURI: "https://a.example/d", Joined: true, Until: noon.Add(time.Minute)}
		s.settle()
		s.sees("ABCD")
		s.onSelect("authorization_code")
		s.settle()
		s.asked("login authorization_code", 0)
	})
}

func TestACIBALoginSaysWhereToApprove(t *testing.T) {
	playKinds(t, "ciba", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.waits(agent.LoginEvent{Kind: "ciba", BindingMessage: "W4SCT", Until: noon.Add(2 * time.Minute)})
		s.picture("login-ciba")
		s.sees("Approve on your device")
		s.sees("W4SCT")
		s.sees("Waiting for your approval")
		s.seesNot("browser")
		if got := s.labels(); got != "Waiting …, Cancel" {
			t.Errorf("it offers %q", got)
		}
		s.key(fyne.KeyReturn) // a second Enter must not cancel
		s.asked("cancel ciba", 0)
	})
}

func TestTheKeychainsQuestionIsAnnounced(t *testing.T) {
	playKinds(t, "authorization_code", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.waits(agent.LoginEvent{Kind: "keychain", Until: noon.Add(2 * time.Minute)})
		s.sees("Unlock your keychain")
		if len(s.opened) != 0 {
			t.Errorf("opened %q", s.opened)
		}
	})
}

// F-010: the password goes through once and stays nowhere.
func TestAPasswordIsAskedForEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(kinds()...)
		fake.views["password"] = agent.ProfileView{Profile: profiles.Profile{Name: "password", GrantType: "password", Username: "ada"}}
		s := newStage(t, fake, "password")
		s.tap(s.detail.head.commands.primary)
		s.asked("login password", 0)
		f := s.latest.password
		s.picture("login-password")
		s.sees("Fob sees the password")
		if f.user.Text != "ada" || !f.yes.Disabled() || s.window.Canvas().Focused() != fyne.Focusable(f.password) {
			t.Errorf("the dialog begins with %q", f.user.Text)
		}
		f.password.SetText("SECRET-pass")
		s.seesNot("SECRET")
		s.tap(f.yes)
		s.asked("login password", 1)
		if o := fake.options[0]; o.Username != "ada" || o.Password != "SECRET-pass" {
			t.Errorf("logged in as %q", o.Username)
		}
		if f.password.Text != "" {
			t.Error("the dialog keeps the password")
		}
	})
}

// F-006: where nobody is asked, no word speaks of logins or browsers.
func TestAnUnattendedProfileGetsTokens(t *testing.T) {
	playKinds(t, "client_credentials", func(t *testing.T, s *stage) {
		if got := s.labels(); got != "Get token" {
			t.Errorf("it offers %q", got)
		}
		s.tap(s.detail.head.commands.primary)
		s.asked("login client_credentials", 1)
		for state, want := range map[agent.State]string{agent.LoggingIn: "Getting a token …, Cancel", agent.LoggedIn: "Copy token, Get a new token, Discard token",
			agent.LoginRequired: "Get token, Discard token"} {
			status := *s.model.status(s.selected)
			status.State, status.Refreshable = state, true
			s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
			s.settle()
			if got := s.labels(); got != want {
				t.Errorf("%s offers %q", state, got)
			}
			words := strings.ToLower(stateSentence(status) + waitingWords(scene{status: status}) + listTime(status, noon) + s.detail.card.title.text + s.detail.card.words.Text)
			if state == agent.LoggingIn && (strings.Contains(words, "browser") || strings.Contains(words, "logging in")) {
				t.Errorf("%s says %q", state, words)
			}
			for _, item := range s.profileMenu(s.selected).Items {
				if strings.HasPrefix(item.Label, "Log in") || strings.HasPrefix(item.Label, "Log out") {
					t.Errorf("the menu offers %q", item.Label)
				}
			}
		}
	})
}

// F-080: after 20 seconds the card helps; F-078: at once when no browser could be opened.
func TestAStuckBrowserLoginIsHelped(t *testing.T) {
	playKinds(t, "authorization_code", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.waits(agent.LoginEvent{Kind: "open", URL: "https://login.example.com/authorize?client_id=fob&state=1", Until: noon.Add(5 * time.Minute)})
		s.sees("It shows the login page of login.example.com.")
		s.seesNot("Paste the address")
		s.pass(21 * time.Second)
		s.picture("login-stuck")
		s.sees("Wrong browser?")
		s.agent.pending = agent.Pending{Name: s.selected, URL: "https://login.example.com/authorize?by=hand", Until: noon.Add(time.Hour)}
		s.tap(s.detail.card.paste)
		s.asked("cancel authorization_code", 1)
		s.asked("begin authorization_code", 1)
		s.sees("https://login.example.com/authorize?by=hand")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(kinds()...), "authorization_code")
		s.actions.world.Open = func(_ context.Context, _, _ string) error { return &agent.Error{Sentence: "no browser"} }
		s.tap(s.detail.head.commands.primary)
		s.waits(agent.LoginEvent{Kind: "open", URL: "https://login.example.com/authorize?x=1", Until: noon.Add(5 * time.Minute)})
		s.picture("login-unopened")
		s.sees("No browser could be opened")
		s.sees("https://login.example.com/authorize?x=1")
		if !s.detail.card.qr.Visible() || !s.detail.card.hint.Visible() {
			t.Error("no picture to scan, or no way to paste the answer")
		}
		s.tap(s.detail.card.address)
		if got := fyne.CurrentApp().Clipboard().Content(); got != "https://login.example.com/authorize?x=1" {
			t.Errorf("copied %q", got)
		}
	})
}

// F-003, F-084: the answer is brought by hand.
func TestAnAnswerIsPasted(t *testing.T) {
	playKinds(t, "authorization_code", func(t *testing.T, s *stage) {
		s.agent.pending = agent.Pending{Name: s.selected, URL: "https://login.example.com/authorize?by=hand", Until: noon.Add(time.Hour)}
		s.paste(s.selected)
		s.settle()
		v := s.page.about.(*pasteView)
		s.picture("paste")
		s.tap(v.copy)
		if got := fyne.CurrentApp().Clipboard().Content(); got != "https://login.example.com/authorize?by=hand" {
			t.Errorf("copied %q", got)
		}
		s.tap(v.open)
		if len(s.opened) != 1 || !v.finish.Disabled() {
			t.Errorf("opened %q", s.opened)
		}
		s.agent.refuse["complete"] = &agent.Error{Sentence: "no login waits for this answer", Remedy: "begin again"}
		v.answer.SetText("http://127.0.0.1:9/callback?code=1&state=2")
		s.ctrl(fyne.KeyS)
		s.sees("No login waits for this answer.")
		delete(s.agent.refuse, "complete")
		s.key(fyne.KeyReturn) // the entry has the focus
		if got := s.agent.answers; len(got) != 2 || got[1] != "http://127.0.0.1:9/callback?code=1&state=2" {
			t.Fatalf("the agent got %q", got)
		}
		if s.page != nil {
			t.Error("the page stays")
		}
	})
}

// F-190: a server that shows a code gets a field to type it into, without a detour.
func TestAServerThatShowsACodeIsAskedByHand(t *testing.T) {
	playKinds(t, "oauth1", func(t *testing.T, s *stage) {
		s.agent.pending = agent.Pending{Name: "oauth1", URL: "https://api.example.com/authorize?oauth_token=x", OutOfBand: true}
		s.agent.refuse["login"] = &agent.Error{Code: codeOutOfBand, Sentence: "profile oauth1: this server shows a code to type in"}
		s.tap(s.detail.head.commands.primary)
		s.sees("The server then shows a code.")
		v := s.page.about.(*pasteView)
		v.answer.SetText("73913")
		s.tap(v.finish)
		if got := s.agent.answers; len(got) != 1 || got[0] != "73913" {
			t.Errorf("the agent got %q", got)
		}
	})
}

func TestTheMenuKnowsOtherWaysToLogInAndOut(t *testing.T) {
	playKinds(t, "authorization_code", func(t *testing.T, s *stage) {
		s.rest(agent.LoggedIn)
		press := func(label string) {
			t.Helper()
			for _, item := range s.profileMenu(s.selected).Items {
				if item.Label == label {
					item.Action()
					s.settle()
					return
				}
			}
			t.Errorf("the menu has no %q", label)
		}
		press("Log in as another account …")
		press("Log in by device code …")
		if o := s.agent.options; len(o) != 2 || o[0].Prompt != "select_account" || !o[1].Device {
			t.Errorf("the logins were %+v", o)
		}
		s.agent.page = "https://login.example.com/logout?id_token_hint=x"
		press("Log out, and end the session at the server, too")
		if len(s.opened) != 1 || !strings.HasPrefix(s.opened[0], s.agent.page) {
			t.Errorf("opened %q", s.opened)
		}
		s.asked("logout authorization_code local=false", 1)
		s.agent.page = ""
		press("Log out, and end the session at the server, too")
		s.asked("logout authorization_code local=false", 2)
		s.sees("the server has no page")
	})
	for grant, want := range map[string]int{"device_code": 0, "client_credentials": 0, "oauth1": 1, "authorization_code": 3} {
		playKinds(t, grant, func(t *testing.T, s *stage) {
			n := 0
			for _, item := range s.profileMenu(grant).Items {
				if strings.HasPrefix(item.Label, "Log in ") {
					n++
				}
			}
			if n != want {
				t.Errorf("%s offers %d further ways to log in, want %d", grant, n, want)
			}
		})
	}
}
