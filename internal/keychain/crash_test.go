package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The states that an operation starts from and goes to, small and large.
var transitions = []struct {
	name     string
	old, new []byte // nil old: nothing stored; nil new: Delete
}{
	{"first small", nil, []byte("new")},
	{"first large", nil, secret("new", 5000)},
	{"small to large", []byte("old"), secret("new", 5000)},
	{"large to small", secret("old", 5000), []byte("new")},
	{"large to large", secret("old", 5000), secret("new", 6000)},
	{"delete small", []byte("old"), nil},
	{"delete large", secret("old", 5000), nil},
}

// world is a folder and a keychain with the old value, and a way to run the operation.
type world struct {
	dir  string
	back *limited
	k    *Keychain
}

func newWorld(t *testing.T, old []byte) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "sealed"), back: newLimited()}
	var err error
	w.k, err = open(w.back, w.dir)
	must(t, err)
	if old != nil {
		must(t, w.k.Set(context.Background(), "k", old))
	}
	return w
}

func (w *world) run(new []byte) error {
	if new == nil {
		return w.k.Delete(context.Background(), "k")
	}
	return w.k.Set(context.Background(), "k", new)
}

// check looks at the world as the next process finds it: the old value or the new one is there, nothing else is, and a Sweep in
// due time leaves no litter.
func (w *world) check(t *testing.T, old, new []byte, mustBe string) {
	t.Helper()
	ctx := context.Background()
	next, err := open(w.back.survivor(), w.dir)
	must(t, err)
	got, err := next.Get(ctx, "k")
	isOld := bytes.Equal(got, old) && (err == nil) == (old != nil)
	isNew := bytes.Equal(got, new) && (err == nil) == (new != nil)
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Fatalf("the value is lost: %v", err)
	}
	if !isOld && !isNew || mustBe == "new" && !isNew || mustBe == "old" && !isOld {
		t.Fatalf("old %v, new %v, want %q", isOld, isNew, mustBe)
	}
	for _, file := range sealedFiles(t, w.dir) {
		ageFile(t, filepath.Join(w.dir, file))
	}
	inUse := []string{"k"}
	if isNew && new == nil || isOld && old == nil {
		inUse = nil // the session layer knows that there is nothing
	}
	if _, err := next.Sweep(ctx, inUse); err != nil {
		t.Fatal(err)
	}
	again, err2 := next.Get(ctx, "k")
	if !bytes.Equal(got, again) || errors.Is(err, ErrNotFound) != errors.Is(err2, ErrNotFound) {
		t.Fatalf("Sweep changed the value: %v", err2)
	}
	want := 0
	if len(inline(got)) > itemLimit {
		want = 1
	}
	if files := sealedFiles(t, w.dir); len(files) != want {
		t.Errorf("litter: %v, want %d", files, want)
	}
}

// trace runs the operation undisturbed and lists every step in order: calls of the keychain and steps on the disk.
func trace(t *testing.T, old, new []byte) []string {
	w := newWorld(t, old)
	var steps []string
	note := func(step string) { steps = append(steps, step) }
	w.k.files.step = note
	w.back.before = func(op string) error { note("before " + op); return nil }
	w.back.after = func(op string) error { note("after " + op); return nil }
	must(t, w.run(new))
	return steps
}

// the process ends at every step, one after the other; the old value or the new one is there, whole.
func TestCrashAtEveryStep(t *testing.T) {
	for _, tr := range transitions {
		steps := trace(t, tr.old, tr.new)
		set := slices.Index(steps, "after set") // the commit point; -1 when deleting
		if len(steps) < 5 {
			t.Fatalf("%s: only %v", tr.name, steps)
		}
		for n := range steps {
			t.Run(fmt.Sprintf("%s/%d %s", tr.name, n, steps[n]), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, tr.old)
					w.runUntil(tr.new, n)
					switch {
					case set < 0:
						w.check(t, tr.old, tr.new, "")
					case n < set:
						w.check(t, tr.old, tr.new, "old")
					default:
						w.check(t, tr.old, tr.new, "new")
					}
					time.Sleep(2 * patience) // in the bubble: lets the dead operation's goroutine give up and go
				})
			})
		}
	}
}

// runUntil runs the operation and ends it for good at step n, as kill -9 would. A step of the keychain ends the call's own
// goroutine; the operation then waits for an answer that does not come while the bubble's clock stands.
func (w *world) runUntil(new []byte, n int) {
	var count atomic.Int64 // an operation whose call has ended for good goes on beside the goroutine that did
	end := func(string) {
		if count.Add(1) == int64(n)+1 {
			runtime.Goexit()
		}
	}
	w.k.files.step = end
	w.back.before = func(op string) error { end(op); return nil }
	w.back.after = w.back.before
	go func() { _ = w.run(new) }()
	synctest.Wait()
}

// the power goes at every step, and whatever file the keychain's item does not name then may be anything afterwards.
func TestPowerLossAtEveryStep(t *testing.T) {
	old, new := secret("old", 5000), secret("new", 6000)
	damages := map[string]func(path string, text []byte) error{
		"empty":   func(path string, _ []byte) error { return os.Truncate(path, 0) },
		"cut":     func(path string, text []byte) error { return os.Truncate(path, int64(len(text)/2)) },
		"zeros":   func(path string, text []byte) error { return os.WriteFile(path, make([]byte, len(text)), 0o600) },
		"missing": func(path string, _ []byte) error { return os.Remove(path) },
		"renamed": func(path string, _ []byte) error { return os.Rename(path, path+"~") },
	}
	for n, step := range Steps {
		for name, damage := range damages {
			t.Run(step+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, old)
					before := sealedFiles(t, w.dir)
					w.k.Watch(func(at string) {
						if at == step {
							runtime.Goexit()
						}
					})
					go func() { _ = w.run(new) }()
					synctest.Wait()
					switched, want := n >= slices.Index(Steps, "set"), old
					if switched {
						want = new
					}
					for _, file := range sealedFiles(t, w.dir) {
						if slices.Contains(before, file) != switched {
							continue
						}
						path := filepath.Join(w.dir, file)
						text, err := os.ReadFile(path)
						must(t, err)
						must(t, damage(path, text))
					}
					next, err := open(w.back.survivor(), w.dir)
					must(t, err)
					if got, err := next.Get(t.Context(), "k"); err != nil || !bytes.Equal(got, want) {
						t.Errorf("what was durable is lost: %v", err)
					}
					must(t, next.Set(t.Context(), "k", new))
					if got, err := next.Get(t.Context(), "k"); err != nil || !bytes.Equal(got, new) {
						t.Errorf("the next one: %v", err)
					}
					time.Sleep(2 * patience)
				})
			})
		}
	}
}

// A keychain that fails at any of its calls, before or after the effect: Set's nil means new, its error means old or new, and
// old for sure where the read-back shows it.
func TestErrorAtEveryCall(t *testing.T) {
	for _, tr := range transitions {
		calls := 0
		for _, s := range trace(t, tr.old, tr.new) {
			if len(s) > 7 && s[:7] == "before " {
				calls++
			}
		}
		for n := range calls {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d late=%v", tr.name, n, late), func(t *testing.T) {
					w := newWorld(t, tr.old)
					count, boom := 0, errors.New("boom")
					fail := func(string) error {
						count++
						if count-1 == n {
							return boom
						}
						return nil
					}
					if late {
						w.back.after = fail
					} else {
						w.back.before = fail
					}
					err := w.run(tr.new)
					if count <= n {
						return // a call that found nothing has no "after"
					}
					w.back.before, w.back.after = nil, nil
					mustBe := ""
					if err == nil {
						mustBe = "new"
					}
					w.check(t, tr.old, tr.new, mustBe)
				})
			}
		}
	}
}

// The order that makes it safe against power loss too, where no test can pull the plug: content, name, item, and only then the
// old file.
func TestOrderOfSteps(t *testing.T) {
	steps := trace(t, secret("old", 5000), secret("new", 5000))
	want := []string{"created", "written", "synced", "sealed", "before set", "after set", "before get", "after get", "committed", "overwritten", "unlinked"}
	at := -1
	for _, step := range want {
		i := slices.Index(steps[at+1:], step)
		if i < 0 {
			t.Fatalf("%q does not come after %v in %v", step, want, steps)
		}
		at += 1 + i
	}
}

// A keychain that says yes and keeps the old value (go-keyring after a dismissed prompt) is found out.
func TestSetThatDoesNotKeep(t *testing.T) {
	ctx := context.Background()
	k, back, dir := openLimited(t)
	must(t, k.Set(ctx, "k", secret("old", 5000)))
	keep := back.items["k"]
	back.after = func(op string) error {
		if op == "set" {
			back.items["k"] = keep
		}
		return nil
	}
	if err := k.Set(ctx, "k", secret("new", 5000)); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
	got, err := k.Get(ctx, "k")
	if err != nil || !bytes.Equal(got, secret("old", 5000)) || len(sealedFiles(t, dir)) != 1 {
		t.Errorf("%v, files %v", err, sealedFiles(t, dir))
	}
}

// What cannot be read is not replaced: a locked keychain keeps its item and its file.
func TestLockedIsNotReplaced(t *testing.T) {
	ctx := context.Background()
	k, back, dir := openLimited(t)
	must(t, k.Set(ctx, "k", secret("old", 5000)))
	before, files := back.items["k"], sealedFiles(t, dir)
	back.before = func(op string) error {
		if op == "get" {
			return problem(ErrLocked, "", nil)
		}
		return nil
	}
	for name, err := range map[string]error{"set": k.Set(ctx, "k", secret("new", 5000)), "delete": k.Delete(ctx, "k")} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if back.items["k"] != before || !slices.Equal(files, sealedFiles(t, dir)) {
		t.Error("something was replaced")
	}
}

func ageFile(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-2 * sweepAge)
	must(t, os.Chtimes(path, old, old))
}

// The names of the steps, which who kills an agent at each of them must know (session.Steps).
func TestStepNames(t *testing.T) {
	k, _, _ := openLimited(t)
	must(t, k.Set(context.Background(), "k", secret("old", 5000)))
	var passed []string
	k.Watch(func(step string) { passed = append(passed, step) })
	must(t, k.Set(context.Background(), "k", secret("new", 5000)))
	if !slices.Equal(passed, Steps) {
		t.Errorf("passed %v, want %v", passed, Steps)
	}
}

// Two homes on one keychain, one a copy of the other: a value that is too large for an item is read by both, whoever wrote it, and each
// sweeps its own files alone. R-307
func TestSealedInAnotherHome(t *testing.T) {
	one := newWorld(t, secret("old", 5000))
	other := &world{dir: filepath.Join(t.TempDir(), "sealed"), back: one.back}
	must(t, os.CopyFS(other.dir, os.DirFS(one.dir)))
	var err error
	other.k, err = open(other.back, other.dir)
	must(t, err)
	for i, w := range []*world{one, other, one, one, other} {
		value := secret(fmt.Sprint("new", i), 5000+i)
		must(t, w.k.Set(t.Context(), "k", value))
		for _, reader := range []*world{one, other} {
			got, err := reader.k.Get(t.Context(), "k")
			if err != nil || !bytes.Equal(got, value) {
				t.Fatalf("%d: %v, %d bytes", i, err, len(got))
			}
		}
	}
	for _, w := range []*world{one, other} {
		for _, file := range sealedFiles(t, w.dir) {
			old := time.Now().Add(-2 * sweepAge)
			must(t, os.Chtimes(filepath.Join(w.dir, file), old, old))
		}
		if _, err := w.k.Sweep(t.Context(), []string{"k"}); err != nil {
			t.Error(err)
		}
	}
	if a, b := len(sealedFiles(t, one.dir)), len(sealedFiles(t, other.dir)); a != 0 || b != 1 {
		t.Errorf("%d and %d files are left, want the newest alone", a, b)
	}
	if _, err := one.k.Get(t.Context(), "k"); err != nil {
		t.Error(err)
	}
}

// A value is replaced by another home between the look at its item and at its file.
func TestReplacedWhileRead(t *testing.T) {
	one := newWorld(t, secret("old", 5000))
	other := &world{dir: one.dir, back: one.back}
	var err error
	other.k, err = open(other.back, other.dir)
	must(t, err)
	want := secret("new", 6000)
	first := true
	one.k.back = meanwhile{one.k.back, func() {
		if first {
			first = false
			must(t, other.k.Set(t.Context(), "k", want))
		}
	}}
	got, err := one.k.Get(t.Context(), "k")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, %d bytes", err, len(got))
	}
}

// meanwhile has something happen after each look at an item.
type meanwhile struct {
	backend
	then func()
}

func (m meanwhile) get(key string) (string, error) {
	text, err := m.backend.get(key)
	m.then()
	return text, err
}
