// Package session knows the live token of each profile: it logs in, refreshes and revokes, and stores before it shows.
// One engine, in the agent, is the only one that spends a refresh token.
package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fob/internal/durable"
	"fob/internal/journal"
	"fob/internal/keychain"
	"fob/oauth"
	"fob/profiles"
)

// Store is where token sets rest: the OS keychain, as package keychain provides it.
type Store interface {
	// Get returns the value of key, or keychain.ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set stores durably: when it returns nil, a crash loses nothing.
	Set(ctx context.Context, key string, value []byte) error
	// Delete removes key; what is not there is already removed.
	Delete(ctx context.Context, key string) error
}

// Options are what an engine needs.
type Options struct {
	Profiles *profiles.File
	Store    Store
	// Ready says whether the store can be used, asking the person at the machine to unlock it when attended. It is
	// called before a login starts, so that nobody logs in for nothing. Nil means always.
	Ready func(ctx context.Context, attended bool) error
	Dir   string // for what is known of each login, nothing secret; "" forgets it with the engine
	// Spenders returns a directory that all agents of this user on this store share, for locks, and makes it when it is gone; nil, or "",
	// where there can be but one agent, or no such place.
	Spenders func() string
	HTTP     *http.Client // nil is the protocol package's own
	Log      *slog.Logger // nil discards
	Step     func(string) // is told of each of Steps as it is passed, to end the process there; nil outside tests
	// LockFile is where it is kept that Fob is locked; "" forgets it with the engine.
	LockFile string
}

// Engine holds the live token of each profile. Make one with [New], give it a goroutine with [Engine.Run].
type Engine struct {
	file    *profiles.File
	store   Store
	ready   func(ctx context.Context, attended bool) error
	records recordDir
	http    *http.Client
	log     *slog.Logger
	passed  func(string) // see Options.Step

	servers  servers
	keys     oauth.KeySet
	memory   oauth.Servers
	roads    roads
	journal  *journal.Journal // nil keeps nothing
	spenders spenders
	keying   chan struct{} // capacity 1: one reads the journal's key at a time, and guards sealing
	sealing  []byte        // the journal's key, once it was read
	traces   traces
	waiting  waiting
	watch    hub
	wake     chan struct{} // capacity 1: the loop looks again
	life     context.Context
	end      context.CancelFunc
	work     sync.WaitGroup // refreshes and logins under way; see begin
	lockFile string
	seed     string     // makes this engine's jitter its own
	syncing  sync.Mutex // orders those who take up the profiles; guards no field
	locking  sync.Mutex // orders those who lock and unlock; guards no field
	saving   sync.Mutex // orders those who write records, so that the last one writes the latest; guards no field

	secretEdits atomic.Int64 // counts what changes the secrets of profiles, for who has read them

	mu     sync.Mutex // guards what follows; never held over I/O
	logins map[string]*login
	turns  map[string]chan struct{} // by profile, capacity 1: refresh, login and logout take turns, whatever becomes of the profile
	order  []string                 // names as in the file
	unread error                    // why profiles.json could not be read last
	busy   map[string]bool          // issuers with a refresh under way
	active int                      // refreshes under way
	queue  []*place                 // of those who wait for a place, in the order they came
	lock   *Lock                    // nil when not locked

	agenda  agenda             // when to look at which login
	overdue map[string]*agenda // by issuer: logins to be refreshed that find no place
	looks   int                // at a login, so far

	lifetimes lifetimes // of logins, learned

	breakers map[string]breaker // by issuer, of those that do not answer
	proxies  map[string]running // by their id
	woken    time.Time          // when the network last changed
	resumed  chan struct{}      // closed when the computer has slept
}

// login is one profile and the live token of it. Its fields are guarded by Engine.mu.
type login struct {
	profile    *profiles.Profile // the file's own: there may be thousands
	mistake    *Problem          // the profile cannot be used as it is
	key        string            // of the keychain item that the profile names
	issuer     string            // or the token endpoint: see authority
	alike      string            // what is learned of the lifetime is kept under it; "" until somebody asked
	wants      string            // fingerprint of what the profile asks for
	weak       []Weakness
	attended   bool          // see profiles.Profile.Attended
	reminder   time.Duration // see profiles.Profile.Reminder
	rec        record
	held       *tokens                 // nil until read from the keychain
	unsaved    *tokens                 // obtained, but the keychain refused it so far
	left       *journal.Entry          // what an earlier agent left of a rotation, not looked at yet
	stranded   *journal.Entry          // left, once its item was not there any more
	others     map[string]*oauth.Token // of the same login, for other scopes and resources
	demand     *oauth.StepUp           // what the API asked for last
	met        *oauth.StepUp           // the demand that the present login was for
	refreshing *flight
	attempt    *attempt
	copied     Form      // what was copied last, beside the token itself
	shown      State     // what watchers were last told
	settling   time.Time // when it first failed for want of a network that was not up yet after a wake-up
	settlings  int       // how often, since then
	warned     bool      // watchers were told that it ends soon
	nth        int       // its place in the file
	look       time.Time // when the loop looks at it
	agenda     *agenda   // where it stands for that
	at         int       // its index there
	doubt      time.Time // which token set was obtained by a clock that has been put back since
}

// New returns an engine for the profiles of o. It reads what is known of each login, not the keychain.
func New(o Options) (*Engine, error) {
	var records recordDir
	if o.Dir != "" {
		records = recordDir(filepath.Join(o.Dir, "logins"))
	}
	e := &Engine{
		file: o.Profiles, store: o.Store, ready: o.Ready, records: records, http: o.HTTP, log: o.Log, passed: o.Step,
		wake: make(chan struct{}, 1), logins: map[string]*login{}, overdue: map[string]*agenda{}, turns: map[string]chan struct{}{}, busy: map[string]bool{}, seed: o.Dir, keying: make(chan struct{}, 1), spenders: o.Spenders,
		traces: traces{dir: traceDir(o.Dir)}, waiting: waiting{path: waitingFile(o.Dir)}, lockFile: o.LockFile,
		breakers: map[string]breaker{}, resumed: make(chan struct{}),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.ready == nil {
		e.ready = func(context.Context, bool) error { return nil }
	}
	e.sweepUnfinished(o.Dir)
	e.journal = openJournal(o.Dir, o.Step, e.log)
	if err := e.waiting.open(); err != nil {
		e.log.Warn("waiting logins", "problem", err.Error())
	}
	if err := e.lifetimes.open(o.Dir); err != nil {
		e.log.Warn("lifetimes", "problem", err.Error())
	}
	var err error
	if e.lock, err = openLock(o.LockFile); err != nil {
		e.log.Warn("lock", "problem", err.Error())
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.take(true)
	return e, nil
}

// Close ends waiting logins, lets a refresh that has spent its token store the answer, and returns when nothing is under way.
func (e *Engine) Close() {
	e.mu.Lock()
	e.end() // under the lock: who has begun is waited for, nobody begins any more
	e.mu.Unlock()
	e.work.Wait()
}

// errStopping is what is not begun any more is answered with.
var errStopping = &Error{Kind: Failed, Code: CodeStopping, Sentence: "the agent is stopping", Remedy: "try again"}

// beginLocked runs work that Close waits for, unless the engine is closed already; Engine.mu is held.
func (e *Engine) beginLocked(work func()) error {
	if e.life.Err() != nil {
		return errStopping
	}
	e.work.Go(work)
	return nil
}

// wall is the time of day without Go's monotonic reading, which stands still while a laptop sleeps
// (https://github.com/golang/go/issues/36141).
func wall() time.Time { return time.Now().Round(0) }

// Run refreshes what is due until ctx ends or the engine is closed. It sleeps in between.
func (e *Engine) Run(ctx context.Context) {
	before := time.Now()
	for e.life.Err() == nil {
		now := time.Now()
		e.clockMoved(clockSetBy(before, now))
		before = now
		next := e.step(wall())
		timer := time.NewTimer(min(max(next.Sub(wall()), time.Millisecond), sleepMax))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.life.Done():
			timer.Stop()
			return
		case <-e.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Poke lets the loop look again now: after a wake-up, a change of network, an edit.
func (e *Engine) Poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// step starts what is due, tells watchers what time alone has changed, and returns when to look again.
func (e *Engine) step(now time.Time) time.Time {
	e.reload()
	e.mu.Lock()
	turned, pursued, due, next := e.dueNowLocked(now)
	e.mu.Unlock()
	e.sweepWaiting(now)
	for _, name := range pursued {
		e.startRefresh(name, pursuing)
	}
	for _, name := range due {
		// Those that find no free place are looked at again when a place is free: each end of a refresh pokes.
		if e.startRefresh(name, background) == nil {
			break
		}
	}
	e.tell(turned...)
	return next
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// reload takes up what was edited in profiles.json.
func (e *Engine) reload() {
	changed, err := e.file.Reload()
	e.mu.Lock()
	news := (err == nil) != (e.unread == nil) || err != nil && err.Error() != e.unread.Error()
	e.unread = err
	e.mu.Unlock()
	if news && err != nil {
		e.log.Warn("profiles.json", "problem", err.Error())
	}
	if changed {
		e.sync()
	}
}

// Damage says why profiles.json could not be read, if it could not; what was read before serves on.
func (e *Engine) Damage() *Problem {
	e.reload()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unread == nil {
		return nil
	}
	return &Problem{Code: CodeProfilesUnread, Sentence: e.unread.Error(), Since: wall(), Remedy: "Fob takes the file up by itself when it is mended"}
}

// sync makes the logins agree with the profiles.
func (e *Engine) sync() { e.take(false) }

// readRecords reads what is known of these logins, on all cores: with 10,000 of them it is what a start takes longest for.
func (e *Engine) readRecords(names []string) []record {
	all := make([]record, len(names))
	var readers sync.WaitGroup
	each := max(64, (len(names)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for from := 0; from < len(names); from += each {
		readers.Go(func() {
			for i := from; i < min(from+each, len(names)); i++ {
				var err error
				if all[i], err = e.records.read(names[i]); err != nil {
					e.log.Warn("record", "profile", names[i], "problem", err.Error())
				}
			}
		})
	}
	readers.Wait()
	return all
}

// take is sync; starting, a login of which nothing is known is looked up in the keychain: its record may have been lost.
func (e *Engine) take(starting bool) {
	e.syncing.Lock()
	defer e.syncing.Unlock()
	all := e.file.Shared()
	type known struct {
		record
		left *journal.Entry
	}
	fresh := map[string]known{}
	e.mu.Lock()
	missing := make([]string, 0)
	for _, p := range all {
		if e.logins[p.Name] == nil {
			missing = append(missing, p.Name)
		}
	}
	e.mu.Unlock()
	for i, rec := range e.readRecords(missing) {
		fresh[missing[i]] = known{rec, e.journal.Left(missing[i])}
	}
	e.mu.Lock()
	names, seen, touched, lost, former := make([]string, 0, len(all)), map[string]bool{}, []string{}, []string{}, []string{}
	for _, p := range all {
		names, seen[p.Name] = append(names, p.Name), true
		l := e.logins[p.Name]
		switch {
		case l == nil:
			l = &login{rec: fresh[p.Name].record, left: fresh[p.Name].left}
			if l.left != nil {
				l.rec.NextTry = time.Time{} // at once, whatever was failing before the agent of then ended
			}
			l.follow(p)
			if full := l.complete(l.rec.Fingerprint); full != l.rec.Fingerprint && l.rec.Kept {
				l.rec.Fingerprint = full
				former = append(former, p.Name)
			}
			e.logins[p.Name] = l
			e.rememberClock(l)
			if l.rec.Lost || l.rec.Missing && starting {
				lost = append(lost, p.Name)
			}
		case l.profile == p || l.profile.Equal(*p):
			l.profile = p // that of before would hold the file of before
			continue
		default:
			l.follow(p)
			l.rec.mended()
		}
		touched = append(touched, p.Name)
	}
	var attempts []*attempt
	for name, l := range e.logins {
		if !seen[name] {
			if l.attempt != nil {
				l.attempt.ending = true
				attempts = append(attempts, l.attempt)
			}
			l.leaveAgenda()
			delete(e.logins, name)
			touched = append(touched, name)
		}
	}
	// A new profile at the end and one that is gone tell their place by themselves.
	stayed := slices.DeleteFunc(slices.Clone(e.order), func(name string) bool { return !seen[name] })
	moved := !slices.Equal(stayed, names[:min(len(stayed), len(names))])
	e.order = names
	if len(former) > 0 { // or an edit would go unnoticed after the next start
		_ = e.beginLocked(func() {
			for _, name := range former {
				e.keepRecord(name)
			}
		})
	}
	for i, name := range names {
		e.logins[name].nth = i
	}
	if len(lost) > 0 {
		_ = e.beginLocked(func() { e.recover(lost) }) // when it is closing nobody needs them
	}
	e.mu.Unlock()
	for _, a := range attempts {
		a.cancel(errCancelled)
	}
	if moved {
		e.watch.moved()
	}
	e.changed(touched...)
}

// unfinished says that a rotation of before is to be finished first.
func (l *login) unfinished() bool { return l.unsaved != nil || l.waits() != nil }

// waits is what an earlier agent left to be finished; nil when there is nothing, or when the item that it belongs to is gone.
func (l *login) waits() *journal.Entry {
	if l.left == l.stranded {
		return nil
	}
	return l.left
}

// answered says that an earlier agent left an answer that is to be stored.
func (l *login) answered() bool { return l.waits() != nil && l.left.Answered }

// answerLeft says that there is an answer for name that is newer than the keychain's item.
func (e *Engine) answerLeft(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.logins[name]
	return l != nil && (l.unsaved != nil || l.answered())
}

// follow takes up the profile as it is now. What is derived from it is derived here: the loop looks at it for each of
// thousands of logins each time.
func (l *login) follow(p *profiles.Profile) {
	if wants := fingerprint(*p); wants != l.wants {
		l.wants, l.others = wants, nil
	}
	l.profile, l.mistake, l.key, l.issuer, l.weak = p, mistake(p), itemKey(*p), authority(*p), nil
	l.alike = ""
	l.attended, l.reminder = p.Attended(), p.Reminder()
	for _, w := range p.Weaknesses() {
		l.weak = append(l.weak, Weakness{w.Key, w.Sentence})
	}
}

// mistake is what is wrong with a profile as it is written, if anything.
func mistake(p *profiles.Profile) *Problem {
	problems := p.Validate()
	if len(problems) == 0 {
		return nil
	}
	return &Problem{Code: CodeProfileInvalid, Sentence: problems[0].Error(), Remedy: "edit the profile: fob profile edit " + quoteArg(p.Name), Since: wall()}
}

// recover reads the keychain items of logins whose record was lost, which mends the records. A keychain that does not answer is not
// asked for the others: what it has is found when somebody asks for it.
func (e *Engine) recover(names []string) {
	for _, name := range names {
		e.mu.Lock()
		l := e.logins[name]
		key := ""
		if l != nil {
			key = l.key
		}
		e.mu.Unlock()
		if l == nil || e.life.Err() != nil {
			continue
		}
		_, err := e.store.Get(e.life, key)
		if err == nil {
			_, err = e.load(e.life, name)
		}
		switch {
		case errors.Is(err, keychain.ErrNotFound):
			e.keepRecord(name) // which says that there is none: the next start need not look
		case errors.Is(err, keychain.ErrDamaged):
			e.log.Warn("record", "profile", name, "problem", err.Error()) // its own trouble, not the keychain's
		case err != nil:
			e.log.Warn("record", "profile", name, "problem", err.Error())
			return
		}
	}
	e.Poke()
}

// sweepUnfinished removes what crashes have left of files that were never finished.
func (e *Engine) sweepUnfinished(home string) {
	if home == "" {
		return
	}
	for _, dir := range []string{home, filepath.Join(home, "logins"), filepath.Join(home, "traces")} {
		if err := durable.Sweep(dir); err != nil {
			e.log.Info("unfinished files", "problem", err.Error())
		}
	}
}

// keepRecord writes what is known of a login; a failure is logged, because the keychain item still has the truth.
func (e *Engine) keepRecord(name string) {
	e.saving.Lock()
	defer e.saving.Unlock()
	e.mu.Lock()
	l, ok := e.logins[name]
	var rec record
	if ok {
		rec = l.rec
	}
	e.mu.Unlock()
	if !ok {
		return // what the keychain has of a profile that is gone is found when it comes back
	}
	if err := e.records.write(rec, false); err != nil {
		e.log.Warn("record", "problem", err.Error())
	}
}

// forgetRecord removes what is known of a login whose profile is gone.
func (e *Engine) forgetRecord(name string) {
	e.saving.Lock()
	defer e.saving.Unlock()
	if err := errors.Join(e.records.remove(name), e.traces.forget(name)); err != nil {
		e.log.Warn("record", "profile", name, "problem", err.Error())
	}
}

var errCancelled = errors.New("the login was cancelled")
