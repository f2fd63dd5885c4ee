// Package clock watches what befalls the time of this process, for all who judge by
// time. It is the one place that compares clocks:
//
//   - The process does not get to run when it should. A process that is starved of
//     processor time, swapped out, stopped (SIGSTOP), or frozen (a cgroup's freezer, a
//     virtual machine that is stunned) reads answers late and lets timeouts run out,
//     and servers look broken then although they are not.
//   - The machine was suspended. Go's monotonic clock stands still meanwhile, the time
//     since boot goes on (CLOCK_MONOTONIC and CLOCK_BOOTTIME, clock_gettime(2)).
//   - Somebody set the wall clock. Neither of the other two shows that.
//
// It measures lateness with a goroutine that wants to run every few milliseconds while
// somebody has a [Span] open, and every second otherwise. What it is late by is
// the lateness of the process: of the kernel, which gave it no processor, and of
// Go's scheduler, where other goroutines ran first. Ordinary delays, below 25 ms,
// do not count.
//
// It decides nothing: what a suspend means for an incident, or a clock jump for a
// certificate, is said by whoever asks. A caller may rely on this: no method waits, and
// whatever has just happened is seen by whoever asks first.
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
	// jump is the least difference between two clocks that is a suspend or a clock
	// jump; slewing by NTP stays far below, at most 500 ppm (adjtimex(2)).
	jump = 2 * time.Second
	// together is how far apart clocks may be read that are to be compared.
	together = 100 * time.Millisecond
)

// Options are the clocks of the machine. The zero value works.
type Options struct {
	// Wall is the wall clock; nil: time.Now.
	Wall func() time.Time
	// Boot is the time since the machine was booted, suspends included; nil:
	// CLOCK_BOOTTIME, clock_gettime(2).
	Boot func() time.Duration
}

// A Reading is what the clocks show at one moment, and what has befallen them since
// [New]. The zero times: it never has.
type Reading struct {
	// At is the moment by the monotonic clock, and Wall by the wall clock.
	At, Wall time.Time
	// Late is by how much the process was late so far, all delays together.
	Late time.Duration
	// ProcessResumed is when the process went on last after it had stood still for
	// [StoodStill] or longer, the machine being awake.
	ProcessResumed time.Time
	// Suspended is how long the machine was suspended so far, all together, and
	// MachineResumed when that was noticed last.
	Suspended      time.Duration
	MachineResumed time.Time
	// ClockSet is how far ahead (negative: back) the wall clock was set so far, all
	// together, and ClockJumped when it was noticed last that it was set by more than
	// two seconds at once.
	ClockSet    time.Duration
	ClockJumped time.Time
}

// Undisturbed returns a Reading of a machine to which nothing ever happens.
func Undisturbed() Reading {
	now := time.Now()
	return Reading{At: now, Wall: now.Round(0)}
}

// A Watch compares the clocks of this machine, and measures the lateness of this
// process. Its methods may be called by several goroutines at once; those of a nil
// Watch find nothing.
type Watch struct {
	clocks Options
	start  moment
	poke   chan struct{} // has Run tick sooner

	mu    sync.Mutex
	due   time.Time // when the next tick should come; zero: Run is not running
	last  Reading
	spans int // open ones
}

// A moment is what the clocks of the machine show at the same time.
type moment struct {
	at, wall time.Time
	boot     time.Duration
}

// New makes a Watch. It notices suspends and clock jumps when somebody asks, and
// measures lateness while Run runs.
func New(o Options) *Watch {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Boot == nil {
		o.Boot = sinceBoot
	}
	w := &Watch{clocks: o, poke: make(chan struct{}, 1)}
	w.start = w.clocks.readClocks()
	w.last.At, w.last.Wall = w.start.at, w.start.wall
	return w
}

// readClocks reads all clocks. Where the process is stopped, or the machine suspended,
// between two of them they are not of one moment, and what they show would look like
// a clock that was set: then they are read again.
func (o Options) readClocks() (m moment) {
	const tries = 3
	for range tries { // not for ever: a starved process may be stopped each time
		before := o.Boot()
		m = moment{at: time.Now(), wall: o.Wall().Round(0), boot: o.Boot()}
		if m.boot-before < together {
			break
		}
	}
	return m
}

// Run measures until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	timer := time.NewTimer(w.beginTick(time.Now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.mu.Lock()
			// From now on nobody ticks, and nothing can be late.
			w.due = time.Time{}
			w.mu.Unlock()
			return nil
		case <-w.poke:
		case <-timer.C:
			w.accountLateness(time.Now())
			// A goroutine whose timer is due runs before others; now it waits in
			// line as a goroutine does whose data has come.
			runtime.Gosched()
		}
		timer.Reset(w.beginNextTick(time.Now()))
	}
}

func (w *Watch) beginTick(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = now.Add(w.tickLength())
	return w.tickLength()
}

// beginNextTick accounts for the tick that is over, and returns the time until the next.
func (w *Watch) beginNextTick(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLateness(now)
	w.compareClocks()
	w.due = now.Add(w.tickLength())
	return w.tickLength()
}

// tickLength returns how long the next tick takes. w.mu is held.
func (w *Watch) tickLength() time.Duration {
	if w.spans > 0 {
		return busyTick
	}
	return idleTick
}

// accountLateness adds what the present tick is late by.
func (w *Watch) accountLateness(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLateness(now)
}

// addLateness adds what the present tick is late by. w.mu is held.
func (w *Watch) addLateness(now time.Time) {
	if w.due.IsZero() {
		return
	}
	late := now.Sub(w.due)
	if late < slack {
		return
	}
	// Late is only added to: readers compare two readings.
	w.last.Late += late
	w.due = now // it counts once
	if late >= StoodStill {
		w.last.ProcessResumed = now
	}
}

// compareClocks notices a suspend and a clock jump since the last time. w.mu is held.
func (w *Watch) compareClocks() {
	now, r := w.clocks.readClocks(), &w.last
	// Totals since the start, and not a sum of steps: so the errors of readings do not
	// add up.
	booted := now.boot - w.start.boot
	suspended := booted - now.at.Sub(w.start.at)
	set := now.wall.Sub(w.start.wall) - booted
	if suspended-r.Suspended > jump {
		r.MachineResumed = now.at
	}
	if (set - r.ClockSet).Abs() > jump {
		r.ClockJumped = now.at
	}
	r.At, r.Wall, r.Suspended, r.ClockSet = now.at, now.wall, suspended, set
}

// Read reads the clocks, and returns what has befallen them.
func (w *Watch) Read() Reading {
	if w == nil {
		return Undisturbed()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLateness(time.Now())
	w.compareClocks()
	return w.last
}

// lateness returns by how much the process was late so far, all delays together. The
// share of it in a while says how much of that while the process stood.
func (w *Watch) lateness() time.Duration {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLateness(time.Now())
	return w.last.Late
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
	w.addLateness(now)
	w.spans++
	// Run may be asleep for up to a second, and would notice a standstill too late.
	if soon := now.Add(busyTick); soon.Before(w.due) {
		w.due = soon
		select {
		case w.poke <- struct{}{}:
		default:
		}
	}
	return Span{w, w.last.Late}
}

// Late returns by how much the process was late since the span began, all delays
// together.
func (s Span) Late() time.Duration { return s.watch.lateness() - s.late }

// End closes the span.
func (s Span) End() {
	if w := s.watch; w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spans--
	}
}
