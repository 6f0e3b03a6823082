package ui

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

func chain() agent.Exploration {
	return agent.Exploration{URL: "https://api.example.com/mcp", Resource: "https://api.example.com", Servers: []string{"https://login.example.com"}, Client: "registration",
		Hosts: []agent.ChainHost{{Host: "api.example.com", Role: "API", Gets: "the access token", New: true}, {Host: "api.example.com", Role: "resource metadata", Gets: "a request without credentials", New: true},
			{Host: "login.example.com", Role: "authorization server", Gets: "the login, the client's registration and the refresh token"}}}
}

// every host is on the screen before anything is sent there; what is adopted names those and no other.
func TestAnAddressBecomesALoginAndAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), "")
		s.picture("empty")
		s.tap(s.empty.byURL)
		v := s.page.about.(*urlView)
		if !v.look.Disabled() || !v.login.Disabled() {
			t.Error("there is nothing to look at yet")
		}
		s.agent.chain, s.agent.hold = chain(), make(chan struct{}, 1)
		v.address.SetText("api.example.com/mcp")
		s.key(fyne.KeyReturn)
		s.asked("explore https://api.example.com/mcp", 1)
		s.sees("Asking api.example.com what it wants")
		s.tap(v.stop)
		s.seesNot("Asking api.example.com")
		s.agent.hold <- struct{}{}
		s.tap(v.look)
		s.picture("url-found")
		if n := len(v.chain.Objects); n != 2 {
			t.Errorf("%d cards for two hosts", n)
		}
		for _, text := range []string{"api.example.com", "gets the access token", "login.example.com", "gets the login", "new", "Fob registers itself"} {
			s.sees(text)
		}
		s.asked("adopt https://api.example.com/mcp", 0)
		s.agent.reply = agent.Response{Status: 200, Header: []agent.HeaderField{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(`{"who":"SECRET"}`)}
		s.ctrl(fyne.KeyS)
		s.asked("adopt https://api.example.com/mcp", 1)
		if a := s.agent.adopted[0]; a.Server != "https://login.example.com" || strings.Join(a.Hosts, " ") != "api.example.com api.example.com login.example.com" || a.ClientID != "" {
			t.Errorf("adopted %+v", a)
		}
		if s.page != nil || s.selected != "api.example.com" {
			t.Errorf("%q is selected", s.selected)
		}
		s.asked("login api.example.com", 1)
		s.waits(agent.LoginEvent{Kind: "open", URL: "https://login.example.com/a", Until: noon.Add(time.Minute)})
		done := *s.model.status(s.selected)
		done.State, done.Scope = agent.LoggedIn, []string{"mcp"}
		s.agent.tell(agent.Update{Profiles: []agent.Status{done}})
		s.settle()
		s.agent.login <- agent.LoginEvent{Kind: "done", Status: &done}
		s.settle()
		s.asked("request api.example.com GET ", 1)
		s.sees("200 OK · application/json · 16 bytes · ")
		s.seesNot("SECRET") // what an API answers is shown when asked for
		s.tap(s.detail.tabs.try.answer.more)
		s.sees("SECRET")
		s.picture("api-answer")
		s.tap(s.detail.tabs.try.answer.more)
		s.seesNot("SECRET")
	})
}

func TestWhatWasFoundBelongsToItsAddress(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.chain = chain()
		s.agent.chain.Servers = []string{"https://a.example.com", "https://b.example.com"}
		s.agent.chain.Client, s.agent.chain.Profiles = "ask", []string{"GitHub"}
		s.ctrl(fyne.KeyU)
		v := s.page.about.(*urlView)
		v.address.SetText("https://api.example.com/mcp")
		s.key(fyne.KeyReturn)
		s.picture("url-ask")
		s.sees("The profile GitHub is for this API already.")
		if len(v.servers.Options) != 2 {
			t.Errorf("the servers on offer are %q", v.servers.Options)
		}
		if !v.login.Disabled() || s.window.Canvas().Focused() != fyne.Focusable(v.id) {
			t.Error("a server is to be chosen and a client id to be given first")
		}
		v.servers.SetSelected("https://b.example.com")
		if !v.login.Disabled() {
			t.Error("it logs in without a client")
		}
		v.id.SetText("mine")
		v.secret.SetText("SECRET")
		s.seesNot("SECRET")
		if v.login.Disabled() {
			t.Error("nothing is missing any more")
		}
		v.address.SetText("https://other.example.com")
		if !v.login.Disabled() || v.result.Visible() {
			t.Error("what was found for one address stands under another")
		}
		v.address.SetText("https://api.example.com/mcp")
		s.tap(v.look)
		v.servers.SetSelected("https://b.example.com")
		s.tap(v.login)
		if a := s.agent.adopted[0]; a.Server != "https://b.example.com" || a.ClientID != "mine" || a.ClientSecret != "SECRET" {
			t.Errorf("adopted %s for %s", a.Server, a.ClientID)
		}
		s.addFromURL()
		s.agent.refuse["explore"] = &agent.Error{Sentence: "https://api.example.com/mcp answered without a token", Remedy: "give the address that is refused without one"}
		v = s.page.about.(*urlView)
		v.address.SetText("https://api.example.com/mcp")
		s.tap(v.look)
		s.sees("Give the address that is refused without one.")
	})
}

// what an API asks for beyond the token is one press away.
func TestAStepUpIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		age := 0
		for _, c := range []struct {
			options agent.LoginOptions
			label   string
		}{
			{agent.LoginOptions{Scope: []string{"admin"}}, "Log in again with admin"},
			{agent.LoginOptions{ACRValues: []string{"phr", "phrh"}}, "Log in again with phr or phrh"},
			{agent.LoginOptions{MaxAge: &age}, "Log in again now"},
		} {
			if got := stepUpLabel(c.options); got != c.label {
				t.Errorf("%+v is called %q", c.options, got)
			}
		}
		fake := newFake(crowd()...)
		fake.reply = agent.Response{Status: 403, StepUp: &agent.StepUp{Reason: "the API wants the scope admin", Options: agent.LoginOptions{Scope: []string{"admin"}}}}
		s := newStage(t, fake, "Acme API")
		s.tap(s.detail.tabs.token.try)
		try := s.detail.tabs.try
		try.method.SetSelected("POST")
		try.path.SetText("/refused")
		try.body.SetText("{}")
		s.tap(try.send)
		try.method.SetSelected("DELETE") // typed for later: not what the API refused
		try.path.SetText("/other")
		try.headers.SetText("nonsense")
		s.picture("step-up")
		s.sees("The API wants the scope admin.")
		s.sees("403 Forbidden")
		s.tap(try.answer.again)
		if o := fake.options; len(o) != 1 || len(o[0].Scope) != 1 || o[0].Scope[0] != "admin" {
			t.Fatalf("logged in with %+v", o)
		}
		fake.login <- agent.LoginEvent{Kind: "done", Status: &agent.Status{Name: "Acme API"}}
		s.settle()
		s.asked("request Acme API POST /refused", 2) // the call that was refused is made again
		if r := fake.requests; len(r) != 2 || string(r[1].Body) != "{}" || !reflect.DeepEqual(r[0], r[1]) {
			t.Errorf("asked was %+v", r)
		}
		if try.path.Text != "/other" || try.method.Selected != "DELETE" {
			t.Error("what was typed is gone")
		}
		s.onSelect("GitHub")
		s.seesNot("The API wants the scope admin.")
	})
}
