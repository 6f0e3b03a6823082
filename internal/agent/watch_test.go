package agent

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fob/internal/session"
)

func TestWatchersLeaveWhileSettingsChange(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := h.client.PutSettings(t.Context(), Settings{Theme: "dark", ClipboardSeconds: i % 50}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var watchers sync.WaitGroup
	for range 4 {
		watchers.Go(func() {
			for range 50 {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://fob/v1/watch", http.NoBody)
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := h.client.http.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				var first Update
				if err := json.NewDecoder(answer.Body).Decode(&first); err != nil || !first.Full {
					t.Errorf("the first message is not everything: %+v %v", first, err)
				}
				answer.Body.Close()
			}
		})
	}
	watchers.Wait()
	close(stop)
	all.Wait()
}

func TestMovedProfilesAreToldWhole(t *testing.T) {
	h := newHouse(t)
	h.add("a")
	h.add("b")
	updates := make(chan Update, 100)
	go func() { _ = h.client.Watch(t.Context(), func(u Update) { updates <- u }) }() // ends with the test
	<-updates
	text, err := os.ReadFile(h.home.ProfilesFile())
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(`"a"`), []byte(`"?"`))
	text = bytes.ReplaceAll(text, []byte(`"b"`), []byte(`"a"`))
	text = bytes.ReplaceAll(text, []byte(`"?"`), []byte(`"b"`))
	if err := os.WriteFile(h.home.ProfilesFile(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, updates, func(u Update) bool {
		return u.Full && len(u.Profiles) == 2 && u.Profiles[0].Name == "b" && u.Profiles[1].Name == "a"
	})
	h.add("c") // at the end: nobody is told more than that
	until(t, updates, func(u Update) bool { return !u.Full && len(u.Profiles) == 1 && u.Profiles[0].Name == "c" })
}

func TestNotAgentsDirectory(t *testing.T) {
	root := t.TempDir()
	if err := os.Symlink(root, filepath.Join(root, "run")); err != nil {
		t.Fatal(err)
	}
	_, err := NewClient(Home{Runtime: filepath.Join(root, "run")}).Hello(t.Context())
	wantError(t, err, Unreachable, "socket_owner")
}

// TestAnswersHoldNoSecret asks for everything but the token itself.
func TestAnswersHoldNoSecret(t *testing.T) {
	h := newHouse(t)
	p := h.add("work")
	const secret = "canary-secret-77c2"
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p, Secrets: map[string]string{"client_secret": secret}}); err != nil {
		t.Fatal(err)
	}
	if err := h.client.PutProfile(t.Context(), ProfileEdit{Profile: p, Secrets: map[string]string{"client_secret": ""}}); err != nil {
		t.Fatal(err)
	}
	h.login("work")
	token, err := h.client.Token(t.Context(), TokenQuery{Name: "work"}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, path := range []string{"GET hello", "GET status", "GET details?name=work", "GET profiles", "GET profile?name=work", "GET settings", "GET doctor"} {
		method, path, _ := strings.Cut(path, " ")
		var answer json.RawMessage
		if err := h.client.call(t.Context(), method, path, nil, &answer); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		said.Write(answer)
	}
	_, err = h.client.Refresh(t.Context(), "nobody")
	wantError(t, err, Misused, session.CodeUnknownProfile)
	said.WriteString(err.Error())
	signature := func(jwt string) string { return jwt[strings.LastIndex(jwt, ".")+1:] }
	for kind, value := range map[string]string{"access token": signature(token.AccessToken), "id_token": signature(token.IDToken), "client secret": secret} {
		if value == "" || strings.Contains(said.String(), value) {
			t.Errorf("%s in an answer", kind)
		}
	}
}
