package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

func TestCopySaysWhenItClears(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.asked("copy Acme API access_token :77", 1)
		s.sees("Copied. Clears in 45 s.")
		s.pass(noteFor + time.Second)
		s.seesNot("Copied. Clears in 45 s.")
	})
}

// Issue 5, "Copy as": the common forms first, the last one taken, the rest in a submenu; each is copied by the agent.
func TestEveryFormIsCopiedByTheAgent(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		own := agent.FormInfo{Name: "netrc", Label: "my netrc", Template: "x"}
		s.actions.world.Forms = func() []agent.FormInfo { return append(agent.BuiltInForms(), own) }
		every := func(menu *fyne.Menu, each func(*fyne.MenuItem)) {
			for _, item := range menu.Items {
				switch {
				case item.ChildMenu != nil:
					for _, below := range item.ChildMenu.Items {
						if !below.IsSeparator {
							each(below)
						}
					}
				case !item.IsSeparator:
					each(item)
				}
			}
		}
		every(s.formsMenu(), func(item *fyne.MenuItem) { item.Action(); s.settle() })
		for _, form := range append(agent.BuiltInForms(), own) {
			s.asked("copy Acme API "+form.Name+" :77", 1)
		}
		s.sees("my netrc copied. Clears in 45 s.")
		if n := len(s.formsMenu().Items); n > 7 {
			t.Errorf("%d entries at once", n)
		}
		status := *s.model.status("Acme API")
		status.LastForm = "postman"
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.settle()
		if item := s.formsMenu().Items[4]; item.Label != "Copy Postman environment" {
			t.Errorf("the last form is not at hand but %q", item.Label)
		}
		s.onSelect("GitHub") // without an API base URL and an ID token
		every(s.formsMenu(), func(item *fyne.MenuItem) {
			for _, form := range agent.BuiltInForms() {
				if strings.Contains(item.Label, form.Label) && item.Disabled != (form.NeedsAPI || form.NeedsID) && item.Label != "Copy as" {
					t.Errorf("%q: disabled=%t", item.Label, item.Disabled)
				}
			}
		})
	})
}

func TestOffersFollowTheState(t *testing.T) {
	for _, c := range []struct {
		status agent.Status
		want   string
	}{
		{agent.Status{State: agent.LoggedOut}, "Log in"},
		{agent.Status{State: agent.LoginRequired}, "Log in, Log out"},
		{agent.Status{State: agent.LoggingIn}, "Open again, Copy link, Cancel"},
		{agent.Status{State: agent.LoggedIn, Refreshable: true}, "Copy token, Refresh, Log out"},
		{agent.Status{State: agent.Expiring}, "Copy token, Log in again, Log out"},
		{agent.Status{State: agent.Offline, Refreshable: true}, "Copy token, Try now, Log out"},
		{agent.Status{State: agent.Unusable}, "Edit profile"},
		{agent.Status{State: agent.Unusable, Problem: &agent.Problem{Code: "keychain"}}, "See what is missing, Edit profile"},
	} {
		var labels []string
		for _, o := range offers(scene{status: c.status, online: true}) {
			labels = append(labels, o.label)
		}
		if got := strings.Join(labels, ", "); got != c.want {
			t.Errorf("%s offers %q, want %q", c.status.State, got, c.want)
		}
		for _, o := range offers(scene{status: c.status}) {
			if o.enabled {
				t.Errorf("%s offers %q without an agent", c.status.State, o.label)
			}
		}
	}
}

func TestThePrimaryActionNeverMoves(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		left := s.detail.head.commands.primary.Position().X
		for _, name := range s.model.order {
			s.onSelect(name)
			s.settle()
			if x := s.detail.head.commands.primary.Position().X; x != left || !s.detail.head.commands.primary.Visible() {
				t.Errorf("%s: the primary button is at %g, want %g", name, x, left)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.key(fyne.KeyDown)
		if s.selected != "GitHub" {
			t.Errorf("down selects %q", s.selected)
		}
		s.key(fyne.KeyUp)
		s.ctrl(fyne.KeyC)
		s.asked("copy Acme API access_token :77", 1)
		s.ctrl(fyne.KeyR)
		s.asked("refresh Acme API", 1)
		s.key(fyne.KeyReturn)
		s.asked("copy Acme API access_token :77", 2)

		s.ctrl(fyne.KeyF)
		for _, r := range "staging" {
			s.sidebar.search.TypedRune(r)
		}
		s.settle()
		if s.selected != "Acme API staging" {
			t.Errorf("the search selects %q", s.selected)
		}
		s.key(fyne.KeyDown) // the search still has the focus
		if s.selected != "Keycloak" {
			t.Errorf("down from the search selects %q", s.selected)
		}
		s.key(fyne.KeyUp)
		s.ctrl(fyne.KeyC) // nothing is selected in the search: the token is meant
		s.asked("copy Acme API staging access_token :77", 1)
		s.sidebar.search.Entry.TypedShortcut(&fyne.ShortcutSelectAll{})
		s.ctrl(fyne.KeyC) // now the text is
		s.asked("copy Acme API staging access_token :77", 1)
		if got := fyne.CurrentApp().Clipboard().Content(); got != "staging" {
			t.Errorf("the clipboard holds %q", got)
		}
		s.key(fyne.KeyEscape)
		if s.sidebar.search.Text != "" || len(s.model.rows) < len(s.model.order) {
			t.Error("Escape did not clear the search")
		}
		s.ctrl(fyne.KeyComma)
		if s.page == nil {
			t.Fatal("no settings")
		}
		s.ctrl(fyne.KeyC) // a page is over the profile: its token is not meant
		s.asked("copy Acme API staging access_token :77", 1)
		s.key(fyne.KeyEscape)
		if s.page != nil {
			t.Error("Escape did not leave the settings")
		}
		s.key(fyne.KeyF1)
		s.sees("Copy the selected profile")
		s.key(fyne.KeyEscape)
		s.seesNot("Copy the selected profile")
		s.ctrl(fyne.KeyN)
		if s.page == nil {
			t.Error("Ctrl+N after a sheet opened nothing")
		}
	})
}

func TestAValueIsCopiedByAPressAndTheKeysGoOn(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.ctrl(fyne.Key2)
		s.sees("realm_access")
		for i, fact := range s.detail.tabs.claims.at.shown {
			if fact.name == "jti" {
				s.tap(s.detail.tabs.claims.at.values[i])
			}
		}
		if got := fyne.CurrentApp().Clipboard().Content(); got != "f2c3a7de-18ab-4c1f-9f59-0d3b0b1c2e44" {
			t.Errorf("the clipboard holds %q", got)
		}
		s.sees("jti copied.")
		s.key(fyne.KeyDown)
		if s.selected != "GitHub" {
			t.Errorf("down selects %q", s.selected)
		}
	})
}

func TestEnterPressesTheButtonWithTheFocus(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.window.Canvas().Focus(s.detail.head.commands.others[0])
		s.key(fyne.KeyReturn)
		s.asked("refresh Acme API", 1)
		s.asked("copy Acme API access_token :77", 0)
		s.key(fyne.KeyDown) // a button swallows no other key
		if s.selected != "GitHub" {
			t.Errorf("down selects %q", s.selected)
		}
	})
}

func TestATokenIsMaskedUntilPressedAndAgainAfter30s(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		token := s.detail.tabs.token
		s.seesNot("SECRET")
		s.asked("token Acme API", 0)
		s.tap(token.access.reveal)
		s.sees("access-c4n4ry")
		s.seesNot("id-c4n4ry")
		s.pass(29 * time.Second)
		s.sees("SECRET")
		s.pass(2 * time.Second)
		s.seesNot("SECRET")
		if strings.Contains(token.access.text.Text, "SECRET") {
			t.Error("the widget keeps the token after it was masked")
		}
		for name, leave := range map[string]func(){
			"hide":            func() { s.tap(token.access.reveal) },
			"another profile": func() { s.onSelect("GitHub") },
			"another tab":     func() { s.detail.tabs.content.SelectIndex(1) },
			"a page":          func() { s.openSettings(); s.back() },
			"a new token": func() {
				fresh := s.agent.statuses[0]
				fresh.ObtainedAt = at(time.Minute)
				s.agent.tell(agent.Update{Profiles: []agent.Status{fresh}})
			},
		} {
			s.detail.tabs.content.SelectIndex(0)
			s.onSelect("Acme API")
			s.settle()
			s.tap(token.access.reveal)
			s.sees("SECRET")
			leave()
			s.settle()
			if strings.Contains(s.screen()+token.access.text.Text, "SECRET") {
				t.Errorf("the token is still there after %s", name)
			}
		}
		s.onSelect("Acme API")
		s.onReveal(token.access, false)
		s.onSelect("GitHub") // before the answer
		s.settle()
		s.seesNot("SECRET")
	})
}

func TestLoginOpensItsPageOnceAndHelpsAfter20s(t *testing.T) { // F-080
	play(t, "Okta sandbox", func(t *testing.T, s *stage) {
		s.tap(s.detail.head.commands.primary)
		s.asked("login Okta sandbox", 1)
		status := *s.model.status("Okta sandbox")
		status.State = agent.LoggingIn
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.agent.login <- agent.LoginEvent{Kind: "open", URL: "https://login.example.com/authorize?x=1", Browser: "firefox -P work", Until: noon.Add(5 * time.Minute)}
		s.settle()
		if len(s.opened) != 1 || s.opened[0] != "https://login.example.com/authorize?x=1 firefox -P work" {
			t.Fatalf("opened %q", s.opened)
		}
		s.sees("Waiting for the browser")
		s.pass(19 * time.Second)
		s.seesNot("Wrong browser?")
		s.pass(2 * time.Second)
		s.sees("Wrong browser?")
		s.tap(s.detail.head.commands.others[0])
		if got := fyne.CurrentApp().Clipboard().Content(); got != "https://login.example.com/authorize?x=1" {
			t.Errorf("the copied link is %q", got)
		}
		s.tap(s.detail.head.commands.primary) // open again
		if len(s.opened) != 2 {
			t.Errorf("opened %d times, want 2", len(s.opened))
		}
		s.key(fyne.KeyEscape)
		s.asked("cancel Okta sandbox", 1)
		status.State = agent.LoggedOut
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.settle()
		s.seesNot("Waiting for the browser")
		s.sees("The login was cancelled.")
	})
}

func TestAJoinedLoginOpensNoSecondPageUnlessAsked(t *testing.T) {
	play(t, "Entra", func(t *testing.T, s *stage) { // another face began it
		if !s.detail.head.commands.others[0].Disabled() {
			t.Error("a link can be copied that nobody told this window")
		}
		s.logIn("Entra", agent.LoginOptions{}, nil)
		s.settle()
		s.agent.login <- agent.LoginEvent{Kind: "open", URL: "https://a.example/", Joined: true, Until: noon.Add(time.Minute)}
		s.settle()
		if len(s.opened) != 0 {
			t.Errorf("a joined login opened %q", s.opened)
		}
		s.tap(s.detail.head.commands.primary)
		if len(s.opened) != 1 {
			t.Errorf("Open again opened %d pages", len(s.opened))
		}
	})
}

func TestTheWindowSaysThatTheAgentIsGoneAndComesBack(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.seesNot("The agent has ended")
		s.agent.die()
		s.settle()
		s.sees("The agent has ended. Starting it again")
		for _, b := range []*button{s.detail.head.commands.primary, s.detail.head.commands.forms, s.detail.head.commands.others[1], s.detail.tabs.token.access.reveal} {
			if !b.Disabled() {
				t.Errorf("%q can be pressed without an agent", b.Text)
			}
		}
		s.ctrl(fyne.KeyC)
		s.asked("copy Acme API access_token :77", 0)
		s.pass(30 * time.Second)
		tries := 0
		for _, c := range s.agent.calls() {
			if c == "start" {
				tries++
			}
		}
		if tries < 6 || tries > 14 { // 0.2, 0.4, 0.8, 1.6, 3.2 s, then each 5 s
			t.Errorf("%d attempts in 30 s", tries)
		}
		s.agent.revive()
		s.pass(6 * time.Second)
		s.seesNot("Starting it again")
		s.ctrl(fyne.KeyC)
		s.asked("copy Acme API access_token :77", 1)
		if s.selected != "Acme API" {
			t.Errorf("%q is selected after the agent came back", s.selected)
		}
	})
}

func TestTheWindowSaysThatItWaitsForTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		fake.startTakes = 30 * time.Second
		fake.refuse["start"] = &agent.Error{Kind: agent.Unreachable, Code: agent.CodeSilent, Sentence: "the agent that runs, process 42, does not answer", Remedy: "if it was stopped, let it go on: kill -CONT 42"}
		s := newStage(t, fake, "")
		s.seesNot("Waiting for the agent")
		s.pass(time.Second)
		s.sees("Waiting for the agent …")
		s.seesNot("Tokens, one click away") // who knows
		s.pass(30 * time.Second)
		s.sees("The agent that runs, process 42, does not answer. If it was stopped, let it go on: kill -CONT 42. Trying again …")
		fake.mu.Lock()
		fake.startTakes = 0
		delete(fake.refuse, "start")
		fake.mu.Unlock()
		s.pass(40 * time.Second)
		for _, gone := range []string{"Waiting for the agent", "Trying again"} {
			s.seesNot(gone)
		}
		s.sees("Tokens, one click away")
	})
}

func TestTheEmptyWindowInvitesToTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), "")
		s.sees("Tokens, one click away")
		s.tap(s.empty.demo)
		s.asked("demo", 1)
		if s.selected != "Demo" {
			t.Errorf("%q is selected", s.selected)
		}
		s.seesNot("Tokens, one click away")
		s.agent.tell(agent.Update{Removed: []string{"Demo"}})
		s.settle()
		s.sees("Tokens, one click away")
	})
}

func TestAtStartTheProfileThatNeedsSomebodyIsSelected(t *testing.T) {
	play(t, "", func(t *testing.T, s *stage) {
		if s.selected != "Acme API staging" { // the first that expires and cannot be refreshed
			t.Errorf("%q is selected", s.selected)
		}
		s.sees("Log in again before it ends.")
	})
}

func TestAProblemSaysWhatSinceWhenAndWhenNext(t *testing.T) {
	play(t, "Keycloak", func(t *testing.T, s *stage) {
		s.sees("The server ended the session (invalid_grant).")
		s.sees("Since " + noon.Add(-2*time.Hour).Local().Format("15:04:05"))
		name := s.model.order[2]
		s.onSelect(name)
		s.settle()
		s.sees("next try at " + noon.Add(40*time.Second).Local().Format("15:04:05") + " (in 40 s)")
		s.pass(10 * time.Second)
		s.sees(" (in 30 s)")
	})
}

func TestTenThousandProfilesAreTwentyWidgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(many(10000)...), "")
		fills := 0
		fill := s.sidebar.rows.fill
		s.sidebar.rows.fill = func(r listRow, view *row) {
			fills++
			fill(r, view)
		}
		made := func() int { return len(s.sidebar.rows.live) + len(s.sidebar.rows.spare) }
		for range 300 {
			s.sidebar.rows.scroll.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, -2000)})
		}
		if n := made(); n > 45 {
			t.Errorf("%d row widgets exist after scrolling through 10,000 profiles", n)
		}
		s.key(fyne.KeyEnd)
		last := s.model.rows[len(s.model.rows)-1].name
		if s.selected != last || s.sidebar.rows.live[len(s.model.rows)-1] == nil {
			t.Errorf("End selects %q, want %q in sight", s.selected, last)
		}
		visible := len(s.sidebar.rows.live)

		fills = 0
		changed := *s.model.status(last)
		changed.Account = "new@example.com"
		s.agent.tell(agent.Update{Profiles: []agent.Status{changed}})
		s.settle()
		if fills != 1 {
			t.Errorf("an update of one profile redrew %d rows", fills)
		}
		s.sees("new@example.com")
		fills = 0
		far := *s.model.status("profile 00000")
		far.Account = "far@example.com"
		s.agent.tell(agent.Update{Profiles: []agent.Status{far}})
		s.settle()
		if fills != 0 {
			t.Errorf("an update out of sight redrew %d rows", fills)
		}
		s.pass(listEach * time.Second)
		if fills > visible {
			t.Errorf("%d rows were redrawn in %d s, want at most the %d in sight once", fills, listEach, visible)
		}
	})
}

func TestASearchWithoutAMatchLeavesNoRows(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.sidebar.search.SetText("zzz")
		s.settle()
		if n := len(s.sidebar.rows.sheet.Objects); n != 0 {
			t.Errorf("%d rows are drawn", n)
		}
		s.sees("No profile matches")
		s.sidebar.search.SetText("")
		s.settle()
		s.seesNot("No profile matches")
		s.sees("PRODUCTION")
	})
}

func TestHeadingsCannotBeSelected(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.sidebar.rows.live[0].Tapped(nil)
		s.settle()
		if s.selected != "Acme API" {
			t.Errorf("a heading selected %q", s.selected)
		}
		s.sidebar.rows.live[2].Tapped(nil)
		s.settle()
		if s.selected != "GitHub" {
			t.Errorf("a row selected %q", s.selected)
		}
	})
}

func TestTimesInTheTabsMove(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.sees("in 42 min · ")
		s.pass(75 * time.Second)
		s.seesNot("in 42 min · ")
		s.sees("in 40 min · ")
	})
}

func TestNothingIsRefreshedThatCannotBe(t *testing.T) {
	play(t, "Acme API staging", func(t *testing.T, s *stage) {
		s.ctrl(fyne.KeyR)
		s.asked("refresh Acme API staging", 0)
	})
}

func TestRemovingAsksFirst(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.remove("Acme API")
		s.sees("Remove Acme API?")
		s.key(fyne.KeyReturn) // the focus is on Cancel
		s.asked("remove Acme API", 0)
		s.remove("Acme API")
		s.tap(s.latest.question.yes)
		s.asked("remove Acme API", 1)
		if s.model.status("Acme API") != nil || s.selected == "Acme API" {
			t.Error("the profile is still there")
		}
	})
}

func TestAnErrorIsSaidOnceInWords(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.refuse["refresh"] = &agent.Error{Kind: agent.TryAgain, Code: "network", Sentence: "profile Acme API: the server does not answer", Remedy: "try again"}
		s.tap(s.detail.head.commands.others[0])
		s.sees("The server does not answer.")
		s.sees("Try again.")
		s.pass(time.Minute) // it does not go away unread
		s.sees("The server does not answer.")
		s.key(fyne.KeyEscape)
		s.seesNot("The server does not answer.")
		s.tap(s.detail.head.commands.others[0])
		s.onSelect("GitHub")
		s.settle()
		s.seesNot("The server does not answer.")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), "")
		s.agent.refuse["demo"] = &agent.Error{Code: "demo", Sentence: "the demo server did not start", Remedy: "see that programs may listen on 127.0.0.1"}
		s.tap(s.empty.demo)
		s.sees("The demo server did not start.")
	})
}

func TestPrimaryActionStaysInPlace(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		place := func() fyne.Position {
			s.detail.head.content.Refresh() // lays out, as the next frame does
			return fyne.CurrentApp().Driver().AbsolutePositionForObject(s.detail.head.commands.primary)
		}
		want := place()
		for _, status := range crowd() {
			s.Window.Select(status.Name)
			s.settle()
			if got := place(); got != want {
				t.Errorf("%s (%s): the primary action is at %v, elsewhere at %v", status.Name, status.State, got, want)
			}
		}
	})
}

func TestStoppedOnPurposeClosesTheWindow(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		closed := false
		s.window.SetOnClosed(func() { closed = true; s.Close() })
		s.agent.leave(&agent.Error{Kind: agent.Unreachable, Code: agent.CodeStopped, Sentence: "the agent was stopped"})
		s.settle()
		if !closed {
			t.Error("the window stays, and would start another agent")
		}
	})
}

func TestEnterOnTheEmptyWindowTriesTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), "")
		s.settle()
		s.key(fyne.KeyReturn)
		s.asked("demo", 1)
	})
}
