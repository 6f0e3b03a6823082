package profiles

import (
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPresetsMakeValidProfiles(t *testing.T) {
	all, err := loadPresets()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, preset := range all {
		if seen[preset.ID] {
			t.Errorf("%s is there twice", preset.ID)
		}
		seen[preset.ID] = true
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
			text := string(p.appendJSON(nil, "")) + preset.ConsoleURL(answers)
			if left := regexp.MustCompile(`\{[a-z_]+\}`).FindString(text); left != "" {
				t.Errorf("the placeholder %s is left: %s", left, text)
			}
			if p.Preset != preset.ID || p.Name != "my "+preset.ID {
				t.Errorf("made %q of preset %q", p.Name, p.Preset)
			}
			if len(p.unknown) > 0 {
				t.Errorf("it sets %q, which is no field", p.unknown[0].key)
			}
			checkTexts(t, preset)
			checkRedirects(t, preset, p)
		})
	}
	// Those of the requirements, and enough of them (F-212, F-210, F-211).
	for _, id := range strings.Fields("oidc google google-service-account entra entra-any microsoft-personal github github-device gitlab bitbucket atlassian slack " +
		"slack-nested discord facebook franceconnect kakao linkedin naver okta auth0 pingone pingfederate reddit shopify keycloak authentik zitadel hydra dex cognito " +
		"salesforce stackoverflow x x-oauth1 tumblr flickr twitch spotify dropbox zoom digitalocean linear notion paypal hubspot api demo") {
		if !seen[id] {
			t.Errorf("there is no preset %s", id)
		}
	}
}

// checkTexts holds that a preset says all that one has to know to register a client.
func checkTexts(t *testing.T, p Preset) {
	if p.Register == "" || p.Name == "" || len(p.Notes) == 0 {
		t.Error("a text is missing")
	}
	for _, note := range p.Notes {
		if !strings.HasSuffix(note, ".") {
			t.Errorf("%q is no sentence", note)
		}
	}
	for _, q := range p.Questions {
		if q.Label == "" || q.Example == "" {
			t.Errorf("the question %s has no label or no example", q.Key)
		}
	}
	if p.ID == "demo" {
		return
	}
	if !strings.HasPrefix(p.Documentation, "https://") {
		t.Errorf("its documentation is %q", p.Documentation)
	}
	if p.Words["client_id"] == "" && p.ID != "google-service-account" {
		t.Error("it does not say what the client ID is called there")
	}
	for key, word := range p.Words {
		if _, ok := FieldByKey(key); !ok || word == "" {
			t.Errorf("words has %q for %s", word, key)
		}
	}
	for _, scope := range p.Scopes {
		if bad := checkScope(scope); bad != "" {
			t.Errorf("it suggests the scope %q, which %s", scope, bad)
		}
	}
	for _, scope := range p.Profile.Scope {
		if len(p.Scopes) > 0 && !slices.Contains(p.Scopes, scope) {
			t.Errorf("it sets the scope %s and does not suggest it", scope)
		}
	}
	if _, _, _, ok := RGB(p.Color); !ok {
		t.Errorf("its color is %q", p.Color)
	}
}

// checkRedirects holds that this machine can receive the redirect, and that what is registered is what is sent.
func checkRedirects(t *testing.T, preset Preset, p Profile) {
	if !p.UsesBrowser() {
		if preset.Port != "" || len(p.RedirectURI) > 0 {
			t.Error("it opens no browser and has a redirect URI")
		}
		return
	}
	for _, uri := range p.RedirectURIs() {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || !loopback(u.Hostname()) {
			t.Errorf("%s does not lead to this machine", uri)
			continue
		}
		fixed := u.Port() != "" && u.Port() != "0"
		if fixed && !strings.Contains(preset.Register, uri) {
			t.Errorf("%s is not what is registered: %s", uri, preset.Register)
		}
		if want := map[bool]string{true: "fixed", false: "any"}[fixed]; preset.Port != want && preset.ID != "demo" {
			t.Errorf("the port of %s is %s, and the preset says %q", uri, want, preset.Port)
		}
	}
}

// The quirks that the requirements name, as data (F-213, F-214, F-033).
func TestPresetQuirks(t *testing.T) {
	quirks := func(id string) Quirks {
		p, ok := PresetByID(id)
		q, err := p.Profile.ServerQuirks()
		if !ok || err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		return q
	}
	if q := quirks("stackoverflow"); !q.TokenAnswer.Form || q.TokenAnswer.Rename["expires"] != "expires_in" || q.APIQuery["site"] != "stackoverflow" ||
		string(q.TokenAnswer.Defaults["token_type"]) != `"Bearer"` {
		t.Errorf("stackoverflow: %+v", q) // F-213
	}
	if q := quirks("github"); q.ScopeSeparator != "," || q.ErrorMember != "error" {
		t.Errorf("github: %+v", q) // F-214
	}
	if q := quirks("slack-nested"); q.TokenAnswer.Rename["authed_user.access_token"] != "access_token" || q.ErrorMember != "error" {
		t.Errorf("slack-nested: %+v", q)
	}
	if q := quirks("facebook"); q.ErrorMember != "error.type" || q.ErrorDescriptionMember != "error.message" {
		t.Errorf("facebook: %+v", q) // F-033
	}
	shopify, _ := PresetByID("shopify")
	if shopify.Profile.TokenHeaderName != "X-Shopify-Access-Token" || shopify.Profile.TokenHeaderScheme != "none" {
		t.Errorf("shopify: %v", shopify.Profile) // F-152
	}
}

func TestPresetsSayWhatTheServerNeeds(t *testing.T) { // F-052
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

// F-173: the account's name comes from the server's discovery document or from the address that the preset names.
func TestPresetsNameTheAccount(t *testing.T) {
	without := map[string]string{
		"shopify": "it is a shop that is logged in to, and its API takes the token in a header of its own", "stackoverflow": "its API wants a key as well",
		"linear": "its API is GraphQL", "notion": "its API wants the version of the day in a header", "hubspot": "the token would stand in the address",
		"dropbox": "its API takes POST alone",
	}
	for _, preset := range Presets() {
		p := preset.Profile
		named := p.Issuer != "" || p.UserinfoEndpoint != "" || preset.ID == "demo" || !p.Attended() || p.Grant() == GrantOAuth1
		if named == (without[preset.ID] != "") {
			t.Errorf("%s: says where the account's name is to be had: %t", preset.ID, named)
		}
	}
	for id, want := range map[string]string{"github": "https://api.github.com/user", "discord": "https://discord.com/api/users/@me", "reddit": "https://oauth.reddit.com/api/v1/me"} {
		if preset, _ := PresetByID(id); preset.Profile.UserinfoEndpoint != want {
			t.Errorf("%s: %s", id, preset.Profile.UserinfoEndpoint)
		}
	}
}

func TestPresetRefusesAnswers(t *testing.T) {
	tests := []struct{ id, answer, want string }{
		{"oidc", "", "issuer: is missing; give it like https://login.example.com"},
		{"oidc", "issuer=http://login.example.com", "issuer: sends tokens over plain http"},
		{"entra", "tenant=common", "tenant: is not an ID; it looks like 11111111-"},
		{"google-service-account", "email=robot", "email: is not a domain"},
		{"google-service-account", "email=@example.com", "email: is not an e-mail address"},
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
	google.Words["client_id"], google.Scopes[0] = "changed", "changed"
	again, _ := PresetByID("google")
	if again.Profile.Scope[0] != "openid" || again.Profile.AuthorizeParams["access_type"] != "offline" || again.Notes[0] == "changed" || again.Words["client_id"] == "changed" || again.Scopes[0] == "changed" {
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
