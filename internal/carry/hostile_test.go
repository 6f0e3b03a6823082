package carry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A document that is built to exhaust its reader is refused, in whichever way it is built.
func TestBombs(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, name := range strings.Split("bcdefghi", "") {
		above := string(name[0] - 1)
		laughs += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat("*"+above+",", 9), ",") + "]\n"
	}
	for name, text := range map[string]string{
		"aliases":            "openapi: 3.0.0\n" + laughs,
		"an alias of itself": "openapi: 3.0.0\na: &a [*a]\n",
		"deep JSON":          `{"openapi":"3.0.0","x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		"deep YAML":          "openapi: 3.0.0\nx: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"many nodes":         `{"openapi":"3.0.0","x":[` + strings.Repeat("1,", maxNodes) + "1]}",
	} {
		if found, err := Import(Source{Text: text}, Options{}); err == nil || len(found.Drafts) > 0 {
			t.Errorf("%s: %v, %d profiles", name, err, len(found.Drafts))
		}
	}
	if _, err := Import(Source{Text: "openapi: 3.0.0\n" + laughs}, Options{}); !errors.Is(err, errTooMuch) {
		t.Errorf("the aliases: %v", err)
	}
}

// Variables that name one another do not multiply without an end.
func TestVariableBomb(t *testing.T) {
	vars := variables{"a": "{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}{{b}}", "self": "{{self}}"}
	for c := 'b'; c < 'y'; c++ {
		vars[string(c)] = strings.Repeat("{{"+string(c+1)+"}}", 10)
	}
	vars["y"] = "x"
	if value, unknown := vars.resolve("{{a}}"); unknown == "" {
		t.Errorf("%d bytes", len(value))
	}
	if value, unknown := vars.resolve("{{self}}"); unknown == "" {
		t.Errorf("%q", value)
	}
	if value, unknown := vars.resolve("{{y}} {{ _.y }} {{ _['y'] }} {{"); value != "x x x {{" || unknown != "" {
		t.Errorf("%q %q", value, unknown)
	}
}

// A large file is not read to its end.
func TestLargeFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 100<<20); err != nil { // a file with a hole: it costs no disk
		t.Fatal(err)
	}
	if _, err := Open(name); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// In a folder, nothing outside of it is read, whatever links it has.
func TestFolderLinks(t *testing.T) {
	outside, folder := t.TempDir(), t.TempDir()
	secret := "auth {\n  mode: oauth2\n}\n\nauth:oauth2 {\n  grant_type: client_credentials\n  access_token_url: https://evil.example.com/t\n  client_id: outside\n}\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "collection.bru"), secret)
	write(filepath.Join(folder, "bruno.json"), `{"name":"x","version":"1"}`)
	for link, to := range map[string]string{"collection.bru": filepath.Join(outside, "collection.bru"), "sub": outside, "up": ".."} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Import(s, Options{})
	if err != nil || len(found.Drafts) > 0 {
		t.Fatalf("%v, %d profiles", err, len(found.Drafts))
	}
	said := 0
	for _, l := range found.Left {
		if strings.Contains(l.Why, "is a link") {
			said++
		}
	}
	if said != 3 {
		t.Errorf("%v", found.Left)
	}
}

// A command is read and never run; what only the shell could tell stays behind.
func TestCommandsAreNotRun(t *testing.T) {
	witness := filepath.Join(t.TempDir(), "ran")
	found, err := Import(Source{Text: "curl -u \"$(touch " + witness + "):`touch " + witness + "`\" https://login.example.com/token -d grant_type=client_credentials -d \"scope=$SCOPE\"; touch " + witness}, Options{})
	if err != nil || len(found.Drafts) != 1 {
		t.Fatal(err)
	}
	if _, err := os.Stat(witness); !errors.Is(err, os.ErrNotExist) {
		t.Error("it was run")
	}
	p := found.Drafts[0].Profile
	if p.ClientID != "" || len(p.Scope) > 0 || len(found.Drafts[0].Secrets) > 0 {
		t.Errorf("%+v", p)
	}
	for _, what := range []string{"client_id", "client_secret", "scope"} {
		ok := false
		for _, l := range found.Left {
			ok = ok || l.What == what && strings.Contains(l.Why, "shell")
		}
		if !ok {
			t.Errorf("%s: %v", what, found.Left)
		}
	}
}

func TestCommandWords(t *testing.T) {
	for text, want := range map[string]string{
		`curl -H 'a: b' "c d" e\ f`:        "curl|-H|a: b|c d|e f",
		"curl \\\n  -s https://x":          "curl|-s|https://x",
		"curl ^\r\n  -s":                   "curl|-s",
		`curl $'it\'s\nnew' ""`:            "curl|it's\nnew|",
		`curl a 2>/dev/null >out b | jq .`: "curl|a|b",
		`curl "a\"b\$c"`:                   `curl|a"b$c`,
		"curl a # remark\n":                "curl|a",
		"curl $HOME ${X} `id`":             "curl|\x00|\x00|\x00",
		`curl 'open`:                       "curl|open",
		`curl $ "$"`:                       "curl|$|$",
	} {
		all := commands(text)
		if len(all) == 0 || strings.Join(all[0], "|") != want {
			t.Errorf("%q: %q, want %q", text, all, want)
		}
	}
}

// Only addresses of the web are taken over, wherever they stand.
func TestOtherSchemes(t *testing.T) {
	for _, evil := range []string{"file:///etc/passwd", "javascript:alert(1)", "http://evil.example.com/token", "ftp://x.example.com", "data:text/html,x", "//evil.example.com/x", "https://user:pw@evil.example.com/x"} {
		text := `{"info":{"name":"x","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},"auth":{"type":"oauth2","oauth2":[
			{"key":"authUrl","value":"` + evil + `"},{"key":"accessTokenUrl","value":"` + evil + `"},{"key":"clientId","value":"c"},{"key":"redirect_uri","value":"` + evil + `"}]},
			"item":[{"name":"y","request":"` + evil + `"}]}`
		found, err := Import(Source{Text: text}, Options{})
		if err != nil || len(found.Drafts) != 1 {
			t.Fatalf("%s: %v", evil, err)
		}
		p := found.Drafts[0].Profile
		if p.AuthorizationEndpoint+p.TokenEndpoint+p.APIBaseURL+strings.Join(p.RedirectURI, "") != "" || len(found.Drafts[0].Needs) == 0 {
			t.Errorf("%s: %+v", evil, p)
		}
		if found, err := Import(Source{Text: "curl '" + evil + "'"}, Options{}); err == nil && strings.Contains(found.Drafts[0].Profile.APIBaseURL, "@") || strings.HasPrefix(evil, "file") && found.Drafts[0].Profile.APIBaseURL != "" {
			t.Errorf("curl %s: %+v", evil, found.Drafts[0].Profile)
		}
	}
}

// What cannot be read says what it is, and nothing of what stands in it.
func TestRefusals(t *testing.T) {
	const canary = "hunter2-canary"
	encrypted, err := os.ReadFile("testdata/oidc-agent.encrypted")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                        "is in no format",
		canary:                    "is in no format",
		"\x00\x01\xff":            "is in no format",
		`{"a": "` + canary + `",`: "line 1",
		`{"a": "` + canary + `"}`: "is in no format",
		"a: [" + canary:           "is in no format",
		string(encrypted):         "oidc-gen -p",
		`{"type":"service_account","client_email":"a@b","private_key":"` + canary + `"}`:              "--service-account",
		`{"openapi":"3.0.0","swagger":"2.0","info":{"name":"x","schema":"getpostman.com"},"item":[]}`: "could be read as postman or as openapi",
	} {
		_, err := Import(Source{Text: text}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Import(Source{Text: "x"}, Options{From: "nosuch"}); err == nil || !strings.Contains(err.Error(), "postman") {
		t.Errorf("%v", err)
	}
}
