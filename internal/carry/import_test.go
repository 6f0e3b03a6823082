package carry

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is found into testdata")

var sources = []struct {
	file, environment, within, format string
	secrets                           int
}{
	{"postman-v21.json", "postman-environment.json", "", "postman", 3},
	{"postman-v20.json", "", "", "postman", 0},
	{"postman-environment.json", "", "", "postman", 1},
	{"insomnia-v4.json", "", "Staging", "insomnia", 3},
	{"insomnia-v5.yaml", "", "", "insomnia", 1},
	{"bruno-bru", "", "", "bruno", 2},
	{"bruno-yml", "", "prod", "bruno", 2},
	{"openapi.yaml", "", "", "openapi", 0},
	{"swagger2.json", "", "", "openapi", 0},
	{"http-client.env.json", "http-client.private.env.json", "", "intellij", 1},
	{"kubeconfig.yaml", "", "", "kubeconfig", 1},
	{"curl.txt", "", "", "curl", 1},
	{"curl-api.txt", "", "", "curl", 0},
	{"url.txt", "", "", "url", 0},
	{"google.json", "", "", "google", 1},
	{"oauth2c.txt", "", "", "oauth2c", 1},
	{"oidc-agent.json", "", "", "oidc-agent", 1},
}

// report is what was found, as it is kept in testdata beside the source: no secret may be in it.
func report(found Found) string {
	var out strings.Builder
	for _, d := range found.Drafts {
		text, _ := json.MarshalIndent(d.Profile, "", "  ")
		out.Write(append(text, '\n'))
		for _, key := range d.SecretKeys() {
			out.WriteString("secret: " + key + "\n")
		}
		for _, need := range d.Needs {
			out.WriteString("needs: " + need.Error() + "\n")
		}
	}
	for _, l := range found.Left {
		out.WriteString("left: " + l.Profile + ": " + l.What + ": " + l.Why + "\n")
	}
	return out.String()
}

// What each format gives stands in testdata, written once and read by a person: go test -run TestImports -update.
func TestImports(t *testing.T) {
	for _, tt := range sources {
		t.Run(tt.file, func(t *testing.T) {
			s, err := Open(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			s.Name = "some name" // the content says the format
			o := Options{Within: tt.within}
			if tt.environment != "" {
				environment, err := Open(filepath.Join("testdata", tt.environment))
				if err != nil {
					t.Fatal(err)
				}
				o.Environment = &environment
			}
			found, err := Import(s, o)
			if err != nil {
				t.Fatal(err)
			}
			if found.Format.ID != tt.format {
				t.Errorf("taken for %s", found.Format.ID)
			}
			got, secrets := report(found), 0
			for _, d := range found.Drafts {
				secrets += len(d.Secrets)
				for _, secret := range d.Secrets {
					if strings.Contains(got, secret.Reveal()) && len(secret.Reveal()) > 4 {
						t.Error("a secret is shown")
					}
				}
			}
			if secrets != tt.secrets {
				t.Errorf("%d secrets, want %d", secrets, tt.secrets)
			}
			for _, word := range []string{"token-secret", "literal-secret", "bearer-secret", "refresh-secret", "hunter2", "basic-pass", "static-secret", "fixed-secret"} {
				if strings.Contains(got, word) {
					t.Errorf("%s is shown", word)
				}
			}
			want := filepath.Join("testdata", "want", tt.file+".txt")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(text) {
				t.Errorf("found:\n%s\nwant:\n%s", got, text)
			}
		})
	}
}

// Every format that is read has a source here.
func TestEveryFormatIsTried(t *testing.T) {
	for _, f := range formats {
		if f.ID != "fob" && !slices.ContainsFunc(sources, func(s struct {
			file, environment, within, format string
			secrets                           int
		}) bool {
			return s.format == f.ID
		}) {
			t.Errorf("nothing is read as %s", f.ID)
		}
	}
}
