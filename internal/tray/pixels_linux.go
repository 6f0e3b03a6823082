package tray

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
)

// magic begins an icon of ours on its way through systray.
const magic = "fob icon\n"

// systray hands the icon to the panel as the low bytes of color.Color's 16-bit, alpha-premultiplied channels. For a pixel that is
// neither opaque nor white those are noise, and panels want plain ARGB anyway: icons get coloured or dirty edges. It decodes
// with [image.Decode], so the remedy is a format of our own: a PNG whose colours give their plain bytes.
func init() {
	image.RegisterFormat("fob icon", magic, func(r io.Reader) (image.Image, error) {
		if _, err := io.CopyN(io.Discard, r, int64(len(magic))); err != nil {
			return nil, err
		}
		img, err := png.Decode(r)
		if err != nil {
			return nil, err
		}
		return plainImage{img}, nil
	}, func(io.Reader) (image.Config, error) { return image.Config{}, image.ErrFormat })
}

// forSystray wraps a PNG so that systray hands its pixels on as they are.
func forSystray(icon []byte) []byte { return bytes.Join([][]byte{[]byte(magic), icon}, nil) }

type plainImage struct{ image.Image }

// At returns the pixel as systray should see it.
func (p plainImage) At(x, y int) color.Color {
	return plainColor(color.NRGBAModel.Convert(p.Image.At(x, y)).(color.NRGBA))
}

type plainColor color.NRGBA

// RGBA returns the channels without alpha multiplied in, each in the low byte.
func (c plainColor) RGBA() (r, g, b, a uint32) {
	return uint32(c.R), uint32(c.G), uint32(c.B), uint32(c.A)
}
