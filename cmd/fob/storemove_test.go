package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fob/internal/agent"
	"fob/internal/keychain"
)

// removal is a move in a small world: two stores, what is durably noted, and a way to end at any step.
type removal struct {
	t        *testing.T
	from, to *keychain.Keychain
	noted    choice
	step     func(string)
	store    *homeStore // of the life that runs
}

const movingMark = "home/1234/"

// values are what the home keeps; R-308: one of 100 KB.
func (r *removal) values() map[string]string {
	return map[string]string{"token/a": "one", "token/b": strings.Repeat("large.", 20000), "secrets/a": "three", "waiting/x": "\x00\xff"}
}

func newRemoval(t *testing.T, to *keychain.Keychain) *removal {
	t.Helper()
	from, err := keychain.Open(keychain.KindMemory, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &removal{t: t, from: from, to: to, step: func(string) {}}
	for key, value := range r.values() {
		r.must(from.Set(t.Context(), movingMark+key, []byte(value)))
	}
	r.must(from.Set(t.Context(), "home/9999/token/a", []byte("another home's")))
	r.must(from.Set(t.Context(), "token/a", []byte("the user's own")))
	names, err := to.List(t.Context())
	r.must(err)
	for _, name := range names {
		r.must(to.Delete(t.Context(), name))
	}
	return r
}

func (r *removal) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// live is one life of the agent, which moves. It begins with what is noted.
func (r *removal) live() error {
	r.store = &homeStore{mark: movingMark, now: r.from}
	if r.noted.Kind == r.to.Kind() {
		r.store.now = r.to
	}
	m := mover{store: r.store, from: r.from, to: r.to, stale: r.noted.copied(r.to.Kind()),
		tell: func(move agent.StoreMove) { r.step("tell " + move.Step) },
		note: func(c choice) error { r.step("note"); r.noted = c; r.step("noted"); return nil },
		items: func(ctx context.Context, k *keychain.Keychain) ([]string, error) {
			names, err := k.List(ctx)
			ours, _ := r.store.split(names)
			return ours, err
		}}
	if r.store.now == r.to {
		return m.leave(r.t.Context(), r.noted.Items)
	}
	if err := m.run(r.t.Context()); err != nil {
		return err
	}
	return m.leave(r.t.Context(), m.names)
}

// reads checks that the store in use has exactly these values.
func (r *removal) reads(want map[string]string) {
	r.t.Helper()
	for key := range maps.Keys(r.values()) {
		got, err := r.store.Get(r.t.Context(), key)
		if value, kept := want[key]; kept && (err != nil || string(got) != value) || !kept && !errors.Is(err, keychain.ErrNotFound) {
			r.t.Errorf("%s: %d bytes, %v", key, len(got), err)
		}
	}
}

// moved checks that the move is complete, and that nobody else's items were touched.
func (r *removal) moved(want map[string]string) {
	r.t.Helper()
	r.reads(want)
	names, err := r.from.List(r.t.Context())
	r.must(err)
	if !slices.Equal(names, []string{"home/9999/token/a", "token/a"}) {
		r.t.Errorf("the old store has %q", names)
	}
	if names, err := r.to.List(r.t.Context()); err != nil || len(names) != len(want) {
		r.t.Errorf("the new store has %q, %v", names, err)
	}
	if fmt.Sprint(r.noted) != fmt.Sprint(choice{Kind: r.to.Kind()}) {
		r.t.Errorf("noted %+v", r.noted)
	}
}

func TestMove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	to, err := keychain.Open(keychain.KindFile, dir)
	if err == nil {
		err = to.Unlock(t.Context(), "correct horse battery", true) // once: scrypt takes its time
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ends at every step", func(t *testing.T) { testMoveEnds(t, to) })
	t.Run("tokens change meanwhile", func(t *testing.T) { testMoveMeanwhile(t, to) })
	t.Run("cancelled", func(t *testing.T) { testMoveCancelled(t, to) })
	t.Run("new store loses what it took", func(t *testing.T) { testMoveLoses(t, to, dir) })
}

// a move that ends at any step has lost nothing, and the same move again finishes it; what is changed and removed in between
// stays changed and removed.
func testMoveEnds(t *testing.T, to *keychain.Keychain) {
	undisturbed, steps := newRemoval(t, to), 0
	undisturbed.step = func(string) { steps++ }
	undisturbed.must(undisturbed.live())
	undisturbed.moved(undisturbed.values())
	if steps < 12 {
		t.Fatalf("only %d steps", steps)
	}
	for n := range steps {
		r, count, done := newRemoval(t, to), 0, make(chan struct{})
		r.step = func(string) {
			if count++; count == n+1 {
				runtime.Goexit()
			}
		}
		go func() { defer close(done); _ = r.live() }()
		<-done
		r.step = func(string) {}
		r.store = &homeStore{mark: movingMark, now: r.from} // as the next agent begins
		if r.noted.Kind == to.Kind() {
			r.store.now = to
		}
		want := r.values()
		r.reads(want)
		r.must(r.store.Set(t.Context(), "token/a", []byte("refreshed")))
		r.must(r.store.Delete(t.Context(), "token/b"))
		want["token/a"] = "refreshed"
		delete(want, "token/b")
		r.must(r.live())
		r.moved(want)
		if t.Failed() {
			t.Fatalf("ended at step %d of %d", n, steps)
		}
	}
}

// Tokens go on being refreshed, got and forgotten while a move copies.
func testMoveMeanwhile(t *testing.T, to *keychain.Keychain) {
	r, once := newRemoval(t, to), false
	want := r.values()
	want["token/a"], want["token/new"] = "refreshed", "new"
	delete(want, "token/b")
	copied := 0
	r.step = func(step string) {
		if step == "tell copy" {
			copied++
		}
		if copied != len(r.values()) || once {
			return
		}
		once = true // all but the last are copied
		r.must(r.store.Set(t.Context(), "token/a", []byte("refreshed")))
		r.must(r.store.Set(t.Context(), "token/new", []byte("new")))
		r.must(r.store.Delete(t.Context(), "token/b"))
	}
	r.must(r.live())
	if !once {
		t.Fatal("nothing was changed meanwhile")
	}
	r.moved(want)
	if got, err := r.store.Get(t.Context(), "token/new"); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
}

// Cancelled, a move has switched nothing, and the next one does.
func testMoveCancelled(t *testing.T, to *keychain.Keychain) {
	r := newRemoval(t, to)
	ctx, cancel := context.WithCancel(t.Context())
	r.store = &homeStore{mark: movingMark, now: r.from}
	m := mover{store: r.store, from: r.from, to: r.to, note: func(c choice) error { r.noted = c; return nil },
		items: func(context.Context, *keychain.Keychain) ([]string, error) {
			return []string{movingMark + "token/a", movingMark + "token/b"}, nil
		},
		tell: func(agent.StoreMove) { cancel() }}
	if err := m.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	r.reads(r.values())
	if r.noted.Kind == r.to.Kind() {
		t.Errorf("noted %+v", r.noted)
	}
	r.must(r.live())
	r.moved(r.values())
}

// A move compares what the new store gives back before the old one lets go: here something puts an older file back, as a program
// does that keeps folders in step, as soon as the store has seen that the new one is there.
func testMoveLoses(t *testing.T, to *keychain.Keychain, dir string) {
	r := newRemoval(t, to)
	r.must(to.Set(t.Context(), movingMark+"token/a", []byte("older")))
	files, err := filepath.Glob(filepath.Join(dir, "item-*.age"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	older, err := os.ReadFile(files[0])
	r.must(err)
	to.Watch(func(step string) {
		if step == "committed" {
			r.must(os.WriteFile(files[0], older, 0o600))
		}
	})
	if err := r.live(); !errors.Is(err, keychain.ErrRefused) || !strings.Contains(err.Error(), "token/a") {
		t.Errorf("moved to a store that has something else: %v", err)
	}
	r.reads(r.values())
	to.Watch(nil)
	r.must(r.live())
	r.moved(r.values())
}

func TestHomeIn(t *testing.T) {
	for name, want := range map[string]string{"token/work@1": "", "home/12ab/token/work": "12ab", "home/": "", "home/token": "", "homework/x/y": ""} {
		if got := homeIn(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
