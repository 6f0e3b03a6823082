// Package assets knows the pictures and desktop files of Fob. Everything is embedded as it lies in the repository and nothing is
// decoded: a program that never shows a picture pays for none. make-icons.sh draws them from src.
package assets

import (
	"embed"
	"strconv"
)

// State is what the tray icon says about all profiles together. The states differ in shape, not in colour alone.
type State string

// The states of the tray icon.
const (
	None        State = "none"     // nothing is logged in: a hollow mark
	Well        State = "well"     // all well: a check mark
	Expiring    State = "expiring" // a login that cannot be refreshed ends soon: a clock
	LoginNeeded State = "login"    // a person is needed: an exclamation mark
	Offline     State = "offline"  // no connection to an authorization server: struck through
)

// Panel is the background that the tray icon stands on.
type Panel string

// The panels.
const (
	AnyPanel   Panel = "any" // not known: an icon with an outline, readable on both
	LightPanel Panel = "light"
	DarkPanel  Panel = "dark"
)

//go:embed app/*.png app/*.svg app.fob.Fob.desktop app.fob.Fob.metainfo.xml
var files embed.FS

// Mark is Fob's mark as SVG, in one colour, without a background.
//
//go:embed src/mark.svg
var Mark []byte

// AppIcon is the application's icon, a PNG of 256×256 pixels.
//
//go:embed app/256.png
var appIcon []byte

// AppIcon returns the application's icon: a PNG of 256×256 pixels. It must not be written to.
func AppIcon() []byte { return appIcon }

// AppIconSizes are the sizes in pixels for which [AppIconPNG] has a picture.
var AppIconSizes = []int{16, 32, 48, 64, 128, 256, 512}

// AppIconPNG returns the application's icon as a PNG with that many pixels each way, nil for a size that is not one of
// [AppIconSizes].
func AppIconPNG(pixels int) []byte {
	for _, have := range AppIconSizes {
		if have == pixels {
			return read("app/" + strconv.Itoa(pixels) + ".png")
		}
	}
	return nil
}

// AppIconSVG returns the application's icon as SVG.
func AppIconSVG() []byte { return read("app/app.fob.Fob.svg") }

// DesktopEntry returns app.fob.Fob.desktop, the window's entry in the menus of a Linux desktop.
func DesktopEntry() []byte { return read("app.fob.Fob.desktop") }

// Metainfo returns app.fob.Fob.metainfo.xml, what software centres show (AppStream).
func Metainfo() []byte { return read("app.fob.Fob.metainfo.xml") }

// TrayIcon returns the tray icon for a state and a panel, in the format that the platform's tray wants: PNG, on Windows ICO. A
// state or panel that does not exist gets the icon of [None] or [AnyPanel].
func TrayIcon(state State, panel Panel) []byte {
	switch state {
	case None, Well, Expiring, LoginNeeded, Offline:
	default:
		state = None
	}
	switch panel {
	case LightPanel, DarkPanel:
	default:
		panel = AnyPanel
	}
	icon, _ := trayFiles.ReadFile("tray/" + string(state) + "-" + string(panel) + traySuffix) // every combination is embedded: assets_test.go
	return icon
}

// read returns an embedded file; the names are constants that the tests visit.
func read(name string) []byte {
	data, _ := files.ReadFile(name)
	return data
}
