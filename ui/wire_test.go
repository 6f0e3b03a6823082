package ui

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
	"fob/profiles"
)

// runs are a device login that was polled, and a refresh that failed.
func runs(t *testing.T) []agent.TraceRun {
	t.Helper()
	step := func(text string) agent.TraceStep {
		var s agent.TraceStep
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	poll := `{"what":"token endpoint","method":"POST","url":"https://login.example.com/token","took":31000000,"status":400,"answer":"{\"error\":\"authorization_pending\"}","explanation":"asks whether you have allowed it"}`
	login := agent.TraceRun{Operation: "login", At: noon.Add(-10 * time.Minute), Steps: []agent.TraceStep{
		step(`{"what":"server metadata","method":"GET","url":"https://login.example.com/.well-known/openid-configuration","took":120000000,"status":200,"answer":"{\"issuer\":\"https://login.example.com\"}","explanation":"reads where the endpoints are","notes":["client authentication: none, because there is no secret","access_token: {` + strings.Repeat("x", 200) + `}"]}`),
		step(`{"what":"authorization request","method":"GET","url":"https://login.example.com/authorize?client_id=fob","browser":true,"explanation":"sends your browser to the login page"}`),
		step(poll), step(poll), step(poll), step(poll), step(poll),
		step(`{"what":"token endpoint","method":"POST","url":"https://login.example.com/token","took":143000000,"status":200,"header":[{"name":"Content-Type","value":"application/x-www-form-urlencoded"}],
			"form":[{"name":"code","value":"[secret]","secret":true}],"answer_header":[{"name":"Date","value":"Fri, 20 Nov 2026 12:00:00 GMT"}],"answer":"{\"access_token\":\"[secret]\",\"expires_in\":3600}",
			"explanation":"exchanges the code for tokens","curl":"curl -d code=$CODE https://login.example.com/token"}`),
	}}
	refresh := agent.TraceRun{Operation: "refresh", At: noon.Add(-time.Minute), Problem: "the server ended the session (invalid_grant)", Steps: []agent.TraceStep{
		step(`{"what":"token endpoint","method":"POST","url":"https://login.example.com/token","took":52000000,"status":400,"answer":"{\"error\":\"invalid_grant\"}","problem":"invalid_grant","explanation":"asks for a new access token"}`),
	}}
	return []agent.TraceRun{refresh, login}
}

func TestTheWireIsToldStepByStep(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.asked("trace Acme API", 0) // nobody looks
		s.ctrl(fyne.Key4)
		s.asked("trace Acme API", 1)
		s.sees("after the next login or refresh") // the empty state says when it fills
		s.agent.runs = runs(t)
		s.onSelect("GitHub")
		s.settle()
		s.window.Resize(fyne.NewSize(980, 900))
		s.picture("wire")
		for _, text := range []string{"LAST REFRESH", "LAST LOGIN", "8 steps", "Server metadata", "200 · 120 ms", "in the browser", "Exchanges the code for tokens.", "because there is no secret", "3 more of the same",
			"The server ended the session (invalid_grant)."} {
			s.sees(text)
		}
		s.seesNot("$CODE")
		s.seesNot("xxxx") // what is long waits until the step is unfolded
		list := s.detail.tabs.wire.runs.Objects[1].(*fyne.Container).Objects
		last := list[len(list)-1].(*stepRow)
		s.tap(last)
		s.picture("wire-open")
		s.sees("code=[secret]")
		s.sees("Content-Type: application/x-www-form-urlencoded")
		s.sees(`"expires_in": 3600`)
		s.agent.tell(agent.Update{Profiles: []agent.Status{*s.model.status("GitHub")}})
		s.settle()
		s.sees("code=[secret]") // news of the profile fold nothing away
		for _, o := range last.more.Objects {
			if row, ok := o.(*fyne.Container); ok && len(row.Objects) == 1 {
				if b, ok := row.Objects[0].(*button); ok {
					s.tap(b)
				}
			}
		}
		if got := fyne.CurrentApp().Clipboard().Content(); !strings.HasPrefix(got, "curl -d code=$CODE") {
			t.Errorf("copied %q", got)
		}
		s.onSelect("Okta sandbox")
		s.seesNot("code=[secret]")
		robot := *s.model.status("Okta sandbox")
		robot.Grant = "client_credentials"
		s.agent.tell(agent.Update{Profiles: []agent.Status{robot}})
		s.settle()
		s.onSelect("GitHub")
		s.settle()
		s.onSelect("Okta sandbox")
		s.settle()
		s.sees("LAST TOKEN") // where nobody logs in
	})
}

// F-171, F-172: the server is asked when somebody asks, and what it said is of that token alone.
func TestTheServerIsAsked(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.window.Resize(fyne.NewSize(980, 900))
		s.agent.active = agent.Introspection{Active: true, Verified: true, Claims: map[string]any{"client_id": "fob", "scope": "orders:read"}}
		s.agent.userinfo = map[string]any{"sub": "248289761001", "name": "Ada Lovelace"}
		s.tap(s.detail.tabs.token.server.ask)
		s.asked("introspect Acme API access_token", 1)
		s.picture("introspection")
		s.sees("The token is active (signed answer")
		s.sees("orders:read")
		s.agent.active = agent.Introspection{}
		s.tap(s.detail.tabs.token.server.ask)
		s.sees("not active")
		s.ctrl(fyne.Key2)
		s.tap(s.detail.tabs.claims.who.ask)
		s.asked("userinfo Acme API", 1)
		s.picture("whoami")
		s.sees("You are Ada Lovelace")
		fresh := *s.model.status("Acme API")
		fresh.ObtainedAt = at(time.Minute)
		s.agent.tell(agent.Update{Profiles: []agent.Status{fresh}})
		s.settle()
		s.seesNot("You are Ada Lovelace")
		s.ctrl(fyne.Key1)
		s.seesNot("not active")
	})
}

// F-182, and the badges of what is weak.
func TestTheProfileTabHasKeysAndBadges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := crowd()
		weak := profiles.Profile{Name: "Acme API", Issuer: "https://login.example.com", ClientID: "fob", TokenEndpointAuthMethod: "private_key_jwt", TokenEndpointAuthSigningAlg: "PS256", TLSSkipVerify: true, AllowHTTP: true}
		for _, w := range weak.Weaknesses() {
			all[0].Weaknesses = append(all[0].Weaknesses, agent.Weakness(w))
		}
		fake := newFake(all...)
		fake.views["Acme API"] = agent.ProfileView{Profile: weak, Secrets: []string{"private_key"}}
		s := newStage(t, fake, "Acme API")
		s.picture("weak-token")
		s.sees("weak")
		s.sees("2 settings are weak: Allow plain http, Skip TLS checks")
		s.ctrl(fyne.Key6)
		s.picture("weak-profile")
		s.sees("WEAK SETTINGS")
		s.sees("Nobody checks who the server is: everybody")
		tab := s.detail.tabs.profile
		if len(tab.buttons) != 2 {
			t.Fatal("no keys")
		}
		s.tap(tab.buttons[0])
		s.asked("keys Acme API", 1)
		if got := fyne.CurrentApp().Clipboard().Content(); !strings.Contains(got, `"kid": "one"`) {
			t.Errorf("copied %q", got)
		}
		s.tap(tab.buttons[1])
		s.sees("Replace the key")
		s.asked("make key Acme API PS256 replace=true", 0)
		s.tap(s.latest.question.yes)
		s.asked("make key Acme API PS256 replace=true", 1)
		if got := fyne.CurrentApp().Clipboard().Content(); !strings.Contains(got, `"kid": "two"`) {
			t.Errorf("copied %q", got)
		}
		s.onSelect("GitHub")
		s.settle()
		if len(s.detail.tabs.profile.buttons) != 0 {
			t.Error("a profile without a key offers some")
		}
		s.seesNot("WEAK SETTINGS")
	})
}
