package quick

import (
	"go/build"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

// TestImports holds what makes this package's turn come early: it stands on nothing but what every Go program starts anyway.
func TestImports(t *testing.T) {
	// Read here and not by the go command: the test cache sees only files that the test itself opens.
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pkg.Imports {
		if !slices.Contains([]string{"os", "runtime", "syscall"}, path) {
			t.Errorf("imports %s, which is initialised before a token is printed", path)
		}
	}
}

// TestSocket compares the plain cases with package agent, which decides where the socket is.
func TestSocket(t *testing.T) {
	names := []string{"FOB_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "HOME", "FOB_SOCKET"}
	long := "/" + strings.Repeat("x", 120)
	for _, values := range [][]string{
		{"/tmp/f", "/run/user/1000", "", "/home/u", "/home/u/.fob.sock"},
		{"/tmp/f", "", "", "/home/u"},
		{"/tmp/f/", "", "", "/home/u"},
		{"/tmp/../f", "", "", "/home/u"},
		{"f", "", "", "/home/u"},
		{long, "", "", "/home/u"},
		{"", "/run/user/1000", "/d", "/home/u"},
		{"", "run", "/d", "/home/u"},
		{"", "", "/d", "/home/u"},
		{"", "", "d", "/home/u"},
		{"", "", "", "/home/u"},
		{"", "", "", ""},
	} {
		values = append(values, "")[:len(names)]
		for i, name := range names {
			t.Setenv(name, values[i])
		}
		got := socket(func(name string) string { return values[slices.Index(names, name)] })
		if got == "" {
			continue // left to package cli
		}
		home, err := agent.HomeFromEnv()
		if err != nil || got != home.Socket() {
			t.Errorf("%q: socket %s, package agent says %s (%v)", values, got, home.Socket(), err)
		}
	}
	plain := []string{"/tmp/f", "", "", "/home/u", ""}
	if socket(func(name string) string { return plain[slices.Index(names, name)] }) == "" {
		t.Error("a plain FOB_HOME is not understood")
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		words string
		want  ask
		ok    bool
	}{
		{"work", ask{name: "work"}, true},
		{"work --min-ttl 90", ask{name: "work", minTTL: "90s"}, true},
		{"--min-ttl=5m work --id-token", ask{name: "work", minTTL: "5m", idToken: true}, true},
		{"work --json --no-start", ask{name: "work", json: true}, true},
		{"größe", ask{name: "größe"}, true},
		{"", ask{}, false},
		{"work other", ask{}, false},
		{"work --help", ask{}, false},
		{"-- work", ask{}, false},
		{"work --min-ttl", ask{}, false},
		{"work --min-ttl=", ask{}, false},
		{"work --min-ttl=-5s", ask{}, false},
		{"work --min-ttl=1h30m", ask{}, false},
		{"work --min-ttl=12345678s", ask{}, false},
		{`a"b`, ask{}, false},
		{`a\b`, ask{}, false},
		{"a\x1bb", ask{}, false},
	} {
		got, ok := parse(strings.Fields(c.words))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %+v %v, want %+v %v", c.words, got, ok, c.want, c.ok)
		}
	}
}

func TestToken(t *testing.T) {
	const head = "HTTP/1.0 200 OK\r\n\r\n"
	for _, c := range []struct {
		answer, want string
		ok           bool
	}{
		{head + `{"name":"work","access_token":"at1","id_token":"it1","token_type":"Bearer"}` + "\n", "at1", true},
		// a name that looks like the member is in quotes that have backslashes
		{head + `{"name":"x\"access_token\":\"evil\"","access_token":"at1"}` + "\n", "at1", true},
		{head + `{"name":"\\\"access_token\\\":\\\"","access_token":"at1"}` + "\n", "at1", true},
		{head + `{"access_token":"a\u0026b"}` + "\n", "", false},
		{head + `{"access_token":""}` + "\n", "", false},
		{head + `{"access_token":"cut`, "", false},
		{head + `{"access_token":"cut"`, "", false},
		{head + `{"token_type":"Bearer"}` + "\n", "", false},
		{"HTTP/1.0 401 Unauthorized\r\n\r\n" + `{"access_token":"at1"}` + "\n", "", false},
		{"HTTP/1.0 2000\r\n\r\n" + `{"access_token":"at1"}` + "\n", "", false},
		{"", "", false},
		{"\n", "", false},
	} {
		got, ok := ask{}.token([]byte(c.answer))
		if got != c.want || ok != c.ok {
			t.Errorf("%q: %q %v, want %q %v", c.answer, got, ok, c.want, c.ok)
		}
	}
	if got, ok := (ask{idToken: true}).token([]byte(head + `{"access_token":"at1","id_token":"it1"}` + "\n")); got != "it1" || !ok {
		t.Errorf("id_token: %q %v", got, ok)
	}
	if _, ok := (ask{json: true}).token([]byte(head + `{"access_token":"at1"}` + "\n")); ok {
		t.Error("--json is printed by package cli")
	}
}

func TestRequest(t *testing.T) {
	got := ask{name: "größe", minTTL: "90s"}.request()
	const body = `{"name":"größe","min_ttl":"90s"}` // 34 bytes
	want := "POST /v1/token HTTP/1.0\r\nHost: fob\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n" + body
	if got != want {
		t.Errorf("%q", got)
	}
	for n, want := range map[int]string{0: "0", 9: "9", 10: "10", 4096: "4096"} {
		if decimal(n) != want {
			t.Errorf("%d: %s", n, decimal(n))
		}
	}
}

// Issue 5, "Shell": a prompt's spellings are read here, and everything else is left to package cli.
func TestPrompt(t *testing.T) {
	for words, want := range map[string]string{
		"--prompt":                  `{"name":"","color":""}`,
		"--prompt work":             `{"name":"work","color":""}`,
		"work --prompt --color zsh": `{"name":"work","color":"zsh"}`,
		"--color=bash --prompt":     `{"name":"","color":"bash"}`,
		"--no-start --prompt":       `{"name":"","color":""}`,
		"work":                      "",
		"--prompt a b":              "",
		"--prompt --color":          "",
		"--prompt --color csh":      "",
		"--prompt --json":           "",
		"--prompt a\"b":             "",
		"--watch":                   "",
	} {
		got, ok := promptBody(strings.Fields(words))
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s, %v", words, got, ok)
		}
	}
	for answer, want := range map[string]string{"HTTP/1.0 200 OK\r\nA: b\r\n\r\n● work 42m\n": "● work 42m\n", "HTTP/1.0 200 OK\r\n\r\n": "", "HTTP/1.0 500 No\r\n\r\nx": "-", "": "-"} {
		if got, ok := promptText([]byte(answer)); ok != (want != "-") || ok && got != want {
			t.Errorf("%q: %q, %v", answer, got, ok)
		}
	}
}

// TestPatience: an agent that takes a connection and says nothing holds nobody up here.
func TestPatience(t *testing.T) {
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	silent, err := net.Listen("unix", filepath.Join(dir, "agent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	if answer := exchange(silent.Addr().String(), "GET / HTTP/1.0\r\n\r\n", 50); answer != nil {
		t.Errorf("an answer of nobody: %q", answer)
	}
	if took := time.Since(began); runtime.GOOS != "windows" && took < 50*time.Millisecond {
		t.Errorf("given up after %v", took)
	}
}
