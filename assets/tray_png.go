//go:build !windows

package assets

import "embed"

// 44 pixels: panels draw 22 on a plain screen and 44 on a doubled one, and xfce4-panel scales 44 to 22 more crisply than 48.
//
//go:embed tray/*-44.png
var trayFiles embed.FS

const traySuffix = "-44.png"
