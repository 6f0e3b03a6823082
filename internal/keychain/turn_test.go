package keychain

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A hung keychain gives ErrTimeout after 5 s, holds one goroutine however many call, and works again when it wakes.
func TestHangAndRecover(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		back := newLimited()
		k, err := open(back, dir)
		must(t, err)
		must(t, k.Set(ctx, "k", []byte("old")))
		awake, inside := make(chan struct{}), new(atomic.Int32)
		back.before = func(op string) error {
			inside.Add(1)
			<-awake
			return nil
		}
		start := time.Now()
		for range 3 {
			if _, err := k.Get(ctx, "k"); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), `"k"`) {
				t.Fatalf("got %v", err)
			}
		}
		if took := time.Since(start); took != 3*patience {
			t.Errorf("took %v, want %v each", took, patience)
		}
		if n := inside.Load(); n != 1 {
			t.Errorf("%d calls are stuck in the keychain, want 1", n)
		}
		if _, err := k.Probe(ctx, false); !errors.Is(err, ErrTimeout) {
			t.Errorf("probe: %v", err)
		}
		close(awake)
		synctest.Wait()
		got, err := k.Get(ctx, "k")
		if err != nil || string(got) != "old" {
			t.Errorf("after waking: %q, %v", got, err)
		}
	})
}

// A Set that was given up may still land; a newer one waits for it, so the newer value wins, and its sealed file is there.
func TestLateSetCannotOvertake(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		back := newLimited()
		k, err := open(back, dir)
		must(t, err)
		awake := make(chan struct{})
		back.before = func(op string) error {
			if op == "set" {
				<-awake
			}
			return nil
		}
		if err := k.Set(ctx, "k", secret("first", 5000)); !errors.Is(err, ErrTimeout) {
			t.Fatalf("got %v", err)
		}
		if n := len(sealedFiles(t, dir)); n != 1 {
			t.Fatalf("%d files; the call that may still land needs its own", n)
		}
		done := make(chan error)
		go func() { done <- k.Set(ctx, "k", secret("second", 5000)) }()
		synctest.Wait()
		close(awake)
		must(t, <-done)
		got, err := k.Get(ctx, "k")
		if err != nil || string(got) != string(secret("second", 5000)) {
			t.Errorf("%v", err)
		}
	})
}

// Attended work waits for the person, as long as the caller lives; everybody else gives up in time and says why.
func TestAttendedWaits(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		back := newLimited()
		k, err := open(back, dir)
		must(t, err)
		answered := make(chan struct{})
		back.probe = func(ctx context.Context, attended bool) error {
			if !attended {
				return problem(ErrLocked, "", nil)
			}
			select {
			case <-answered:
				return nil
			case <-ctx.Done():
				return gaveUp(ctx.Err(), "its prompt was not answered")
			}
		}
		if err := k.Set(t.Context(), "k", nil); !errors.Is(err, ErrLocked) {
			t.Errorf("unattended: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- k.Attended().Set(ctx, "k", []byte("v")) }()
		time.Sleep(time.Hour)
		if _, err := k.Get(t.Context(), "k"); !errors.Is(err, ErrTimeout) {
			t.Errorf("beside an open prompt: %v", err)
		}
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		go func() { first <- k.Attended().Set(t.Context(), "k", []byte("v")) }()
		time.Sleep(time.Hour)
		close(answered)
		must(t, <-first)
	})
}

// A long queue that moves is no hang: 100 callers at 0.2 s each (gnome-keyring with 1,000 items) all get their answer.
func TestQueueThatMoves(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		back := newLimited()
		k, err := open(back, dir)
		must(t, err)
		must(t, k.Set(t.Context(), "k", []byte("v")))
		running := 0
		back.before = func(string) error {
			if running++; running > 1 {
				t.Error("two calls at once")
			}
			time.Sleep(200 * time.Millisecond)
			running--
			return nil
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := k.Get(t.Context(), "k"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := k.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	})
}
