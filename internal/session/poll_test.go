package session

import (
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// F-016: begun by one call, asked about by others, also after a restart; done once, and never faster than the server wants.
func TestPollOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}
		r := newRig(t, authserver.Options{Clients: []authserver.Client{client}, Device: authserver.Device{}})
		p := r.profile("tv")
		p.GrantType = "device_code"
		r.put(p)
		poll := func() (LoginEvent, *Status) {
			t.Helper()
			shown, status, err := r.engine.Poll(t.Context(), "tv", LoginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return shown, status
		}
		first, status := poll()
		if status != nil || first.Joined || first.UserCode == "" {
			t.Fatalf("first: %+v, %v", first, status)
		}
		for range 3 {
			again, status := poll()
			if status != nil || !again.Joined || again.UserCode != first.UserCode {
				t.Fatalf("not approved yet: %+v, %v", again, status)
			}
		}
		r.reopen()
		if err := r.server.ApproveDevice(first.UserCode, "ada"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, status := poll(); status == nil || status.State != LoggedIn {
			t.Fatalf("approved: %+v", status)
		}
		if time.Since(began) > time.Minute {
			t.Errorf("one poll took %v", time.Since(began))
		}
		if !r.works(r.token("tv").AccessToken) {
			t.Error("the token does not work")
		}
		if fresh, status := poll(); status != nil || fresh.Joined || fresh.UserCode == first.UserCode {
			t.Errorf("a new login was not begun: %+v", fresh)
		}
	})
}

// A code that nobody typed in time is over, and the next call begins anew.
func TestPollOnceDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := authserver.DemoClient()
		client.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}
		r := newRig(t, authserver.Options{Clients: []authserver.Client{client}, Device: authserver.Device{}})
		p := r.profile("tv")
		p.GrantType = "device_code"
		r.put(p)
		first, _, err := r.engine.Poll(t.Context(), "tv", LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.server.DenyDevice(first.UserCode); err != nil {
			t.Fatal(err)
		}
		_, _, err = r.engine.Poll(t.Context(), "tv", LoginOptions{})
		wantError(t, err, Failed, "access_denied")
		if again, _, err := r.engine.Poll(t.Context(), "tv", LoginOptions{}); err != nil || again.Joined {
			t.Errorf("after a no: %+v, %v", again, err)
		}
		if _, _, err := r.engine.Poll(t.Context(), "work", LoginOptions{}); err == nil {
			t.Error("a browser's login was polled")
		}
	})
}
