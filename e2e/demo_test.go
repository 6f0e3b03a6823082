//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// The built-in demo, as the README shows it; its server and its login outlive the agent.
func TestDemo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bare...)
	f := newFob(d)
	if out := f.run("demo").ok(); out != "Demo\n" {
		t.Fatalf("fob demo: %q", out)
	}
	ada := newPerson(d, "--user", "ada", "--dark", "--shots", filepath.Join(pictures(t), "demo-dark"))
	saw := f.login("Demo", ada)
	if !strings.HasPrefix(saw.Title, "You can go back to Fob") || strings.Contains(saw.Address, "code=") {
		t.Errorf("the last page is %q at %s", saw.Title, saw.Address)
	}
	if len(saw.Complaints) > 0 {
		t.Errorf("the browser complains: %s", saw.Complaints)
	}
	api := f.api("Demo")
	ask := func(token string) (body string, status int) {
		request, err := http.NewRequest("GET", api, nil)
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		defer response.Body.Close()
		var text json.RawMessage
		must(t, json.NewDecoder(response.Body).Decode(&text))
		return string(text), response.StatusCode
	}
	token := f.token("Demo")
	if body, status := ask(token); status != 200 || !strings.Contains(body, "ada@demo.example") {
		t.Fatalf("the demo API: %d %s", status, body)
	}
	for range 4 { // the demo server rotates, too
		f.run("refresh", "Demo").ok()
	}
	f.killAgent()
	f.run("refresh", "Demo").ok()
	token = f.token("Demo")
	if _, status := ask(token); status != 200 {
		t.Errorf("after the agent's end: %d", status)
	}
	f.run("logout", "Demo").ok()
	if _, status := ask(token); status != 401 {
		t.Errorf("after logout: %d", status)
	}
	f.run("token", "Demo").exits(3)
}

// api is the profile's API base URL.
func (f *fob) api(name string) string {
	f.t.Helper()
	var profile struct {
		URL string `json:"api_base_url"`
	}
	must(f.t, json.Unmarshal([]byte(f.run("profile", "export", name).ok()), &profile))
	if profile.URL == "" {
		f.t.Fatalf("profile %s has no api_base_url", name)
	}
	return profile.URL
}
