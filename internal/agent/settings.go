package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fob/internal/durable"
	"fob/internal/logbook"
)

// Settings are the user's choices that are not of one profile.
type Settings struct {
	Theme            string `json:"theme"`             // "system", "light", "dark"
	ClipboardSeconds int    `json:"clipboard_seconds"` // how long a copied secret stays; 0 is for ever
	StartAtLogin     bool   `json:"start_at_login"`
	LockOnScreenLock bool   `json:"lock_on_screen_lock"` // lock Fob while the desktop's screen is locked
	// QuietFrom and QuietTo are the hours, "22:00" to "07:30" on this computer's clock, in which no reminder comes but what is
	// urgent; the others come together when they end. Both "": none.
	QuietFrom string `json:"quiet_from,omitempty"`
	QuietTo   string `json:"quiet_to,omitempty"`
	// LogLevel is what the agent logs at least: "debug", "info", "warn", "error"; "" is info. FOB_LOG overrules it.
	LogLevel string `json:"log_level,omitempty"`
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
	if _, err := logbook.ParseLevel(s.LogLevel); err != nil {
		return &Error{Kind: Misused, Code: "setting", Sentence: fmt.Sprintf("log_level %q: there is no such level", s.LogLevel), Remedy: "use " + strings.Join(logbook.Levels, ", ")}
	}
	if s.QuietFrom == "" && s.QuietTo == "" {
		return nil
	}
	for _, one := range []struct{ key, at string }{{"quiet_from", s.QuietFrom}, {"quiet_to", s.QuietTo}} {
		if _, ok := clockMinutes(one.at); !ok {
			return &Error{Kind: Misused, Code: "setting", Sentence: fmt.Sprintf("%s %q: there is no such time of day", one.key, one.at), Remedy: "use hours and minutes, as 22:00, for both quiet_from and quiet_to; leave both empty for none"}
		}
	}
	return nil
}

// clockMinutes reads a time of day, "07:30".
func clockMinutes(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// Quiet says whether now is in the quiet hours, and when they end.
func (s Settings) Quiet(now time.Time) (until time.Time, quiet bool) {
	from, okFrom := clockMinutes(s.QuietFrom)
	to, okTo := clockMinutes(s.QuietTo)
	now = now.Local()
	at := now.Hour()*60 + now.Minute()
	day := now.Day()
	switch {
	case !okFrom || !okTo || from == to:
		return until, false
	case from < to:
		quiet = from <= at && at < to
	case at >= from: // they go on after midnight
		quiet, day = true, day+1
	default:
		quiet = at < to
	}
	return time.Date(now.Year(), now.Month(), day, to/60, to%60, 0, 0, now.Location()), quiet
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

	mu      sync.Mutex // guards what follows
	current Settings
	damage  error // what was found at the start, until somebody has chosen anew
}

// openSettings reads the settings. What makes no sense, or cannot be read, counts as absent; it is moved aside.
func openSettings(path string) (*settingsFile, error) {
	f := &settingsFile{path: path, current: defaultSettings}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	read := defaultSettings
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err == nil {
		err = read.validate()
	}
	if err == nil {
		f.current = read
		return f, nil
	}
	aside, moveErr := durable.Aside(path)
	if f.damage = fmt.Errorf("settings: %s makes no sense (%w); it is now %s, and the defaults are in force", path, err, aside); moveErr != nil {
		f.damage = fmt.Errorf("settings: %s makes no sense (%w), and cannot be moved aside: %w; the defaults are in force", path, err, moveErr)
	}
	return f, f.damage
}

// finding is what `fob doctor` says of damaged settings, nil where there are none.
func (f *settingsFile) finding() *Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.damage == nil {
		return nil
	}
	return &Finding{Subject: "settings", Detail: f.damage.Error(), Remedy: "choose them anew, in the window or with the verbs; the old file is text, and may still be read"}
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
	if err := durable.Write(f.path, append(text, '\n'), true); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	f.mu.Lock()
	f.current, f.damage = s, nil
	f.mu.Unlock()
	return nil
}
