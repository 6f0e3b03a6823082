package ui

import (
	"image/color"

	"fob/profiles"
)

// tintOf is a profile's own colour, or nil when it has none.
func tintOf(text string) color.Color {
	r, g, b, ok := profiles.RGB(text)
	if !ok {
		return nil
	}
	return color.NRGBA{R: r, G: g, B: b, A: 0xff}
}
