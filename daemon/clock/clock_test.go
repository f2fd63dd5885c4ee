package clock

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble of synctest a goroutine is never late: time goes on when all of them
// wait. So these tests take the place of Run, and let it come late.

// bubble is how long a bubble has been there: the time since boot, in it.
func bubble() time.Duration { return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) }

// started is a Watch whose Run would tick next as it does.
func started() *Watch {
	w := New(Options{Boot: bubble})
	w.beginTick(time.Now())
	return w
}

func TestOrdinaryDelaysDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := started()
		for range 100 {
			time.Sleep(idleTick + slack - 1)
			w.beginNextTick(time.Now())
		}
		if late := w.Read().Late; late != 0 || !w.Read().ProcessResumed.IsZero() {
			t.Errorf("it was late by %v, and stood still until %v", late, w.Read().ProcessResumed)
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
			w.accountLateness(time.Now())
			w.beginNextTick(time.Now())
		}
		if late, want := span.Late(), 10*(100*time.Millisecond-busyTick); late != want {
			t.Errorf("of a second it was late by %v, want %v", late, want)
		}
		if !w.Read().ProcessResumed.IsZero() {
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
				if resumed := w.Read().ProcessResumed; resumed.Equal(now) != test.resumed || resumed.IsZero() == test.resumed {
					t.Errorf("it went on at %v", resumed)
				}
				w.beginNextTick(now) // Run comes later
				if late := span.Late(); late != test.stood {
					t.Errorf("it was late by %v, want %v", late, test.stood)
				}
				span.End()
				time.Sleep(busyTick)
				w.beginNextTick(time.Now())
				time.Sleep(idleTick)
				if w.Read().Late != test.stood || w.Read().ProcessResumed.After(now) {
					t.Errorf("after that it was late by %v, and went on at %v", w.Read().Late, w.Read().ProcessResumed)
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
		if w.spans != 0 || w.tickLength() != idleTick {
			t.Errorf("%d spans are open", w.spans)
		}
	})
}

// Run ticks every 20 ms while a span is open, and else every second.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Boot: bubble})
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
		if late := w.Read().Late; late != 0 {
			t.Errorf("it was late by %v", late)
		}
		end()
		if err := <-over; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if w.Read().Late != 0 || !w.Read().ProcessResumed.IsZero() {
			t.Error("it is late after the end")
		}
	})
}

// A machine is one whose clocks a test can set. Its monotonic clock is the bubble's.
type machine struct {
	suspended time.Duration
	set       atomic.Int64 // nanoseconds; while a Watch runs, too
}

func (m *machine) clocks() Options {
	return Options{
		Wall: func() time.Time { return time.Now().Add(m.suspended + time.Duration(m.set.Load())) },
		Boot: func() time.Duration { return bubble() + m.suspended },
	}
}

// A suspend shows between the time since boot and the monotonic clock, a clock that
// was set between the wall clock and the time since boot.
func TestSuspendsAndClockJumps(t *testing.T) {
	for name, test := range map[string]struct {
		suspended, set  time.Duration
		resumed, jumped bool
	}{
		"nothing":                    {},
		"slewing":                    {set: 500 * time.Millisecond},
		"a short suspend":            {suspended: 1900 * time.Millisecond},
		"a suspend":                  {suspended: 8 * time.Hour, resumed: true},
		"set ahead":                  {set: time.Hour, jumped: true},
		"set back":                   {set: -time.Hour, jumped: true},
		"a suspend, then set by NTP": {suspended: 8 * time.Hour, set: -3 * time.Second, resumed: true, jumped: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m machine
				w := New(m.clocks())
				time.Sleep(time.Minute)
				if r := w.Read(); !r.MachineResumed.IsZero() || !r.ClockJumped.IsZero() {
					t.Errorf("before anything happened: %+v", r)
				}
				m.suspended = test.suspended
				m.set.Store(int64(test.set))
				now := time.Now()
				r := w.Read()
				if r.Suspended != test.suspended || r.ClockSet != test.set {
					t.Errorf("it was suspended for %v and set by %v", r.Suspended, r.ClockSet)
				}
				if r.MachineResumed.Equal(now) != test.resumed || r.ClockJumped.Equal(now) != test.jumped {
					t.Errorf("it was resumed at %v, and its clock set at %v", r.MachineResumed, r.ClockJumped)
				}
				if !r.Wall.Equal(now.Add(test.suspended+test.set)) || !r.ProcessResumed.IsZero() {
					t.Errorf("it shows %v, and the process went on at %v", r.Wall, r.ProcessResumed)
				}
				time.Sleep(time.Minute)
				if later := w.Read(); later.MachineResumed != r.MachineResumed || later.ClockJumped != r.ClockJumped {
					t.Errorf("it happened once more: %+v", later)
				}
			})
		})
	}
}

// Nobody has to ask for a clock jump to be noticed when it happens.
func TestRunNoticesAClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m machine
		w := New(m.clocks())
		ctx, end := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- w.Run(ctx) }()
		synctest.Wait()
		m.set.Store(int64(time.Hour))
		jumped := time.Now()
		time.Sleep(10 * time.Minute)
		if at := w.Read().ClockJumped; at.Sub(jumped) > idleTick || at.Before(jumped) {
			t.Errorf("it was noticed at %v, %v after it was set", at, at.Sub(jumped))
		}
		end()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// Clocks that are read on both sides of a suspend are not compared.
func TestReadingsOfOneMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m machine
		clocks := m.clocks()
		wall := clocks.Wall
		var between time.Duration // a suspend after the wall clock was read
		clocks.Wall = func() time.Time {
			shown := wall()
			m.suspended += between
			between = 0
			return shown
		}
		w := New(clocks)
		between = time.Hour
		if r := w.Read(); !r.ClockJumped.IsZero() || r.MachineResumed.IsZero() || r.Suspended != time.Hour {
			t.Errorf("a suspend in the middle gives %+v", r)
		}
	})
}

func TestNilWatch(t *testing.T) {
	var w *Watch
	span := w.Begin()
	r := w.Read()
	if span.Late() != 0 || r.Late != 0 || r.Suspended != 0 || r.ClockSet != 0 ||
		!r.ProcessResumed.IsZero() || !r.MachineResumed.IsZero() || !r.ClockJumped.IsZero() {
		t.Errorf("who does not watch finds something: %+v", r)
	}
	if r.Wall.IsZero() || r.At.IsZero() {
		t.Error("who does not watch does not know the time")
	}
	span.End()
}
