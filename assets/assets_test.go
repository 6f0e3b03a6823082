package assets

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"io"
	"strings"
	"testing"
)

// Issue 2, "Repository" and "Tray": every picture that a face asks for is there.
func TestEveryPictureIsThere(t *testing.T) {
	for _, pixels := range AppIconSizes {
		img, err := png.DecodeConfig(bytes.NewReader(AppIconPNG(pixels)))
		if err != nil || img.Width != pixels || img.Height != pixels {
			t.Errorf("app icon of %d pixels: %d×%d, %v", pixels, img.Width, img.Height, err)
		}
	}
	if AppIconPNG(17) != nil {
		t.Error("an app icon of 17 pixels: want none")
	}
	if img, err := png.DecodeConfig(bytes.NewReader(AppIcon())); err != nil || img.Width != 256 {
		t.Errorf("app icon: %d pixels wide, %v", img.Width, err)
	}
	for name, svg := range map[string][]byte{"mark": Mark, "app icon": AppIconSVG(), "metainfo": Metainfo()} {
		if err := wellFormed(svg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, state := range []State{None, Well, Expiring, LoginNeeded, Offline} {
		for _, panel := range []Panel{AnyPanel, LightPanel, DarkPanel} {
			if len(TrayIcon(state, panel)) == 0 {
				t.Errorf("tray icon %s on a panel that is %s: missing", state, panel)
			}
		}
	}
	if !bytes.Equal(TrayIcon("bogus", "bogus"), TrayIcon(None, AnyPanel)) {
		t.Error("an unknown state is not drawn as nothing logged in")
	}
}

// The window, its icon and its desktop entry find each other by one name.
func TestDesktopEntryAndMetainfoAgree(t *testing.T) {
	entry := string(DesktopEntry())
	for _, line := range []string{"Exec=fob-app\n", "Icon=app.fob.Fob\n", "StartupWMClass=app.fob.Fob\n", "Categories=Development;\n"} {
		if !strings.Contains(entry, line) {
			t.Errorf("desktop entry: no line %q", line)
		}
	}
	var about struct {
		ID         string   `xml:"id"`
		License    string   `xml:"project_license"`
		Launchable string   `xml:"launchable"`
		Binaries   []string `xml:"provides>binary"`
	}
	if err := xml.Unmarshal(Metainfo(), &about); err != nil {
		t.Fatal(err)
	}
	if about.ID != "app.fob.Fob" || about.Launchable != about.ID+".desktop" || about.License != "Apache-2.0" || len(about.Binaries) != 2 {
		t.Errorf("metainfo: %+v", about)
	}
}

func wellFormed(data []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(data))
	for elements := 0; ; elements++ {
		if _, err := dec.Token(); err == io.EOF && elements > 0 {
			return nil
		} else if err != nil {
			return err
		}
	}
}
