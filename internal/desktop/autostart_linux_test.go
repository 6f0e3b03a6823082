package desktop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAutostart(t *testing.T) {
	dir := t.TempDir()
	for _, env := range []Env{{"HOME": dir}, {"HOME": "/nowhere", "XDG_CONFIG_HOME": dir + "/.config"}, {"HOME": dir, "XDG_CONFIG_HOME": "relative"}} {
		check := func(want bool) {
			t.Helper()
			if got, err := AutostartEnabled(env); err != nil || got != want {
				t.Fatalf("enabled %v, %v; want %v", got, err, want)
			}
		}
		if err := Autostart(env, false, nil); err != nil {
			t.Fatal(err)
		}
		check(false)
		if err := Autostart(env, true, []string{"/opt/fob", "agent"}); err != nil {
			t.Fatal(err)
		}
		check(true)
		path := filepath.Join(dir, ".config/autostart/app.fob.Fob.desktop")
		text := read(t, path)
		if !strings.Contains(text, "\nExec=\"/opt/fob\" \"agent\"\n") {
			t.Errorf("entry:\n%s", text)
		}
		for _, off := range []string{"Hidden=true\n", "X-GNOME-Autostart-enabled = false\n"} {
			if err := os.WriteFile(path, []byte(text+off), 0o600); err != nil {
				t.Fatal(err)
			}
			check(false)
		}
		if err := Autostart(env, false, nil); err != nil {
			t.Fatal(err)
		}
		check(false)
		if rest, _ := os.ReadDir(filepath.Dir(path)); len(rest) != 0 {
			t.Errorf("left behind: %v", rest)
		}
	}
	for _, command := range [][]string{nil, {""}, {"fob"}, {"/opt/fob", "a\nExec=evil"}} {
		if err := Autostart(Env{"HOME": dir}, true, command); err == nil {
			t.Errorf("%q was accepted", command)
		}
	}
	if _, err := AutostartEnabled(Env{}); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("without HOME: %v", err)
	}
}

// The examples of the Desktop Entry Specification: a literal backslash is four
// of them, a literal dollar has two before it.
func TestExecLine(t *testing.T) {
	if got, want := execLine([]string{"/a b", `\`, "$", "%", `"`, "`"}), `"/a b" "\\\\" "\\$" "%%" "\\"" "\\`+"`"+`"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
