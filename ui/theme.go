package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

// The colours of Fob beside Fyne's own names.
const (
	colorMuted    fyne.ThemeColorName = "fob-muted"    // second lines, labels of values
	colorSidebar  fyne.ThemeColorName = "fob-sidebar"  // behind the list
	colorSelected fyne.ThemeColorName = "fob-selected" // behind the selected profile
	colorCard     fyne.ThemeColorName = "fob-card"     // behind a group of values
	colorTrack    fyne.ThemeColorName = "fob-track"    // the empty part of the countdown bar
	colorGood     fyne.ThemeColorName = "fob-good"
	colorSoon     fyne.ThemeColorName = "fob-soon"
	colorNeed     fyne.ThemeColorName = "fob-need"
	colorBusy     fyne.ThemeColorName = "fob-busy"
	colorAway     fyne.ThemeColorName = "fob-away"
	colorSoonTint fyne.ThemeColorName = "fob-soon-tint" // behind a banner
	colorNeedTint fyne.ThemeColorName = "fob-need-tint"
	colorAwayTint fyne.ThemeColorName = "fob-away-tint"
)

// sizeCode is of the code that somebody types into another device: read from there.
const sizeCode fyne.ThemeSizeName = "fob-code"

// stateColor is the colour that goes with a state's word and shape.
func stateColor(s agent.State) fyne.ThemeColorName {
	switch s {
	case agent.LoggedIn:
		return colorGood
	case agent.Expiring:
		return colorSoon
	case agent.LoginRequired, agent.Unusable:
		return colorNeed
	case agent.LoggingIn:
		return colorBusy
	case agent.Offline:
		return colorAway
	default:
		return colorMuted
	}
}

// Theme is Fob's look: calm greys, one blue accent, and the colours of the states. Every colour that text is written in
// has a contrast of 4.5:1 or more with every colour it is written on (WCAG 2.2 AA); a test holds that.
type Theme struct {
	choice string // "system", "light", "dark"
	base   fyne.Theme
}

// NewTheme returns the theme for a choice of the settings: "light", "dark", or anything else for the system's.
func NewTheme(choice string) *Theme { return &Theme{choice: choice, base: theme.DefaultTheme()} }

// variant is the brightness to draw in; seen is what the system says.
func (t *Theme) variant(seen fyne.ThemeVariant) fyne.ThemeVariant {
	switch t.choice {
	case "light":
		return theme.VariantLight
	case "dark":
		return theme.VariantDark
	default:
		return seen
	}
}

// Color is one of our colours, or Fyne's own where we have no opinion.
func (t *Theme) Color(name fyne.ThemeColorName, seen fyne.ThemeVariant) color.Color {
	variant := t.variant(seen)
	palette := lightColors
	if variant == theme.VariantDark {
		palette = darkColors
	}
	if c, ok := palette[name]; ok {
		return c
	}
	return t.base.Color(name, variant)
}

// Font is Fyne's own.
func (t *Theme) Font(style fyne.TextStyle) fyne.Resource { return t.base.Font(style) }

// Icon is Fyne's own.
func (t *Theme) Icon(name fyne.ThemeIconName) fyne.Resource { return t.base.Icon(name) }

// Size is Fyne's own but for slightly smaller text and rounder corners.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameSubHeadingText:
		return 16
	case theme.SizeNameHeadingText:
		return 20
	case sizeCode:
		return 30
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius, theme.SizeNameSelectionRadius, theme.SizeNameMenuRadius, theme.SizeNamePopupRadius:
		return 6
	case theme.SizeNameDialogRadius, theme.SizeNameCardRadius:
		return 10
	case theme.SizeNameScrollBar:
		return 10
	default:
		return t.base.Size(name)
	}
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

func veil(hex uint32, alpha uint8) color.NRGBA {
	c := rgb(hex)
	c.A = alpha
	return c
}

var lightColors = map[fyne.ThemeColorName]color.Color{
	theme.ColorNameBackground:          rgb(0xffffff),
	theme.ColorNameForeground:          rgb(0x1b1f26),
	theme.ColorNameButton:              rgb(0xe9ecf1),
	theme.ColorNameDisabledButton:      rgb(0xeef0f4),
	theme.ColorNameDisabled:            rgb(0x8c95a3),
	theme.ColorNamePlaceHolder:         rgb(0x626c7a),
	theme.ColorNamePrimary:             rgb(0x2456c9),
	theme.ColorNameForegroundOnPrimary: rgb(0xffffff),
	theme.ColorNameHyperlink:           rgb(0x2456c9),
	theme.ColorNameFocus:               veil(0x2456c9, 0x55),
	theme.ColorNameSelection:           veil(0x2456c9, 0x33),
	theme.ColorNameHover:               veil(0x1b1f26, 0x12),
	theme.ColorNamePressed:             veil(0x1b1f26, 0x24),
	theme.ColorNameInputBackground:     rgb(0xf7f8fa),
	theme.ColorNameInputBorder:         rgb(0xc4cad4),
	theme.ColorNameSeparator:           rgb(0xdfe3e9),
	theme.ColorNameMenuBackground:      rgb(0xffffff),
	theme.ColorNameOverlayBackground:   rgb(0xffffff),
	theme.ColorNameHeaderBackground:    rgb(0xf3f5f8),
	theme.ColorNameShadow:              veil(0x101828, 0x2c),
	theme.ColorNameScrollBar:           veil(0x1b1f26, 0x66),
	theme.ColorNameError:               rgb(0xb42318),
	theme.ColorNameForegroundOnError:   rgb(0xffffff),
	theme.ColorNameSuccess:             rgb(0x17722f),
	theme.ColorNameForegroundOnSuccess: rgb(0xffffff),
	theme.ColorNameWarning:             rgb(0x8a5500),
	theme.ColorNameForegroundOnWarning: rgb(0xffffff),

	colorMuted:    rgb(0x566070),
	colorSidebar:  rgb(0xf3f5f8),
	colorSelected: rgb(0xdfe8fb),
	colorCard:     rgb(0xf7f8fa),
	colorTrack:    rgb(0xe3e7ed),
	colorGood:     rgb(0x136b2b),
	colorSoon:     rgb(0x835000),
	colorNeed:     rgb(0xb42318),
	colorBusy:     rgb(0x2456c9),
	colorAway:     rgb(0x5f4bb6),
	colorSoonTint: rgb(0xfdf3e0),
	colorNeedTint: rgb(0xfdecea),
	colorAwayTint: rgb(0xf0eefb),
}

var darkColors = map[fyne.ThemeColorName]color.Color{
	theme.ColorNameBackground:          rgb(0x171a20),
	theme.ColorNameForeground:          rgb(0xe6e9ee),
	theme.ColorNameButton:              rgb(0x2b303a),
	theme.ColorNameDisabledButton:      rgb(0x22262e),
	theme.ColorNameDisabled:            rgb(0x6f7887),
	theme.ColorNamePlaceHolder:         rgb(0x98a2b1),
	theme.ColorNamePrimary:             rgb(0x7aa5ff),
	theme.ColorNameForegroundOnPrimary: rgb(0x0b1430),
	theme.ColorNameHyperlink:           rgb(0x8db2ff),
	theme.ColorNameFocus:               veil(0x7aa5ff, 0x66),
	theme.ColorNameSelection:           veil(0x7aa5ff, 0x44),
	theme.ColorNameHover:               veil(0xffffff, 0x12),
	theme.ColorNamePressed:             veil(0xffffff, 0x24),
	theme.ColorNameInputBackground:     rgb(0x1f232b),
	theme.ColorNameInputBorder:         rgb(0x434b58),
	theme.ColorNameSeparator:           rgb(0x2c323c),
	theme.ColorNameMenuBackground:      rgb(0x242932),
	theme.ColorNameOverlayBackground:   rgb(0x1d2129),
	theme.ColorNameHeaderBackground:    rgb(0x1c2027),
	theme.ColorNameShadow:              veil(0x000000, 0x66),
	theme.ColorNameScrollBar:           veil(0xffffff, 0x55),
	theme.ColorNameError:               rgb(0xff8f85),
	theme.ColorNameForegroundOnError:   rgb(0x2b0704),
	theme.ColorNameSuccess:             rgb(0x52c98f),
	theme.ColorNameForegroundOnSuccess: rgb(0x04200f),
	theme.ColorNameWarning:             rgb(0xf2b84b),
	theme.ColorNameForegroundOnWarning: rgb(0x2a1b00),

	colorMuted:    rgb(0xa0a9b7),
	colorSidebar:  rgb(0x1c2027),
	colorSelected: rgb(0x2a3854),
	colorCard:     rgb(0x1d2129),
	colorTrack:    rgb(0x2f3540),
	colorGood:     rgb(0x52c98f),
	colorSoon:     rgb(0xf2b84b),
	colorNeed:     rgb(0xff8f85),
	colorBusy:     rgb(0x8db2ff),
	colorAway:     rgb(0xb9adf7),
	colorSoonTint: rgb(0x2e2617),
	colorNeedTint: rgb(0x321e1f),
	colorAwayTint: rgb(0x262338),
}
