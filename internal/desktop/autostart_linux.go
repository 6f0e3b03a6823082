package desktop

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/durable"
)

// The entry of the Desktop Application Autostart Specification.
func autostartPath(env Env) (string, error) {
	dir := env.configDir()
	if dir == "" {
		return "", errors.New("neither XDG_CONFIG_HOME nor HOME says where")
	}
	return filepath.Join(dir, "autostart", AppID+".desktop"), nil
}

func setAutostart(env Env, enabled bool, command []string) error {
	path, err := autostartPath(env)
	if err != nil {
		return err
	}
	if !enabled {
		return removeFile(path)
	}
	for _, word := range command {
		if strings.ContainsAny(word, "\n\r\x00") {
			return errors.New("the command holds a line break")
		}
	}
	return durable.Write(path, []byte("[Desktop Entry]\nType=Application\nName=Fob\n"+
		"Comment=Keeps OAuth tokens fresh\nIcon="+AppID+"\nExec="+execLine(command)+
		"\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"), true)
}

// execLine quotes as the Desktop Entry Specification's "The Exec key" says:
// words in double quotes with a backslash before " ` $ \; a percent doubled;
// then, as in every string value, each backslash doubled.
func execLine(command []string) string {
	quoted := make([]string, len(command))
	for i, word := range command {
		word = strings.NewReplacer(`"`, `\"`, "`", "\\`", `$`, `\$`, `\`, `\\`, `%`, `%%`).Replace(word)
		quoted[i] = `"` + word + `"`
	}
	return strings.ReplaceAll(strings.Join(quoted, " "), `\`, `\\`)
}

func autostart(env Env) (bool, error) {
	path, err := autostartPath(env)
	if err != nil {
		return false, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Session settings switch an entry off without removing it.
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if key == "Hidden" && value == "true" || key == "X-GNOME-Autostart-enabled" && value == "false" {
			return false, nil
		}
	}
	return true, nil
}

// configDir is the user's configuration directory (XDG Base Directory
// Specification), or "" where even HOME is unknown.
func (e Env) configDir() string {
	if dir := e["XDG_CONFIG_HOME"]; filepath.IsAbs(dir) {
		return dir
	}
	if home := e["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".config")
	}
	return ""
}
