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

// newman runs a collection of one request and returns the status of its answer.
func newman(t *testing.T, collection, environment string) int {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	args := []string{"node_modules/newman/bin/newman.js", "run", collection, "--reporters", "json", "--reporter-json-export", report}
	if environment != "" {
		args = append(args, "-e", environment)
	}
	importer(t, filepath.Dir(collection), nil, args...)
	var result struct {
		Run struct {
			Executions []struct{ Response struct{ Code int } }
		}
	}
	text, err := os.ReadFile(report)
	must(t, err)
	must(t, json.Unmarshal(text, &result))
	if len(result.Run.Executions) != 1 {
		t.Fatalf("%d requests", len(result.Run.Executions))
	}
	return result.Run.Executions[0].Response.Code
}

// bruno runs a collection of one request and returns the status of its answer.
func bruno(t *testing.T, dir string, env []string, args ...string) int {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	importer(t, dir, env, append([]string{"node_modules/@usebruno/cli/bin/bru.js", "run", "-r", "--output", report}, args...)...)
	var results []struct {
		Results []struct {
			Response struct{ Status int }
		}
	}
	text, err := os.ReadFile(report)
	must(t, err)
	must(t, json.Unmarshal(text, &results))
	if len(results) != 1 || len(results[0].Results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0].Results[0].Response.Status
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
		run := func(what, environment string, code int) {
			t.Helper()
			if got := newman(t, filepath.Join(dir, "fob.postman_collection.json"), environment); got != code {
				t.Errorf("%s: %d, want %d", what, got, code)
			}
		}
		with := filepath.Join(t.TempDir(), "with.json")
		must(t, os.WriteFile(with, []byte(given), 0o600))
		run("with the token", with, 200)
		run("without the token", environment, 401) // or the 200 above says nothing
	})

	// What "Copy as" makes: an environment with the token in it, for a collection that somebody wrote by hand.
	t.Run("postman environment", func(t *testing.T) {
		collection := filepath.Join(t.TempDir(), "collection.json")
		must(t, os.WriteFile(collection, []byte(`{"info":{"name":"mine","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
			"item":[{"name":"who","request":{"method":"GET","url":"{{base_url}}","header":[{"key":"Authorization","value":"{{token_type}} {{access_token}}"}]}}]}`), 0o600))
		environment := filepath.Join(t.TempDir(), "environment.json")
		must(t, os.WriteFile(environment, []byte(f.run("print", "Demo", "--as", "postman").ok()), 0o600))
		if got := newman(t, collection, environment); got != 200 {
			t.Errorf("the API answers %d", got)
		}
	})

	// A test suite behind the proxy has an address and no token.
	t.Run("newman behind the proxy", func(t *testing.T) {
		_, address := f.proxied("Demo")
		collection := filepath.Join(t.TempDir(), "collection.json")
		must(t, os.WriteFile(collection, []byte(`{"info":{"name":"mine","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
			"item":[{"name":"who","request":{"method":"GET","url":"`+address+`"}}]}`), 0o600))
		if got := newman(t, collection, ""); got != 200 {
			t.Errorf("the API answers %d", got)
		}
	})

	t.Run("bruno environment", func(t *testing.T) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "bruno.json"), []byte(`{"version":"1","name":"mine","type":"collection"}`), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "who.bru"), []byte("meta {\n  name: who\n  type: http\n  seq: 1\n}\n\nget {\n  url: {{base_url}}\n  body: none\n  auth: bearer\n}\n\nauth:bearer {\n  token: {{access_token}}\n}\n"), 0o600))
		must(t, os.Mkdir(filepath.Join(dir, "environments"), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "environments", "fob.bru"), []byte(f.run("print", "Demo", "--as", "bruno").ok()), 0o600))
		if got := bruno(t, dir, nil, "--env", "fob"); got != 200 {
			t.Errorf("the API answers %d", got)
		}
	})

	t.Run("bruno", func(t *testing.T) {
		dir := filepath.Join(folder, "bruno")
		f.run("profile", "export", "Demo", "--as", "bruno", "-o", dir).ok()
		if got := bruno(t, dir, []string{"DEMO_ACCESS_TOKEN=" + token}); got != 200 {
			t.Errorf("the API answers %d", got)
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
