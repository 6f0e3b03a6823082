package desktop

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWakesAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		raw, out := make(chan Wake), make(chan Wake)
		go coalesce(ctx, raw, out)
		begun := time.Now()
		for range 20 {
			raw <- Wake{Network: true}
			time.Sleep(10 * time.Millisecond)
		}
		raw <- Wake{Resumed: true}
		if w := <-out; w != (Wake{Resumed: true, Network: true}) || time.Since(begun) != settle {
			t.Errorf("got %v after %v", w, time.Since(begun))
		}
		synctest.Wait()
		select {
		case w := <-out:
			t.Errorf("one more: %v", w)
		case <-time.After(time.Hour):
		}
		// Nobody receives for an hour: it adds up to one.
		raw <- Wake{Network: true}
		time.Sleep(time.Hour)
		raw <- Wake{Resumed: true}
		time.Sleep(time.Hour)
		if w := <-out; w.String() != "resumed, network changed" {
			t.Errorf("got %v", w)
		}
		cancel()
		if _, ok := <-out; ok {
			t.Error("not closed at the end")
		}
	})
}

func TestClockJump(t *testing.T) {
	for _, c := range []struct {
		wall, monotonic time.Duration
		want            bool
	}{
		{30 * time.Second, 30 * time.Second, false},
		{33 * time.Second, 30 * time.Second, false}, // a late tick, a slewed clock
		{5 * time.Minute, 5 * time.Minute, false},   // a stopped process sleeps on both
		{8 * time.Hour, 30 * time.Second, true},
		{-time.Hour, 30 * time.Second, true}, // set back
	} {
		if got := jumpedBy(c.wall, c.monotonic); got != c.want {
			t.Errorf("wall %v, monotonic %v: %v", c.wall, c.monotonic, got)
		}
	}
	now := time.Now()
	if jumped(now, now.Add(time.Hour)) {
		t.Error("both clocks together are no jump")
	}
}
