package desktop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes a shell script that can be found in the returned directory.
func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// patient waits for programs to end however slow the machine is.
func patient(t *testing.T) {
	was, wayland := startGrace, waylandGrace
	startGrace, waylandGrace = 30*time.Second, 30*time.Second
	t.Cleanup(func() { startGrace, waylandGrace = was, wayland })
}

// recorder is a browser that writes down how it was called, in files of its
// own directory.
const recorder = `out=${0%/*}/out; PATH=$PATH:/usr/bin:/bin
printf '%s\n' "$0" "$@" >>"$out.args"; env >"$out.env"
three=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); all=$(readlink /proc/$$/fd/*)
printf '%s\n' $three >"$out.three"; printf '%s\n' $all >"$out.all"; ps -o sid= -p $$ >"$out.sid"; exit 0`

const target = "https://as.example/authorize?client_id=a&state=b%20c&x=$(id)'"

func TestOpenBrowserOrder(t *testing.T) { // R-090 F-076 F-077
	patient(t)
	for _, c := range []struct {
		name, command, browser string
		programs               []string
		want                   string // the lines, DIR for the directory, URL for the URL
	}{
		{"profile first", `mine --profile "my work" --app=%s -`, "other", []string{"mine", "other", "xdg-open"}, "mine --profile|my work|--app=URL|-"},
		{"url last", "mine -n", "", []string{"mine"}, "mine -n|URL"},
		{"whole path", "DIR/mine", "", []string{"mine"}, "mine URL"},
		{"BROWSER", "", "other", []string{"other", "xdg-open"}, "other URL"},
		{"BROWSER list", "  ", "absent::other -x %s:third", []string{"other", "third", "xdg-open"}, "other -x|URL"},
		{"system", "", "", []string{"xdg-open", "www-browser"}, "xdg-open URL"},
		{"second system", "", ":", []string{"www-browser"}, "www-browser URL"},
		{"wsl", "", "", []string{"wslview", "xdg-open"}, "wslview URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range c.programs {
				program(t, dir, name, recorder)
			}
			// The directory alone: the system's own openers must not be found.
			env := Env{"PATH": dir, "HOME": dir, "DISPLAY": ":77"}
			if c.browser != "" {
				env["BROWSER"] = c.browser
			}
			if c.name == "wsl" {
				env["WSL_DISTRO_NAME"] = "Debian"
			}
			t.Setenv("CANARY", "secret")
			if err := OpenBrowser(t.Context(), target, strings.ReplaceAll(c.command, "DIR", dir), env); err != nil {
				t.Fatal(err)
			}
			want := dir + "/" + strings.NewReplacer(" ", "\n", "|", "\n", "URL", target).Replace(strings.Replace(c.want, "my work", "my\x00work", 1))
			got := strings.ReplaceAll(read(t, dir+"/out.args"), "my work", "my\x00work")
			if got != want+"\n" {
				t.Errorf("called as %q, want %q", got, want)
			}
			if e := read(t, dir+"/out.env"); strings.Contains(e, "CANARY") || !strings.Contains(e, "DISPLAY=:77") {
				t.Errorf("environment:\n%s", e)
			}
		})
	}
}

// F-077: without wslview, PowerShell opens the browser of Windows. It gets the address on standard input, for it would
// evaluate a command line; what it is told to run never changes.
func TestOpenBrowserOfWindows(t *testing.T) {
	script := `out=${0%/*}/out; printf '%s\n' "$@" >"$out.args"; IFS= read -r line; printf '%s\n' "$line" >"$out.url"`
	for name, path := range map[string]string{"in PATH": "", "only mounted": "v1.0/"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
				t.Fatal(err)
			}
			program(t, filepath.Join(dir, path), "powershell.exe", script)
			program(t, dir, "xdg-open", "touch ${0%/*}/wrong")
			was := powershells
			powershells = []string{"powershell.exe", filepath.Join(dir, "v1.0", "powershell.exe")}
			t.Cleanup(func() { powershells = was })
			env := Env{"PATH": dir + ":/usr/bin:/bin", "HOME": dir, "WSL_DISTRO_NAME": "Debian"}
			if err := OpenBrowser(t.Context(), target, "", env); err != nil {
				t.Fatal(err)
			}
			if got := read(t, filepath.Join(dir, path, "out.url")); got != target+"\n" {
				t.Errorf("PowerShell opens %q", got)
			}
			if args := read(t, filepath.Join(dir, path, "out.args")); strings.Contains(args, "as.example") || !strings.Contains(args, "Start-Process") {
				t.Errorf("PowerShell is called with %q", args)
			}
			if _, err := os.Stat(dir + "/wrong"); err == nil {
				t.Error("a browser of Linux was opened")
			}
		})
	}
	failing := t.TempDir()
	program(t, failing, "powershell.exe", "exit 1")
	if err := OpenBrowser(t.Context(), target, "", Env{"PATH": failing, "WSL_DISTRO_NAME": "Debian"}); err == nil || !strings.Contains(err.Error(), "powershell.exe") {
		t.Errorf("a PowerShell that fails: %v", err)
	}
}

func TestOpenBrowserHandsNothingOn(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	path := program(t, dir, "mine", recorder)
	// As a shell would leave one open: without close-on-exec.
	leak, err := os.Create(dir + "/leak")
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	fd, err := syscall.Dup(int(leak.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := OpenBrowser(t.Context(), target, path, EnvOf(os.Environ())); err != nil {
		t.Fatal(err)
	}
	if three := read(t, dir+"/out.three"); three != "/dev/null\n/dev/null\n/dev/null\n" {
		t.Errorf("standard descriptors: %q", three)
	}
	if all := read(t, dir+"/out.all"); strings.Contains(all, "leak") || !strings.Contains(all, "mine") {
		t.Errorf("descriptors: %q", all)
	}
	own, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0)
	if sid := strings.TrimSpace(read(t, dir+"/out.sid")); sid == fmt.Sprint(own) || sid == "" {
		t.Errorf("session %q, ours is %d", sid, own)
	}
}

func TestOpenBrowserErrors(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	program(t, dir, "fails", "exit 3")
	if err := os.WriteFile(dir+"/plain", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ command, browser, want string }{
		{"absent-browser %s", "", "browser command: absent-browser: executable file not found"},
		{"fails", "", "browser command: fails: exit status 3"},
		{dir + "/plain", "", "permission denied"},
		{dir + "/absent", "", "no such file"},
		{"./relative", "", "give the whole path"},
		{`"open`, "", `the quote " is not closed`},
		{"", "fails:absent-browser", "$BROWSER: fails: exit status 3\n$BROWSER: absent-browser: executable file not found"},
		{"", "", "system browser: none of xdg-open, x-www-browser, www-browser is installed"},
	} {
		err := OpenBrowser(t.Context(), target, c.command, Env{"PATH": dir, "BROWSER": c.browser})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %v, want %s", c.command, c.browser, err, c.want)
		} else if strings.Contains(err.Error(), "state=") {
			t.Errorf("the address is in the error: %v", err)
		}
	}
}

func TestOpenBrowserOnlyHTTP(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	path := program(t, dir, "mine", recorder)
	for _, address := range []string{"", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ms-settings:", "--help",
		"http:", "http:///x", "https://a.example/\"x", "https://a.example/a b", "https://a.example/`id`", "https://a.example/\n",
		"https://a.example/\x00", "https://a.example/a\\b", "HTTPS\x01://a.example"} {
		if err := OpenBrowser(t.Context(), address, path, Env{"PATH": dir}); err == nil {
			t.Errorf("%q was opened", address)
		}
	}
	if _, err := os.Stat(dir + "/args"); err == nil {
		t.Error("the browser was called")
	}
	for _, address := range []string{"https://a.example/ü?x=%22", "http://[::1]:80/;a=(b)*!$&'~"} {
		if err := checkURL(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestForegroundBrowserIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	path := program(t, dir, "mine", `echo $$ >"$(dirname "$0")/pid.new"; mv "$(dirname "$0")/pid.new" "$(dirname "$0")/pid"; exec sleep 600`)
	begun := time.Now()
	if err := OpenBrowser(t.Context(), target, path, Env{"PATH": "/usr/bin:/bin"}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	until(t, "the browser runs", func() bool {
		_, err := os.Stat(dir + "/pid")
		return err == nil
	})
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, dir+"/pid")))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the browser does not run any more: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := OpenBrowser(ctx, target, path, Env{}); err == nil {
		t.Error("opened although cancelled before")
	}
}

// until asks again and again; the condition is somebody else's to make true.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
