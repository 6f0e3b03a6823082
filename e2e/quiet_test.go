//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newQuiet is a Fob where neither screen nor keychain is the point: it has a home and nothing else, and its secrets end with its agent.
func newQuiet(t *testing.T) *fob {
	t.Helper()
	root, err := os.MkdirTemp("", "fob-e2e-") // short: the socket lives below it
	must(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, root: root}
	for _, dir := range []string{"home", "run"} {
		must(t, os.Mkdir(filepath.Join(root, dir), 0o700))
	}
	d.vars = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(root, "home"), "XDG_RUNTIME_DIR=" + filepath.Join(root, "run"), "FOB_STORE=memory"}
	for _, name := range []string{"FOB_E2E_NODE", "CHROMIUM", "TMPDIR"} { // for the browser
		if value, set := os.LookupEnv(name); set {
			d.vars = append(d.vars, name+"="+value)
		}
	}
	f := newFob(d)
	t.Cleanup(func() {
		if f.agent() != 0 {
			f.run("stop").ok()
			until(t, "agent gone", func() bool { return f.agent() == 0 })
		}
	})
	return f
}

// in is the same Fob for a part of the test.
func (f *fob) in(t *testing.T) *fob {
	part := *f
	part.t = t
	return &part
}

// at adds a profile of a client of the provider's, with all that the client knows. sets are KEY=VALUE and take the place of what is
// usual; -KEY keeps that away.
func (f *fob) at(p *fullProvider, name, client string, sets ...string) {
	f.t.Helper()
	f.adds(p, name, client, sets...).ok()
}

func (f *fob) adds(p *fullProvider, name, client string, sets ...string) said {
	f.t.Helper()
	settings := slices.DeleteFunc(p.settings(p.client(client)), func(usual string) bool {
		key, _, _ := strings.Cut(usual, "=")
		return slices.ContainsFunc(sets, func(own string) bool { return strings.HasPrefix(own, key+"=") || own == "-"+key })
	})
	settings = append(settings, slices.DeleteFunc(slices.Clone(sets), func(own string) bool { return strings.HasPrefix(own, "-") })...)
	return f.run(append([]string{"profile", "add", name}, words("--set", settings...)...)...)
}

// settings are what a profile of the client says.
func (p *fullProvider) settings(c fullClient) []string {
	p.t.Helper()
	file := func(suffix, text string) string { return "@" + p.file("of-"+c.ID+suffix, text) }
	settings := []string{
		"issuer=" + p.issuer, "client_id=" + c.ID, "scope=openid email", "token_endpoint_auth_method=" + c.Method,
		"ca_certificate=@" + p.path("ca.pem"),
	}
	if c.Secret != "" {
		settings = append(settings, "client_secret="+file("-secret", c.Secret))
	}
	if len(c.PrivateKey) > 0 {
		settings = append(settings, "private_key="+file("-key", string(c.PrivateKey)))
	}
	if c.Certificate != "" {
		settings = append(settings, "tls_client_certificate=@"+c.Certificate, "tls_client_key=@"+c.CertificateKey)
	}
	return settings
}

// words puts a flag before each value.
func words(flag string, values ...string) (all []string) {
	for _, value := range values {
		all = append(all, flag, value)
	}
	return all
}

// enter logs in through curl, where nobody is asked anything.
func (f *fob) enter(p *fullProvider, name string, more ...string) said {
	f.t.Helper()
	return f.run(append([]string{"login", name, "--browser", curlBrowser(f.desk, p.path("ca.pem"))}, more...)...)
}

// reads runs a verb that prints a JSON object.
func (f *fob) reads(args ...string) (object map[string]any) {
	f.t.Helper()
	must(f.t, json.Unmarshal([]byte(f.run(append(args, "--json")...).ok()), &object))
	return object
}

// curl is what a developer does with `fob header`: a request with nothing else to let it in. It returns status and body.
func (f *fob) curl(p *fullProvider, profile, method, address string, more ...string) reply {
	f.t.Helper()
	headers := strings.Split(strings.TrimSpace(f.run(append([]string{"header", profile, method, address}, more...)...).ok()), "\n")
	return send(f.t, p.http(""), address, nil, headers...)
}

// has holds that an object has these members.
func has(t *testing.T, what string, object map[string]any, want map[string]any) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if object[name] != want[name] {
			t.Errorf("%s: %s is %v, want %v", what, name, object[name], want[name])
		}
	}
}
