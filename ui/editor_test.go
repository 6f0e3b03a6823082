package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// field is the widget of a field; one that is folded away is unfolded.
func (e *editor) field(key string) *field {
	if f := e.built(key); f != nil {
		return f
	}
	if !e.advanced.inside.Visible() {
		e.advanced.unfold()
	}
	for _, g := range e.advanced.groups {
		for _, about := range g.fieldGroup.fields {
			g.open = g.open || about.Key == key
		}
	}
	e.check()
	return e.built(key)
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
			e.unfoldAll()
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
		e.field("client_secret").forget.SetChecked(true)
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

func TestDiscoveryFillsWhatIsEmptyAndCanBeCancelled(t *testing.T) { // F-048
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
		if got := e.field("token_endpoint"); got.entry.Text != "" || !strings.HasPrefix(got.entry.PlaceHolder, "https://login.example.com/token") {
			t.Errorf("the endpoint is %q behind %q: the issuer is its source", got.entry.Text, got.entry.PlaceHolder)
		}
		s.agent.refuse["discover"] = &agent.Error{Sentence: "https://login.example.com: names another issuer"}
		s.agent.hold <- struct{}{}
		s.tap(e.discover.button)
		s.sees("names another issuer.")
	})
}

// unfoldAll makes the widget of every field that the draft uses.
func (e *editor) unfoldAll() {
	if !e.advanced.inside.Visible() {
		e.advanced.unfold()
	}
	for _, g := range e.advanced.groups {
		g.open = true
	}
	e.check()
}

// shown are the keys of the fields in sight.
func (e *editor) shown() string {
	var keys []string
	for _, f := range e.fields {
		if f.content.Visible() {
			keys = append(keys, f.about.Key)
		}
	}
	if e.advanced.inside.Visible() {
		for _, g := range e.advanced.groups {
			for _, about := range g.fieldGroup.fields {
				if f := g.made[about.Key]; f != nil && g.inside.Visible() && f.content.Visible() {
					keys = append(keys, f.about.Key)
				}
			}
		}
	}
	return strings.Join(keys, " ")
}

// F-050: what a profile may hold besides the everyday is one search away, and costs nothing until then.
func TestAdvancedIsFoldedAndSearched(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "github"))
		e := s.editorOf()
		if n := len(e.advanced.fields()); n != 0 || !strings.Contains(e.advanced.toggle.Text, " set)") {
			t.Errorf("%d advanced fields exist before they are asked for; the fold says %q", n, e.advanced.toggle.Text)
		}
		s.tap(e.advanced.toggle)
		if n := len(e.advanced.fields()); n > 40 {
			t.Errorf("unfolding makes %d fields: only groups with a value are open", n)
		}
		find := func(words, want string) {
			t.Helper()
			e.advanced.search.SetText(words)
			before := len(strings.Split(e.shown(), " "))
			if got := e.shown(); !strings.HasSuffix(got, strings.TrimSpace(" "+want)) || before != 12+len(strings.Fields(want)) {
				t.Errorf("the search for %q keeps %q", words, got)
			}
		}
		find("revoc", "revocation_endpoint revocation_endpoint_auth_method request_params")
		find("code_challenge", "code_challenge_method")              // by its key
		find("RFC 9126 §5", "pushed_authorization_request_endpoint") // by its section
		find("device_code_param", "")                                // another grant's
		s.sees("No field that this grant uses")
		s.ctrl(fyne.KeyF)
		if s.window.Canvas().Focused() != fyne.Focusable(e.advanced.search) {
			t.Error("Ctrl+F does not lead to the search")
		}
		inSight := func(o fyne.CanvasObject) bool {
			top := fyne.CurrentApp().Driver().AbsolutePositionForObject(o).Y - fyne.CurrentApp().Driver().AbsolutePositionForObject(s.page.scroll).Y
			return top >= 0 && top+o.Size().Height <= s.page.scroll.Size().Height
		}
		s.pass(time.Second) // the driver places what was unfolded
		if !inSight(e.advanced.search) {
			t.Error("the search has the focus and is out of sight")
		}
		s.window.Canvas().Focus(e.field("name").entry) // as Tab does
		if !inSight(e.field("name").entry) {
			t.Error("the field with the focus is out of sight")
		}
	})
}

func TestAFieldShowsOnlyWhenItsGrantUsesIt(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		grant := e.field("grant_type")
		for _, c := range grant.about.Choices {
			grant.choice.SetSelected(c.Label)
			for _, about := range frontFields() {
				in := strings.Contains(" "+e.shown()+" ", " "+about.Key+" ")
				if want := about.Shown(e.draft.profile) || e.problems[about.Key] != ""; in != want {
					t.Errorf("with the grant %s, %s is in sight: %t", c.Value, about.Key, in)
				}
			}
			if got := e.draft.profile.Grant(); got != c.Value {
				t.Errorf("choosing %q makes the grant %q", c.Label, got)
			}
		}
		grant.choice.SetSelected(another)
		if !grant.entry.Visible() {
			t.Fatal("another grant cannot be named")
		}
		grant.entry.SetText("urn:example:grant")
		if e.draft.profile.GrantType != "urn:example:grant" || e.problems["grant_type"] != "" {
			t.Errorf("the grant is %q: %s", e.draft.profile.GrantType, e.problems["grant_type"])
		}
		// A method brings its fields, too.
		e.field("token_endpoint_auth_method").choice.SetSelected("Self-signed TLS certificate")
		if got := " " + e.shown() + " "; strings.Contains(got, " client_secret ") || !strings.Contains(got, " tls_client_certificate ") || !strings.Contains(got, " tls_client_key ") {
			t.Errorf("with a certificate the form shows %q", got)
		}
	})
}

func TestWhatIsTypedIsCheckedWhileTyping(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		for key, bad := range map[string]string{"claims": `{"userinfo":`, "ca_certificate": "-----BEGIN", "quirks": "[1"} {
			f := e.field(key)
			if f == nil {
				t.Fatalf("no field %s in %q", key, e.shown())
			}
			if !f.entry.MultiLine {
				t.Errorf("%s has one line", key)
			}
			f.entry.SetText(bad)
			if got := f.hint.words; !strings.HasPrefix(got.Text, f.about.Label) || got.Style.ColorName != colorNeed {
				t.Errorf("%s says %q of %q", key, got.Text, bad)
			}
			if !e.save.Disabled() {
				t.Errorf("%s can be saved as %q", key, bad)
			}
			f.entry.SetText("")
		}
		e.field("claims").entry.SetText(`{"userinfo":{"email":null}}`)
		if e.problems["claims"] != "" || e.draft.profile.Claims == "" {
			t.Errorf("the claims are %q: %s", e.draft.profile.Claims, e.problems["claims"])
		}
	})
}

func TestAValueIsReadFromAFile(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		e.field("token_endpoint_auth_method").choice.SetSelected("JWT signed with a private key")
		key := e.field("private_key")
		if err := key.take("key.json", strings.NewReader(`{"kty":"oct","k":"`+canary+`"}`+"\n")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(key.entry.Text, canary) || !strings.HasPrefix(key.hint.words.Text, "Read from key.json") && e.problems["private_key"] == "" {
			t.Errorf("the field says %q", key.hint.words.Text)
		}
		s.seesNot("SECRET") // also what came from a file is masked
		if err := key.take("disk.img", strings.NewReader(strings.Repeat("x", fileMost+1))); err == nil || !strings.Contains(err.Error(), "disk.img") {
			t.Errorf("a file that is far too large is taken: %v", err)
		}
	})
}

func TestEverySecretIsForgottenOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(crowd()...)
		fake.views["Acme API"] = agent.ProfileView{Secrets: []string{"tls_client_key", "private_key"},
			Profile: profiles.Profile{Name: "Acme API", Issuer: "https://login.example.com", ClientID: "fob", TokenEndpointAuthMethod: "private_key_jwt", TLSClientCertificateBoundAccessTokens: true}}
		s := newStage(t, fake, "Acme API")
		s.edit("Acme API")
		s.settle()
		e := s.editorOf()
		if e.field("tls_client_key").forget == nil || e.field("private_key").forget == nil || e.field("private_key_password").forget != nil {
			t.Fatal("a stored secret cannot be forgotten, or one that is not stored can")
		}
		e.field("tls_client_key").forget.SetChecked(true)
		if got := e.secrets(); len(got) != 1 || got["tls_client_key"] != "" {
			t.Errorf("%d secrets are sent", len(got))
		}
	})
}

func TestAWeakSwitchHasABadge(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "oidc"))
		e := s.editorOf()
		f := e.field("tls_skip_verify")
		if f.weak.Visible() {
			t.Error("a switch that is off is called weak")
		}
		f.box.SetChecked(true)
		if !f.weak.Visible() || !strings.HasPrefix(f.hint.words.Text, "Nobody checks who the server is") {
			t.Errorf("the switch says %q", f.hint.words.Text)
		}
		if !e.draft.profile.TLSSkipVerify {
			t.Error("the box does not set the field")
		}
		f.box.SetChecked(false)
		if f.weak.Visible() || e.draft.profile.TLSSkipVerify {
			t.Error("the badge stays")
		}
		e.field("grant_type").choice.SetSelected("User name and password (legacy)")
		if !e.field("grant_type").weak.Visible() {
			t.Error("the password grant has no badge")
		}
	})
}

// F-212: a preset speaks the words of its server's own console.
func TestAPresetTellsWhatToRegister(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.fromPreset(preset(t, "salesforce"))
		e := s.editorOf()
		if got := e.field("client_id").hint.words.Text; !strings.HasPrefix(got, "There it is called “Consumer Key”.") {
			t.Errorf("the client id's help is %q", got)
		}
		if e.draft.profile.Color != e.draft.preset.Color {
			t.Errorf("the colour is %q", e.draft.profile.Color)
		}
		s.sees("Callback URL to register")
		s.tap(e.guide.copy)
		if got := fyne.CurrentApp().Clipboard().Content(); got != "http://localhost:8400/callback" {
			t.Errorf("copied %q", got)
		}
		e.field("redirect_uri").entry.SetText("http://localhost:9999/cb")
		if e.guide.value.text != "http://localhost:9999/cb" || e.guide.copy.Text != "Copy" {
			t.Errorf("the address to register stays %q", e.guide.value.text)
		}
		scope := e.field("scope")
		first := scope.below.Objects[0].(*fyne.Container).Objects[0].(*chip)
		was := first.on
		s.tap(first)
		if got := scope.holds(first.value); got == was || first.on != got {
			t.Errorf("pressing %s: the field holds %q, the chip says %t", first.value, scope.entry.Text, first.on)
		}
		s.tap(first)
		if first.on != was {
			t.Error("a second press does not take it back")
		}
		s.back()
		s.fromPreset(preset(t, "github"))
		if got := s.editorOf().guide.value.text; got != "http://127.0.0.1/callback" {
			t.Errorf("where any port will do, %q is to be registered", got)
		}
	})
}

func TestTheGalleryIsSearched(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.ctrl(fyne.KeyN)
		g := s.page.about.(*gallery)
		if len(g.tiles.Objects) != len(profiles.Presets()) {
			t.Errorf("%d servers are offered", len(g.tiles.Objects))
		}
		for _, r := range "entra" { // the search has the focus
			s.window.Canvas().Focused().TypedRune(r)
		}
		if len(g.tiles.Objects) != 2 {
			t.Errorf("%d servers are called Entra", len(g.tiles.Objects))
		}
		g.search.SetText("no such server")
		s.sees("OpenID Connect fits most servers")
		g.search.SetText("keycloak")
		s.key(fyne.KeyReturn)
		if e := s.editorOf(); e.draft.preset.ID != "keycloak" {
			t.Errorf("Enter chose %s", e.draft.preset.ID)
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
		e.unfoldAll()
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
		s.asked("put settings {Theme:dark ClipboardSeconds:45 StartAtLogin:false LockOnScreenLock:false QuietFrom: QuietTo: LogLevel:}", 1)
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
