//go:build e2e && linux

package desktop

import (
	"bytes"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// xclip pastes a target; ok is false when nobody offers it.
func xclip(t *testing.T, display, kind string) (text string, ok bool) {
	t.Helper()
	cmd := exec.Command("xclip", "-display", display, "-selection", "clipboard", "-o", "-t", kind)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if _, exit := err.(*exec.ExitError); !exit {
			t.Fatalf("xclip is needed (make test installs it): %v", err)
		}
		return stderr.String(), false
	}
	return string(out), true
}

// takeOver makes xclip the owner and returns when it is.
func takeOver(t *testing.T, display, text string) {
	t.Helper()
	cmd := exec.Command("xclip", "-display", display, "-selection", "clipboard", "-i", "-quiet")
	cmd.Stdin = strings.NewReader(text)
	run(t, cmd)
	until(t, "xclip owns the clipboard", func() bool {
		got, ok := xclip(t, display, "UTF8_STRING")
		return ok && got == text
	})
}

func TestX11RoundTrip(t *testing.T) {
	display := xvfb(t)
	env := Env{"DISPLAY": display}
	large := strings.Repeat("0123456789abcdéf", 2<<20/17)
	for _, text := range []string{"tøken", strings.Repeat("a", chunk), strings.Repeat("b", chunk+1), large} {
		c := NewClipboard()
		receipt, err := c.Copy(t.Context(), env, text, true, 0)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Through != "X11" || !receipt.Clears.IsZero() {
			t.Errorf("receipt %+v", receipt)
		}
		for range 3 { // it is there as often as somebody asks
			for _, kind := range []string{"UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "TEXT"} {
				if got, ok := xclip(t, display, kind); !ok || got != text {
					t.Errorf("%d bytes as %s: %v, got %d bytes", len(text), kind, ok, len(got))
				}
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, ok := xclip(t, display, "UTF8_STRING"); ok {
			t.Error("it is there after Close")
		}
	}
}

func TestX11Targets(t *testing.T) {
	display := xvfb(t)
	c := NewClipboard()
	defer c.Close()
	for _, secret := range []bool{true, false} {
		if _, err := c.Copy(t.Context(), Env{"DISPLAY": display}, "tøken", secret, 0); err != nil {
			t.Fatal(err)
		}
		list, ok := xclip(t, display, "TARGETS")
		targets := strings.Fields(list)
		if !ok || !slices.Contains(targets, "TARGETS") || !slices.Contains(targets, "TIMESTAMP") || !slices.Contains(targets, "STRING") {
			t.Errorf("targets %q", targets)
		}
		hint, hinted := xclip(t, display, hintAtom)
		if hinted != secret || secret && hint != "secret" || slices.Contains(targets, hintAtom) != secret {
			t.Errorf("secret %v: hint %v %q, targets %q", secret, hinted, hint, targets)
		}
		if got, _ := xclip(t, display, "STRING"); got != "t\xf8ken" {
			t.Errorf("as STRING (Latin-1): %q", got)
		}
		if got, ok := xclip(t, display, "TIMESTAMP"); !ok || got == "" {
			t.Errorf("no timestamp: %q", got)
		}
		if got, ok := xclip(t, display, "image/png"); ok {
			t.Errorf("an image: %q", got)
		}
	}
	if _, err := c.Copy(t.Context(), Env{"DISPLAY": display}, "日本", true, 0); err != nil {
		t.Fatal(err)
	}
	if got, ok := xclip(t, display, "STRING"); ok {
		t.Errorf("Japanese in Latin-1: %q", got)
	}
}

func TestX11ClearsWhatIsOurs(t *testing.T) {
	display := xvfb(t)
	c := NewClipboard()
	defer c.Close()
	receipt, err := c.Copy(t.Context(), Env{"DISPLAY": display}, "canary", true, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if until := time.Until(receipt.Clears); until > time.Second || until < -10*time.Second {
		t.Errorf("clears in %v", until)
	}
	<-only(t, c).gone()
	if got, ok := xclip(t, display, "UTF8_STRING"); ok {
		t.Errorf("still there: %q", got)
	}
}

func TestX11LeavesWhatIsNotOurs(t *testing.T) {
	display := xvfb(t)
	c := NewClipboard()
	defer c.Close()
	if _, err := c.Copy(t.Context(), Env{"DISPLAY": display}, "ours", true, time.Hour); err != nil {
		t.Fatal(err)
	}
	h := only(t, c).(*x11Selection)
	takeOver(t, display, "theirs")
	<-h.gone()
	until(t, "forgotten", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.held) == 0
	})
	if err := h.clear(); err != nil {
		t.Error(err)
	}
	if got, _ := xclip(t, display, "UTF8_STRING"); got != "theirs" {
		t.Errorf("got %q", got)
	}
	// The race that clear may lose, between its question and its request: with
	// the time of an earlier taking the server does nothing.
	old, err := holdX11(t.Context(), Env{"DISPLAY": display}, "old", true)
	if err != nil {
		t.Fatal(err)
	}
	since := old.(*x11Selection).since
	takeOver(t, display, "theirs again")
	if _, err := c.Copy(t.Context(), Env{"DISPLAY": display}, "new", true, time.Hour); err != nil {
		t.Fatal(err)
	}
	s := only(t, c).(*x11Selection)
	if err := xproto.SetSelectionOwnerChecked(s.conn, xproto.WindowNone, s.atoms[selectionAtom], since).Check(); err != nil {
		t.Fatal(err)
	}
	if got, _ := xclip(t, display, "UTF8_STRING"); got != "new" {
		t.Errorf("got %q", got)
	}
}

// The last copy counts, and earlier ones leave nothing behind.
func TestX11ManyCopies(t *testing.T) {
	display := xvfb(t)
	c := NewClipboard()
	copyOne := func(text string) {
		t.Helper()
		if _, err := c.Copy(t.Context(), Env{"DISPLAY": display}, text, true, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	copyOne("first")
	before := runtime.NumGoroutine()
	for range 50 {
		copyOne("again")
	}
	copyOne("last")
	if got, _ := xclip(t, display, "UTF8_STRING"); got != "last" {
		t.Errorf("got %q", got)
	}
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+2 })
	only(t, c)
	c.Close()
}

func TestX11Authority(t *testing.T) {
	file := authority(t, "0123456789abcdef")
	display := xvfb(t, "-auth", file)
	c := NewClipboard()
	defer c.Close()
	t.Setenv("XAUTHORITY", "/nowhere") // ours does not count, the face's does
	if _, err := c.Copy(t.Context(), Env{"DISPLAY": display, "XAUTHORITY": file}, "x", true, 0); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"/nowhere", authority(t, "xxxxxxxxxxxxxxxx")} {
		_, err := c.Copy(t.Context(), Env{"DISPLAY": display, "XAUTHORITY": wrong}, "x", true, 0)
		if err == nil || !strings.Contains(err.Error(), "authentication refused") {
			t.Errorf("with %s: %v", wrong, err)
		}
	}
}

func TestX11ServerEnds(t *testing.T) {
	r := exec.Command("Xvfb", "-displayfd", "1", "-nolisten", "tcp")
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run(t, r)
	number := make([]byte, 16)
	n, err := out.Read(number)
	if err != nil {
		t.Fatal(err)
	}
	c := NewClipboard()
	defer c.Close()
	if _, err := c.Copy(t.Context(), Env{"DISPLAY": ":" + strings.TrimSpace(string(number[:n]))}, "x", true, time.Hour); err != nil {
		t.Fatal(err)
	}
	h := only(t, c)
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.gone()
	if err := h.clear(); err != nil {
		t.Error(err)
	}
}
