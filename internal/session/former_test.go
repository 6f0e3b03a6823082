package session

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// Logins of the Fob before stay logins: testdata/former is what it wrote (at the beginning of the year 2000, where bubbles begin).
func TestLoginsOfTheFobBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		r.engine.Close()
		r.dir = t.TempDir()
		if err := os.CopyFS(r.dir, os.DirFS("testdata/former")); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(r.dir, "keychain.json"))
		if err != nil {
			t.Fatal(err)
		}
		var items map[string]string
		if err := json.Unmarshal(text, &items); err != nil {
			t.Fatal(err)
		}
		for key, value := range items {
			if err := r.store.Set(t.Context(), key, []byte(value)); err != nil {
				t.Fatal(err)
			}
		}
		r.open()
		time.Sleep(time.Minute)
		for _, name := range []string{"work", "with secret"} {
			if s := r.status(name); s.State != LoggedIn || !s.Refreshable || s.Problem != nil || s.Account == "" || !s.Attended || s.Grant != "authorization_code" {
				t.Errorf("%s: %+v", name, s)
			}
			if h := r.token(name); h.AccessToken != "former-access-token" {
				t.Errorf("%s: another token", name)
			}
		}
		p, secrets, err := r.engine.Profile(t.Context(), "with secret")
		if err != nil || len(secrets) != 1 || secrets[0] != "client_secret" {
			t.Fatalf("secrets %v, %v", secrets, err)
		}
		c, err := r.engine.localClient(t.Context(), p)
		if err != nil || c.Secret != "former-client-secret" {
			t.Errorf("the client secret was not found: %v", err)
		}
		// A new name takes everything along.
		p.Name = "renamed"
		if err := r.engine.PutProfile(t.Context(), p, nil, "with secret", false); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		if h := r.token("renamed"); h.AccessToken != "former-access-token" {
			t.Error("the login did not survive the new name")
		}
		if _, secrets, _ := r.engine.Profile(t.Context(), "renamed"); len(secrets) != 1 {
			t.Errorf("secrets %v", secrets)
		}
	})
}
