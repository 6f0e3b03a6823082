package ui

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
)

// picture draws the window into build/pictures, in light and dark, for people to judge. It is for those who ask for it.
func (s *stage) picture(name string) {
	s.t.Helper()
	dir := os.Getenv("FOB_PICTURES")
	if dir == "" {
		return
	}
	for _, look := range []string{"light", "dark"} {
		s.settings.SetTheme(NewTheme(look))
		s.settle()
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s.png", name, look)))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := png.Encode(file, s.window.Canvas().Capture()); err != nil {
			s.t.Fatal(err)
		}
		file.Close()
	}
}
