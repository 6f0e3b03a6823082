package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Settings are the user's choices that are not of one profile.
type Settings struct {
	Theme            string `json:"theme"`             // "system", "light", "dark"
	ClipboardSeconds int    `json:"clipboard_seconds"` // how long a copied secret stays; 0 is for ever
	StartAtLogin     bool   `json:"start_at_login"`
}

// defaultSettings: 45 s is what password managers settled on, long enough to change windows and paste.
var defaultSettings = Settings{Theme: "system", ClipboardSeconds: 45}

// clipboardMax bounds Settings.ClipboardSeconds: a day.
const clipboardMax = 24 * 60 * 60

func (s Settings) validate() error {
	switch s.Theme {
	case "system", "light", "dark":
	default:
		return &Error{Kind: Misused, Code: "setting", Sentence: fmt.Sprintf("theme %q: there is no such theme", s.Theme), Remedy: "use system, light or dark"}
	}
	if s.ClipboardSeconds < 0 || s.ClipboardSeconds > clipboardMax {
		return &Error{Kind: Misused, Code: "setting", Sentence: fmt.Sprintf("clipboard_seconds %d: out of range", s.ClipboardSeconds), Remedy: "use 0 (never clear) to 86400"}
	}
	return nil
}

// ClearAfter is how long a copied secret stays on the clipboard; 0 is for ever.
func (s Settings) ClearAfter() time.Duration { return time.Duration(s.ClipboardSeconds) * time.Second }

// StoredSettings reads the settings without an agent: a window wants its theme for the first picture. Writing is the agent's.
func StoredSettings(home Home) Settings {
	text, err := os.ReadFile(home.settingsFile())
	stored := defaultSettings
	if err != nil || json.Unmarshal(text, &stored) != nil || stored.validate() != nil {
		return defaultSettings
	}
	return stored
}

func (h Home) settingsFile() string { return filepath.Join(h.Config, "settings.json") }

// settingsFile keeps the settings in settings.json.
type settingsFile struct {
	path string

	mu      sync.Mutex // guards current
	current Settings
}

// openSettings reads the settings. A file that makes no sense counts as absent; it is kept aside.
func openSettings(path string) (*settingsFile, error) {
	f := &settingsFile{path: path, current: defaultSettings}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("settings: %w", err)
	}
	read := defaultSettings
	if err := json.Unmarshal(text, &read); err != nil || read.validate() != nil {
		aside := path + ".damaged"
		if err := os.Rename(path, aside); err != nil {
			return f, fmt.Errorf("settings: %w", err)
		}
		return f, fmt.Errorf("settings: %s makes no sense; it is now %s, and the defaults are in force", path, aside)
	}
	f.current = read
	return f, nil
}

func (f *settingsFile) get() Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

func (f *settingsFile) put(s Settings) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := os.WriteFile(f.path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	f.mu.Lock()
	f.current = s
	f.mu.Unlock()
	return nil
}
