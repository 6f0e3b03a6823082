package ui

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"rsc.io/qr"
)

// qrSide is the side of a QR code on the screen: read by a phone at arm's length.
const qrSide = 184

// quietZone is the white margin that readers need, in modules (ISO/IEC 18004 §9.1).
const quietZone = 4

// newQR is an empty QR code.
func newQR() *canvas.Image {
	picture := &canvas.Image{FillMode: canvas.ImageFillContain, ScaleMode: canvas.ImageScalePixels}
	picture.SetMinSize(fyne.NewSquareSize(qrSide))
	return picture
}

// showQR draws text as a QR code, black on white in either theme. It says whether the text fits into one that a phone can read.
func showQR(picture *canvas.Image, text string) bool {
	code, err := qr.Encode(text, qr.M)
	if text == "" || err != nil || code.Size > 97 { // version 20: beyond it the modules are too small here
		return false
	}
	side := code.Size + 2*quietZone
	drawing := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				drawing.SetColorIndex(x+quietZone, y+quietZone, 1)
			}
		}
	}
	picture.Image = drawing
	picture.Refresh()
	return true
}
