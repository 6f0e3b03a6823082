package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

// world is a machine whose agents, network and keychain come and go, in front of authorization servers that see everything. It
// notices by itself what must never be: two requests of one issuer at a time, five in all, a refresh token spent again whose
// answer had arrived, a storm. It lives in a bubble.
type world struct {
	t       testing.TB
	servers map[string]*authserver.Server // by host
	dir     string                        // of the present agent
	agents  []*agentOf
	kept    keptItems
	instant atomic.Bool     // nothing takes time
	still   map[string]bool // hosts whose refresh tokens stay what they are
	turns   string          // where the agents of several homes take turns
	asking  sync.WaitGroup  // requests under way: some outlive who asked

	mu       sync.Mutex // guards what follows
	offline  bool
	closed   error         // why the keychain does not serve
	refuses  error         // why it takes nothing, while it gives what it has
	slow     time.Duration // of each of its calls
	spent    map[[sha256.Size]byte]*spentToken
	minutes  map[string]int // token requests by issuer and minute, calls of the keychain by minute
	busiest  int
	wrong    []string
	able     []stretch            // when an agent could have asked the servers
	restored map[string]bool      // clients whose keychain item was put back: an older token of theirs may be spent
	ended    map[string]time.Time // clients whose family a server has revoked for a lost answer that nobody could ask for again in time
}

// stretch is a time without hindrance; the last one has no end yet.
type stretch struct{ from, to time.Time }

// agentOf is one agent: what reaches the outside of it ends when it is killed.
type agentOf struct {
	w      *world
	engine *Engine
	file   *profiles.File
	dir    string
	home   string             // which it is, whatever became of the directory
	stop   context.CancelFunc // of its loop

	mu     sync.Mutex // guards what follows
	dead   bool
	end    time.Time   // of it, if dead
	dieAt  string      // the step that it is killed at
	died   chan string // gets the directory that it left then
	copied chan struct{}
	busy   map[string]int
	active int
	asked  map[string]int // how often a watcher was told that a login is needed, by profile
	last   map[string]State
}

// spentToken is what became of a refresh token.
type spentToken struct {
	by      *agentOf
	arrived time.Time // when its answer did, whole
	rotated time.Time // the server had carried it out the first time
}

// keptItems are the keychain's, which outlive every agent.
type keptItems struct {
	mu    sync.Mutex
	items map[string][]byte
	at    map[string]string // access tokens of the items
	ever  map[string]bool   // every access token that there was
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, servers: map[string]*authserver.Server{}, dir: t.TempDir(), turns: t.TempDir(), kept: keptItems{items: map[string][]byte{}, at: map[string]string{}, ever: map[string]bool{}},
		still: map[string]bool{}, spent: map[[sha256.Size]byte]*spentToken{}, minutes: map[string]int{}, restored: map[string]bool{}, ended: map[string]time.Time{}}
	t.Cleanup(w.asking.Wait) // after the agents, which are closed first
	return w
}

// issuerAt is the issuer at a host.
func issuerAt(host string) string { return "http://" + host + "/as" }

// serve adds a server and returns its issuer.
func (w *world) serve(host string, o authserver.Options) string {
	w.t.Helper()
	o.Issuer, o.AutoApprove = issuerAt(host), "ada"
	server, err := authserver.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.servers[host], w.still[host] = server, o.NoRotation
	return o.Issuer
}

func (w *world) takesTime(d time.Duration) {
	if !w.instant.Load() {
		time.Sleep(d)
	}
}

func (w *world) violation(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) < 20 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// verdict fails the test for what the world has noticed, and says when.
func (w *world) verdict(when string) {
	w.t.Helper()
	for _, a := range w.agents {
		if !a.killed() {
			a.agendaHolds()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wrong := range w.wrong {
		w.t.Errorf("%s: %s", when, wrong)
	}
	if len(w.wrong) > 0 {
		w.t.FailNow()
	}
}

// agendaHolds notices a login that the loop will look at too late: something about it has changed, and nobody told the agenda.
func (a *agentOf) agendaHolds() {
	now, e := wall(), a.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, l := range e.logins {
		if l.refreshing != nil || l.agenda == e.overdue[l.issuer] && l.agenda != nil {
			continue
		}
		if l.agenda != &e.agenda {
			a.w.violation("%s stands in no agenda", name)
			continue
		}
		due, at := e.dueLocked(l, now)
		if l.look.After(now) && (due || e.turnedLocked(l, now) || at.Before(l.look) && at.Sub(now) < lookLeast) {
			a.w.violation("%s is looked at in %s, but it is due: %v, and has to be looked at in %s", name, l.look.Sub(now), due, at.Sub(now))
		}
	}
}

// start starts an agent on what the last one has left in dir.
func (w *world) start(dir string) *agentOf { return w.startHome("", dir) }

// startHome starts the agent of one of several homes.
func (w *world) startHome(home, dir string) *agentOf {
	w.t.Helper()
	file, err := profiles.OpenFile(filepath.Join(dir, "profiles.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	a := &agentOf{w: w, file: file, dir: dir, home: home, died: make(chan string, 1), copied: make(chan struct{}), busy: map[string]int{}, asked: map[string]int{}, last: map[string]State{}}
	if a.engine, err = New(Options{Profiles: file, Store: a, Dir: dir, HTTP: &http.Client{Transport: a}, LockFile: filepath.Join(dir, "lock.json"), Step: a.at, Spenders: func() string { return w.turns }}); err != nil {
		w.t.Fatal(err)
	}
	a.engine.seed = "seed" + home // the directory has another name each time
	w.agents = append(w.agents, a)
	w.t.Cleanup(a.engine.Close)
	a.run()
	go func() { _ = a.engine.Watch(w.t.Context(), a.show) }() // ends with the engine
	return a
}

// run lets the loop run; halt stops it, as a sleep of the computer does.
func (a *agentOf) run() {
	ctx, stop := context.WithCancel(a.w.t.Context())
	a.stop = stop
	go a.engine.Run(ctx)
}

func (a *agentOf) halt() { a.stop() }

// show is a face that watches.
func (a *agentOf) show(_ bool, changed []Status, _ []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range changed {
		if s.State == LoginRequired && a.last[s.Name] != LoginRequired {
			a.asked[s.Name]++
		}
		a.last[s.Name] = s.State
	}
	return nil
}

func (a *agentOf) told(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[name]
}

// kill ends an agent as SIGKILL does: nothing of what it has under way leaves it any more. What was on disk stays, in a copy.
func (a *agentOf) kill() (dir string) {
	a.mu.Lock()
	a.dead, a.end = true, time.Now()
	a.mu.Unlock()
	a.stop()
	defer close(a.copied)
	return a.w.copied(a.dir)
}

// copied is a copy of a directory in which somebody may still be writing.
func (w *world) copied(from string) (dir string) {
	for range 10 {
		dir = w.t.TempDir()
		err := os.CopyFS(dir, os.DirFS(from))
		if err == nil {
			return dir
		}
		if !errors.Is(err, fs.ErrNotExist) { // a temporary file that has its name by now
			w.violation("%v", err)
			return dir
		}
	}
	w.violation("%s could not be copied", from)
	return dir
}

// at is told of each step, and kills the agent there if it is to be.
func (a *agentOf) at(step string) {
	a.mu.Lock()
	dies := a.dieAt == step && !a.dead
	a.mu.Unlock()
	if dies {
		a.died <- a.kill()
		runtime.Goexit()
	}
}

func (a *agentOf) killed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dead
}

// livedAfter says that the agent was not killed at that time, or before.
func (a *agentOf) livedAfter(at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.dead || a.end.After(at)
}

// operate is one call of the keychain's: it takes a moment before and after.
func (a *agentOf) operate(work func() error) error {
	a.w.mu.Lock()
	closed, slow := a.w.closed, a.w.slow
	a.w.minutes[time.Now().Format("keychain 02 15:04")]++
	a.w.mu.Unlock()
	a.w.takesTime(5*time.Millisecond + slow)
	switch {
	case a.over():
		return errKilled
	case closed != nil:
		return &keychain.Error{Object: "keychain", Kind: closed}
	}
	a.w.kept.mu.Lock()
	err := work()
	a.w.kept.mu.Unlock()
	a.w.takesTime(5 * time.Millisecond)
	if a.over() {
		return errKilled
	}
	return err
}

var errKilled = errors.New("the agent was killed")

// over says that the agent was killed. What it makes of that changes nothing any more: what was on its disk is copied by then.
func (a *agentOf) over() bool {
	if !a.killed() {
		return false
	}
	<-a.copied
	return true
}

// Get, Set and Delete are the keychain as this agent reaches it.
func (a *agentOf) Get(_ context.Context, key string) (value []byte, err error) {
	err = a.operate(func() error {
		kept, ok := a.w.kept.items[key]
		if !ok {
			return keychain.ErrNotFound
		}
		value = bytes.Clone(kept)
		return nil
	})
	return value, err
}

func (a *agentOf) Set(_ context.Context, key string, value []byte) error {
	a.w.mu.Lock()
	refuses := a.w.refuses
	a.w.mu.Unlock()
	return a.operate(func() error {
		if refuses != nil {
			return &keychain.Error{Object: "keychain", Kind: refuses}
		}
		a.w.kept.items[key] = bytes.Clone(value)
		if set, err := unseal(value); err == nil {
			a.w.kept.at[key] = set.AccessToken.Reveal()
			a.w.kept.ever[set.AccessToken.Reveal()] = true
		}
		return nil
	})
}

func (a *agentOf) Delete(_ context.Context, key string) error {
	return a.operate(func() error {
		delete(a.w.kept.items, key)
		delete(a.w.kept.at, key)
		return nil
	})
}

// stored says whether an access token is in the keychain.
func (w *world) stored(token string) bool {
	w.kept.mu.Lock()
	defer w.kept.mu.Unlock()
	for at := range maps.Values(w.kept.at) {
		if at == token {
			return true
		}
	}
	return false
}

// unreachable is the network's error while there is none.
func unreachable() error { return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH} }

// RoundTrip is the network as this agent reaches it: a tenth of a second each way.
func (a *agentOf) RoundTrip(r *http.Request) (*http.Response, error) {
	a.w.asking.Add(1)
	defer a.w.asking.Done()
	server := a.w.servers[r.URL.Host]
	if server == nil {
		return nil, fmt.Errorf("%s is none of this world's servers", r.URL.Host)
	}
	a.w.takesTime(100 * time.Millisecond)
	a.w.mu.Lock()
	offline := a.w.offline
	a.w.mu.Unlock()
	if a.over() || offline {
		return nil, unreachable()
	}
	if !strings.HasSuffix(r.URL.Path, "/token") {
		return server.Transport().RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(context.WithoutCancel(r.Context())) // what has been sent is carried out
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if _, refresh := r.Context().Value(placeKey{}).(*place); refresh { // what somebody waits for beside that comes when it comes
		defer a.enter(r.URL.Host)()
	}
	var spent *spentToken
	if token := form.Get("refresh_token"); token != "" {
		spent = a.spend(r.URL.Host, form.Get("client_id"), token)
	}
	before := server.Stats()
	answer, err := server.Transport().RoundTrip(r)
	whole := false
	if err == nil {
		answer.Body, whole = wholeBody(answer)
	}
	if spent != nil {
		a.carriedOut(spent, form.Get("client_id"), before, server.Stats())
	}
	a.w.takesTime(100 * time.Millisecond)
	if a.over() {
		return nil, unreachable()
	}
	if whole && answer.StatusCode == http.StatusOK && spent != nil {
		a.w.mu.Lock()
		spent.arrived = time.Now()
		a.w.mu.Unlock()
	}
	return answer, err
}

// spend notes that a refresh token is spent.
func (a *agentOf) spend(host, client, token string) *spentToken {
	hash := sha256.Sum256([]byte(token))
	a.w.mu.Lock()
	before := a.w.spent[hash]
	rotates := !a.w.still[host] && !a.w.restored[client]
	now := &spentToken{by: a}
	if before != nil {
		now.rotated = before.rotated
	}
	a.w.spent[hash] = now
	a.w.mu.Unlock()
	// Two homes may race: what the one had is not the other's yet. An agent that was killed as the answer arrived could not keep it.
	if rotates && before != nil && !before.arrived.IsZero() && before.by.home == a.home && before.by.livedAfter(before.arrived) {
		a.w.violation("%s: a refresh token is spent again whose answer had arrived", host)
	}
	return now
}

// carriedOut notes what the server made of a refresh token. When it takes one for stolen that comes again, somebody could have
// asked in time, or nobody could.
func (a *agentOf) carriedOut(spent *spentToken, client string, before, after authserver.Stats) {
	a.w.mu.Lock()
	rotated := spent.rotated
	if after.Refreshes > before.Refreshes && rotated.IsZero() {
		spent.rotated = time.Now()
	}
	restored := a.w.restored[client]
	if after.ReuseDetected > before.ReuseDetected {
		a.w.ended[client] = time.Now()
	}
	could := a.w.couldRetry(rotated)
	a.w.mu.Unlock()
	if after.ReuseDetected > before.ReuseDetected && !restored && could {
		a.w.violation("a server took a refresh token of %s for stolen, whose answer could have been asked for again in time", client)
	}
}

// wholeBody reads an answer, and says whether it is whole.
func wholeBody(answer *http.Response) (io.ReadCloser, bool) {
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	rest := io.Reader(bytes.NewReader(text))
	if err != nil {
		rest = io.MultiReader(rest, iotest.ErrReader(err))
	}
	return io.NopCloser(rest), err == nil && json.Valid(text)
}

// enter counts the requests under way.
func (a *agentOf) enter(host string) (leave func()) {
	a.mu.Lock()
	a.busy[host]++
	a.active++
	busy, active := a.busy[host], a.active
	a.mu.Unlock()
	if busy > 1 || active > atOnce {
		a.w.violation("%d requests at %s and %d in all at a time", busy, host, active)
	}
	a.w.mu.Lock()
	minute := host + time.Now().Format(" 02 15:04")
	a.w.minutes[minute]++
	a.w.busiest = max(a.w.busiest, a.w.minutes[minute])
	a.w.mu.Unlock()
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.busy[host]--
		a.active--
	}
}

// login logs in with a browser that is an http.Get. One that fails ends the login: the listener is real, and keeps a bubble's
// time from passing; so nothing takes time meanwhile.
func (a *agentOf) login(name, host string) error {
	a.w.instant.Store(true)
	defer a.w.instant.Store(false)
	time.Sleep(time.Second) // what has begun to take time ends: the login may wait for the keys that a refresh fetches
	ctx, cancel := context.WithCancelCause(a.w.t.Context())
	defer cancel(nil)
	browser := &rig{t: a.w.t, server: a.w.servers[host]}
	_, err := a.engine.Login(ctx, name, within(time.Minute), func(ev LoginEvent) {
		go func() {
			if err := browser.browse(ev.URL); err != nil {
				cancel(err)
			}
		}()
	})
	return errors.Join(err, context.Cause(ctx))
}

// forgives is the grace of the model's servers; retries is what an agent needs at most, beside a quarter of the time that the
// answer has been lost for: a pause after a wake-up, places taken by others.
const (
	forgives = time.Minute
	retries  = 10 * time.Second
)

// couldRetry says that an agent had the time to ask again for an answer that was lost at a rotation; world.mu is held.
func (w *world) couldRetry(rotated time.Time) bool {
	if rotated.IsZero() {
		return true // it was never spent by anybody
	}
	for _, s := range w.able {
		from, to := s.from, s.to
		if to.IsZero() {
			to = time.Now()
		}
		if from.Before(rotated) {
			from = rotated
		}
		if need := from.Add(from.Sub(rotated)/4 + retries); need.Before(to) && need.Before(rotated.Add(forgives)) {
			return true
		}
	}
	return false
}

// setAble notes whether an agent can ask the servers from now on.
func (w *world) setAble(able bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.able) - 1
	switch open := last >= 0 && w.able[last].to.IsZero(); {
	case able && !open:
		w.able = append(w.able, stretch{from: time.Now()})
	case !able && open:
		w.able[last].to = time.Now()
	}
}

// takes says whether the server's API takes a token.
func (w *world) takes(host, token string) bool {
	return (&rig{t: w.t, server: w.servers[host]}).works(token)
}

// setOffline and setClosed take network and keychain away, or bring them back.
func (w *world) setOffline(offline bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offline = offline
}

func (w *world) setClosed(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = why
}

// setClock is what setting the clock by so much leaves behind, seen from the clock as it is then: whatever was noted before is
// of another time. No agent runs meanwhile.
func (w *world) setClock(dir string, by time.Duration) {
	w.t.Helper()
	shift := func(times ...*time.Time) {
		for _, at := range times {
			if !at.IsZero() {
				*at = at.Add(-by)
			}
		}
	}
	records := recordDir(filepath.Join(dir, "logins"))
	file, err := profiles.OpenFile(filepath.Join(dir, "profiles.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range file.Shared() {
		r, err := records.read(p.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		shift(&r.ObtainedAt, &r.ExpiresAt, &r.RefreshExpires, &r.NextTry, &r.Interrupted)
		if err := records.write(r, false); err != nil {
			w.t.Fatal(err)
		}
	}
	w.kept.mu.Lock()
	defer w.kept.mu.Unlock()
	for key, text := range w.kept.items {
		set, err := unseal(text)
		if err != nil {
			continue // a secret of a profile's
		}
		shift(&set.ObtainedAt, &set.ExpiresAt, &set.RefreshExpiresAt)
		if w.kept.items[key], err = set.seal(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// chance is true once in n times.
func chance(random *rand.Rand, n int) bool { return random.IntN(n) == 0 }
