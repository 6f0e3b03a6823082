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
	f, _ := openSettings(home.settingsFile()) // who owns the file says what is wrong with it
	return f.get()
}

func (h Home) settingsFile() string { return filepath.Join(h.Config, "settings.json") }

// settingsFile keeps the settings in settings.json. One that is damaged or cannot be read stays as it is, for a start to find it again,
// until it is mended, or somebody has chosen anew.
type settingsFile struct {
	path string

	mu      sync.Mutex // guards what follows
	current Settings
	damage  error // what is wrong with the file
	unread  bool  // it may be whole: nothing is to be written over it
}

func openSettings(path string) (*settingsFile, error) {
	f := &settingsFile{path: path}
	f.read()
	return f, f.damage
}

// read takes the settings from the file. The defaults are in force for what makes no sense, but for the lock with the screen: who has
// chosen that must not lose it unseen, and who has not is soon told.
func (f *settingsFile) read() {
	f.current, f.damage, f.unread = defaultSettings, nil, false
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	found, known, until := defaultSettings, false, "it stays as it is; until it is mended, or settings are chosen anew"
	switch info, statErr := os.Stat(f.path); {
	case err == nil:
		if err = json.Unmarshal(text, &found); err == nil {
			known, err = true, found.validate()
		}
		if err == nil {
			f.current = found
			return
		}
		err = fmt.Errorf("%s makes no sense (%w)", f.path, err)
	case statErr == nil && info.IsDir():
		err = fmt.Errorf("%s is no file", f.path)
	default:
		f.unread, until = true, "nothing is written over it; until it can be"
		err = fmt.Errorf("the file cannot be read: %w", err)
	}
	screen := ""
	if f.current.LockOnScreenLock = !known || found.LockOnScreenLock; f.current.LockOnScreenLock {
		screen = ", and Fob locks with the screen"
	}
	f.damage = fmt.Errorf("settings: %w; %s, the defaults are in force%s", err, until, screen)
}

// again reads what made no sense, or could not be read, before; mu is held.
func (f *settingsFile) again() {
	if f.damage != nil {
		f.read()
	}
}

// remedy is what helps against damage.
func (f *settingsFile) remedy() string {
	if f.unread {
		return "see that you may read " + f.path + ", or move it away"
	}
	return "mend the file, or choose anew, in the window or with the verbs: then it is kept beside the new one, as " + filepath.Base(f.path) + ".damaged-DATE"
}

// finding is what `fob doctor` says of settings that are damaged or cannot be read, nil where there are none.
func (f *settingsFile) finding() *Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again()
	if f.damage == nil {
		return nil
	}
	return &Finding{Subject: "settings", Detail: f.damage.Error(), Remedy: f.remedy()}
}

// get returns the settings in force.
func (f *settingsFile) get() Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again()
	return f.current
}

func (f *settingsFile) put(s Settings) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again()
	aside := ""
	switch {
	case f.unread:
		return &Error{Kind: Failed, Code: "setting", Sentence: f.damage.Error(), Remedy: f.remedy()}
	case f.damage != nil:
		if aside, err = durable.Aside(f.path); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
	}
	if err := durable.Write(f.path, append(text, '\n'), true); err != nil {
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, f.path))
		}
		return fmt.Errorf("settings: %w", err)
	}
	f.current, f.damage = s, nil
	return nil
}
