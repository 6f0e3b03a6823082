package profiles

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestPresetsMakeValidProfiles(t *testing.T) {
	all, err := loadPresets()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"oidc", "google", "entra", "github", "gitlab", "auth0", "okta", "keycloak", "slack", "demo"}
	var ids []string
	for _, preset := range all {
		ids = append(ids, preset.ID)
		t.Run(preset.ID, func(t *testing.T) {
			answers := map[string]string{}
			for _, q := range preset.Questions {
				answers[q.Key] = q.Example
			}
			p, err := preset.New("my "+preset.ID, answers)
			if err != nil {
				t.Fatal(err)
			}
			if p.ClientID == "" {
				p.ClientID = "client"
			}
			if preset.ID == "demo" {
				p.Issuer = "http://127.0.0.1:4711" // `fob demo` knows it when the server runs
			}
			if problems := p.Validate(); problems != nil {
				t.Errorf("Validate: %v", problems)
			}
			if text := string(p.appendJSON(nil, "")) + preset.ConsoleURL(answers); strings.ContainsAny(strings.ReplaceAll(text, "{\"access_type\":\"offline\"}", "")[1:], "{") {
				t.Errorf("a placeholder is left: %s", text)
			}
			if p.Preset != preset.ID || p.Name != "my "+preset.ID {
				t.Errorf("made %q of preset %q", p.Name, p.Preset)
			}
			if preset.Register == "" || preset.Name == "" || preset.ID != "demo" && preset.Documentation == "" {
				t.Error("a text is missing")
			}
		})
	}
	if !slices.Equal(ids, want) {
		t.Errorf("presets are %v, want %v", ids, want)
	}
}

func TestPresetsSayWhatTheServerNeeds(t *testing.T) {
	fixed := func(uris ...string) []string { return uris }
	tests := []struct {
		id, answer string // answers as KEY=VALUE, separated by spaces
		key        string
		want       []string
	}{
		{"google", "", "authorize_params.access_type", fixed("offline")},
		{"google", "", "prompt", fixed("consent")},
		{"google", "", "token_endpoint_auth_method", fixed("client_secret_post")},
		{"entra", "tenant=11111111-2222-3333-4444-555555555555", "redirect_uri", fixed("http://localhost:0")},
		{"entra", "tenant=11111111-2222-3333-4444-555555555555", "issuer", fixed("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0")},
		{"github", "", "redirect_uri", nil}, // any port, the default path
		{"auth0", "domain=https://Acme.eu.auth0.com/", "issuer", fixed("https://acme.eu.auth0.com/")},
		{"auth0", "domain=acme.eu.auth0.com", "redirect_uri", fixed("http://127.0.0.1:8400/callback", "http://127.0.0.1:8401/callback", "http://127.0.0.1:8402/callback")},
		{"okta", "domain=acme.okta.com", "issuer", fixed("https://acme.okta.com/oauth2/default")},
		{"okta", "domain=acme.okta.com server=aus1", "issuer", fixed("https://acme.okta.com/oauth2/aus1")},
		{"keycloak", "url=https://sso.example.com/auth/ realm=work", "issuer", fixed("https://sso.example.com/auth/realms/work")},
		{"gitlab", "", "api_base_url", fixed("https://gitlab.com/api/v4")},
		{"gitlab", "url=gitlab.example.com/", "issuer", fixed("https://gitlab.example.com")},
		{"oidc", "issuer=https://login.example.com/", "issuer", fixed("https://login.example.com/")}, // to the letter
	}
	for _, tt := range tests {
		preset, _ := PresetByID(tt.id)
		p, err := preset.New("x", answersOf(tt.answer))
		if err != nil {
			t.Errorf("%s: %v", tt.id, err)
			continue
		}
		if got := p.Get(tt.key); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %s = %v, want %v", tt.id, tt.answer, tt.key, got, tt.want)
		}
	}
}

func TestPresetRefusesAnswers(t *testing.T) {
	tests := []struct{ id, answer, want string }{
		{"oidc", "", "issuer: is missing; give it like https://login.example.com"},
		{"oidc", "issuer=http://login.example.com", "issuer: sends tokens over plain http"},
		{"entra", "tenant=common", "tenant: is not an ID; it looks like 11111111-"},
		{"auth0", "domain=acme", "domain: is not a domain; give it like acme.eu.auth0.com"},
		{"auth0", "domain=acme.auth0.com/x@evil.example", "domain: is not a domain"},
		{"keycloak", "url=https://sso.example.com realm=../../evil", "realm: has a character that does not belong there"},
		{"keycloak", "url=https://sso.example.com realm=..", "realm: has a character"},
		{"keycloak", "url=https://user:canary@sso.example.com realm=work", "url: holds a user name or password"},
	}
	for _, tt := range tests {
		preset, _ := PresetByID(tt.id)
		_, err := preset.New("x", answersOf(tt.answer))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.id, tt.answer, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the password is repeated: %v", tt.id, err)
		}
	}
}

func TestPresetRefusesName(t *testing.T) {
	preset, _ := PresetByID("keycloak")
	_, err := preset.New("-x", nil)
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 3 || invalid.Problems[0].Key != "name" {
		t.Errorf("New: %v, want the name and both questions", err)
	}
}

func TestPresetsAreCopies(t *testing.T) {
	google, _ := PresetByID("google")
	google.Profile.Scope[0] = "changed"
	maps.Copy(google.Profile.AuthorizeParams, Parameters{"access_type": "changed"})
	google.Notes[0] = "changed"
	again, _ := PresetByID("google")
	if again.Profile.Scope[0] != "openid" || again.Profile.AuthorizeParams["access_type"] != "offline" || again.Notes[0] == "changed" {
		t.Errorf("a caller changed the preset: %v", again)
	}
	if _, ok := PresetByID("nobody"); ok {
		t.Error("there is a preset nobody")
	}
}

func answersOf(text string) map[string]string {
	answers := map[string]string{}
	for _, pair := range strings.Fields(text) {
		key, value, _ := strings.Cut(pair, "=")
		answers[key] = value
	}
	return answers
}
