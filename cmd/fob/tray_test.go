package main

import (
	"errors"
	"testing"

	"fob/internal/agent"
	"fob/internal/session"
)

// F-013: what a menu has no room for is shown by the window; a browser opens for a page and for nothing else.
func TestWhatShowsALoginOfTheTray(t *testing.T) {
	for _, c := range []struct {
		event agent.LoginEvent
		want  string
	}{
		{agent.LoginEvent{Kind: "open", URL: "https://login.example.com"}, "browser"},
		{agent.LoginEvent{Kind: "open", URL: "https://login.example.com", Joined: true}, ""},
		{agent.LoginEvent{Kind: "device", UserCode: "ABCD"}, "window"},
		{agent.LoginEvent{Kind: "ciba", Joined: true}, "window"},
		{agent.LoginEvent{Kind: "keychain"}, ""},
		{agent.LoginEvent{Kind: "done"}, ""},
	} {
		if got := shownBy(c.event); got != c.want {
			t.Errorf("%+v is shown by %q, want %q", c.event, got, c.want)
		}
	}
	for code, want := range map[string]bool{session.CodePassword: true, session.CodeOutOfBand: true, session.CodeTimeout: false} {
		if got := needsWindow(&session.Error{Code: code}); got != want {
			t.Errorf("%s needs the window: %t", code, got)
		}
	}
	if needsWindow(nil) || needsWindow(errors.New("network")) {
		t.Error("a window is opened for nothing")
	}
}
