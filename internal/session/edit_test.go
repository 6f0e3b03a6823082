package session

import (
	"errors"
	"os"
	"strings"
	"testing"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

func TestLogout(t *testing.T) { // R-041 R-044 F-170
	r := newRig(t, authserver.Options{})
	r.login("work")
	token := r.token("work")
	s, err := r.engine.Logout(t.Context(), "work", false)
	if err != nil {
		t.Fatal(err)
	}
	if s.State != LoggedOut || s.Account != "" {
		t.Errorf("status %+v", s)
	}
	if r.works(token.AccessToken) {
		t.Error("the token still works")
	}
	if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("the keychain still has it: %v", err)
	}
	_, err = r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeLoggedOut)
}

func TestLogoutWhileTheServerIsDown(t *testing.T) { // R-042 F-143
	r := newRig(t, authserver.Options{})
	r.login("work")
	token := r.token("work")
	r.server.Faults().Set(authserver.RevokeUnavailable, authserver.UntilCleared)
	_, err := r.engine.Logout(t.Context(), "work", false)
	wantError(t, err, TryAgain, CodeServer)
	var said *Error
	if errors.As(err, &said); !strings.Contains(said.Remedy, "--local") {
		t.Errorf("remedy %q", said.Remedy)
	}
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("the token was forgotten")
	}
	if s, err := r.engine.Logout(t.Context(), "work", true); err != nil || s.State != LoggedOut {
		t.Errorf("local logout: %v, %s", err, s.State)
	}
	if !r.works(token.AccessToken) {
		t.Error("a local logout reached the server")
	}
}

func TestRename(t *testing.T) {
	r := newRig(t, authserver.Options{})
	if err := r.engine.PutProfile(t.Context(), r.profile("work"), map[string]string{"client_secret": "s"}, "", false); err != nil {
		t.Fatal(err)
	}
	p := r.profile("work")
	p.TokenEndpointAuthMethod = "none"
	r.put(p)
	r.login("work")
	token := r.token("work")
	p.Name = "day job"
	if err := r.engine.PutProfile(t.Context(), p, nil, "work", false); err != nil {
		t.Fatal(err)
	}
	if r.token("day job").AccessToken != token.AccessToken {
		t.Error("the login did not survive the new name")
	}
	if _, secrets, _ := r.engine.Profile(t.Context(), "day job"); len(secrets) != 1 {
		t.Error("the client secret did not survive the new name")
	}
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, Misused, CodeUnknownProfile)
	if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("the old item stayed: %v", err)
	}
}

func TestEditedProfileHandsOutNoStaleToken(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	token := r.token("work")
	for name, edit := range map[string]func(*profiles.Profile){
		"scope":     func(p *profiles.Profile) { p.Scope = p.Scope[:2] },
		"audience":  func(p *profiles.Profile) { p.Audience = "https://api.example" },
		"resource":  func(p *profiles.Profile) { p.Resource = profiles.List{"https://api.example/"} },
		"client_id": func(p *profiles.Profile) { p.ClientID = "another" },
	} {
		p := r.profile("work")
		edit(&p)
		r.put(p)
		if h, err := r.engine.Token(t.Context(), "work", -1); err == nil {
			t.Errorf("%s: token of before handed out: %v", name, h.AccessToken == token.AccessToken)
		}
		if s := r.status("work"); s.State != LoginRequired || s.Problem == nil || s.Problem.Code != CodeProfileChanged {
			t.Errorf("%s: state %s, problem %+v", name, s.State, s.Problem)
		}
		r.put(r.profile("work")) // undone
		if r.token("work").AccessToken != token.AccessToken {
			t.Errorf("%s: the change undone, the login is gone", name)
		}
	}
	p := r.profile("work")
	p.Color, p.Environment = "green", "staging"
	r.put(p)
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("a new colour cost the login")
	}
}

func TestSecretStaysWithItsServer(t *testing.T) { // a secret entered for one server is not sent to another
	r := newRig(t, authserver.Options{})
	if err := r.engine.PutProfile(t.Context(), r.profile("work"), map[string]string{"client_secret": "s"}, "", false); err != nil {
		t.Fatal(err)
	}
	p := r.profile("work")
	p.Issuer = "https://elsewhere.example"
	r.put(p)
	if _, secrets, _ := r.engine.Profile(t.Context(), "work"); len(secrets) != 0 {
		t.Error("the secret went along to another server")
	}
}

func TestRemove(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Get(t.Context(), itemKey(r.profile("work"))); !errors.Is(err, keychain.ErrNotFound) {
		t.Errorf("the keychain still has it: %v", err)
	}
	if all, err := r.engine.Status(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	wantError(t, r.engine.RemoveProfile(t.Context(), "work"), Misused, CodeUnknownProfile)
}

func TestPutRefusals(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.put(r.profile("other"))
	wantError(t, r.engine.PutProfile(t.Context(), r.profile("work"), nil, "", true), Misused, CodeProfileExists)
	wantError(t, r.engine.PutProfile(t.Context(), r.profile("work"), nil, "other", false), Misused, CodeProfileExists)
	wantError(t, r.engine.PutProfile(t.Context(), r.profile("new"), nil, "nobody", false), Misused, CodeUnknownProfile)
	p := r.profile("new")
	p.Issuer = "http://example.com"
	wantError(t, r.engine.PutProfile(t.Context(), p, nil, "", true), Misused, CodeProfileInvalid)
	wantError(t, r.engine.PutProfile(t.Context(), r.profile("new"), map[string]string{"password": "x"}, "", true), Misused, CodeProfileInvalid)
}

func TestUnknownNameSuggestsTheNearest(t *testing.T) {
	r := newRig(t, authserver.Options{})
	_, err := r.engine.Token(t.Context(), "wrok", -1)
	wantError(t, err, Misused, CodeUnknownProfile)
	var said *Error
	if errors.As(err, &said); !strings.Contains(said.Remedy, "work") {
		t.Errorf("remedy %q", said.Remedy)
	}
}

func TestForms(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.APIBaseURL = "https://api.example/it's"
	if problems := p.Validate(); len(problems) > 0 {
		p.APIBaseURL = "https://api.example/v1"
	}
	r.put(p)
	r.login("work")
	token := r.token("work")
	for form, want := range map[Form]string{
		FormAccessToken: token.AccessToken,
		FormIDToken:     token.IDToken,
		FormHeader:      "Authorization: Bearer " + token.AccessToken,
		FormCurl:        "curl -H 'Authorization: Bearer " + token.AccessToken + "' " + quoteArg(p.APIBaseURL),
	} {
		got, err := r.engine.Text(t.Context(), "work", form)
		if err != nil || got != want {
			t.Errorf("%s: %d bytes, want %d; %v", form, len(got), len(want), err)
		}
	}
	_, err := r.engine.Text(t.Context(), "work", "postcard")
	wantError(t, err, Misused, CodeForm)
}

func TestQuoteArg(t *testing.T) {
	for text, want := range map[string]string{"plain-1.2": "plain-1.2", "": "''", "two words": "'two words'", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := quoteArg(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestDamagedFileIsNeverOverwritten(t *testing.T) {
	r := newRig(t, authserver.Options{})
	damaged := []byte("{\"version\": 1,\n \"profiles\": [\n  {\"name\" \"work\"}]}")
	if err := os.WriteFile(r.file.Path(), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	damage := r.engine.Damage()
	if damage == nil || !strings.Contains(damage.Sentence, "line 3, column 11") {
		t.Fatalf("damage %+v", damage)
	}
	wantError(t, r.engine.PutProfile(t.Context(), r.profile("new"), nil, "", true), Failed, CodeProfilesUnread)
	wantError(t, r.engine.RemoveProfile(t.Context(), "work"), Failed, CodeProfilesUnread)
	if text, err := os.ReadFile(r.file.Path()); err != nil || string(text) != string(damaged) {
		t.Errorf("the file was touched: %v", err)
	}
	if _, err := r.engine.Status("work"); err != nil {
		t.Errorf("what was read before is gone: %v", err)
	}
}

func TestSecretForNobody(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.TokenEndpointAuthMethod = "none"
	wantError(t, r.engine.PutProfile(t.Context(), p, map[string]string{"client_secret": "s"}, "", false), Misused, CodeProfileInvalid)
}
