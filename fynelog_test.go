package main

import (
	"bytes"
	"log"
	"testing"
)

func TestFyneLog(t *testing.T) {
	var out bytes.Buffer
	logger := log.New(&fyneLog{out: &out}, "", 0)
	for _, line := range []string{
		"Fyne error:  Preferences load error:", "  Cause: EOF", "  At: preferences.go:105",
		"Fyne error:  window creation error", "  Cause: APIUnavailable", "  At: driver.go:1",
	} {
		logger.Println(line)
	}
	if want := "Fyne error:  window creation error\n  Cause: APIUnavailable\n  At: driver.go:1\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
