//go:build e2e && linux

package e2e

import (
	"image"
	"image/png"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// window is Fob's window on the screen.
type window struct {
	t    *testing.T
	desk *desk
	id   string
	cmd  *exec.Cmd
	done chan error
}

// openWindow starts fob-app and waits until it has drawn itself.
func (f *fob) openWindow(args ...string) *window {
	f.t.Helper()
	return f.openWindowOf(program(f.t, "fob-app"), args...)
}

func (f *fob) openWindowOf(path string, args ...string) *window {
	f.t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = f.desk.env(f.vars...)
	var stderr safeBuffer
	cmd.Stderr = &stderr
	must(f.t, cmd.Start())
	w := &window{t: f.t, desk: f.desk, cmd: cmd, done: make(chan error, 1)}
	go func() { w.done <- cmd.Wait() }()
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-w.done:
		case <-time.After(patience):
			f.t.Error("the window does not end")
			_ = cmd.Process.Kill()
		}
		if said := stderr.String(); said != "" {
			f.t.Errorf("the window complains: %s", said)
		}
	})
	until(f.t, "window", func() bool {
		out, err := f.desk.do("xdotool", "search", "--onlyvisible", "--name", "^Fob")
		w.id = strings.TrimSpace(out)
		return err == nil && w.id != ""
	})
	f.desk.must("xdotool", "windowactivate", "--sync", w.id)
	until(f.t, "window with something to press", func() bool { _, found := w.primary(); return found })
	f.desk.settle()
	return w
}

// keys presses keys as somebody at the keyboard does.
func (w *window) keys(keys ...string) {
	w.t.Helper()
	w.desk.must("xdotool", append([]string{"key", "--delay", "120"}, keys...)...)
}

// close closes the window as its frame's button does, and waits for its program's end.
func (w *window) close() {
	w.t.Helper()
	w.desk.must("wmctrl", "-i", "-c", w.id)
	select {
	case err := <-w.done:
		w.done <- err
		if err != nil {
			w.t.Errorf("the closed window ended with %v", err)
		}
	case <-time.After(patience):
		w.t.Fatal("the closed window does not end")
	}
}

// picture is the screen as it is.
func (d *desk) picture() image.Image {
	d.t.Helper()
	picture, err := png.Decode(strings.NewReader(d.must("import", "-window", "root", "png:-")))
	must(d.t, err)
	return picture
}

// settle waits until the screen does not change any more.
func (d *desk) settle() {
	d.t.Helper()
	before, same := "", 0
	until(d.t, "a screen at rest", func() bool {
		now := d.must("import", "-window", "root", "rgb:-")
		if now == before {
			same++
		} else {
			same = 0
		}
		before = now
		return same == 2
	})
}

// settled saves a picture of the screen at rest.
func (d *desk) settled(name string) {
	d.t.Helper()
	d.settle()
	d.shot(name)
}

// coloured are the points of the picture within area for which is says yes.
func coloured(picture image.Image, area image.Rectangle, is func(r, g, b int) bool) (points []image.Point) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			if is(int(r>>8), int(g>>8), int(b>>8)) {
				points = append(points, image.Pt(x, y))
			}
		}
	}
	return points
}

// primary finds the middle of the window's filled button, the only large blue thing beside the list.
func (w *window) primary() (middle image.Point, found bool) {
	w.t.Helper()
	area := w.area()
	area.Min.X += area.Dx() * 3 / 10
	points := coloured(w.desk.picture(), area, func(r, g, b int) bool { return b > 180 && b > r+70 && b > g+30 })
	if len(points) < 800 {
		return middle, false
	}
	slices.SortFunc(points, func(a, b image.Point) int { return a.X - b.X })
	middle.X = points[len(points)/2].X
	slices.SortFunc(points, func(a, b image.Point) int { return a.Y - b.Y })
	middle.Y = points[len(points)/2].Y
	return middle, true
}

// press clicks on the filled button.
func (w *window) press() {
	w.t.Helper()
	middle, found := w.primary()
	if !found {
		w.t.Fatal("there is no filled button")
	}
	w.desk.click(middle)
}

// area is where the window is on the screen.
func (w *window) area() image.Rectangle {
	w.t.Helper()
	at := map[string]int{}
	for line := range strings.Lines(w.desk.must("xdotool", "getwindowgeometry", "--shell", w.id)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		at[name], _ = strconv.Atoi(value)
	}
	return image.Rect(at["X"], at["Y"], at["X"]+at["WIDTH"], at["Y"]+at["HEIGHT"])
}

// click clicks on the point.
func (d *desk) click(at image.Point) {
	d.t.Helper()
	d.must("xdotool", "mousemove", strconv.Itoa(at.X), strconv.Itoa(at.Y), "click", "1")
}

// clipboard is what pasting would give; "" when there is nothing.
func (d *desk) clipboard() string {
	out, err := d.do("xclip", "-selection", "clipboard", "-o")
	if err != nil {
		return ""
	}
	return out
}

// put copies text as another program would.
func (d *desk) put(text string) {
	d.t.Helper()
	path := filepath.Join(d.root, "copied")
	must(d.t, writeFile(path, text))
	d.must("sh", "-c", `exec xclip -selection clipboard -i "$1" >/dev/null 2>&1`, "sh", path)
}
