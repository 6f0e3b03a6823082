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
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", r.RedirectURI()+"?code=SECRET-CODE&state=s1")
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
	devtools := ""
	for line := range lines {
		if _, rest, ok := strings.Cut(line, "DevTools listening on ws://"); ok {
			devtools, _, _ = strings.Cut(rest, "/")
			break
		}
	}
	if devtools == "" {
		t.Fatal("chromium did not say where its debugger listens")
	}
	if got := <-done; got.values.Get("code") != "SECRET-CODE" {
		t.Fatalf("got %v, %v", got.values, got.err)
	}
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
			t.Fatalf("the address bar shows %s", strings.ReplaceAll(shown, "SECRET-CODE", "the code"))
		}
	}
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
