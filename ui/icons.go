package ui

import (
	"embed"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"fob/internal/agent"
)

//go:embed icons/*.svg
var iconFiles embed.FS

// icon is an embedded drawing in a colour of the theme.
func icon(name string, color fyne.ThemeColorName) fyne.Resource {
	return theme.NewColoredResource(drawing(name), color)
}

func drawing(name string) fyne.Resource {
	if known, ok := drawings[name]; ok {
		return known
	}
	text, err := iconFiles.ReadFile("icons/" + name + ".svg")
	if err != nil {
		return theme.QuestionIcon() // a name that is not drawn is seen at once; a test names every one
	}
	drawings[name] = fyne.NewStaticResource(name+".svg", text)
	return drawings[name]
}

// drawings are the embedded files by name. They are read on the window's goroutine only.
var drawings = map[string]*fyne.StaticResource{}

// stateIcons are made once: a list of 10,000 rows shows the same seven drawings.
var stateIcons = map[agent.State]fyne.Resource{}

func stateIcon(s agent.State) fyne.Resource {
	if known, ok := stateIcons[s]; ok {
		return known
	}
	name := string(s)
	if stateWord(s) == stateWord(agent.LoggedOut) {
		name = string(agent.LoggedOut)
	}
	stateIcons[s] = icon(name, stateColor(s))
	return stateIcons[s]
}
