package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"

	"fob/internal/agent"
	"fob/internal/carry"
	"fob/profiles"
)

// team is a collection with three logins: one that is complete and has a secret, one of the name of a profile that is there, and
// one that nobody can use without more.
const team = `{"info": {"name": "Orders", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
 "auth": {"type": "oauth2", "oauth2": [{"key": "grant_type", "value": "authorization_code_with_pkce"}, {"key": "authUrl", "value": "https://login.example.com/authorize"},
  {"key": "accessTokenUrl", "value": "https://login.example.com/token"}, {"key": "clientId", "value": "orders-web"}, {"key": "clientSecret", "value": "SECRET-1"}, {"key": "accessToken", "value": "SECRET-2"}, {"key": "scope", "value": "openid orders:read"}]},
 "item": [{"name": "List", "request": "https://api.example.com/orders"},
  {"name": "GitHub", "item": [], "auth": {"type": "oauth2", "oauth2": [{"key": "authUrl", "value": "https://evil.example.com/authorize"}, {"key": "accessTokenUrl", "value": "https://evil.example.com/token"}, {"key": "clientId", "value": "gh"}]}},
  {"name": "Batch", "item": [], "auth": {"type": "oauth2", "oauth2": [{"key": "grant_type", "value": "client_credentials"}, {"key": "accessTokenUrl", "value": "https://login.example.com/token"}, {"key": "clientId", "value": "{{robot}}"}]}}]}`

// what an import changes stands on the screen, and is not chosen before somebody chooses it. Secrets are shown nowhere.
func TestAnImportIsSeenBeforeItIsDone(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.ctrl(fyne.KeyI)
		v := s.page.about.(*importView)
		s.picture("import-empty")
		if !v.accept.Disabled() || v.result.Visible() {
			t.Error("there is nothing to import yet")
		}
		v.paste.SetText("nothing of the kind")
		s.settle()
		s.sees("This is nothing that Fob reads")
		file := filepath.Join(t.TempDir(), "team.json")
		if err := os.WriteFile(file, []byte(team), 0o600); err != nil {
			t.Fatal(err)
		}
		s.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI(file)})
		s.settle()
		v = s.page.about.(*importView)
		for _, text := range []string{"Postman · team.json", "Store 1 client secret in the keychain", "NOT CARRIED OVER", "tokens are left out on purpose", "login.example.com", "There is a profile of this name"} {
			s.sees(text)
		}
		s.sees("https://evil.example.com/token")
		s.seesNot("SECRET")
		if len(v.all) != 3 || !v.all[0].take.Checked || v.all[1].take.Checked || !v.all[2].take.Checked {
			t.Fatal("what is new is chosen, what changes a profile is not")
		}
		if !v.accept.Disabled() {
			t.Error("a profile without a client can be imported")
		}
		s.sees("Client ID is missing.")
		s.picture("import-found")
		v.all[2].needs["client_id"].SetText("robot")
		s.settle()
		if v.accept.Disabled() || v.accept.Text != "Import 2 profiles" {
			t.Errorf("%q", v.accept.Text)
		}
		s.ctrl(fyne.KeyS)
		s.settle()
		edits := s.agent.edits
		if len(edits) != 2 || edits[0].Profile.Name != "Orders" || edits[0].Secrets["client_secret"] != "SECRET-1" || edits[1].Profile.ClientID != "robot" || !edits[1].Create {
			t.Fatalf("%+v", edits)
		}
		s.asked("put GitHub", 0)
		if s.page != nil || s.selected != "Orders" {
			t.Errorf("%q is selected", s.selected)
		}
		s.sees("Imported 2 profiles.")

		// Chosen, it changes what is there; under another name it does not.
		s.importFrom(file)
		s.settle()
		v = s.page.about.(*importView)
		v.all[0].take.SetChecked(false)
		v.all[2].take.SetChecked(false)
		v.all[1].take.SetChecked(true)
		v.secrets.SetChecked(false)
		v.all[1].name.SetText("GitHub 2")
		s.settle()
		s.tap(v.accept)
		s.settle()
		last := s.agent.edits[len(s.agent.edits)-1]
		if last.Profile.Name != "GitHub 2" || !last.Create {
			t.Errorf("%+v", last)
		}
		s.importFrom(file)
		s.settle()
		v = s.page.about.(*importView)
		for i, c := range v.all {
			c.take.SetChecked(i == 1)
		}
		s.agent.refuse["put"] = &agent.Error{Sentence: "the keychain is locked", Remedy: "unlock it"}
		s.tap(v.accept)
		s.settle()
		s.sees("Unlock it.")
		delete(s.agent.refuse, "put")
		s.tap(v.accept)
		s.settle()
		last = s.agent.edits[len(s.agent.edits)-1]
		if last.Profile.Name != "GitHub" || last.Create || last.Profile.TokenEndpoint != "https://evil.example.com/token" || len(last.Secrets) > 0 {
			t.Errorf("%+v", last)
		}
	})
}

// What the command line has --environment and --from for can be chosen here: one of the source's environments, a file with values, and
// a format where the content says two.
func TestAnImportKnowsEnvironments(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		dir := t.TempDir()
		write := func(name, text string) string {
			t.Helper()
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}
		s.importFrom(write("http-client.env.json", `{"dev": {"Security": {"Auth": {"d": {"Type": "OAuth2", "Auth URL": "https://{{host}}/a", "Token URL": "https://{{host}}/t", "Client ID": "dev-client"}}}},
			"prod": {"host": "prod.example.com", "Security": {"Auth": {"p": {"Type": "OAuth2", "Auth URL": "https://{{host}}/a", "Token URL": "https://{{host}}/t", "Client ID": "prod-client"}}}}}`))
		s.settle()
		v := s.page.about.(*importView)
		if len(v.all) != 2 || strings.Join(v.within.Options, " ") != noEnvironment+" dev prod" {
			t.Fatalf("%d profiles, environments %q", len(v.all), v.within.Options)
		}
		v.within.SetSelected("prod")
		s.settle()
		s.picture("import-environment")
		if len(v.all) != 1 || v.all[0].draft.Profile.ClientID != "prod-client" || v.within.Selected != "prod" {
			t.Fatalf("%d profiles with prod", len(v.all))
		}
		v.within.SetSelected(noEnvironment)
		s.settle()
		if len(v.all) != 2 {
			t.Errorf("%d profiles with none", len(v.all))
		}
		s.importFrom(write("team.json", strings.ReplaceAll(team, "login.example.com", "{{host}}")))
		s.settle()
		v = s.page.about.(*importView)
		if v.within.Selected != noEnvironment || !v.within.Disabled() || !v.values.Visible() {
			t.Error("a collection has no environments of its own, and takes a file with values")
		}
		var how carry.Options
		asked := false
		v.valuesFrom(write("staging.json", `{"name": "staging", "values": [{"key": "host", "value": "staging.example.com"}]}`), &how, func() { asked = true })
		if !asked || how.Environment == nil || v.values.Text != "Values from staging.json …" {
			t.Errorf("%v %q", asked, v.values.Text)
		}
		found, err := carry.Open(filepath.Join(dir, "team.json"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := carry.Import(found, how); err != nil || !strings.Contains(got.Drafts[0].Profile.TokenEndpoint, "staging.example.com") {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A form that is being filled in survives a file that falls on it; a newer source is not overwritten by an older one's answer.
func TestADropNeverThrowsAFormAway(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.onIntent(askEdit)
		s.settle()
		form := s.page
		s.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI("/nosuch")})
		s.settle()
		if s.page != form {
			t.Error("the form is gone")
		}
		s.back()
		s.dropped(fyne.NewPos(1, 1), []fyne.URI{storage.NewFileURI("/nosuch/file")})
		s.settle()
		s.sees("no such file")
		v := s.page.about.(*importView)
		v.paste.SetText("curl https://api.example.com/v1 -H 'Authorization: Bearer SECRET'")
		s.settle()
		s.sees("curl · pasted")
		s.seesNot("no such file")
		v.paste.SetText("")
		s.settle()
		if v.result.Visible() {
			t.Error("what was pasted is gone, and what was found in it is not")
		}
	})
}

// What another tool cannot hold is said before the file is written, and no file holds a secret.
func TestAnExportSaysWhatItLeaves(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.agent.views["Acme API"] = agent.ProfileView{Profile: profiles.Profile{Name: "Acme API", Issuer: "https://login.example.com", ClientID: "fob", Scope: profiles.List{"openid"},
			DPoPBoundAccessTokens: true, APIBaseURL: "https://api.example.com/v1"}, Secrets: []string{"client_secret"}}
		s.agent.found = agent.Discovery{AuthorizationEndpoint: "https://login.example.com/authorize", TokenEndpoint: "https://login.example.com/token"}
		s.export("Acme API")
		s.settle()
		v := s.page.about.(*exportView)
		for _, text := range []string{"A collection and an environment", "dpop_bound_access_tokens: Postman has no place for it", "client_secret: is a secret; no file gets one"} {
			s.sees(text)
		}
		s.asked("discover https://login.example.com", 1)
		s.picture("export")
		folder := t.TempDir()
		if err := v.written.Into(folder); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(folder, "fob.postman_collection.json"))
		if err != nil || !strings.Contains(string(text), "https://login.example.com/token") {
			t.Errorf("%v: %s", err, text)
		}
		s.agent.refuse["discover"] = &agent.Error{Sentence: "the issuer does not answer"}
		v.format.SetSelected("Insomnia")
		s.settle()
		s.sees("The issuer does not answer.")
		if v.save.Disabled() || len(v.written.Files) != 1 {
			t.Errorf("%d files", len(v.written.Files))
		}
	})
}

// A values file that is none leaves the choice in sight, with the error beside it, and another can be chosen.
func TestAnImportsChoiceCanBeCorrected(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		dir := t.TempDir()
		write := func(name, text string) string {
			t.Helper()
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}
		s.importFrom(write("team.json", strings.ReplaceAll(team, "login.example.com", "{{host}}")))
		s.settle()
		v := s.page.about.(*importView)
		v.with(write("bad.json", `{"name": [`))
		s.settle()
		s.sees("The environment is not JSON: line 1")
		s.sees("Values from bad.json")
		s.picture("import-bad-values")
		if len(v.all) != 0 || !v.accept.Disabled() {
			t.Error("something can be imported")
		}
		v.with(write("good.json", `{"name": "staging", "values": [{"key": "host", "value": "staging.example.com"}]}`))
		s.settle()
		s.seesNot("The environment is not JSON: line 1")
		if len(v.all) != 3 || !strings.Contains(v.all[0].draft.Profile.TokenEndpoint, "staging.example.com") {
			t.Errorf("%d profiles", len(v.all))
		}
		v.paste.SetText("nothing of the kind")
		s.settle()
		s.seesNot("Values from")
	})
}

// Where the content says several formats, each is offered, the chosen one is read, and the choice stays to be changed, also when it
// gave nothing.
func TestAnImportIsReadAsChosen(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		s.importFrom()
		v := s.page.about.(*importView)
		v.paste.SetText(`{"type": "service_account", "client_email": "a@b.example", "name": "mine", "issuer_url": "https://agent.example.com", "client_id": "from-agent",
			"openapi": "3.1.0", "components": {"securitySchemes": {"two": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://openapi.example.com/t", "scopes": {}}}}}}}`)
		s.settle()
		s.sees("It could be read in more than one way.")
		if got := strings.Join(v.formats.Options, ", "); got != "OpenAPI, Google client, oidc-agent" || v.formats.Selected != "" {
			t.Errorf("offered are %s; chosen is %q", got, v.formats.Selected)
		}
		s.picture("import-ambiguous")
		for _, c := range []struct{ format, sees, server string }{
			{"oidc-agent", "oidc-agent · pasted", "https://agent.example.com"},
			{"Google client", "the key of a Google service account", ""},
			{"OpenAPI", "OpenAPI · pasted", "https://openapi.example.com/t"},
		} {
			v.formats.SetSelected(c.format)
			s.settle()
			s.sees("Read it as")
			s.sees(c.sees)
			if c.server == "" {
				s.seesNot(" · pasted")
			}
			s.picture("import-as-" + strings.ReplaceAll(c.format, " ", "-"))
			server := ""
			for _, card := range v.all {
				server += card.draft.Profile.Issuer + card.draft.Profile.TokenEndpoint
			}
			if server != c.server {
				t.Errorf("%s: %q, want %q", c.format, server, c.server)
			}
		}
		v.paste.SetText("curl https://api.example.com/v1 -H 'Authorization: Bearer SECRET'")
		s.settle()
		s.seesNot("Read it as")
		s.sees("curl · pasted")
	})
}
