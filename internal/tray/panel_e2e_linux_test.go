//go:build e2e && linux

package tray

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/assets"
	"fob/internal/agent"

	"github.com/godbus/dbus/v5"
)

// screen is a private X display with a window manager and xfce4-panel, whose systray plugin is watcher and host in one.
type screen struct {
	t       *testing.T
	env     []string
	height  int
	display string
}

const panelConfig = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=12;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="icon-size" type="uint" value="22"/>
      <property name="background-style" type="uint" value="1"/>
      <property name="background-rgba" type="array">%s</property>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"><property name="square-icons" type="bool" value="true"/></property>
  </property>
</channel>
`

func newScreen(t *testing.T, b *bus, shade float64) *screen {
	t.Helper()
	const height = 700
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("700x%dx24", height), "-nolisten", "tcp", "-noreset")
	x.ExtraFiles, x.Env = []*os.File{write}, b.env()
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(x) })
	write.Close()
	var number int
	if _, err := fmt.Fscan(read, &number); err != nil {
		t.Fatal(err)
	}
	read.Close()
	display := fmt.Sprintf(":%d", number)
	s := &screen{t: t, env: b.env("DISPLAY="+display, "LIBGL_ALWAYS_SOFTWARE=1"), height: height, display: display}

	var rgba strings.Builder
	for _, channel := range []float64{shade, shade, shade, 1} {
		fmt.Fprintf(&rgba, `<value type="double" value="%f"/>`, channel)
	}
	config := filepath.Join(b.dir, ".config/xfce4/xfconf/xfce-perchannel-xml")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "xfce4-panel.xml"), fmt.Appendf(nil, panelConfig, rgba.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, s.env, "openbox", "--sm-disable")
	start(t, s.env, "xfce4-panel", "--disable-wm-check", "--sm-client-disable")
	conn := b.connect(t)
	until(t, "the panel", func() bool { return hostPresent(t.Context(), conn) })
	return s
}

// tool runs xdotool or the like to its end.
func (s *screen) tool(name string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// shot is a picture of the screen. It is kept in the directory that FOB_SHOTS names, to be looked at.
func (s *screen) shot(name string) image.Image {
	s.t.Helper()
	dir := os.Getenv("FOB_SHOTS")
	if dir == "" {
		dir = s.t.TempDir()
	}
	path := filepath.Join(dir, name+".png")
	s.tool("import", "-window", "root", path)
	file, err := os.Open(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		s.t.Fatal(err)
	}
	return img
}

// The colours of the badges, as drawn in assets/src.
var (
	amber = [3]uint32{0xf0, 0xb4, 0x29}
	red   = [3]uint32{0xe5, 0x39, 0x3f}
	green = [3]uint32{0x2d, 0xa4, 0x4e}
)

// shows says whether the panel's first 32 pixels have a badge of about that colour.
func (s *screen) shows(img image.Image, badge [3]uint32) bool {
	near := func(a, b uint32) bool { return max(a>>8, b)-min(a>>8, b) < 24 }
	n := 0
	for y := s.height - 32; y < s.height; y++ {
		for x := range 32 {
			pr, pg, pb, _ := img.At(x, y).RGBA()
			if near(pr, badge[0]) && near(pg, badge[1]) && near(pb, badge[2]) {
				n++
			}
		}
	}
	return n >= 20 // a badge covers about 100 pixels at 22×22
}

func itemOf(t *testing.T, conn *dbus.Conn, p *program) string {
	t.Helper()
	name := fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", p.cmd.Process.Pid)
	until(t, "the icon on the bus", func() bool { return owned(t.Context(), conn, name) })
	return name
}

// Issue 2, "Tray" and "Proof": a real panel shows the icon of each state, light or dark; its menu opens, works by keyboard and
// does what it says.
func TestPanelShowsTheIconAndItsMenu(t *testing.T) {
	for name, shade := range map[string]float64{"light": 0.94, "dark": 0.12} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			s := newScreen(t, b, shade)
			conn := b.connect(t)
			p := newProgram(t, b.env())
			acme := agent.Status{Name: "Acme_API & Co", Environment: "production", State: agent.LoggedIn, Refreshable: true, HasIDToken: true, ExpiresAt: ago(-42*time.Minute - 30*time.Second), APIBaseURL: "https://api.example.com"}
			rest := []agent.Status{
				{Name: "GitHub", Environment: "production", State: agent.LoggedIn},
				{Name: "Keycloak", Environment: "staging", State: agent.LoggedOut},
			}
			item := itemOf(t, conn, p)
			p.hear("host true")
			for _, c := range []struct {
				state agent.State
				icon  State
				badge [3]uint32 // its colour; the zero one for none
			}{
				{agent.Expiring, assets.Expiring, amber},
				{agent.LoginRequired, assets.LoginNeeded, red},
				{agent.Offline, assets.Offline, [3]uint32{}},
				{agent.LoggedIn, assets.Well, green},
			} {
				acme.State = c.state
				p.show(append(rest, acme)...)
				until(t, "the icon "+string(c.icon)+" in the panel", func() bool {
					img := s.shot("icon-" + name + "-" + string(c.icon))
					for _, badge := range [][3]uint32{amber, red, green} {
						if s.shows(img, badge) != (badge == c.badge) {
							return false
						}
					}
					return true
				})
			}

			const label = "● Acme__API & Co — expires in 42 min"
			until(t, "the menu", func() bool { return menu(t, conn, item)[label+"/Copy token"].id != 0 })
			x, y := "16", fmt.Sprint(s.height-16)
			s.tool("xdotool", "mousemove", x, y, "click", "1")
			p.hear("open ")
			before := s.shot("before-" + name)
			s.tool("xdotool", "mousemove", x, y, "click", "3")
			until(t, "the open menu", func() bool { return changed(before, s.shot("menu-"+name)) > 10000 })
			s.tool("xdotool", "key", "--delay", "120", "Down", "Down", "Right")
			until(t, "the open submenu", func() bool { return changed(before, s.shot("submenu-"+name)) > 25000 })
			s.tool("xdotool", "key", "--delay", "120", "Return")
			p.hear("copy access_token Acme_API & Co")
		})
	}
}

// changed counts the pixels that differ.
func changed(a, b image.Image) int {
	n := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				n++
			}
		}
	}
	return n
}
