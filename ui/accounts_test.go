package ui

import (
	"testing"

	"fob/internal/agent"
)

// person is a profile that is logged in as somebody.
func person(name, sub, account string) agent.Status {
	return agent.Status{Name: name, Environment: "production", Color: "teal", State: agent.LoggedIn, Account: account, Subject: sub, Issuer: "https://login.acme.example", Attended: true,
		Grant: "authorization_code", ObtainedAt: at(-1000), ExpiresAt: at(42 * 60 * 1e9), LoggedInAt: at(-1000), Refreshable: true, ScopeRequested: []string{"openid"}, Scope: []string{"openid"}}
}

// logsIn lets the login under way end with that status.
func (s *stage) logsIn(status agent.Status) {
	s.t.Helper()
	s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
	s.agent.login <- agent.LoginEvent{Kind: "done", Status: &status}
	s.settle()
}

// menuItem presses an entry of the profile's menu.
func (s *stage) menuItem(label string) {
	s.t.Helper()
	for _, item := range s.profileMenu(s.selected).Items {
		if item.Label == label {
			item.Action()
			s.settle()
			return
		}
	}
	s.t.Fatalf("no %q in the menu", label)
}

// the switch "Always this account" is where the account is known, and does what it says.
func TestAlwaysThisAccount(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		line := s.detail.head.account
		if line.content.Visible() {
			t.Error("a switch where nobody is logged in")
		}
		s.agent.tell(agent.Update{Profiles: []agent.Status{person("Okta sandbox", "1", "ada@example.com")}})
		s.settle()
		if !line.content.Visible() || line.always.Checked {
			t.Fatal("no switch, or it is on")
		}
		s.sees("Fob takes whatever account the browser brings")
		s.picture("account-any")
		s.tap(line.always)
		s.asked("pin Okta sandbox", 1)
		s.sees("Fob refuses any other")
		s.sees("Always this account, from now on.")
		if !line.always.Checked {
			t.Error("the switch is off")
		}
		s.picture("account-always")
		s.agent.refuse["unpin"] = &agent.Error{Kind: agent.Failed, Code: "profiles_unread", Sentence: "profiles.json cannot be read"}
		s.tap(line.always)
		if !line.always.Checked {
			t.Error("the switch shows what was not done")
		}
		s.sees("profiles.json cannot be read")
		delete(s.agent.refuse, "unpin")
		s.tap(line.always)
		s.asked("unpin Okta sandbox", 2)
		if line.always.Checked {
			t.Error("the switch is on")
		}
		logged := person("Okta sandbox", "", "")
		logged.State, logged.Account, logged.Expected = agent.LoggedOut, "", &agent.Account{Subject: "7"}
		s.agent.tell(agent.Update{Profiles: []agent.Status{logged}})
		s.settle()
		s.sees("Account 7")
	})
}

// After a first login the window offers the pin, once; a later login brings no question.
func TestFirstLoginOffersThePin(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		s.onIntent(askLogin)
		s.settle()
		s.logsIn(person("Okta sandbox", "1", "ada@example.com"))
		s.sees("Is this profile always for ada@example.com?")
		s.seesNot("\ufffd")
		s.seesNot("Fob takes whatever account the browser brings") // the same switch twice
		s.picture("account-offer")
		s.onSelect("GitHub")
		s.settle()
		s.seesNot("Is this profile always for")
		s.onSelect("Okta sandbox")
		s.settle()
		s.tap(s.detail.head.first.pin)
		s.asked("pin Okta sandbox", 1)
		s.seesNot("Is this profile always for")
		s.sees("Fob refuses any other")

		again := person("Okta sandbox", "1", "ada@example.com")
		s.agent.tell(agent.Update{Profiles: []agent.Status{again}}) // unpinned elsewhere
		s.settle()
		s.onIntent(askLogin)
		s.settle()
		s.logsIn(again)
		s.seesNot("Is this profile always for")
	})
}

// What the window offers after a first login goes by what other profiles hold now, not then.
func TestFirstLoginHearsOfOthers(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		s.onIntent(askLogin)
		s.settle()
		s.logsIn(person("Okta sandbox", "1", "ada@example.com"))
		s.sees("Is this profile always for ada@example.com?")
		s.agent.tell(agent.Update{Profiles: []agent.Status{person("GitHub", "1", "ada@example.com")}})
		s.settle()
		s.sees("GitHub has this account, too")
		s.seesNot("Is this profile always for")
		s.agent.tell(agent.Update{Profiles: []agent.Status{person("GitHub", "2", "grace@example.com")}})
		s.settle()
		s.sees("Is this profile always for ada@example.com?")
	})
}

// Another account's login: both names stand there, and the two ways on are buttons.
func TestOtherAccountIsRefusedInTheWindow(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		status := person("Okta sandbox", "1", "ada@example.com")
		status.Expected = &agent.Account{Issuer: status.Issuer, Subject: "1", Name: "ada@example.com"}
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.settle()
		s.agent.refuse["login"] = &agent.Error{Kind: agent.Failed, Code: agent.CodeOtherAccount, Remedy: "for a terminal",
			Sentence: "profile Okta sandbox: the login is refused: this profile is always ada@example.com, and this was grace.hopper@navy.example.com"}
		s.onIntent(askLogin)
		s.settle()
		s.sees("always ada@example.com")
		s.sees("grace.hopper@navy.example.com")
		s.sees("The login of before is untouched")
		s.seesNot("for a terminal")
		s.sees("Copy token") // the login of before
		s.picture("account-refused")
		delete(s.agent.refuse, "login")
		s.tap(s.detail.head.refused.choose)
		s.seesNot("grace.hopper@navy.example.com")
		if o := s.agent.options[len(s.agent.options)-1]; o.Prompt != "select_account" {
			t.Errorf("options %+v", o)
		}
		s.agent.login <- agent.LoginEvent{Kind: "cancelled"}
		s.settle()

		s.agent.refuse["login"] = &agent.Error{Kind: agent.Failed, Code: agent.CodeOtherAccount, Sentence: "profile Okta sandbox: the login is refused"}
		s.onIntent(askLogin)
		s.settle()
		delete(s.agent.refuse, "login")
		s.tap(s.detail.head.refused.add)
		s.asked("another Okta sandbox", 1)
		if s.selected != "Okta sandbox 2" {
			t.Errorf("selected is %s", s.selected)
		}
		s.agent.login <- agent.LoginEvent{Kind: "cancelled"}
		s.settle()
		s.onSelect("Okta sandbox")
		s.settle()
		s.seesNot("The login is refused")
	})
}

// "Add another account" makes the profile and logs in to it, choosing the account; where it is the same one after all, that is said.
func TestAddAnotherAccount(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		first := person("Okta sandbox", "1", "ada@example.com")
		s.agent.tell(agent.Update{Profiles: []agent.Status{first}})
		s.settle()
		s.menuItem("Add another account")
		s.asked("another Okta sandbox", 1)
		s.asked("login Okta sandbox 2", 1)
		if o := s.agent.options[0]; o.Prompt != "select_account" {
			t.Errorf("options %+v", o)
		}
		s.logsIn(person("Okta sandbox 2", "1", "ada@example.com"))
		s.sees("Okta sandbox has this account, too")
		s.sees("Also in Okta sandbox")
		s.picture("account-same")
		s.tap(s.detail.head.first.choose)
		s.asked("login Okta sandbox 2", 2)
		s.logsIn(person("Okta sandbox 2", "2", "grace@example.com"))
		s.seesNot("Also in")

		// It may become the same one behind the window's back, in either profile.
		s.onSelect("Okta sandbox")
		s.settle()
		s.seesNot("Also in")
		s.agent.tell(agent.Update{Profiles: []agent.Status{person("Okta sandbox 2", "1", "ada@example.com")}})
		s.settle()
		s.sees("Also in Okta sandbox 2")

		s.agent.refuse["another"] = &agent.Error{Kind: agent.Failed, Code: "keychain", Sentence: "the keychain is locked"}
		s.menuItem("Add another account")
		s.sees("The keychain is locked")
	})
}

// Nobody logs in where nobody is asked: there is no account to add or to keep to.
func TestNoAccountsWithoutAPerson(t *testing.T) {
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		robot := person("Okta sandbox", "1", "")
		robot.Grant, robot.Attended = "client_credentials", false
		s.agent.tell(agent.Update{Profiles: []agent.Status{robot}})
		s.settle()
		if s.detail.head.account.content.Visible() {
			t.Error("a switch for nobody")
		}
		for _, item := range s.profileMenu("Okta sandbox").Items {
			if item.Label == "Add another account" {
				t.Error("an entry for nobody")
			}
		}
	})
}
