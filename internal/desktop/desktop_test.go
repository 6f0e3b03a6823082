package desktop

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

//
func TestEnvKeepsNothingElse(t *testing.T) {
	env := EnvOf([]string{"DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0", "XDG_RUNTIME_DIR=/run/user/1", "LC_CTYPE=C.UTF-8", "BROWSER=a=b",
		"AWS_SECRET_ACCESS_KEY=canary", "HTTPS_PROXY=http://user:canary@proxy", "GITHUB_TOKEN=canary", "SSH_AUTH_SOCK=canary",
		"DISPLAYX=canary", "=C:=canary", "broken"})
	want := Env{"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": "/run/user/1", "LC_CTYPE": "C.UTF-8", "BROWSER": "a=b"}
	if !maps.Equal(env, want) {
		t.Errorf("kept %v", slices.Sorted(maps.Keys(env)))
	}
	if strings.Contains(strings.Join(env.environ(), " "), "canary") {
		t.Error("a secret came along")
	}
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		line, want, windows string // words joined by |; "!" for an error
	}{
		{`firefox`, `firefox`, `firefox`},
		{`  firefox   -P  work `, `firefox|-P|work`, `firefox|-P|work`},
		{`firefox -P "my work"`, `firefox|-P|my work`, `firefox|-P|my work`},
		{`a 'b c' d`, `a|b c|d`, `a|'b|c'|d`},
		{`a b\ c`, `a|b c`, `a|b\|c`},
		{`"C:\Program Files\x.exe" --new`, `C:\Program Files\x.exe|--new`, `C:\Program Files\x.exe|--new`},
		{`C:\x.exe`, `C:x.exe`, `C:\x.exe`},
		{`a "b\"c"`, `a|b"c`, `a|b\c"!`},
		{`a '' ""`, `a||`, `a|''|`},
		{`a"b"c`, `abc`, `abc`},
		{`a "b`, `!`, `!`},
		{`a 'b`, `!`, `a|'b`},
		{`a \`, `!`, `a|\`},
		{``, ``, ``},
		{`sh -c "echo $(id)"`, `sh|-c|echo $(id)`, `sh|-c|echo $(id)`},
	} {
		for escapes, want := range map[bool]string{true: c.want, false: c.windows} {
			got, err := splitWords(c.line, escapes)
			joined := strings.Join(got, "|")
			if err != nil {
				joined = "!"
			}
			if strings.HasSuffix(want, "!") {
				want = "!"
			}
			if joined != want {
				t.Errorf("%s (escapes %v): %s, want %s", c.line, escapes, joined, want)
			}
		}
	}
}
