package session

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// manyIssuers are more than there are places.
var manyIssuers = []string{"127.0.0.1:21", "127.0.0.1:22", "127.0.0.1:23", "127.0.0.1:24", "127.0.0.1:25", "127.0.0.1:26"}

// manyHome makes a home with n logins at manyIssuers, as an agent would have left it whose computer then slept: their tokens
// ended one after the other, all of them while it slept. A login at each server is copied; the servers do not rotate, so that
// each copy's refresh is a real one.
func manyHome(t *testing.T, w *world, n int) {
	t.Helper()
	templates := map[string]profiles.Profile{}
	first := w.start(t.TempDir())
	for _, host := range manyIssuers {
		p := profiles.Profile{Name: host, Issuer: w.serve(host, authserver.Options{AccessTokenTTL: 12 * time.Hour, NoRotation: true}),
			ClientID: authserver.DemoClientID, Scope: profiles.List{"offline_access", "api"}}
		if err := first.engine.PutProfile(t.Context(), p, nil, "", false); err != nil {
			t.Fatal(err)
		}
		if err := first.login(host, host); err != nil {
			t.Fatal(err)
		}
		templates[host] = p
	}
	records := recordDir(filepath.Join(w.dir, "logins"))
	if err := os.MkdirAll(string(records), 0o700); err != nil {
		t.Fatal(err)
	}
	var all []profiles.Profile
	for i := range n {
		host := manyIssuers[i%len(manyIssuers)]
		p := templates[host]
		first.engine.mu.Lock()
		from := first.engine.logins[host]
		set, rec := *from.held, from.rec
		first.engine.mu.Unlock()
		p.Name = fmt.Sprintf("login %05d", i)
		// Not in the order of the names: 7919 has no divisor in common with the number of places in between.
		token := *set.Token
		token.ObtainedAt = token.ObtainedAt.Add(time.Duration(i*7919%n) * time.Second / 2)
		token.ExpiresAt = token.ObtainedAt.Add(2 * time.Hour)
		set.Token, set.key = &token, itemKey(p)
		rec.Name, rec.History, rec.Clock = p.Name, nil, nil
		rec.describe(set)
		if err := records.write(rec, false); err != nil {
			t.Fatal(err)
		}
		text, err := set.seal()
		if err != nil {
			t.Fatal(err)
		}
		w.kept.items[set.key] = text
		all = append(all, p)
	}
	first.kill()
	time.Sleep(time.Duration(n) * time.Second / 2) // no token is of a moment to come
	text, err := json.Marshal(map[string]any{"version": 1, "profiles": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "profiles.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refreshed are the logins of each issuer whose tokens are new since then, and how many logins there are in all.
func (a *agentOf) refreshed(since time.Time) (done map[string][]string, all int) {
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	done = map[string][]string{}
	for name, l := range a.engine.logins {
		if l.rec.ObtainedAt.After(since) {
			done[l.issuer] = append(done[l.issuer], name)
		}
	}
	return done, len(a.engine.logins)
}

// dueOrder is the names of each issuer's logins, who is due longest first.
func (a *agentOf) dueOrder(t *testing.T) map[string][]string {
	t.Helper()
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	at, order := map[string]time.Time{}, map[string][]string{}
	for name, l := range a.engine.logins {
		due, ok := dueAt(&l.rec, 0, a.engine.seed)
		if !ok || due.After(wall()) {
			t.Fatalf("%s is due at %s, %v", name, due, ok)
		}
		at[name] = due
		order[l.issuer] = append(order[l.issuer], name)
	}
	for _, names := range order {
		slices.SortFunc(names, func(a, b string) int { return at[a].Compare(at[b]) })
	}
	return order
}

// TestTenThousandAreNoStorm starts on 10,000 logins whose tokens have ended in the night, and lets the computer sleep again
// later: four are refreshed at a time and one an issuer (which the world holds), who is due longest first, who is asked for before
// all others, and no server that answers at once is asked without a pause. design.md decision 7
func TestTenThousandAreNoStorm(t *testing.T) {
	for _, how := range []string{"start", "wake-up"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				manyHome(t, w, 10_000)
				if how == "wake-up" { // they end while it sleeps
					a := w.start(w.dir)
					synctest.Wait()
					a.halt()
					time.Sleep(10 * time.Hour)
					began := wall()
					order := a.dueOrder(t)
					a.run()
					a.engine.Resumed()
					a.noStorm(t, began, order)
					return
				}
				time.Sleep(10 * time.Hour)
				began := wall()
				a := w.start(w.dir)
				a.noStorm(t, began, a.dueOrder(t))
			})
		})
	}
}

func (a *agentOf) noStorm(t *testing.T, began time.Time, order map[string][]string) {
	t.Helper()
	time.Sleep(20 * time.Second)
	done, all := a.refreshed(began)
	sum := 0
	for issuer, names := range order {
		n := len(done[issuer])
		sum += n
		if missing := without(names[:n], done[issuer]); len(missing) > 0 {
			t.Errorf("%s: %d were refreshed, but not %q, who are due longer", issuer, n, missing)
		}
	}
	if sum < 20*atOnce*3/2 || sum == all { // a refresh takes a quarter of a second here
		t.Errorf("%d of %d were refreshed in 20 s", sum, all)
	}
	// Ten programs ask for those who are due last, all at one issuer: they get them one after the other, before anybody else there.
	issuer := issuerAt(manyIssuers[0])
	asked := order[issuer][len(order[issuer])-10:]
	before := len(done[issuer])
	var callers sync.WaitGroup
	for _, name := range asked {
		callers.Go(func() {
			if _, err := a.engine.Token(t.Context(), name, -1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	callers.Wait()
	done, _ = a.refreshed(began)
	if others := len(done[issuer]) - before - len(asked); others > 1 { // one was under way
		t.Errorf("%d others were refreshed before those who were asked for", others)
	}
	// From now on servers, network and keychain take no time.
	a.w.instant.Store(true)
	time.Sleep(time.Second)
	then, _ := a.refreshed(began)
	time.Sleep(3 * time.Second)
	done, _ = a.refreshed(began)
	for issuer := range order {
		if n := len(done[issuer]) - len(then[issuer]); n < 3*15 || n > 3*20+1 {
			t.Errorf("%s: %d refreshes in 3 s", issuer, n)
		}
	}
	a.w.verdict("in the end")
	a.halt()
	synctest.Wait()
}

// without is those of names that are not in others.
func without(names, others []string) (missing []string) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// TestADayOfLooksKeepsNothing looks at 10,000 logins every 30 s for a day, each of which is looked at again from time to time: the
// memory stays what it is.
func TestADayOfLooksKeepsNothing(t *testing.T) {
	e, now := manyLogins(t, 10_000)
	e.mu.Lock()
	for _, l := range e.logins {
		l.rec.ExpiresAt = now.Add(48 * time.Hour)
		e.againLocked(l)
	}
	e.mu.Unlock()
	kept := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	e.step(now)
	before, looks := kept(), e.looks
	for end := now.Add(24 * time.Hour); now.Before(end); now = now.Add(sleepMax) {
		e.step(now)
	}
	if grown := kept() - before; grown > 1<<20 {
		t.Errorf("it keeps %d KB more after a day", grown>>10)
	}
	if n := (e.looks - looks) / 10_000; n < 100 || n > 150 { // each ten minutes
		t.Errorf("each was looked at %d times", n)
	}
	runtime.KeepAlive(e)
}

// TestALookCostsWhatThereIsToDo counts the logins that the loop looks at, of 10,000: each once in the beginning, none while there
// is nothing to do, and those alone that something happens to.
func TestALookCostsWhatThereIsToDo(t *testing.T) {
	const many = 10_000
	e, now := manyLogins(t, many)
	looks := func(now time.Time) int {
		before := e.looks
		e.step(now)
		return e.looks - before
	}
	if n := looks(now); n != 0 {
		t.Errorf("%d were looked at, and there was nothing to do", n)
	}
	if allocations := testing.AllocsPerRun(10, func() { e.step(now) }); allocations > 50 { // the file's are among them
		t.Errorf("a look allocates %v times", allocations)
	}
	name := time.Duration(4711).String()
	e.changed(name)
	if n := looks(now); n != 1 {
		t.Errorf("%d were looked at for a change of one", n)
	}
	e.NetworkChanged()
	if n := looks(now); n != many+1 { // "work" is there too
		t.Errorf("%d were looked at after a change of the network", n)
	}
	if allocations := testing.AllocsPerRun(1, func() { e.NetworkChanged(); e.step(now) }); allocations > many/10 {
		t.Errorf("looking at each allocates %v times", allocations)
	}
	// All are due, and their issuer is busy: to find that out costs a look at each, once.
	late := now.Add(2 * time.Hour)
	e.mu.Lock()
	e.busy[issuer] = true
	e.mu.Unlock()
	looks(late)
	if n := looks(late); n != 0 {
		t.Errorf("%d were looked at again while their issuer is busy", n)
	}
	e.mu.Lock()
	delete(e.busy, issuer)
	e.mu.Unlock()
	if n := looks(late); n != 1 {
		t.Errorf("%d were looked at to find the one that is due longest", n)
	}
}
