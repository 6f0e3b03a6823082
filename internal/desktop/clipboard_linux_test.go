package desktop

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/durable"
)

// A wl-copy that writes down how it was called and then stays, as the real one
// does in the foreground.
const fakeWlCopy = `[ "$1" = --help ] && { echo "HELP"; exit 1; }
printf '%s\n' "$@" >"$HOME/args"; cat >"$HOME/text"; : >"$HOME/ready"
[ -e "$HOME/broken" ] && exit 1
exec sleep 600`

func TestWaylandCopy(t *testing.T) {
	for help, want := range map[string]string{"--sensitive": "--foreground\n--type\ntext/plain\n--sensitive\n", "old": "--foreground\n--type\ntext/plain\n"} {
		dir := t.TempDir()
		program(t, dir, "wl-copy", strings.Replace(fakeWlCopy, "HELP", help, 1))
		env := Env{"PATH": dir + ":/usr/bin:/bin", "HOME": dir, "WAYLAND_DISPLAY": "wayland-9", "DISPLAY": ":99999"}
		c := NewClipboard()
		receipt, err := c.Copy(t.Context(), env, "canary-token", true, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Through != "wl-copy" || time.Until(receipt.Clears) < 50*time.Minute {
			t.Errorf("receipt %+v", receipt)
		}
		until(t, "wl-copy has read", func() bool {
			_, err := os.Stat(dir + "/ready")
			return err == nil
		})
		if got := read(t, dir+"/args"); got != want {
			t.Errorf("arguments %q, want %q", got, want)
		}
		if got := read(t, dir+"/text"); got != "canary-token" {
			t.Errorf("text %q", got)
		}
		h := only(t, c)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		<-h.gone()
		if _, err := c.Copy(t.Context(), env, "x", false, 0); err == nil {
			t.Error("copied after Close")
		}
	}
}

func only(t *testing.T, c *Clipboard) holder {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) != 1 {
		t.Fatalf("%d held", len(c.held))
	}
	for h := range c.held {
		return h
	}
	return nil
}

func TestClipboardErrors(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	program(t, dir, "wl-copy", fakeWlCopy)
	if err := durable.Write(dir+"/broken", nil, false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  Env
		text string
		want string
	}{
		{Env{}, "x", "no display here"},
		{Env{"WAYLAND_DISPLAY": "w", "PATH": "/nowhere"}, "x", "install the package wl-clipboard"},
		{Env{"WAYLAND_DISPLAY": "w", "PATH": dir + ":/usr/bin:/bin", "HOME": dir}, "x", "wl-copy: exit status 1"},
		{Env{"DISPLAY": ":59999"}, "x", "display :59999"},
		{Env{"DISPLAY": "nonsense"}, "x", "display nonsense: the name has no colon"},
		{Env{"DISPLAY": ":x"}, "x", "display :x: the name has no number"},
		{Env{"DISPLAY": ":0"}, "", "nothing to copy"},
	} {
		_, err := NewClipboard().Copy(t.Context(), c.env, c.text, true, 0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.env, err, c.want)
		}
	}
}

func TestFindCookie(t *testing.T) {
	entry := func(family uint16, fields ...string) []byte {
		data := binary.BigEndian.AppendUint16(nil, family)
		for _, f := range fields {
			data = append(binary.BigEndian.AppendUint16(data, uint16(len(f))), f...)
		}
		return data
	}
	const right, wrong = "0123456789abcdef", "xxxxxxxxxxxxxxxx"
	file := entry(256, "other", "3", cookieName, wrong)
	file = append(file, entry(256, "box", "4", cookieName, wrong)...)
	file = append(file, entry(256, "box", "3", "XDM-AUTHORIZATION-1", wrong)...)
	file = append(file, entry(0, "box", "3", cookieName, wrong)...)
	file = append(file, entry(256, "box", "3", cookieName, "short")...)
	rest := len(file)
	file = append(file, entry(65535, "any", "", cookieName, right)...)
	if got := findCookie(file, "box", "3"); string(got) != right {
		t.Errorf("got %q", got)
	}
	for n := range file[:rest] { // cut anywhere, it neither panics nor finds
		if got := findCookie(file[:n], "box", "3"); got != nil {
			t.Errorf("cut at %d: %q", n, got)
		}
	}
}
