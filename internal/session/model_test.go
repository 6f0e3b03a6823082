package session

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

// TestModel does random things to agents, keychain, network, clock and servers, and holds what comes of them against a small model
// of what Fob promises. What fails is made as short as it can be, and printed. RAPID_SEED=N does the same again, RAPID_CHECKS=N does
// more sequences, RAPID_STEPS=N longer ones, RAPID_SEED=0 others each time., design.md decisions 3, 6 and 7
func TestModel(t *testing.T) {
	for name, value := range map[string]string{"checks": "60", "steps": "25", "seed": "20261129", "shrinktime": "20s", "nofailfile": "true"} {
		if _, chosen := os.LookupEnv("RAPID_" + strings.ToUpper(name)); chosen {
			continue
		}
		if err := flag.Set("rapid."+name, value); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			m := newModel(shrinking{t, rt, rt.Context()})
			rt.Repeat(m.actions())
			m.settle(rt)
		})
	})
}

// shrinking is a rapid.T where a testing.TB is wanted; the outer test's has what it lacks.
type shrinking struct {
	testing.TB
	rt  *rapid.T
	ctx context.Context // of the bubble: nobody may make another one when it is over
}

func (s shrinking) Helper()                           { s.rt.Helper() }
func (s shrinking) Logf(format string, args ...any)   { s.rt.Logf(format, args...) }
func (s shrinking) Error(args ...any)                 { s.rt.Error(args...) }
func (s shrinking) Errorf(format string, args ...any) { s.rt.Errorf(format, args...) }
func (s shrinking) Fatal(args ...any)                 { s.rt.Fatal(args...) }
func (s shrinking) Fatalf(format string, args ...any) { s.rt.Fatalf(format, args...) }
func (s shrinking) FailNow()                          { s.rt.FailNow() }
func (s shrinking) Failed() bool                      { return s.rt.Failed() }
func (s shrinking) Cleanup(f func())                  { s.rt.Cleanup(f) }
func (s shrinking) Context() context.Context          { return s.ctx }
func (s shrinking) TempDir() string {
	dir, err := os.MkdirTemp("", "model-*")
	if err != nil {
		s.rt.Fatal(err)
	}
	s.rt.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// model is a world, and what is to be expected of it.
type model struct {
	*world
	one    *agentOf // the first home's
	two    *agentOf // that of another home on the same keychain, nil while there is none
	second string   // its directory
	all    []*modelled
	locked bool

	faulty   bool      // a server fails until it is mended
	trouble  time.Time // until when somebody may be told to try again: the pauses after a trouble that is over
	unstored time.Time // until when the keychain may be the reason
	backups  []backup
	newest   map[string]int64 // generations that the keychain had, by item
}

// modelled is one login.
type modelled struct {
	profile profiles.Profile // as the first home has it
	host    string
	in      bool      // somebody has logged in, and nobody out since
	since   time.Time // then
	by      string    // the home that knows of it without asking the keychain, "" where none does
	over    bool      // the server has ended it
	may     bool      // it may be over, and its tokens be worth nothing: a backup was restored, or it was half logged out
	narrow  bool      // the first home's profile asks for less
	got     bool      // the login did
	edited  bool      // the profile was, since then: what was said before is not said again
}

// backup is what somebody kept of a home and a keychain.
type backup struct {
	dir    string
	locked bool
	items  map[string][]byte
}

func newModel(t testing.TB) *model {
	m := &model{world: newWorld(t), newest: map[string]int64{}}
	clients := []authserver.Client{}
	for i, name := range logins {
		host := []string{atRotates, atRotates, atOpaque}[i]
		clients = append(clients, authserver.Client{ID: name, RedirectURIs: authserver.DemoClient().RedirectURIs})
		m.all = append(m.all, &modelled{host: host, profile: profiles.Profile{Name: name, Issuer: issuerAt(host), ClientID: name,
			Scope: fullScope}})
	}
	m.serve(atRotates, authserver.Options{Clients: clients, AccessTokenTTL: 10 * time.Minute, RotationGrace: forgives})
	m.serve(atOpaque, authserver.Options{Clients: clients, AccessTokenTTL: time.Hour, RotationGrace: forgives, OpaqueTokens: true})
	m.one = m.startHome("one", m.dir)
	for _, p := range m.all {
		if err := m.one.engine.PutProfile(t.Context(), p.profile, nil, "", true); err != nil {
			t.Fatal(err)
		}
		m.login(m.one, p)
	}
	m.hindered()
	return m
}

// logins are the profiles' names: the first two are one server's.
var logins = []string{"a", "b", "c"}

func (m *model) any(rt *rapid.T) *modelled {
	return m.all[slices.Index(logins, rapid.SampledFrom(logins).Draw(rt, "login"))]
}

func (m *model) agent(rt *rapid.T) *agentOf {
	if m.two != nil && rapid.Bool().Draw(rt, "in the other home") {
		return m.two
	}
	return m.one
}

func (m *model) agents() []*agentOf {
	if m.two == nil {
		return []*agentOf{m.one}
	}
	return []*agentOf{m.one, m.two}
}

// lasting draws a time as it is printed.
func lasting(rt *rapid.T, all ...string) time.Duration {
	d, err := time.ParseDuration(rapid.SampledFrom(all).Draw(rt, "for"))
	if err != nil {
		rt.Fatal(err)
	}
	return d
}

// gap is how long there is no agent.
func gap(rt *rapid.T) time.Duration {
	return lasting(rt, "0s", "3s", "90s", "3h")
}

// hindered notes whether agents can ask the servers from now on.
func (m *model) hindered() {
	m.mu.Lock()
	able := !m.offline && m.closed == nil && !m.faulty && m.slow == 0
	m.mu.Unlock()
	m.setAble(able)
}

// troubled says that somebody may be told to try again.
func (m *model) troubled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offline || m.faulty || time.Now().Before(m.trouble)
}

func (m *model) keychainAway() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed != nil || m.refuses != nil || time.Now().Before(m.unstored)
}

// calm says that a login can be had.
func (m *model) calm() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.offline && !m.faulty && m.closed == nil && m.refuses == nil
}

// wants says whether an agent's profile asks for less.
func (m *model) wants(a *agentOf, p *modelled) bool { return a.home == "one" && p.narrow }

// isOver says that the server has ended the login, by its own doing or because nobody could ask in time for an answer that was lost.
func (m *model) isOver(p *modelled) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended[p.profile.ClientID].After(p.since) {
		p.over = true
	}
	return p.over
}

// actions are what may happen. The one without a name is what must hold after each.
func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":          m.check,
		"ask":       m.ask,
		"ask again": m.ask,
		"wait": func(rt *rapid.T) {
			time.Sleep(lasting(rt, "1s", "7s", "40s", "5m", "20m", "2h", "9h"))
		},
		"log in":             m.logIn,
		"log out":            m.logOut,
		"kill":               func(rt *rapid.T) { m.start(rt, m.one.kill()) },
		"kill at a step":     m.killAtStep,
		"kill midway":        m.killMidway,
		"restart":            m.restart,
		"network":            m.network,
		"sleep":              m.sleep,
		"server fails":       m.serverFails,
		"server mended":      m.serverMended,
		"keychain fails":     m.keychainFails,
		"keychain mended":    m.keychainMended,
		"clock":              m.clock,
		"another home":       m.anotherHome,
		"edit":               m.edit,
		"lock":               m.lock,
		"server ends logins": m.serverEnds,
		"backup":             m.backup,
		"restore data":       m.restoreData,
		"restore keychain":   m.restoreKeychain,
		"settle":             m.settle,
	}
}

// asked is one question and its answer.
type asked struct {
	p       *modelled
	what    string
	handout Handout
	stored  bool // the keychain had what was handed out, when it was
	err     error
}

// put asks, and does not wait.
func (m *model) put(rt *rapid.T, a *agentOf, n int) (all []*asked, wait func()) {
	var under sync.WaitGroup
	for range n {
		q := &asked{p: m.any(rt), what: rapid.SampledFrom([]string{"token", "token", "refresh", "another token"}).Draw(rt, "what")}
		all = append(all, q)
		after := lasting(rt, "0s", "0s", "300ms", "1s")
		under.Go(func() {
			time.Sleep(after)
			switch q.what {
			case "token":
				q.handout, q.err = a.engine.Token(m.t.Context(), q.p.profile.Name, -1)
			case "refresh":
				_, q.err = a.engine.Refresh(m.t.Context(), q.p.profile.Name)
			default:
				q.handout, q.err = a.engine.TokenFor(m.t.Context(), TokenQuery{Name: q.p.profile.Name, Scope: []string{"api"}}, -1)
			}
			q.stored = m.everStored(q.handout.AccessToken)
		})
	}
	return all, under.Wait
}

// ask is several callers at a time.
func (m *model) ask(rt *rapid.T) {
	a := m.agent(rt)
	all, wait := m.put(rt, a, rapid.IntRange(1, 4).Draw(rt, "callers"))
	wait()
	for _, q := range all {
		m.judge(a, q)
	}
}

// judge holds an answer against the model.
func (m *model) judge(a *agentOf, q *asked) {
	p, name := q.p, q.p.profile.Name
	wrong := func(format string, args ...any) {
		m.violation("%s, %s of %s: "+format, append([]any{a.home, q.what, name}, args...)...)
	}
	var said *Error
	switch {
	case q.err != nil && !errors.As(q.err, &said):
		wrong("%v", q.err)
	case q.err != nil:
		m.refusedAsk(a, p, said, wrong)
	case a.home == "one" && m.locked:
		wrong("Fob is locked, and answers")
	case q.what == "refresh":
	case m.isOver(p) || p.may: // nobody can know what it is worth
	case !p.in:
		wrong("handed out, and nobody is logged in")
	case q.what == "token" && slices.Contains(q.handout.Scope, "profile") == m.wants(a, p):
		wrong("handed out, and it is not what the profile asks for")
	case !m.takes(p.host, q.handout.AccessToken):
		wrong("the server does not take it")
	case q.what == "token" && !q.stored:
		wrong("it is not stored yet")
	}
}

func (m *model) everStored(token string) bool {
	m.kept.mu.Lock()
	defer m.kept.mu.Unlock()
	return m.kept.ever[token]
}

// refusedAsk holds a refusal against the model.
func (m *model) refusedAsk(a *agentOf, p *modelled, said *Error, wrong func(string, ...any)) {
	allowed := false
	switch {
	case said.Kind == LogInFirst:
		allowed = m.mayEnd(a, p, said.Code)
	case said.Kind == TryAgain:
		allowed = m.troubled() || m.keychainAway()
	case said.Code == CodeKeychain:
		allowed = m.keychainAway()
	}
	if !allowed {
		m.t.Logf("%v", said)
		wrong("kind %d, code %s", said.Kind, said.Code)
	}
}

// mayEnd says whether an agent may ask for a login for that reason.
func (m *model) mayEnd(a *agentOf, p *modelled, code string) bool {
	over := m.isOver(p)
	switch code {
	case CodeLocked:
		return a.home == "one" && m.locked
	case CodeLoggedOut:
		return !p.in || p.may || p.by != a.home && m.keychainAway()
	case CodeItemGone:
		return !p.in || p.may
	case CodeProfileChanged:
		return p.in && m.wants(a, p) != p.got || p.may || a.home == "two"
	case CodeAnswerLost, CodeItemOlder, "invalid_grant":
		return over || p.may || !p.in
	}
	return false
}

// check is what must hold at each moment.
func (m *model) check(rt *rapid.T) {
	synctest.Wait() // watchers are told
	m.mu.Lock()
	for minute, n := range m.minutes {
		if most := 100; n > most && !strings.HasPrefix(minute, "keychain") || n > 30*most {
			m.t.Logf("%d times: %s", n, minute)
			m.wrong = append(m.wrong, "a storm: so many in a minute")
		}
	}
	m.mu.Unlock()
	m.kept.mu.Lock()
	for _, p := range m.all {
		key := itemKey(p.profile)
		text := m.kept.items[key]
		if text == nil {
			continue
		}
		set, err := unseal(text)
		if err != nil || set.generation < m.newest[key] {
			rt.Logf("generation %d after %d", set.generation, m.newest[key])
			rt.Errorf("the keychain's item of %s is damaged, or an older one: %v", p.profile.Name, err)
		}
		m.newest[key] = set.generation
	}
	m.kept.mu.Unlock()
	for _, p := range m.all {
		name := p.profile.Name
		s, err := m.one.engine.one(name)
		if err != nil {
			rt.Fatalf("status of %s: %v", name, err)
		}
		if s.State == LoginRequired && (s.Problem == nil || s.Problem.Code != CodeProfileChanged && (m.one.told(name) > 1 || m.one.told(name) == 0 && !p.edited) && !p.may && p.by == "one") { // a login in the other home is found when somebody asks, and its end is another one
			rt.Errorf("%s needs a login, which was said %d times", name, m.one.told(name))
		}
		if s.State == LoginRequired && s.Problem != nil && p.by == "one" && !m.mayEnd(m.one, p, s.Problem.Code) {
			rt.Logf("%s", s.Problem.Sentence)
			rt.Errorf("%s needs a login: %s", name, s.Problem.Code)
		}
		if s.State == LoggedOut && p.in && p.by == "one" && !p.may {
			rt.Errorf("%s is logged out, and nobody did", name)
		}
	}
	m.verdict("model")
}

// login logs in, and is what the model knows of it.
func (m *model) login(a *agentOf, p *modelled) {
	if err := a.login(p.profile.Name, p.host); err != nil {
		m.violation("%s: login of %s: %v", a.home, p.profile.Name, err)
		return
	}
	unnoticed := m.isOver(p) && m.two != nil // the other one may hold a token of the login that is over, until somebody needs a newer one
	p.in, p.over, p.may, p.edited, p.since, p.by, p.got = true, false, unnoticed, false, time.Now(), a.home, m.wants(a, p)
	m.mu.Lock()
	delete(m.restored, p.profile.ClientID)
	m.mu.Unlock()
	m.untold(p)
}

// untold begins to count anew how often somebody was told that a login is needed.
func (m *model) untold(p *modelled) {
	for _, a := range m.agents() {
		a.mu.Lock()
		a.asked[p.profile.Name] = 0
		a.last[p.profile.Name] = ""
		a.mu.Unlock()
	}
}

// An action that cannot happen now calls rt.Skip: rapid draws another in its place, and no test is skipped.
func (m *model) logIn(rt *rapid.T) {
	if !m.calm() || m.locked {
		rt.Skip()
	}
	m.login(m.agent(rt), m.any(rt))
}

func (m *model) logOut(rt *rapid.T) {
	a, p := m.agent(rt), m.any(rt)
	_, err := a.engine.Logout(m.t.Context(), p.profile.Name, rapid.Bool().Draw(rt, "here alone"))
	if err != nil {
		m.judge(a, &asked{p: p, what: "logout", err: err})
		p.may = true // at the server it may be over
		return
	}
	p.in, p.by = false, a.home
	p.may = m.two != nil // the other one has yet to find out
	m.kept.mu.Lock()
	defer m.kept.mu.Unlock()
	if m.kept.items[itemKey(p.profile)] != nil {
		m.violation("%s is logged out, and the keychain has its tokens", p.profile.Name)
	}
}

// start starts the first home's agent on what the last one has left.
func (m *model) start(rt *rapid.T, dir string) {
	m.setAble(false)
	time.Sleep(gap(rt))
	m.one = m.startHome("one", dir)
	m.hindered()
}

func (m *model) killAtStep(rt *rapid.T) {
	var steps []string
	for _, step := range Steps {
		if !strings.HasPrefix(step, "keychain/") { // package keychain's own TestCrashAtEveryStep
			steps = append(steps, step)
		}
	}
	step, p, a := rapid.SampledFrom(steps).Draw(rt, "step"), m.any(rt), m.one
	a.mu.Lock()
	a.dieAt = step
	a.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = a.engine.Refresh(m.t.Context(), p.profile.Name)
	}()
	select {
	case dir := <-a.died:
		m.start(rt, dir)
	case <-over: // no rotation came so far, or this one goes on to its last step
		synctest.Wait()
		select {
		case dir := <-a.died:
			m.start(rt, dir)
		default:
			a.mu.Lock()
			a.dieAt = ""
			a.mu.Unlock()
		}
	}
}

func (m *model) killMidway(rt *rapid.T) {
	a := m.one // the one that is killed, not the next
	for _, p := range m.all {
		go func() { _, _ = a.engine.Refresh(m.t.Context(), p.profile.Name) }()
	}
	time.Sleep(time.Duration(rapid.IntRange(0, 60).Draw(rt, "after")) * 10 * time.Millisecond)
	m.start(rt, a.kill())
}

// restart is how a newer program takes over, too: what is under way is finished.
func (m *model) restart(rt *rapid.T) {
	a := m.one
	all, wait := m.put(rt, a, rapid.IntRange(0, 3).Draw(rt, "callers"))
	time.Sleep(lasting(rt, "0s", "50ms", "250ms"))
	a.engine.Close()
	wait()
	for _, q := range all {
		var said *Error
		if !errors.As(q.err, &said) || said.Code != CodeStopping {
			m.judge(a, q)
		}
	}
	m.start(rt, a.dir)
}

func (m *model) network(rt *rapid.T) {
	m.mu.Lock()
	away := !m.offline
	m.mu.Unlock()
	m.setOffline(away)
	m.trouble = time.Now().Add(pauseMax)
	m.hindered()
	if rapid.Bool().Draw(rt, "told") {
		for _, a := range m.agents() {
			a.engine.NetworkChanged()
		}
	}
}

func (m *model) sleep(rt *rapid.T) {
	m.mu.Lock()
	offline := m.offline
	m.mu.Unlock()
	m.setAble(false)
	for _, a := range m.agents() {
		a.halt()
	}
	m.setOffline(true)
	time.Sleep(lasting(rt, "30s", "8m", "10h"))
	told := rapid.Bool().Draw(rt, "told")
	for _, a := range m.agents() {
		a.run()
		if told {
			a.engine.Resumed()
		}
	}
	time.Sleep(lasting(rt, "0s", "10s")) // the network comes up late
	m.setOffline(offline)
	if told {
		for _, a := range m.agents() {
			a.engine.NetworkChanged()
		}
	}
	m.trouble = time.Now().Add(pauseMax)
	m.hindered()
}

func (m *model) serverFails(rt *rapid.T) {
	fault := rapid.SampledFrom([]authserver.Fault{
		authserver.TokenLost, authserver.TokenLost, authserver.TokenTruncated, authserver.TokenLate, authserver.TokenSlow, authserver.TokenCut,
		authserver.TokenGateway, authserver.TokenUnavailable, authserver.TokenBusy, authserver.TokenError, authserver.TokenHTML,
	}).Draw(rt, "fault")
	server := m.servers[rapid.SampledFrom([]string{atRotates, atOpaque}).Draw(rt, "server")]
	server.Faults().SetDelay(lasting(rt, "2s", "40s"))
	server.Faults().Set(fault, rapid.SampledFrom([]int{1, 1, 2, 3, authserver.UntilCleared}).Draw(rt, "times"))
	m.mu.Lock()
	m.faulty = true
	m.mu.Unlock()
	m.hindered()
}

func (m *model) serverMended(rt *rapid.T) {
	if !m.faulty {
		rt.Skip()
	}
	m.mend()
}

// mend has the servers answer again.
func (m *model) mend() {
	for _, s := range m.servers {
		s.Faults().Clear()
	}
	m.mu.Lock()
	m.faulty = false
	m.mu.Unlock()
	m.trouble = time.Now().Add(pauseMax)
	m.hindered()
}

// keychainFails has the keychain fail. An answer that waits for it in the one home is known to the other home by nothing else: with
// two, a token may be spent that is not the newest.
func (m *model) keychainFails(rt *rapid.T) {
	if m.two != nil {
		rt.Skip()
	}
	how := rapid.SampledFrom([]string{"missing", "locked", "hangs", "takes nothing", "slow"}).Draw(rt, "keychain")
	m.mu.Lock()
	m.closed, m.refuses, m.slow = nil, nil, 0
	switch how {
	case "missing":
		m.closed = keychain.ErrNoKeychain
	case "locked":
		m.closed = keychain.ErrLocked
	case "hangs":
		m.closed = keychain.ErrTimeout
	case "takes nothing":
		m.refuses = keychain.ErrTimeout
	case "slow":
		m.slow = 3 * time.Second
	}
	m.mu.Unlock()
	m.unstored = time.Now().Add(pauseMax)
	m.hindered()
}

func (m *model) keychainMended(*rapid.T) {
	m.mu.Lock()
	m.closed, m.refuses, m.slow = nil, nil, 0
	m.mu.Unlock()
	m.unstored = time.Now().Add(pauseMax)
	m.hindered()
}

// clock sets the clock while no agent runs. Back by less than anything is old leaves no trace; clock_test.go has a clock that is
// set under a running one.
func (m *model) clock(rt *rapid.T) {
	if m.two != nil {
		rt.Skip()
	}
	by := lasting(rt, "20m", "5h", "-2160h")
	m.one.engine.Close()
	m.setClock(m.one.dir, by)
	m.start(rt, m.one.dir)
}

func (m *model) anotherHome(rt *rapid.T) {
	if m.two != nil {
		m.two.engine.Close()
		m.two = nil
		return
	}
	if !m.calm() || m.keychainAway() {
		rt.Skip()
	}
	if m.second == "" {
		m.second = m.t.TempDir()
	}
	m.two = m.startHome("two", m.second)
	for _, p := range m.all {
		whole := p.profile
		whole.Scope = fullScope
		if err := m.two.engine.PutProfile(m.t.Context(), whole, nil, "", false); err != nil {
			rt.Fatal(err)
		}
	}
}

// Scopes of the profiles.
var (
	fullScope   = profiles.List{"openid", "profile", "offline_access", "api"}
	narrowScope = profiles.List{"openid", "offline_access", "api"}
)

// edit has a profile ask for less, or for what it asked for before; or changes what no token depends on.
func (m *model) edit(rt *rapid.T) {
	if !m.calm() {
		rt.Skip()
	}
	p := m.any(rt)
	after, narrow := p.profile, p.narrow
	if rapid.Bool().Draw(rt, "scope") {
		narrow = !narrow
		after.Scope = fullScope
		if narrow {
			after.Scope = narrowScope
		}
	} else {
		after.Color = rapid.SampledFrom([]string{"red", "green"}).Draw(rt, "color")
	}
	if err := m.one.engine.PutProfile(m.t.Context(), after, nil, "", false); err != nil {
		m.judge(m.one, &asked{p: p, what: "edit", err: err})
		return
	}
	p.profile, p.narrow, p.edited = after, narrow, true
	m.untold(p)
}

func (m *model) lock(rt *rapid.T) {
	change := func() error { return m.one.engine.Lock(ByUser) }
	if m.locked {
		change = func() error { return m.one.engine.Unlock(ByUser) }
	}
	if err := change(); err != nil {
		rt.Fatal(err)
	}
	m.locked = !m.locked
}

// serverEnds has a server end its logins: that may ask a person, once each.
func (m *model) serverEnds(rt *rapid.T) {
	host := rapid.SampledFrom([]string{atRotates, atOpaque}).Draw(rt, "server")
	m.servers[host].RevokeAll()
	for _, p := range m.all {
		p.over = p.over || p.host == host
	}
}

func (m *model) backup(rt *rapid.T) {
	m.kept.mu.Lock()
	items := maps.Clone(m.kept.items)
	m.kept.mu.Unlock()
	m.backups = append(m.backups, backup{dir: m.copied(m.one.dir), locked: m.locked, items: items})
}

func (m *model) aBackup(rt *rapid.T) backup {
	if len(m.backups) == 0 {
		rt.Skip()
	}
	return m.backups[rapid.IntRange(0, len(m.backups)-1).Draw(rt, "backup")]
}

// restoreData puts back what Fob has of its own: the keychain has the truth, so that nothing is lost. profiles.json is elsewhere. An
// answer that waits in the journal because the keychain takes nothing would be lost with it, so would the knowledge of a lost one.
func (m *model) restoreData(rt *rapid.T) {
	if m.troubled() || m.keychainAway() {
		rt.Skip()
	}
	time.Sleep(retries) // a kill of just now is over
	b := m.aBackup(rt)
	m.one.engine.Close()
	dir := m.copied(b.dir)
	text, err := os.ReadFile(filepath.Join(m.one.dir, "profiles.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "profiles.json"), text, 0o600)
	}
	if err != nil {
		rt.Fatal(err)
	}
	for _, p := range m.all {
		p.by = ""
	}
	m.locked = b.locked
	m.start(rt, dir)
}

// restoreKeychain puts older items back: these logins may be over by that, and no other.
func (m *model) restoreKeychain(rt *rapid.T) {
	b := m.aBackup(rt)
	m.kept.mu.Lock()
	defer m.kept.mu.Unlock()
	for _, p := range m.all {
		key := itemKey(p.profile)
		before, after := m.kept.items[key], b.items[key]
		if bytes.Equal(before, after) {
			continue
		}
		p.may = true
		m.mu.Lock()
		m.restored[p.profile.ClientID] = true
		m.mu.Unlock()
		delete(m.newest, key)
		if delete(m.kept.items, key); after != nil {
			m.kept.items[key] = after
		}
	}
}

// settle ends every trouble, and lets its pauses pass: every login that nobody has ended gives a token that works, and of each that
// was ended a person is asked for.
func (m *model) settle(rt *rapid.T) {
	m.setOffline(false)
	m.keychainMended(rt)
	m.mend()
	if m.locked {
		m.lock(rt)
	}
	time.Sleep(pauseMax)
	m.trouble, m.unstored = time.Time{}, time.Time{}
	for _, p := range m.all {
		for _, a := range m.agents() {
			q := &asked{p: p, what: "token"}
			q.handout, q.err = a.engine.Token(m.t.Context(), p.profile.Name, -1)
			q.stored = m.everStored(q.handout.AccessToken)
			m.judge(a, q)
			if m.isOver(p) || p.may || m.wants(a, p) != p.got || a.home == "two" {
				continue
			}
			if p.in != (q.err == nil) {
				m.violation("all is well, logged in: %t, and %s answers for %s: %v", p.in, a.home, p.profile.Name, q.err)
			}
			if s, err := a.engine.one(p.profile.Name); p.in && (err != nil || s.State != LoggedIn || s.Problem != nil) {
				rt.Logf("%+v", s.Problem)
				m.violation("all is well, and %s is %s, %v", p.profile.Name, s.State, err)
			}
		}
		if p.in && p.over && !p.may && m.wants(m.one, p) == p.got && m.two == nil {
			if _, err := m.one.engine.Refresh(m.t.Context(), p.profile.Name); err == nil {
				m.violation("the server has ended the login of %s, and it is refreshed", p.profile.Name)
			}
		}
	}
}
