package profiles

import "strconv"

// Color is a color of the palette that profiles are told apart with.
type Color struct {
	Name string // as in a profile: "teal"
	Hex  string // #rrggbb
}

// palette holds colors that stay apart from each other on light and on dark ground.
var palette = [...]Color{
	{"red", "#d64545"},
	{"orange", "#dd7a1f"},
	{"yellow", "#c9a20b"},
	{"green", "#3d9a50"},
	{"teal", "#158f8f"},
	{"blue", "#3b78d8"},
	{"purple", "#8a5cd1"},
	{"pink", "#d1539c"},
	{"brown", "#94694a"},
	{"gray", "#7a828c"},
}

// Palette returns the colors that have a name, in the order to offer them.
func Palette() []Color { return append([]Color(nil), palette[:]...) }

// RGB returns the parts of a color written as in a profile: a name of the palette, or #rrggbb.
func RGB(color string) (r, g, b uint8, ok bool) {
	for _, c := range palette {
		if c.Name == color {
			color = c.Hex
			break
		}
	}
	if len(color) != 7 || color[0] != '#' {
		return 0, 0, 0, false
	}
	n, err := strconv.ParseUint(color[1:], 16, 24)
	if err != nil {
		return 0, 0, 0, false
	}
	return uint8(n >> 16), uint8(n >> 8), uint8(n), true
}
