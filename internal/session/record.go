package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"fob/internal/durable"
)

// record is what is known of a profile's login outside the keychain: what a list shows and what the schedule needs, so that
// neither reads a keychain, which takes milliseconds an item. Nothing in it is secret. The keychain item is the truth; a
// record that a crash left behind is mended from the item when it is next read.
type record struct {
	Version     int    `json:"version"`
	Name        string `json:"name"`
	Key         string `json:"key"`         // of the keychain item
	Fingerprint string `json:"fingerprint"` // of what was asked for; see fingerprint
	Kept        bool   `json:"kept"`        // the keychain holds tokens

	Issuer         string    `json:"issuer,omitempty"`
	Account        string    `json:"account,omitempty"`
	Subject        string    `json:"sub,omitempty"`
	ObtainedAt     time.Time `json:"obtained_at,omitzero"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"`
	RefreshExpires time.Time `json:"refresh_expires_at,omitzero"`
	RefreshBy      string    `json:"refresh_expires_by,omitempty"` // what said so
	RefreshMoves   bool      `json:"refresh_moves,omitempty"`      // the last refresh moved that end
	SessionExpires time.Time `json:"session_expires_at,omitzero"`
	SessionBy      string    `json:"session_expires_by,omitempty"`
	LoggedInAt     time.Time `json:"logged_in_at,omitzero"`
	AuthTime       time.Time `json:"auth_time,omitzero"` // when a person signed in, by the ID token
	Refreshable    bool      `json:"refreshable,omitempty"`
	HasIDToken     bool      `json:"has_id_token,omitempty"`
	TokenType      string    `json:"token_type,omitempty"`
	ScopeRequested []string  `json:"scope_requested,omitempty"`
	Scope          []string  `json:"scope,omitempty"`
	Checks         []Check   `json:"checks,omitempty"`
	Authentication string    `json:"client_authentication,omitempty"`
	Suggestions    []string  `json:"suggestions,omitempty"`

	Ended    *Problem  `json:"ended,omitempty"`   // the login is over
	Failing  *Problem  `json:"failing,omitempty"` // the last refresh failed, the login is kept
	Mend     bool      `json:"mend,omitempty"`    // Failing needs a person to mend the profile
	Failures int       `json:"failures,omitempty"`
	NextTry  time.Time `json:"next_try,omitzero"`
	// Generation is the highest of this item that this home has seen: an item with a lower one comes from a backup.
	Generation int64 `json:"generation,omitempty"`
	// Interrupted is when a refresh token was spent whose answer never came; the journal knows it over a restart.
	Interrupted time.Time  `json:"-"`
	Clock       *clockSeen `json:"clock,omitempty"`
	Lost        bool       `json:"-"` // the file was there and could not be read
	Missing     bool       `json:"-"` // there was none

	History []Event `json:"history,omitempty"` // newest first
}

// failing is the problem of the last refresh, with the time of the next one; nil when that went well.
func (r *record) failing() *Problem {
	if r.Failing == nil {
		return nil
	}
	failing := *r.Failing
	failing.NextTry, failing.Failures = some(r.NextTry), r.Failures
	return &failing
}

// well forgets what went wrong: there is a good token set.
func (r *record) well() {
	r.Ended, r.Failing, r.Mend, r.Failures, r.NextTry, r.Interrupted = nil, nil, false, 0, time.Time{}, time.Time{}
}

// mended lets the next refresh come at once if the last one failed for something that has been changed since.
func (r *record) mended() {
	if r.Failing != nil && r.Mend {
		failing := *r.Failing
		failing.lastTry = time.Time{}
		r.Failing, r.NextTry = &failing, wall()
	}
}

// historyMax is how many events are kept: a working day of hourly refreshes and what went wrong in it.
const historyMax = 40

func (r *record) happened(at time.Time, what string) {
	r.History = append([]Event{{At: at, What: what}}, r.History...)
	if len(r.History) > historyMax {
		r.History = r.History[:historyMax]
	}
}

// recordDir keeps one file a login, so that a refresh among 10,000 profiles writes one kilobyte. "" keeps nothing.
type recordDir string

// path names the file by a hash: profile names may hold what file names may not.
func (d recordDir) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(string(d), hex.EncodeToString(sum[:12])+".json")
}

func (d recordDir) read(name string) (record, error) {
	if d == "" {
		return record{Name: name}, nil
	}
	text, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return record{Name: name, Missing: true}, nil
	}
	if err != nil {
		return record{Name: name}, fmt.Errorf("profile %s: what is known of its login: %w", name, err)
	}
	r := record{}
	if err := json.Unmarshal(text, &r); err != nil || r.Name != name {
		// Cut short by a power failure: the keychain item still has everything, and says so when it is read.
		return record{Name: name, Lost: true}, nil
	}
	return r, nil
}

// write replaces the record: whole or not at all, and flushed if asked. What follows a change of the keychain item need not
// be: the item is the truth, and waiting for the disk would keep the user waiting.
func (d recordDir) write(r record, flushed bool) error {
	if d == "" {
		return nil
	}
	r.Version = 1
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("profile %s: %w", r.Name, err)
	}
	if err := durable.Write(d.path(r.Name), text, flushed); err != nil {
		return fmt.Errorf("profile %s: what is known of its login: %w", r.Name, err)
	}
	return nil
}

func (d recordDir) remove(name string) error {
	if d == "" {
		return nil
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
