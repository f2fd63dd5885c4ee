package watch

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestSettle(t *testing.T) {
	const quiet, limit = 200 * time.Millisecond, 2 * time.Second
	burst := func(n int, gap time.Duration) (at []time.Duration) {
		for i := range n {
			at = append(at, time.Duration(i)*gap)
		}
		return at
	}
	for _, c := range []struct {
		name  string
		hints []time.Duration // after the first of all
		ends  time.Duration
	}{
		{"one hint", nil, quiet},
		{"another just in time", []time.Duration{199 * time.Millisecond}, 399 * time.Millisecond},
		{"another too late", []time.Duration{201 * time.Millisecond}, quiet},
		{"1,000 files in a second", burst(1001, time.Millisecond), 1200 * time.Millisecond},
		{"a storm without end", burst(5000, time.Millisecond), limit},
		{"a drizzle without end", burst(100, 150*time.Millisecond), limit},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				hints := make(chan Reason, 1)
				go rain(ctx, hints, c.hints)
				began := time.Now()
				awaitQuiet(ctx, hints, Events, quiet, limit)
				if got := time.Since(began); got != c.ends {
					t.Errorf("settled after %v, want %v", got, c.ends)
				}
				cancel()
			})
		})
	}
}

func rain(ctx context.Context, hints chan Reason, at []time.Duration) {
	began := time.Now()
	for _, d := range at {
		select {
		case <-time.After(d - time.Since(began)):
			offerReason(hints, Events)
		case <-ctx.Done():
			return
		}
	}
}

func TestSettleKeepsTheStrongestReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, order := range [][]Reason{{Events, Overflow}, {Overflow, Events}, {Watching, Overflow, Poll}} {
			hints := make(chan Reason, 1)
			for _, r := range order[1:] {
				offerReason(hints, r)
			}
			if got := awaitQuiet(t.Context(), hints, order[0], time.Second, time.Second); got != Overflow {
				t.Errorf("%v settled as %v", order, got)
			}
		}
	})
}

func TestSettleEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		awaitQuiet(ctx, nil, Events, time.Minute, time.Hour)
		if got := time.Since(began); got != time.Millisecond {
			t.Errorf("took %v", got)
		}
	})
}

// Without events the clock can be a virtual one. The poll signals on its own, on
// time, however long nobody takes the signal, and never twice for one tick.
func TestPollSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Path: t.TempDir(), NoEvents: true})
		start(t, w)
		began := time.Now()
		var at []time.Duration
		for range 3 {
			if r := signal(t, w, time.Minute); r != Poll {
				t.Errorf("signal is %v, want %v", r, Poll)
			}
			at = append(at, time.Since(began))
		}
		time.Sleep(610 * time.Second) // virtual: a reader that is busy elsewhere
		signal(t, w, time.Second)
		signal(t, w, time.Minute)
		at = append(at, time.Since(began))
		want := []time.Duration{30 * time.Second, 60 * time.Second, 90 * time.Second, 720 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("signals at %v, want %v", at, want)
		}
		if polling, why := w.Polling(); !polling || why != "file-system events are switched off" {
			t.Errorf("Polling() = %v, %q", polling, why)
		}
	})
}

func TestAlsoSignalsOncePerNewSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Path: t.TempDir(), NoEvents: true, Poll: 1000 * time.Hour})
		w.Also([]string{"/c"})
		start(t, w)
		for _, set := range []struct {
			paths []string
			news  bool
		}{
			{[]string{"/c"}, false},
			{[]string{"/a", "/b"}, true},
			{[]string{"/b", "/a", "/b"}, false},
			{nil, true},
			{[]string{}, false},
		} {
			w.Also(set.paths)
			select {
			case r := <-w.C():
				if !set.news || r != Watching {
					t.Errorf("Also(%q) led to the signal %v", set.paths, r)
				}
			case <-time.After(time.Hour):
				if set.news {
					t.Errorf("Also(%q) led to no signal", set.paths)
				}
			}
		}
	})
}

func TestReasonsAreWords(t *testing.T) {
	for r, word := range map[Reason]string{Poll: "poll", Watching: "watching", Events: "events", Overflow: "overflow"} {
		if r.String() != word {
			t.Errorf("%d is %q, want %q", int(r), r, word)
		}
	}
}
