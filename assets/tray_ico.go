//go:build windows

package assets

import "embed"

// Windows loads an icon from an ICO file only and picks the size itself.
//
//go:embed tray/*.ico
var trayFiles embed.FS

const traySuffix = ".ico"
