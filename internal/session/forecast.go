package session

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"fob/internal/durable"
	"fob/profiles"
)

// What ends, and how that is known.
const (
	EndAccess  = "access_token"
	EndRefresh = "refresh_token"
	EndSession = "session"

	KnownServer  = "server"  // the server said so
	KnownLearned = "learned" // it ended the last login like that
	KnownAsked   = "asked"   // the profile asks for no older sign-in
	KnownNot     = "unknown"
	KnownNone    = "none" // there is no such thing
)

// End is when a part of a login ends.
type End struct {
	What        string     `json:"what"`
	At          *time.Time `json:"ends_at,omitempty"`
	Known       string     `json:"known"`
	Moves       bool       `json:"moves,omitempty"`        // each refresh puts it off
	NeedsPerson bool       `json:"needs_person,omitempty"` // only a new login helps then
	Note        string     `json:"note"`                   // how it is known, and what it means
}

// Name is what ends, in words.
func (e End) Name() string {
	return map[string]string{EndAccess: "access token", EndRefresh: "refresh token", EndSession: "session"}[e.What]
}

// Words say when and how that is known: "14:03:10 (in 25 min), the server said so (expires_in)".
func (e End) Words(now time.Time) string {
	if e.At == nil {
		return e.Note
	}
	return When(*e.At, now) + ", " + e.Note
}

// foresee notes what t tells of the end of its login; describe follows it.
func (r *record) foresee(t tokens) {
	if t.first {
		r.LoggedInAt, r.AuthTime, r.RefreshMoves = t.ObtainedAt, time.Time{}, false
	} else if passed := t.ObtainedAt.Sub(r.ObtainedAt); passed > time.Minute && !r.RefreshExpires.IsZero() && !t.RefreshExpiresAt.IsZero() {
		r.RefreshMoves = t.RefreshExpiresAt.Sub(r.RefreshExpires) > passed/2
	}
	r.RefreshBy, r.SessionExpires, r.SessionBy = t.RefreshExpiresBy, t.SessionExpiresAt, t.SessionExpiresBy
	if at := claimedTime(t.Claims["auth_time"]); !at.IsZero() {
		r.AuthTime = at
	}
	// session_expiry: OpenID Connect Enterprise Extensions 1.0.
	if at := claimedTime(t.Claims["session_expiry"]); r.SessionExpires.IsZero() && !at.IsZero() {
		r.SessionExpires, r.SessionBy = at, "session_expiry"
	}
}

func claimedTime(v any) time.Time {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}
	}
	seconds, err := n.Int64()
	if err != nil || seconds <= 0 || seconds > 253402300799 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// forecast is when the parts of a login end: a pure function of what is known of it and of its like.
func forecast(r *record, learned lifetime, maxAge *int, now time.Time) []End {
	access := End{What: EndAccess, At: some(r.ExpiresAt), Known: KnownServer, Note: "the server said so (expires_in)", NeedsPerson: !r.Refreshable}
	switch {
	case r.ExpiresAt.IsZero():
		access.Known, access.Note, access.NeedsPerson = KnownNot, "not known: the server does not say when", false
	case r.Refreshable:
		access.Note += "; Fob refreshes it before"
	}
	refresh := End{What: EndRefresh, At: some(r.RefreshExpires), Known: KnownServer, Moves: r.RefreshMoves}
	at, known := learned.end(r, now)
	switch {
	case !r.Refreshable:
		refresh.Known, refresh.Note = KnownNone, "there is none: the token cannot be refreshed"
	case refresh.At != nil && refresh.Moves:
		refresh.Note = "the server said so (" + r.RefreshBy + "); each refresh puts it off"
	case refresh.At != nil:
		refresh.Note, refresh.NeedsPerson = "the server said so ("+r.RefreshBy+"); log in again before", true
	case known:
		refresh.At, refresh.Known, refresh.Moves, refresh.NeedsPerson, refresh.Note = &at, KnownLearned, learned.Unused, !learned.Unused, learned.words()
	default:
		refresh.Known, refresh.Note = KnownNot, "not known: the server does not say when, and has ended no login like it yet"
	}
	if refresh.At != nil && r.RefreshBy == "" && refresh.Known == KnownServer { // kept by a Fob that did not note it
		refresh.Note = "the server said so"
	}
	session := End{What: EndSession, At: some(r.SessionExpires), Known: KnownServer, NeedsPerson: true, Note: "the server said so (" + r.SessionBy + "); log in again before"}
	switch {
	case session.At != nil:
	case maxAge != nil && *maxAge > 0 && !r.AuthTime.IsZero():
		session.At = some(r.AuthTime.Add(time.Duration(*maxAge) * time.Second))
		session.Known, session.NeedsPerson, session.Note = KnownAsked, false, "the profile asks for no older sign-in (max_age); an API may want a new one then"
	default:
		session.Known, session.NeedsPerson, session.Note = KnownNot, false, "not known: the server does not say when"
	}
	return []End{access, refresh, session}
}

// personAt is when the first end to come in the forecast of a login that can be refreshed needs a person, zero when none does:
// without the words, because the loop asks for it at each look, for thousands.
func personAt(r *record, learned lifetime, now time.Time) time.Time {
	refresh := r.RefreshExpires
	switch at, known := learned.end(r, now); {
	case !refresh.IsZero() && r.RefreshMoves, refresh.IsZero() && learned.Unused:
		refresh = time.Time{}
	case refresh.IsZero() && known:
		refresh = at
	}
	if session := r.SessionExpires; session.After(now) && (session.Before(refresh) || !refresh.After(now)) {
		return session
	}
	if refresh.After(now) {
		return refresh
	}
	return time.Time{}
}

// Numbers of the reminder of a login's end.
const (
	endLeadMost  = 24 * time.Hour // a day's notice is enough to choose a good moment
	endLeadShare = 10             // of the login's life, where the profile says nothing
)

// endsSoonLocked is the end of l that needs a person and that it is time to remind of; Engine.mu is held. While a refresh is due
// it waits for that: it may move the end, and shows what a clock that was set made of it. A token that cannot be refreshed has
// its own state.
func (e *Engine) endsSoonLocked(l *login, now time.Time) *End {
	r := &l.rec
	first, remind := e.remindLocked(l, now)
	if first.IsZero() || now.Before(remind) || e.stateLocked(l, now) != LoggedIn {
		return nil
	}
	if due, ok := dueAt(r, time.Duration(l.profile.RefreshBefore), e.seed); ok && !due.After(now) || !l.doubt.IsZero() && l.doubt.Equal(r.ObtainedAt) {
		return nil
	}
	ends := forecast(r, e.lifetimes.of(l), l.profile.MaxAge, now)
	return &ends[slices.IndexFunc(ends, func(end End) bool { return end.NeedsPerson && end.At != nil && end.At.Equal(first) })]
}

// remindLocked is the first end of l that needs a person, zero if none, and when to remind of it; Engine.mu is held.
func (e *Engine) remindLocked(l *login, now time.Time) (first, remind time.Time) {
	if !l.attended || !l.rec.Refreshable {
		return first, remind
	}
	if first = personAt(&l.rec, e.lifetimes.of(l), now); !first.IsZero() {
		remind = first.Add(-endLead(&l.rec, l.profile, first))
	}
	return first, remind
}

// endLead is how long before a login's end Fob reminds of it.
func endLead(r *record, p *profiles.Profile, end time.Time) time.Duration {
	if p.ReminderBefore > 0 {
		return time.Duration(p.ReminderBefore)
	}
	from := r.LoggedInAt
	if from.IsZero() {
		from = r.ObtainedAt
	}
	return min(max(end.Sub(from)/endLeadShare, p.Reminder()), endLeadMost)
}

// learnLeast: a login that ended sooner was revoked, or its server ends none for its age.
const learnLeast = time.Hour

// unusedFor: a refresh token that nobody used for so long may have ended for that.
const unusedFor = 24 * time.Hour

// lifetime is how long a server let a login live that it ended without saying so before.
type lifetime struct {
	Lived  time.Duration `json:"lived,omitempty"`
	Unused bool          `json:"unused,omitempty"` // Lived is since the last refresh: nobody used it
	At     time.Time     `json:"at,omitzero"`      // when it was ended
}

// end is when r would end if it were like the login that was ended; false when that says nothing: there was none, or r outlived it.
func (l lifetime) end(r *record, now time.Time) (at time.Time, known bool) {
	from := r.LoggedInAt
	if l.Unused {
		from = r.ObtainedAt
	}
	if l.Lived == 0 || from.IsZero() {
		return at, false
	}
	at = from.Add(l.Lived)
	return at, !now.After(at.Add(l.Lived / 10))
}

// words say how that end is known.
func (l lifetime) words() string {
	if l.Unused {
		return "learned: this server ended the last login, unused for " + span(l.Lived)
	}
	return "learned: this server ended the last login after " + span(l.Lived)
}

// lifetimes keeps what was learned, by issuer and client.
type lifetimes struct {
	path string

	mu    sync.Mutex // guards known, and orders those who write
	known map[string]lifetime
}

func (s *lifetimes) open(dir string) error {
	s.known = map[string]lifetime{}
	if dir == "" {
		return nil
	}
	s.path = filepath.Join(dir, "lifetimes.json")
	text, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return json.Unmarshal(text, &s.known) // of no consequence: it is learned again
}

func alike(p *profiles.Profile) string { return short(authority(*p), p.ClientID) }

// of is what was learned of logins like l; Engine.mu is held.
func (s *lifetimes) of(l *login) lifetime {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) == 0 {
		return lifetime{}
	}
	if l.alike == "" {
		l.alike = alike(l.profile)
	}
	return s.known[l.alike]
}

func (s *lifetimes) learn(p *profiles.Profile, l lifetime) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := maps.Clone(s.known)
	if known == nil {
		known = map[string]lifetime{}
	}
	known[alike(p)] = l
	s.known = known
	if s.path == "" {
		return nil
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return durable.Write(s.path, text, false)
}

// learnLocked learns from a login that its server has ended unsaid; Engine.mu is held, the file is written by others.
func (e *Engine) learnLocked(l *login, said *Error, now time.Time) {
	r := &l.rec
	switch {
	case said.Code == CodeItemGone, r.LoggedInAt.IsZero(), !r.RefreshExpires.IsZero(), fromTheFuture(r.LoggedInAt, now):
		return // the keychain's doing, or said before
	}
	learned := lifetime{Lived: now.Sub(r.LoggedInAt).Round(time.Minute), At: now}
	if idle := now.Sub(r.ObtainedAt); idle > unusedFor {
		learned.Lived, learned.Unused = idle.Round(time.Minute), true
	}
	if learned.Lived < learnLeast {
		return
	}
	p := l.profile
	_ = e.beginLocked(func() {
		if err := e.lifetimes.learn(p, learned); err != nil {
			e.log.Warn("lifetimes", "problem", err.Error())
		}
		e.mu.Lock()
		e.allAgainLocked() // others like it end sooner than they knew
		e.mu.Unlock()
	}) // when it is closing, it is learned another time
}
