package carry

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"fob/profiles"
)

// holds are the promises of every import, whatever the source: names that can be used and are different, profiles that say what
// they lack, and words that a terminal shows as words.
func holds(t *testing.T, found Found) {
	names := map[string]bool{}
	for _, d := range found.Drafts {
		if profiles.ValidateValue("name", d.Profile.Name) != nil || names[d.Profile.Name] {
			t.Fatalf("the name %q", d.Profile.Name)
		}
		names[d.Profile.Name] = true
		if problems := d.Profile.Validate(); len(problems) > 0 && len(d.Needs) == 0 {
			t.Fatalf("%v, and nothing is said to be needed", problems)
		}
		text, err := json.Marshal(d.Profile)
		if err != nil {
			t.Fatal(err)
		}
		var back profiles.Profile
		if len(d.Needs) == 0 && found.Format.ID != "fob" {
			if err := json.Unmarshal(text, &back); err != nil || !back.Equal(d.Profile) {
				t.Fatalf("%v: %s", err, text)
			}
		}
		for key, secret := range d.Secrets {
			if f, known := profiles.FieldByKey(key); !known || f.Kind != profiles.KindSecret || secret == "" {
				t.Fatalf("%q is no secret", key)
			}
		}
	}
	for _, l := range found.Left {
		for _, text := range []string{l.Profile, l.What, l.Why} {
			if text != clean(text) || len(text) > 2000 {
				t.Fatalf("%q is shown", text)
			}
		}
	}
}

func fuzzFormat(f *testing.F, id string, files ...string) {
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, from := range []string{"", id} {
			if found, err := Import(Source{Text: text}, Options{From: from}); err == nil {
				holds(t, found)
			}
		}
	})
}

func FuzzPostman(f *testing.F) {
	fuzzFormat(f, "postman", "postman-v21.json", "postman-v20.json", "postman-environment.json")
}
func FuzzInsomnia(f *testing.F)   { fuzzFormat(f, "insomnia", "insomnia-v4.json", "insomnia-v5.yaml") }
func FuzzOpenAPI(f *testing.F)    { fuzzFormat(f, "openapi", "openapi.yaml", "swagger2.json") }
func FuzzIntelliJ(f *testing.F)   { fuzzFormat(f, "intellij", "http-client.env.json") }
func FuzzKubeconfig(f *testing.F) { fuzzFormat(f, "kubeconfig", "kubeconfig.yaml") }
func FuzzCurl(f *testing.F)       { fuzzFormat(f, "curl", "curl.txt", "curl-api.txt") }
func FuzzURL(f *testing.F)        { fuzzFormat(f, "url", "url.txt") }
func FuzzGoogle(f *testing.F)     { fuzzFormat(f, "google", "google.json") }
func FuzzOAuth2c(f *testing.F)    { fuzzFormat(f, "oauth2c", "oauth2c.txt") }
func FuzzOIDCAgent(f *testing.F) {
	fuzzFormat(f, "oidc-agent", "oidc-agent.json", "oidc-agent.encrypted")
}

func FuzzOwn(f *testing.F) {
	f.Add(`{"name":"a","issuer":"https://a.example","client_id":"b"}`)
	f.Add(`{"version":1,"profiles":[{"name":"a","token_params":{"a":"b"}}]}`)
	fuzzFormat(f, "fob")
}

// FuzzBruno reads a text as each of the files that a collection has.
func FuzzBruno(f *testing.F) {
	for _, file := range []string{"bruno-bru/collection.bru", "bruno-bru/Photos.bru", "bruno-bru/Batch/folder.bru", "bruno-bru/environments/prod.bru", "bruno-yml/opencollection.yml", "bruno-yml/Photos.yml"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []Source{
			{Text: text},
			{Files: map[string]string{"bruno.json": text, "collection.bru": text, "a/folder.bru": text, "a/b.bru": text, "environments/x.bru": text}},
			{Files: map[string]string{"opencollection.yml": text, "a/folder.yml": text, "a/b.yml": text, "environments/x.yml": text}},
		} {
			if found, err := Import(s, Options{From: "bruno"}); err == nil {
				holds(t, found)
			}
		}
	})
}
