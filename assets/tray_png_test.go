//go:build !windows

package assets

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"
)

// Issue 2, "Tray": the states are told apart without colour, and each is seen on the panel that it is drawn for.
func TestTrayIconsAreToldApartInGrey(t *testing.T) {
	backgrounds := map[Panel][]float64{LightPanel: {0.94}, DarkPanel: {0.18}, AnyPanel: {0.94, 0.18}}
	states := []State{None, Well, Expiring, LoginNeeded, Offline}
	for panel, shades := range backgrounds {
		for _, shade := range shades {
			seen := make(map[State][]float64)
			for _, state := range states {
				seen[state] = grey(t, TrayIcon(state, panel), shade)
				blank := make([]float64, len(seen[state]))
				for i := range blank {
					blank[i] = shade
				}
				// A hollow mark is the thinnest: its line covers about a tenth of the square.
				if n := differing(seen[state], blank); n < 44*44/12 {
					t.Errorf("%s on a %s panel of shade %.2f: only %d pixels stand out", state, panel, shade, n)
				}
			}
			for i, a := range states {
				for _, b := range states[i+1:] {
					// 44×44/32 pixels at 44 are 15 of the 22×22 that a panel shows: a glyph's worth.
					if n := differing(seen[a], seen[b]); n < 44*44/32 {
						t.Errorf("%s panel of shade %.2f: %s and %s differ in %d grey pixels only", panel, shade, a, b, n)
					}
				}
			}
		}
	}
}

// grey is the picture as a colour-blind eye sees it on a background of that shade: the luminance of each pixel, 0 to 1.
func grey(t *testing.T, data []byte, shade float64) []float64 {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != 44 || size.Y != 44 {
		t.Fatalf("tray icon of %v, want 44×44", size)
	}
	var out []float64
	for y := range 44 {
		for x := range 44 {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			alpha := float64(c.A) / 255
			light := (0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)) / 255
			out = append(out, alpha*light+(1-alpha)*shade)
		}
	}
	return out
}

// differing counts the pixels that are apart by a quarter of the way from black to white.
func differing(a, b []float64) int {
	n := 0
	for i := range a {
		if d := a[i] - b[i]; d > 0.25 || d < -0.25 {
			n++
		}
	}
	return n
}
