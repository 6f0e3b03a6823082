package ui

import (
	"image/color"
	"io/fs"
	"math"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

func TestEveryTextHasEnoughContrast(t *testing.T) {
	grounds := []fyne.ThemeColorName{theme.ColorNameBackground, colorSidebar, colorSelected, colorCard}
	texts := []fyne.ThemeColorName{theme.ColorNameForeground, colorMuted, colorGood, colorSoon, colorNeed, colorBusy, colorAway}
	pairs := map[fyne.ThemeColorName]fyne.ThemeColorName{
		theme.ColorNameForegroundOnPrimary: theme.ColorNamePrimary, theme.ColorNameForegroundOnError: theme.ColorNameError,
		theme.ColorNamePlaceHolder: theme.ColorNameInputBackground, theme.ColorNameHyperlink: theme.ColorNameBackground,
	}
	for name, variant := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		look := NewTheme(name)
		check := func(text, ground fyne.ThemeColorName) {
			if c := contrast(look.Color(text, variant), look.Color(ground, variant)); c < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", name, text, ground, c)
			}
		}
		for _, text := range texts {
			for _, ground := range grounds {
				check(text, ground)
			}
		}
		for _, tint := range []fyne.ThemeColorName{colorSoonTint, colorNeedTint, colorAwayTint, theme.ColorNameButton, theme.ColorNameMenuBackground} {
			check(theme.ColorNameForeground, tint)
			check(colorMuted, tint)
		}
		for text, ground := range pairs {
			check(text, ground)
		}
	}
}

func TestTheChoiceOfThemeWinsOverTheSystem(t *testing.T) {
	for _, c := range []struct {
		choice string
		system fyne.ThemeVariant
		same   map[fyne.ThemeColorName]color.Color
	}{
		{"light", theme.VariantDark, lightColors}, {"dark", theme.VariantLight, darkColors},
		{"system", theme.VariantDark, darkColors}, {"system", theme.VariantLight, lightColors}, {"", theme.VariantLight, lightColors},
	} {
		if got := NewTheme(c.choice).Color(theme.ColorNameBackground, c.system); got != c.same[theme.ColorNameBackground] {
			t.Errorf("choice %q on a system of variant %d draws on %v", c.choice, c.system, got)
		}
	}
}

func TestLightAndDarkNameTheSameColors(t *testing.T) {
	for name := range lightColors {
		if darkColors[name] == nil {
			t.Errorf("%s has no dark colour", name)
		}
	}
	for name := range darkColors {
		if lightColors[name] == nil {
			t.Errorf("%s has no light colour", name)
		}
	}
}

var states = []agent.State{agent.LoggedOut, agent.LoggingIn, agent.LoggedIn, agent.Expiring, agent.Offline, agent.LoginRequired, agent.Unusable}

func TestEveryStateHasItsOwnWordAndShape(t *testing.T) {
	words, shapes := map[string]agent.State{}, map[string]agent.State{}
	for _, s := range states {
		word, shape := stateWord(s), stateIcon(s).Name()
		if other, taken := words[word]; taken {
			t.Errorf("%s and %s share the word %q", s, other, word)
		}
		if other, taken := shapes[shape]; taken {
			t.Errorf("%s and %s share the shape %s", s, other, shape)
		}
		words[word], shapes[shape] = s, s
		if drawing(string(s)) == theme.QuestionIcon() {
			t.Errorf("%s is not drawn", s)
		}
	}
	drawn, err := fs.Glob(iconFiles, "icons/*.svg")
	if err != nil || len(drawn) < len(states) {
		t.Fatalf("%d drawings, %v", len(drawn), err)
	}
	for _, name := range drawn {
		text, _ := iconFiles.ReadFile(name)
		// Fyne colours fills and nothing else: a stroke would stay black on a dark ground.
		if strings.Contains(string(text), "stroke") {
			t.Errorf("%s is drawn with a stroke", name)
		}
	}
}
