package ui

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"fob/internal/agent"
)

// tryStage opens the tab of a profile on an API that answers so.
func tryStage(t *testing.T, reply agent.Response) (*stage, *tryTab) {
	t.Helper()
	fake := newFake(crowd()...)
	fake.reply = reply
	s := newStage(t, fake, "Acme API")
	s.ctrl(fyne.Key7)
	if s.window.Canvas().Focused() != fyne.Focusable(s.detail.tabs.try.path) {
		t.Error("the path cannot be typed at once")
	}
	return s, s.detail.tabs.try
}

// Logged out, the tab says what comes first, and the keys are the window's again when one leaves it.
func TestTryItLoggedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := crowd()[0]
		out.State, out.ExpiresAt, out.Refreshable = agent.LoggedOut, nil, false
		s := newStage(t, newFake(out), out.Name)
		s.ctrl(fyne.Key7)
		s.sees("log in first")
		try := s.detail.tabs.try
		if !try.send.Disabled() {
			t.Error("there is something to send")
		}
		s.picture("try-logged-out")
		try.path.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.Key1, Modifier: fyne.KeyModifierShortcutDefault})
		if s.window.Canvas().Focused() != nil {
			t.Error("a field out of sight has the keys")
		}
	})
}

// Issue 5, "Try it": method, path, headers and body go to the agent, and the answer is shown with status, type, size and time.
func TestTryIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, try := tryStage(t, agent.Response{Status: 201, Header: []agent.HeaderField{{Name: "Content-Type", Value: "application/json; charset=utf-8"}, {Name: "X-Trace", Value: "abc"}}, Body: []byte(`{"id":7,"name":"lamp"}`)})
		s.picture("try-empty")
		try.method.SetSelected("POST")
		try.path.SetText("/items?dry=SECRET")
		try.unfold(true)
		try.headers.SetText("If-Match: \"3\"\n\n")
		try.body.SetText(`{"name": "lamp"}`)
		s.picture("try-filled")
		s.window.Canvas().Focus(try.path)
		try.path.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyReturn, Modifier: fyne.KeyModifierShortcutDefault})
		s.settle()
		s.asked("request Acme API POST /items?dry=SECRET", 1)
		r := s.agent.requests[0]
		if string(r.Body) != `{"name": "lamp"}` || len(r.Header) != 2 || r.Header[0] != (agent.HeaderField{Name: "If-Match", Value: `"3"`}) || r.Header[1].Value != "application/json" {
			t.Errorf("%+v", r)
		}
		s.sees("201 Created · application/json · 22 bytes · ")
		s.sees(": 7,")
		if got := strings.Join(try.answer.text, "\n"); got != "{\n  \"id\": 7,\n  \"name\": \"lamp\"\n}" {
			t.Errorf("shown %q", got)
		}
		s.seesNot("X-Trace")
		s.tap(try.answer.heads)
		s.sees("X-Trace: abc")
		s.picture("try-answer")
		s.tap(try.answer.copy)
		if got := fyne.CurrentApp().Clipboard().Content(); got != "{\n  \"id\": 7,\n  \"name\": \"lamp\"\n}" {
			t.Errorf("copied %q", got)
		}
		// The history holds no query, and no other profile's requests.
		if menu := try.recent.menu(); len(menu.Items) != 1 || menu.Items[0].Label != "POST  /items" {
			t.Errorf("%+v", menu.Items[0])
		}
		s.onSelect("GitHub")
		s.settle()
		s.seesNot("lamp")
		if try.path.Text+try.body.Text+try.headers.Text != "" || try.recent.content.Visible() {
			t.Error("another profile has the request still")
		}
		s.sees("This profile does not say")
		s.picture("try-no-api")
		s.onSelect("Acme API")
		s.settle()
		try.recent.menu().Items[0].Action()
		if try.method.Selected != "POST" || try.path.Text != "/items" {
			t.Error("the history does not fill the form")
		}
	})
}

// What waits can be cancelled; what cannot be sent is said.
func TestTryItIsCancelledAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, try := tryStage(t, agent.Response{Status: 200})
		s.agent.answering = make(chan struct{})
		s.tap(try.send)
		if try.send.Text != "Cancel" || !try.busy.Visible() {
			t.Errorf("the button says %q while the API is asked", try.send.Text)
		}
		s.picture("try-busy")
		s.tap(try.send)
		s.sees("Cancelled.")
		if try.send.Text != "Send" || try.busy.Visible() {
			t.Error("it still waits")
		}
		s.agent.answering = nil
		for _, bad := range []string{"nonsense", "Authorization: mine", "a b: c", "dpop: x"} {
			try.headers.SetText(bad)
			s.tap(try.send)
			if !try.wrong.Visible() {
				t.Errorf("%q was sent", bad)
			}
		}
		s.asked("request Acme API GET ", 1)
		try.headers.SetText("")
		s.agent.refuse["request"] = &agent.Error{Kind: agent.Misused, Code: "foreign_url", Sentence: "profile Acme API: the request would leave https://api.acme.example/v1", Remedy: "ask there"}
		s.tap(try.send)
		s.sees("would leave https://api.acme.example/v1")
		s.onSelect("Okta sandbox")
		s.onSelect("Acme API staging") // expiring, no API
		s.settle()
		s.sees("Set the API base URL")
	})
}

// A large answer is shown in the lines that are in sight, broken where the window ends, and cut at a number that no window minds.
func TestLargeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []map[string]any
		for i := range 20_000 {
			all = append(all, map[string]any{"id": i, "text": strings.Repeat("x", 200)})
		}
		body, err := json.Marshal(all[:4000])
		if err != nil {
			t.Fatal(err)
		}
		s, try := tryStage(t, agent.Response{Status: 200, Body: body, Cut: true})
		began := time.Now()
		s.tap(try.send)
		s.sees("200 OK · the first ")
		if n := len(try.answer.text); n < answerLines || n > answerLines+2 {
			t.Errorf("%d lines", n)
		}
		if drawn := strings.Count(s.screen(), "xxxxx"); drawn > 200 {
			t.Errorf("%d pieces of text are drawn", drawn)
		}
		if took := time.Since(began); took > time.Second { // of the bubble's clock: nothing waits
			t.Errorf("it took %v", took)
		}
		s.picture("try-large")
		s.tap(try.answer.more)
		if try.answer.text != nil {
			t.Error("a hidden answer is in the widgets still")
		}
	})
	for _, line := range linesOf("a\tb\r\n" + strings.Repeat("y", 200)) {
		if len([]rune(line)) > answerColumns+4 {
			t.Errorf("%d columns", len(line))
		}
	}
	for n, want := range map[int]string{0: "0 bytes", 1: "1 byte", 9999: "9999 bytes", 10_000: "10 KB", 1 << 20: "1.0 MB"} {
		if got := sizeWords(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
