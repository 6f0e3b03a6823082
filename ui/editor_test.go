package ui

import (
	"strings"
	"testing"
	"testing/synctest"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
	"fob/profiles"
)

func preset(t *testing.T, id string) profiles.Preset {
	t.Helper()
	p, ok := profiles.PresetByID(id)
	if !ok {
		t.Fatalf("no preset %s", id)
	}
	return p
}

func TestSaveIsForWhatIsValid(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		if !e.save.Disabled() || e.reason.text == "" {
			t.Errorf("a profile without an issuer can be saved; the reason is %q", e.reason.text)
		}
		if got := e.field("client_id").hint.words.Text; strings.Contains(got, "missing") {
			t.Errorf("an untouched field complains: %q", got)
		}
		e.field("issuer").entry.SetText("login.example.com")
		if got := e.field("issuer").hint.words.Text; !strings.Contains(got, "https://") {
			t.Errorf("the field says %q", got)
		}
		if !strings.HasPrefix(e.reason.text, "Issuer ") {
			t.Errorf("the reason is %q", e.reason.text)
		}
		e.field("issuer").entry.SetText("https://login.example.com")
		e.field("client_id").entry.SetText("fob")
		e.field("name").entry.SetText("GitHub")
		if !e.save.Disabled() || !strings.Contains(e.reason.text, "another profile") {
			t.Errorf("a taken name can be saved; the reason is %q", e.reason.text)
		}
		e.field("name").entry.SetText("work")
		if e.save.Disabled() || e.reason.text != "" {
			t.Fatalf("a valid profile cannot be saved: %q", e.reason.text)
		}
		s.ctrl(fyne.KeyS)
		if len(s.agent.edits) != 1 {
			t.Fatalf("%d profiles were saved", len(s.agent.edits))
		}
		edit := s.agent.edits[0]
		if !edit.Create || edit.Rename != "" || edit.Profile.Name != "work" || edit.Profile.Issuer != "https://login.example.com" || edit.Profile.Preset != "oidc" || len(edit.Secrets) != 0 {
			t.Errorf("saved %+v", edit)
		}
		if s.page != nil || s.selected != "work" {
			t.Errorf("after saving %q is selected", s.selected)
		}
	})
}

func TestAnswersFillTheFields(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "keycloak"))
		e := s.editorOf()
		if len(e.answers) != 2 {
			t.Fatalf("%d questions", len(e.answers))
		}
		e.answers[0].entry.SetText("https://sso.example.com")
		e.answers[1].entry.SetText("dev")
		if got := e.draft.profile.Issuer; got != "https://sso.example.com/realms/dev" {
			t.Errorf("the issuer is %q", got)
		}
		e.field("issuer").entry.SetText("https://own.example.com")
		e.answers[1].entry.SetText("prod")
		if got := e.draft.profile.Issuer; got != "https://own.example.com" {
			t.Errorf("an answer overwrote what was typed: %q", got)
		}
	})
}

func TestEveryPresetCanBeBegun(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		for _, p := range profiles.Presets() {
			if p.ID == "demo" {
				continue
			}
			s.fromPreset(p)
			e := s.editorOf()
			for key, problem := range e.problems {
				if !strings.HasPrefix(problem, "is missing") {
					t.Errorf("%s begins with a mistake: %s %s", p.ID, key, problem)
				}
			}
			e.advanced.unfold()
			for _, q := range p.Questions {
				if strings.Contains(s.screen(), "{"+q.Key+"}") {
					t.Errorf("%s shows the placeholder of %s", p.ID, q.Key)
				}
			}
			s.back()
		}
	})
}

func TestAStoredSecretNeverComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(crowd()...)
		fake.views["Acme API"] = agent.ProfileView{Profile: profiles.Profile{Name: "Acme API", Issuer: "https://login.example.com", ClientID: "fob", TokenEndpointAuthMethod: "client_secret_basic"}, Secrets: []string{"client_secret"}}
		s := newStage(t, fake, "Acme API")
		open := func() *editor {
			s.edit("Acme API")
			s.settle()
			return s.editorOf()
		}
		e := open()
		secret := e.field("client_secret")
		if secret.entry.Text != "" || !secret.entry.Password || secret.entry.PlaceHolder != "stored; leave empty to keep it" {
			t.Errorf("the secret's field holds %q behind %q", secret.entry.Text, secret.entry.PlaceHolder)
		}
		if e.changed() {
			t.Error("a form that nobody touched has changed")
		}
		e.field("audience").entry.SetText("api")
		e.onSave()
		s.settle()
		if got := s.agent.edits[0].Secrets; len(got) != 0 {
			t.Errorf("a secret left alone was sent: %d of them", len(got))
		}
		e = open()
		e.field("client_secret").entry.SetText(canary)
		s.seesNot("SECRET") // it is typed into a password field
		e.onSave()
		s.settle()
		if got := s.agent.edits[1].Secrets["client_secret"]; got != canary {
			t.Error("the typed secret was not sent")
		}
		e = open()
		e.forget.SetChecked(true)
		e.onSave()
		s.settle()
		if got, there := s.agent.edits[2].Secrets["client_secret"]; !there || got != "" {
			t.Error("the secret was not forgotten")
		}
		e = open()
		e.field("name").entry.SetText("Acme")
		e.onSave()
		s.settle()
		if got := s.agent.edits[3]; got.Rename != "Acme API" || got.Create {
			t.Errorf("a rename was sent as %+v", got)
		}
	})
}

func TestLeavingAChangedFormAsks(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.edit("Acme API")
		s.settle()
		s.key(fyne.KeyEscape)
		if s.page != nil {
			t.Error("a form that nobody touched asks")
		}
		s.edit("Acme API")
		s.settle()
		s.editorOf().field("audience").entry.SetText("api")
		s.key(fyne.KeyEscape)
		s.sees("Discard the changes?")
		s.key(fyne.KeyReturn) // Cancel has the focus
		if s.page == nil {
			t.Fatal("the changes are gone")
		}
		s.key(fyne.KeyEscape)
		s.tap(s.latest.question.yes)
		if s.page != nil {
			t.Error("the form is still there")
		}
	})
}

func TestDiscoveryFillsWhatIsEmptyAndCanBeCancelled(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.found = agent.Discovery{Issuer: "https://login.example.com", TokenEndpoint: "https://login.example.com/token", ScopesSupported: []string{"openid", "email", "orders"},
			TokenEndpointAuthMethodsSupported: []string{"client_secret_post"}}
		s.agent.hold = make(chan struct{}, 1)
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		e.field("scope").entry.SetText("")
		e.field("issuer").entry.SetText("https://login.example.com")
		s.tap(e.discover.button)
		if !e.discover.asking || !e.discover.button.Disabled() {
			t.Error("it does not say that it is asking")
		}
		s.tap(e.discover.cancel)
		if e.discover.asking || e.discover.content.Visible() || e.discover.button.Disabled() {
			t.Error("cancelling did not end it")
		}
		s.agent.hold <- struct{}{}
		s.tap(e.discover.button)
		if got := e.draft.profile.ScopeString(); got != "openid email" {
			t.Errorf("the scopes are %q", got)
		}
		if got := e.draft.profile.TokenEndpointAuthMethod; got != "client_secret_post" {
			t.Errorf("the method is %q", got)
		}
		e.advanced.unfold()
		if got := e.field("token_endpoint"); got.entry.Text != "" || !strings.HasPrefix(got.entry.PlaceHolder, "https://login.example.com/token") {
			t.Errorf("the endpoint is %q behind %q: the issuer is its source", got.entry.Text, got.entry.PlaceHolder)
		}
		s.agent.refuse["discover"] = &agent.Error{Sentence: "https://login.example.com: names another issuer"}
		s.agent.hold <- struct{}{}
		s.tap(e.discover.button)
		s.sees("names another issuer.")
	})
}

func TestAdvancedIsFoldedAndSearched(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "github"))
		e := s.editorOf()
		if len(e.advanced.fields) != 0 || !strings.Contains(e.advanced.toggle.Text, "2 set") {
			t.Errorf("%d advanced fields exist before they are asked for; the fold says %q", len(e.advanced.fields), e.advanced.toggle.Text)
		}
		s.tap(e.advanced.toggle)
		e.advanced.search.SetText("revoc")
		var left []string
		for _, f := range e.advanced.fields {
			if f.content.Visible() {
				left = append(left, f.about.Key)
			}
		}
		if strings.Join(left, " ") != "revocation_endpoint revocation_endpoint_auth_method request_params" {
			t.Errorf("the search keeps %q", left)
		}
	})
}

func TestADuplicateTakesNoSecretAndANewName(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.duplicate("Acme API")
		s.settle()
		e := s.editorOf()
		if e.draft.profile.Name != "Acme API copy" || e.draft.was != "" || len(e.draft.stored) != 0 {
			t.Errorf("the copy is %+v", e.draft)
		}
	})
}

func TestTheAgentsRefusalStaysInTheForm(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.refuse["put"] = &agent.Error{Sentence: "profiles.json cannot be written"}
		s.edit("Acme API")
		s.settle()
		e := s.editorOf()
		e.field("audience").entry.SetText("api")
		s.tap(e.save)
		if s.page == nil || e.save.Disabled() {
			t.Error("what was written is lost")
		}
		s.sees("profiles.json cannot be written.")
	})
}

func TestEveryFieldKeepsItsValue(t *testing.T) {
	full := profiles.Profile{Name: "all", Issuer: "https://login.example.com", ClientID: "fob"}
	for _, f := range profiles.Fields() {
		if f.Kind == profiles.KindSecret || f.Example == "" || f.Key == "name" {
			continue
		}
		if err := full.Set(f.Key, f.Example); err != nil {
			t.Fatalf("%s: its own example is refused: %v", f.Key, err)
		}
	}
	play(t, "Acme API", func(t *testing.T, s *stage) {
		e := newEditor(draft{profile: full.Clone(), was: "all"}, nil)
		e.advanced.refresh = e.check
		e.advanced.unfold()
		e.check()
		for _, f := range profiles.Fields() {
			if got, want := strings.Join(e.draft.profile.Get(f.Key), " "), strings.Join(full.Get(f.Key), " "); got != want {
				t.Errorf("showing %s makes %q of %q", f.Key, got, want)
			}
		}
		if !e.draft.profile.Equal(full) {
			t.Error("the form changes a profile by showing it")
		}
	})
}

func TestSettingsApplyAtOnce(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.openSettings()
		s.settle()
		v := s.page.about.(*settingsView)
		s.window.Canvas().Focus(v.theme)
		s.key(fyne.KeyEscape) // a drop-down with the focus does not keep the page open
		if s.page != nil {
			t.Fatal("Escape did not leave the page")
		}
		s.openSettings()
		s.settle()
		v = s.page.about.(*settingsView)
		v.theme.SetSelected("Dark")
		if got := s.settings.Theme().(*Theme).choice; got != "dark" {
			t.Errorf("the theme is %q before the agent answered", got)
		}
		s.settle()
		s.asked("put settings {Theme:dark ClipboardSeconds:45 StartAtLogin:false}", 1)
		v.clipboard.SetSelected("never")
		s.settle()
		if s.agent.prefs.ClipboardSeconds != 0 || s.agent.prefs.Theme != "dark" {
			t.Errorf("the settings are %+v", s.agent.prefs)
		}
		s.agent.refuse["put settings"] = &agent.Error{Sentence: "the settings cannot be written"}
		v.theme.SetSelected("Light")
		s.settle()
		s.sees("The settings cannot be written.")
		if got := s.settings.Theme().(*Theme).choice; got != "dark" {
			t.Errorf("the theme is %q though it was refused", got)
		}
	})
}
