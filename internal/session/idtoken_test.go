package session

import (
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// Who asks for the ID token gets one that is still good, whatever is left of the access token, and is told its own end.
func TestIDTokenIsFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: time.Hour, IDTokenTTL: 5 * time.Minute})
		r.login("work")
		ask := func() Handout {
			t.Helper()
			h, err := r.engine.TokenFor(t.Context(), TokenQuery{Name: "work", IDToken: true}, -1)
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(*h.ExpiresAt); left < time.Minute || left > 5*time.Minute {
				t.Errorf("the ID token ends in %s", left)
			}
			return h
		}
		first := ask()
		if again := ask(); again.IDToken != first.IDToken {
			t.Error("a good ID token was replaced")
		}
		time.Sleep(4*time.Minute + 30*time.Second)
		access, err := r.engine.Token(t.Context(), "work", -1)
		if err != nil || access.AccessToken != first.AccessToken {
			t.Fatalf("the access token lives on: %v", err)
		}
		if fresh := ask(); fresh.IDToken == first.IDToken {
			t.Error("an ID token that ends in 30 s was handed out")
		}
	})
}
