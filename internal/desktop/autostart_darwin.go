package desktop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"

	"fob/internal/durable"
)

// The agent's property list for launchd (launchd.plist(5)); it counts from the
// next login on.
func autostartPath(env Env) (string, error) {
	home := env.home()
	if home == "" {
		return "", errors.New("HOME does not say where")
	}
	return filepath.Join(home, "Library", "LaunchAgents", AppID+".plist"), nil
}

func setAutostart(env Env, enabled bool, command []string) error {
	path, err := autostartPath(env)
	if err != nil {
		return err
	}
	if !enabled {
		return removeFile(path)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>` + AppID + `</string>
<key>RunAtLoad</key><true/>
<key>ProgramArguments</key><array>
`)
	for _, word := range command {
		b.WriteString("<string>")
		if err := xml.EscapeText(&b, []byte(word)); err != nil {
			return err
		}
		b.WriteString("</string>\n")
	}
	b.WriteString("</array>\n</dict></plist>\n")
	return durable.Write(path, b.Bytes(), true)
}

func autostart(env Env) (bool, error) {
	path, err := autostartPath(env)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
