package report

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/logbook"
	"fob/profiles"
)

// privates are what must not be in a report, by what they are. Each is planted in every place where it could come from.
var privates = map[string]string{
	"JWT":                "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl-Canary",
	"opaque token":       "ya29.a0AfB_byCanaryCanary0123456789",
	"refresh token":      "v1.MjAyNi1jYW5hcnktcmVmcmVzaA",
	"client secret":      "canary~client-S3cret_8d1f",
	"short secret":       "S3cr3t!",
	"authorization code": "SplxlOBeZQQYbYS6WxSbIA",
	"verifier":           "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	"account":            "Grace Canary",
	"e-mail":             "grace.canary@corp.example",
	"other e-mail":       "someone.else+tag@elsewhere.example",
	"subject":            "auth0|5f7c8ec7c33c6c004bbafe82",
	"login hint":         "gcanary",
	"tenant":             "9188040d-6c67-4c5b-b112-36a304b66dad",
	"company host":       "sso.canarycorp.example",
	"API host":           "api.canarycorp.example",
	"customer of okta":   "canarycorp.okta.com",
	"client id":          "canary-billing-client",
	"profile name":       "canary project x",
	"environment":        "canary-env",
	"home":               "/home/gcanary/secret-project",
	"windows home":       `C:\Users\GCanary\AppData`,
	"private address":    "10.77.3.9",
	"IPv6":               "2001:db8:77::9",
	"host of nobody's":   "sso.canaryother.example",
	"scope":              "api://canarycorp/billing.write",
	"parameter":          "canary-param-value",
}

// spoken puts what is private into a sentence as our errors or a server's have it.
func spoken(kind, value string) []string {
	switch kind {
	case "short secret": // nobody can know it by its form: only beside its name
		return []string{"the form had client_secret=" + value + "&x=y", "password: " + value, `{"password":"` + value + `"}`, `oauth_token_secret="` + value + `"`, `said {\"password\": \"two ` + value + `\"}`}
	case "IPv6":
		return []string{"dial tcp [" + value + "]:443: i/o timeout", "lookup x on " + value, "from [" + value + "%eth0]"}
	case "host of nobody's":
		return []string{"certificate is valid for *." + value + ", not for this", "asked '" + value + "'", "asked ‹" + value + "›", "asked name:" + value}
	case "account", "login hint", "client id", "profile name", "environment", "subject", "parameter", "scope":
		return []string{"refused " + value + " just now", fmt.Sprintf("refused %q", value)}
	}
	return []string{"refused " + value + " just now", fmt.Sprintf("refused %q", value), "see " + value, "GET https://login.microsoftonline.com/" + strings.ReplaceAll(value, " ", "%20") + "/token?x=" + value + " failed"}
}

func planted(t *testing.T) (Sources, *slog.Logger) {
	t.Helper()
	dir := t.TempDir()
	var p profiles.Profile
	for key, values := range map[string][]string{
		"name": {privates["profile name"]}, "environment": {privates["environment"]}, "issuer": {"https://" + privates["company host"] + "/realms/canary-realm"},
		"client_id": {privates["client id"]}, "scope": {"openid", privates["scope"]}, "login_hint": {privates["login hint"]}, "expected_subject": {"zz-wombat-7"}, "expected_account": {"Nabarlek Bilby"}, "api_base_url": {"https://" + privates["API host"] + "/v1"},
		"token_endpoint": {"https://" + privates["customer of okta"] + "/oauth2/v1/token"}, "authorize_params": {"hint=" + privates["parameter"]}, "browser": {"firefox -P " + privates["login hint"]},
		"claims": {`{"id_token":{"sub":{"value":"` + privates["subject"] + `"}}}`}, "redirect_uri": {"http://127.0.0.1:8400/callback"}, "refresh_before": {"2m"},
	} {
		if err := p.Set(key, values...); err != nil {
			t.Fatal(key, err)
		}
	}
	s := Sources{
		At: time.Now(), Facts: []Fact{{"keychain", "gnome-keyring of " + privates["home"]}}, Profiles: []profiles.Profile{p},
		Statuses: []Status{{Name: privates["profile name"], State: "offline", Grant: "authorization_code", Account: privates["account"], Subject: privates["subject"], Issuer: "https://" + privates["company host"]}},
		Log:      filepath.Join(dir, "agent.log"), Crash: filepath.Join(dir, "crash.log.1"), Paths: map[string]string{"FOB_DATA": dir},
	}
	file := logbook.New(s.Log)
	t.Cleanup(func() { file.Close() })
	return s, file.Logger(slog.LevelDebug)
}

// unpacked is every byte of a report: the archive's own, and of each file in it.
func unpacked(t *testing.T, r Report) map[string]string {
	t.Helper()
	packed, err := r.Zip(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"the archive": string(packed)}
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range archive.File {
		f, err := member.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		all[member.Name] = string(text)
	}
	return all
}

func TestNothingPrivateIsInAReport(t *testing.T) {
	s, log := planted(t)
	var crash strings.Builder
	for kind, value := range privates {
		for _, sentence := range spoken(kind, value) {
			log.Warn("request", "profile", privates["profile name"], "problem", sentence, "code", sentence)
			log.Debug(sentence, "url", "https://"+privates["API host"]+"/"+value)
			s.Findings = append(s.Findings, Finding{"store", false, sentence, sentence})
			s.Statuses[0].Said = append(s.Statuses[0].Said, Fact{"sentence", sentence})
			s.Facts = append(s.Facts, Fact{"said", sentence})
			s.Missing += sentence + "; "
			crash.WriteString("panic: " + sentence + "\nmain.main(0x" + value + ")\n\t/home/gcanary/go/fob/cmd/fob/main.go:12 +0x1\n")
		}
	}
	// A profile that is gone has left lines; nobody knows its names any more.
	log.Info("request", "problem", "profile gone wombat: offline")
	s.Facts = append(s.Facts, Fact{"said", "gone wombat is offline"})
	log.Info("refresh", "profile", "gone wombat", "problem", "offline")
	file, err := os.OpenFile(s.Log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(file, "somebody wrote lone yak here")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Crash, []byte(crash.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Make(s)
	if err != nil {
		t.Fatal(err)
	}
	all := unpacked(t, r)
	if len(all) != 7 {
		t.Errorf("the report has %d files", len(all)-1)
	}
	gone := map[string]string{"profile that is gone": "gone wombat", "realm": "canary-realm", "line that is none of ours": "lone yak", "pinned subject": "zz-wombat-7", "pinned account": "bilby", "anything": "canary"}
	for kind, value := range privates {
		gone[kind] = value
	}
	for kind, value := range gone {
		for name, text := range all {
			if i := strings.Index(strings.ToLower(text), strings.ToLower(value)); i >= 0 {
				t.Errorf("%s is in %s: …%s…", kind, name, text[max(0, i-100):min(len(text), i+len(value)+40)])
			}
		}
	}
	for name, useful := range map[string][]string{
		"fob-report/agent.log":     {"warn  request profile=profile-1", "https://login.microsoftonline.com/*"},
		"fob-report/profiles.json": {`"name": "profile-1"`, `"refresh_before": "2m"`, `"redirect_uri": "http://127.0.0.1:8400/callback"`, `"issuer": "https://host-`, `/realms/*"`, `.okta.com/oauth2/v1/token"`, `"scope": "openid api://host-`, `[JSON with id_token]`},
		"fob-report/status.json":   {`"state": "offline"`, `"account": "account-`},
		"fob-report/crash.txt":     {"panic: refused", "/fob/cmd/fob/main.go:12"},
	} {
		for _, text := range useful {
			if !strings.Contains(all[name], text) {
				t.Errorf("%s lacks %q:\n%.1500s", name, text, all[name])
			}
		}
	}
	if r.Legend["profile-1"] != privates["profile name"] {
		t.Errorf("the legend is %v", r.Legend)
	}
}

// What helps stays.
func TestReportIsOfUse(t *testing.T) {
	m := newMask()
	m.learn("profile", "work")
	for text, want := range map[string]string{
		"profile work: the network is down; networking, work":                             "profile profile-1: the network is down; networking, profile-1",
		"lock: open agent.lock: permission denied":                                        "lock: open agent.lock: permission denied",
		"dial tcp 127.0.0.1:8400: connect: refused":                                       "dial tcp 127.0.0.1:8400: connect: refused",
		"since 14:03:10, at ::1":                                                          "since 14:03:10, at ::1",
		"version 0.3.0, since 2026-11-29T00:25:00Z":                                       "version 0.3.0, since 2026-11-29T00:25:00Z",
		"https://accounts.google.com/o/oauth2/v2/auth":                                    "https://accounts.google.com/o/oauth2/v2/auth",
		"logged in as Lovelace, Ada":                                                      "logged in as [account]",
		"logged in as ada, another account than before":                                   "logged in as [account], another account than before",
		"the login is refused: this profile is always Ada, and this was Bob, Jr. (sub 7)": "the login is refused: this profile is always [account], and this was [account]",
		"exit code=invalid_grant":                                                         "exit code=invalid_grant",
		"tokens of any size; over 2048 bytes they are sealed":                             "tokens of any size; over 2048 bytes they are sealed",
		"org.freedesktop.secrets, app.fob.Fob":                                            "org.freedesktop.secrets, app.fob.Fob",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
