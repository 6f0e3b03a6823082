//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// importer runs one of e2e/importers' programs and returns what it printed.
func importer(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	here, err := filepath.Abs("importers")
	must(t, err)
	if _, err := os.Stat(filepath.Join(here, "node_modules")); err != nil {
		t.Fatal("dev/e2e.sh installs what this needs")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 6*patience) // hundreds of modules are read
	defer cancel()
	args[0] = filepath.Join(here, args[0])
	cmd := exec.CommandContext(ctx, node(), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(args[0]), err, stderr.String(), out.String())
	}
	return out.String()
}

// What Fob exports is read by the programs whose formats it is: Newman and Bruno's command line call the demo API with it, and
// with Fob's token; Insomnia's importer and an OpenAPI validator understand the rest.
func TestExportsInTheirPrograms(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bare...)
	f := newFob(d)
	f.run("demo").ok()
	f.login("Demo", newPerson(d, "--user", "ada"))
	token := f.token("Demo")
	folder := t.TempDir()

	t.Run("newman", func(t *testing.T) {
		dir := filepath.Join(folder, "postman")
		f.run("profile", "export", "Demo", "--as", "postman", "-o", dir).ok()
		environment := filepath.Join(dir, "fob.postman_environment.json")
		text, err := os.ReadFile(environment)
		must(t, err)
		given := strings.Replace(string(text), `"key": "demo_access_token",
      "type": "secret",
      "value": ""`, `"key": "demo_access_token",
      "type": "secret",
      "value": "`+token+`"`, 1)
		if given == string(text) {
			t.Fatalf("there is no place for the token:\n%s", text)
		}
		run := func(environment string) (executions []struct{ Response struct{ Code int } }) {
			t.Helper()
			report := filepath.Join(t.TempDir(), "report.json")
			importer(t, dir, nil, "node_modules/newman/bin/newman.js", "run", "fob.postman_collection.json", "-e", environment, "--reporters", "json", "--reporter-json-export", report)
			var result struct {
				Run struct {
					Executions []struct{ Response struct{ Code int } }
				}
			}
			text, err := os.ReadFile(report)
			must(t, err)
			must(t, json.Unmarshal(text, &result))
			return result.Run.Executions
		}
		with := filepath.Join(t.TempDir(), "with.json")
		must(t, os.WriteFile(with, []byte(given), 0o600))
		if all := run(with); len(all) != 1 || all[0].Response.Code != 200 {
			t.Errorf("with the token: %+v", all)
		}
		if all := run(environment); len(all) != 1 || all[0].Response.Code != 401 { // or the 200 above says nothing
			t.Errorf("without the token: %+v", all)
		}
	})

	t.Run("bruno", func(t *testing.T) {
		dir := filepath.Join(folder, "bruno")
		f.run("profile", "export", "Demo", "--as", "bruno", "-o", dir).ok()
		report := filepath.Join(t.TempDir(), "report.json")
		importer(t, dir, []string{"DEMO_ACCESS_TOKEN=" + token}, "node_modules/@usebruno/cli/bin/bru.js", "run", "-r", "--output", report)
		var results []struct {
			Results []struct {
				Response struct{ Status int }
			}
		}
		text, err := os.ReadFile(report)
		must(t, err)
		must(t, json.Unmarshal(text, &results))
		if len(results) != 1 || len(results[0].Results) != 1 || results[0].Results[0].Response.Status != 200 {
			t.Errorf("%s", strings.ReplaceAll(string(text), token, "[token]"))
		}
	})

	t.Run("insomnia", func(t *testing.T) {
		file := filepath.Join(folder, "insomnia.json")
		f.run("profile", "export", "Demo", "--as", "insomnia", "-o", file).ok()
		var understood struct {
			Type struct{ ID string }
			Data struct {
				Resources []struct {
					Type           string `json:"_type"`
					Name           string
					Authentication struct{ Type, GrantType, ClientID, AccessTokenURL string }
				}
			}
		}
		must(t, json.Unmarshal([]byte(importer(t, folder, nil, "read.mjs", "insomnia", file)), &understood))
		found := false
		for _, r := range understood.Data.Resources {
			found = found || r.Type == "request" && r.Name == "Demo" && r.Authentication.Type == "oauth2" && r.Authentication.ClientID != "" && strings.Contains(r.Authentication.AccessTokenURL, "/token")
		}
		if !found || understood.Type.ID != "insomnia-4" {
			t.Errorf("%+v", understood)
		}
	})

	t.Run("openapi", func(t *testing.T) {
		file := filepath.Join(folder, "openapi.json")
		f.run("profile", "export", "Demo", "--as", "openapi", "-o", file).ok()
		var understood struct {
			Components struct {
				SecuritySchemes map[string]struct {
					Type             string
					OpenIDConnectURL string
				}
			}
		}
		must(t, json.Unmarshal([]byte(importer(t, folder, nil, "read.mjs", "openapi", file)), &understood))
		if scheme := understood.Components.SecuritySchemes["Demo"]; scheme.Type != "openIdConnect" || !strings.HasSuffix(scheme.OpenIDConnectURL, "/.well-known/openid-configuration") {
			t.Errorf("%+v", understood)
		}
	})
}
