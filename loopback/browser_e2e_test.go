//go:build e2e && linux

package loopback

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// a real browser takes the page without a complaint, asks for nothing
// else, and its address bar shows the code no longer.
func TestChromiumForgetsTheCode(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	strays := make(chan string, 100)
	r.OnStray = func(s Stray) { strays <- s.Reason }
	done := start(t, r, "s1")
	devtools, lines := chromium(t, r.RedirectURI()+"?code=SECRET-CODE&state=s1")
	if got := <-done; got.values.Get("code") != "SECRET-CODE" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	forgets(t, r, devtools, lines)
	select {
	case reason := <-strays:
		t.Errorf("the page made the browser ask for more: %s", reason)
	default:
	}
}

func shownURL(t *testing.T, devtools string) string {
	t.Helper()
	resp, err := http.Get("http://" + devtools + "/json/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var tabs []struct{ Type, URL string }
	if err := json.NewDecoder(resp.Body).Decode(&tabs); err != nil {
		t.Fatal(err)
	}
	for _, tab := range tabs {
		if tab.Type == "page" {
			return tab.URL
		}
	}
	return ""
}

// chromium opens an address; it returns where its debugger listens and what it
// logs.
func chromium(t *testing.T, address string) (devtools string, log <-chan string) {
	t.Helper()
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("chromium (Debian package chromium) is needed: %v", err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children too
		for range lines {
			// They are gone when nobody holds stderr: until then the profile is written to.
		}
		_ = cmd.Wait()
	})
	for line := range lines {
		if _, rest, ok := strings.Cut(line, "DevTools listening on ws://"); ok {
			devtools, _, _ = strings.Cut(rest, "/")
			break
		}
	}
	if devtools == "" {
		t.Fatal("chromium did not say where its debugger listens")
	}
	return devtools, lines
}

// forgets waits until the address bar shows the bare redirect URI.
func forgets(t *testing.T, r *Receiver, devtools string, lines <-chan string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for shown := ""; shown != r.RedirectURI(); {
		select {
		case <-tick.C:
			shown = shownURL(t, devtools)
		case line := <-lines:
			if strings.Contains(line, "CONSOLE") {
				t.Errorf("the browser complains: %s", line)
			}
		case <-end:
			t.Fatalf("the address bar shows %s", strings.ReplaceAll(shown, "SECRET-CODE", "the secret"))
		}
	}
}

// R-097, F-011: the browser reads the fragment, posts it to us and shows it no longer.
func TestChromiumHandsOverTheFragment(t *testing.T) {
	r := mustListen(t, "http://127.0.0.1:0/callback")
	r.QueryOnly, r.Fragment = true, true
	strays := make(chan string, 100)
	r.OnStray = func(s Stray) { strays <- s.Reason }
	done := start(t, r, "s1")
	// Names that a form has itself must not get in the way.
	devtools, lines := chromium(t, r.RedirectURI()+"#access_token=SECRET-CODE&state=s1&scope=a+b%26c&submit=1&action=2&method=3")
	got := <-done
	if got.values.Get("access_token") != "SECRET-CODE" || got.values.Get("scope") != "a b&c" || got.values.Get("submit") != "1" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
	forgets(t, r, devtools, lines)
	select {
	case reason := <-strays:
		t.Errorf("the page made the browser ask for more: %s", reason)
	default:
	}
}
