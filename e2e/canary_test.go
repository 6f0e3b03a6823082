//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Secrets are in the keychain and nowhere else: not in files, logs, arguments, environments, notifications, exports..
func TestCanary(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t), startProvider(t)
	f, k := newFob(d), openKeyring(d)
	f.runWith(clientSecret, "profile", "add", "work", "--issuer", p.issuer, "--client-id", "fob-secret", "--scope", "openid",
		"--scope", "email", "--scope", "offline_access", "--set", "prompt=consent", "--client-secret-stdin").ok()
	saw := f.login("work", newPerson(d))
	canaries := map[string]string{"client secret": clientSecret, "access token of the login": f.token("work"), "ID token": f.token("work", "--id-token")}
	for i := range 3 {
		f.run("refresh", "work").ok()
		canaries["access token "+strconv.Itoa(i)] = f.token("work")
	}
	for _, request := range saw.Requests {
		if u, err := url.Parse(request); err == nil && u.Query().Get("code") != "" {
			canaries["authorization code"] = u.Query().Get("code")
		}
	}
	for i, token := range p.order("seen").RefreshTokens {
		canaries["refresh token "+strconv.Itoa(i)] = token
	}
	if canaries["refresh token 3"] == "" || canaries["authorization code"] == "" {
		t.Fatal("the provider issued no refresh tokens, or the browser saw no code")
	}
	canaries["key of the journal"] = k.journalKey()
	if canaries["key of the journal"] == "" {
		t.Error("the journal has no key in the keychain")
	}
	// Where they are: one item with the client secret, one with the tokens or with the key of the file that holds them.
	if secrets := k.secrets(); len(secrets) != 2 || !strings.Contains(strings.Join(secrets, "\n"), inJSON(clientSecret)) {
		t.Errorf("%d items in the keychain, and among them the client secret: %v", len(secrets), strings.Contains(strings.Join(secrets, "\n"), inJSON(clientSecret)))
	}

	// Everything that writes something somewhere.
	f.run("copy", "work").ok()
	f.run("status", "--json").ok()
	exported := f.run("profile", "export", "work").ok() + f.run("profile", "show", "work").ok() + f.run("profile", "list", "--json").ok() +
		f.run("show", "work").ok() + f.run("doctor").out + f.run("doctor", "--json").out
	p.order("stumble 500")
	f.run("refresh", "work").exits(5)
	p.order("stumble 0")
	p.order("revoke")
	f.run("refresh", "work").exits(3)
	until(t, "notification", func() bool { return strings.Contains(d.log("dunst"), "log in again") })
	f.look(canaries, exported)
	f.killAgent() // what it leaves behind when nobody can clean up
	f.look(canaries, exported)
	f.run("logout", "work", "--local").ok()
	if left := k.secrets(); len(left) != 1 || !strings.Contains(left[0], inJSON(clientSecret)) {
		t.Errorf("after logout the keychain holds %d items", len(left))
	}
	f.run("profile", "remove", "work").ok()
	if left := k.secrets(); len(left) > 0 {
		t.Errorf("after the profile's removal the keychain holds %d items", len(left))
	}
}

// inJSON is a text as encoding/json writes it within quotes.
func inJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(quoted), `"`)
}

// look searches every place for every canary in every clothing.
func (f *fob) look(canaries map[string]string, exported string) {
	f.t.Helper()
	looked := map[string]int{}
	look := func(kind, place string, content []byte) {
		looked[kind]++
		for what, canary := range canaries {
			for _, form := range []string{canary, inJSON(canary), url.QueryEscape(canary), url.PathEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)), base64.RawURLEncoding.EncodeToString([]byte(canary))} {
				if bytes.Contains(content, []byte(form)) {
					f.t.Errorf("%s is in %s", what, place)
					break
				}
			}
		}
	}
	look("export", "what Fob prints of its profiles", []byte(exported))
	for _, dir := range []string{f.home, filepath.Join(f.desk.root, "home"), filepath.Join(f.desk.root, "log")} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil // sockets, and files that come and go
			}
			content, err := os.ReadFile(path)
			if err == nil {
				look("file", path, content)
			}
			return nil
		})
		must(f.t, err)
	}
	marker := []byte("DESKTOP_ID=" + f.desk.lookup("DESKTOP_ID") + "\x00")
	for _, pid := range processes() {
		vars, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil || !bytes.Contains(vars, marker) {
			continue
		}
		look("environment", "the environment of process "+strconv.Itoa(pid), vars)
		words, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err == nil {
			look("arguments", "the arguments "+strings.ReplaceAll(string(words), "\x00", " "), words)
		}
	}
	if looked["file"] < 5 || looked["environment"] < 5 || looked["arguments"] < 5 {
		f.t.Errorf("looked only into %v", looked)
	}
}
