// Package clock watches whether this process gets to run when it should. A
// process that is starved of processor time, swapped out, stopped (SIGSTOP), or
// frozen (a cgroup's freezer, a virtual machine that is stunned) reads answers
// late and lets timeouts run out, and servers look broken then although they are
// not. Whoever judges by time asks here first.
//
// It measures with a goroutine that wants to run every few milliseconds while
// somebody has a [Span] open, and every second otherwise. What it is late by is
// the lateness of the process: of the kernel, which gave it no processor, and of
// Go's scheduler, where other goroutines ran first. Ordinary delays, below 25 ms,
// do not count.
//
// It decides nothing about servers, and knows nothing of suspends and of clocks
// that are set: the monotonic clock, by which it measures, does not show them
// (clock_gettime(2)). A caller may rely on this: no method waits, and a process
// that has just been let go on is seen to have stood still by whoever asks first.
package clock

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// busyTick is how often the process is looked at while a span is open. With
	// 2 % of a processor, a cgroup's quota leaves a process standing for 98 of 100
	// milliseconds: ticks must be shorter than that.
	busyTick = 20 * time.Millisecond
	// idleTick is the same while there is none: enough to notice that the process
	// stood still, and no load.
	idleTick = time.Second
	// slack is what a tick may be late by. On two processors with a load of 10,
	// ticks of a process that needs little were late by at most 18 ms (measured).
	slack = 25 * time.Millisecond
	// StoodStill is the least lateness of a process that stood still. What was
	// known of servers before it is to be found out again.
	StoodStill = 2 * time.Second
)

// A Watch measures the lateness of this process. Its methods may be called by
// several goroutines at once; those of a nil Watch find none.
type Watch struct {
	poke chan struct{} // has Run tick sooner

	mu      sync.Mutex
	due     time.Time     // when the next tick should come; zero: Run is not running
	late    time.Duration // by which ticks were late so far, all of them together
	resumed time.Time     // when the process went on last after it had stood still
	spans   int           // open ones
}

// New makes a Watch. It measures while Run runs.
func New() *Watch { return &Watch{poke: make(chan struct{}, 1)} }

// Run measures until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	timer := time.NewTimer(w.begin(time.Now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.mu.Lock()
			w.due = time.Time{}
			w.mu.Unlock()
			return nil
		case <-w.poke:
		case <-timer.C:
			w.account(time.Now())
			// A goroutine whose timer is due runs before others; now it waits in
			// line as a goroutine does whose data has come.
			runtime.Gosched()
		}
		timer.Reset(w.next(time.Now()))
	}
}

func (w *Watch) begin(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = now.Add(w.tick())
	return w.tick()
}

// next accounts for the tick that is over, and gives the time until the next.
func (w *Watch) next(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(now)
	w.due = now.Add(w.tick())
	return w.tick()
}

// tick is how long the next tick takes. w.mu is held.
func (w *Watch) tick() time.Duration {
	if w.spans > 0 {
		return busyTick
	}
	return idleTick
}

// account adds what the present tick is late by.
func (w *Watch) account(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(now)
}

// add is account. w.mu is held.
func (w *Watch) add(now time.Time) {
	if w.due.IsZero() {
		return
	}
	late := now.Sub(w.due)
	if late < slack {
		return
	}
	w.late += late
	w.due = now // it counts once
	if late >= StoodStill {
		w.resumed = now
	}
}

// Lateness gives by how much the process was late since Run began, all delays
// together. The share of it in a while says how much of that while the process
// stood.
func (w *Watch) Lateness() time.Duration {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(time.Now())
	return w.late
}

// Resumed gives when the process went on last after it had stood still for
// [StoodStill] or longer; zero: it never has.
func (w *Watch) Resumed() time.Time {
	if w == nil {
		return time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(time.Now())
	return w.resumed
}

// A Span is a while in which it is measured closely how late the process is. The
// zero Span measures nothing.
type Span struct {
	watch *Watch
	late  time.Duration // of the watch, at the beginning
}

// Begin opens a span; it has to be ended.
func (w *Watch) Begin() Span {
	if w == nil {
		return Span{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.add(now)
	w.spans++
	if soon := now.Add(busyTick); soon.Before(w.due) {
		w.due = soon
		select {
		case w.poke <- struct{}{}:
		default:
		}
	}
	return Span{w, w.late}
}

// Late gives by how much the process was late since the span began, all delays
// together.
func (s Span) Late() time.Duration { return s.watch.Lateness() - s.late }

// End closes the span.
func (s Span) End() {
	if w := s.watch; w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spans--
	}
}
