package cli

import (
	"strings"

	"rsc.io/qr"
)

// quiet is the empty margin that a scanner needs, in modules (ISO/IEC 18004 §6.3.8).
const quiet = 4

// qrText draws text as a QR code: two modules to a character, with half blocks. It names its colours, black on white, because a
// code in a dark terminal's own colours is a negative, which many cameras do not read.
func qrText(text string) (string, error) {
	code, err := qr.Encode(text, qr.L) // a screen is not torn or soiled: the smallest picture is best
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		out.WriteString("\x1b[38;5;16;48;5;231m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				out.WriteString("█")
			case upper:
				out.WriteString("▀")
			case lower:
				out.WriteString("▄")
			default:
				out.WriteString(" ")
			}
		}
		out.WriteString("\x1b[0m\n")
	}
	return out.String(), nil
}
