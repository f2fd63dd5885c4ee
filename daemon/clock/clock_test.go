package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble of synctest a goroutine is never late: time goes on when all of them
// wait. So these tests take the place of Run, and let it come late.

// started is a Watch whose Run would tick next as it does.
func started() *Watch {
	w := New()
	w.begin(time.Now())
	return w
}

func TestOrdinaryDelaysDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := started()
		for range 100 {
			time.Sleep(idleTick + slack - 1)
			w.next(time.Now())
		}
		if late := w.Lateness(); late != 0 || !w.Resumed().IsZero() {
			t.Errorf("it was late by %v, and stood still until %v", late, w.Resumed())
		}
	})
}

// With a quota of 2 % a process stands for 98 of 100 milliseconds.
func TestStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := started()
		span := w.Begin()
		defer span.End()
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			w.account(time.Now())
			w.next(time.Now())
		}
		if late, want := span.Late(), 10*(100*time.Millisecond-busyTick); late != want {
			t.Errorf("of a second it was late by %v, want %v", late, want)
		}
		if !w.Resumed().IsZero() {
			t.Error("it counts as having stood still")
		}
	})
}

// Whoever asks first after the process stood still is told so, and it counts once.
func TestStoodStill(t *testing.T) {
	for name, test := range map[string]struct {
		stood   time.Duration
		resumed bool
	}{
		"for a moment": {1900 * time.Millisecond, false},
		"for long":     {40 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := started()
				span := w.Begin()
				time.Sleep(busyTick + test.stood)
				now := time.Now()
				if resumed := w.Resumed(); resumed.Equal(now) != test.resumed || resumed.IsZero() == test.resumed {
					t.Errorf("it went on at %v", resumed)
				}
				w.next(now) // Run comes later
				if late := span.Late(); late != test.stood {
					t.Errorf("it was late by %v, want %v", late, test.stood)
				}
				span.End()
				time.Sleep(busyTick)
				w.next(time.Now())
				time.Sleep(idleTick)
				if w.Lateness() != test.stood || w.Resumed().After(now) {
					t.Errorf("after that it was late by %v, and went on at %v", w.Lateness(), w.Resumed())
				}
			})
		})
	}
}

// A span knows of its own time only: not of delays before it, and of those that go
// on at its end.
func TestSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := started()
		time.Sleep(idleTick + time.Second)
		first := w.Begin()
		time.Sleep(busyTick + time.Second)
		second := w.Begin()
		time.Sleep(time.Second)
		if a, b := first.Late(), second.Late(); a != busyTick+2*time.Second || b != time.Second { // Run was late when they began
			t.Errorf("they were late by %v and %v", a, b)
		}
		first.End()
		second.End()
		if w.spans != 0 || w.tick() != idleTick {
			t.Errorf("%d spans are open", w.spans)
		}
	})
}

// Run ticks every 20 ms while a span is open, and else every second.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		ctx, end := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- w.Run(ctx) }()
		due := func() time.Duration {
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			return time.Until(w.due)
		}
		if d := due(); d != idleTick {
			t.Errorf("the first tick is due in %v", d)
		}
		time.Sleep(300 * time.Millisecond)
		span := w.Begin()
		if d := due(); d != busyTick {
			t.Errorf("with a span, the next tick is due in %v", d)
		}
		time.Sleep(time.Minute)
		span.End()
		time.Sleep(2 * busyTick)
		if d := due(); d <= busyTick {
			t.Errorf("without a span, the next tick is due in %v", d)
		}
		if late := w.Lateness(); late != 0 {
			t.Errorf("it was late by %v", late)
		}
		end()
		if err := <-over; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if w.Lateness() != 0 || !w.Resumed().IsZero() {
			t.Error("it is late after the end")
		}
	})
}

func TestNilWatch(t *testing.T) {
	var w *Watch
	span := w.Begin()
	if span.Late() != 0 || w.Lateness() != 0 || !w.Resumed().IsZero() {
		t.Error("who does not watch finds something")
	}
	span.End()
}
