package cli

import (
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestQRText reads the drawing back: every module is where the code has it, on a white margin as wide as a scanner needs. F-013
func TestQRText(t *testing.T) {
	const address = "https://login.example.com/device?user_code=WDJB-MJHT"
	text, err := qrText(address)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]bool
	for line := range strings.Lines(text) {
		line, black := strings.CutPrefix(line, "\x1b[38;5;16;48;5;231m")
		line, ends := strings.CutSuffix(line, "\x1b[0m\n")
		if !black || !ends {
			t.Fatalf("a line keeps the terminal's own colours: %q", line)
		}
		var upper, lower []bool
		for _, r := range line {
			upper = append(upper, r == '▀' || r == '█')
			lower = append(lower, r == '▄' || r == '█')
		}
		rows = append(rows, upper, lower)
	}
	if len(rows) < code.Size+2*quiet {
		t.Fatalf("%d rows, want %d with the margin", len(rows), code.Size+2*quiet)
	}
	for y, row := range rows {
		if len(row) != code.Size+2*quiet {
			t.Fatalf("row %d has %d modules, want %d", y, len(row), code.Size+2*quiet)
		}
		for x, black := range row {
			if want := code.Black(x-quiet, y-quiet); black != want {
				t.Fatalf("module %d,%d: black is %v, want %v", x, y, black, want)
			}
		}
	}
	if !rows[quiet][quiet] || rows[quiet+1][quiet+1] || rows[0][0] {
		t.Error("there is no finder pattern in the corner within the margin")
	}
}
