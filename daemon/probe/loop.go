package probe

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// DefaultLimit is how many probes run at once unless max_concurrent_probes says
// otherwise.
const DefaultLimit = 512

// A Loop probes checks again and again, each at its own pace and never twice at
// a time. One Loop serves all checks. The fields are set before the first Run.
type Loop struct {
	// Probe is one probe: [Prober.Probe].
	Probe func(ctx context.Context, id config.CheckID, check config.Probe) verdict.Probe
	// Report takes a probe and says how soon the next one is wanted. A probe whose
	// context was cancelled meanwhile is not reported.
	Report func(ctx context.Context, check *config.Probe, p verdict.Probe) incident.Pace
	// Lag, if set, hears how much later than planned each probe begins. One that
	// had to make room for others begins twice.
	Lag func(id config.CheckID, late time.Duration)
	// Turn says of which place among how many nodes that probe a check this one is: the nodes of a
	// check probe one after the other, evenly over the interval, and the first alone logs in, so that
	// no account has more sessions than on a single machine. It may say another thing at any time;
	// nil: this is the only one.
	Turn func(id config.CheckID) (place, nodes int)
	// Limit is how many probes run at once; 0: DefaultLimit. Servers that hang get
	// at most half of that while others are due.
	Limit int

	mu      sync.Mutex
	slots   *slots
	running map[config.CheckID]*turns
	ended   map[config.CheckID]time.Time // checks that ran before, and until when
	many    int                          // so many of them are worth a look which are long gone
	second  time.Time                    // in which restarts are counted
	begun   int
}

// Run probes one check until ctx is cancelled. It is started anew when the
// check has changed, and then probes at once; a check it has not seen before
// gets its first probe within min(interval, 10 s), spread by a hash of the id.
func (l *Loop) Run(ctx context.Context, id config.CheckID, check config.Probe) {
	l.Runner()(ctx, id, &check)
}

// Runner returns Run for those who keep a goroutine for each of very many checks. All that such a
// goroutine does is wait for the end, so that its stack never grows beyond the 2 KiB it was born
// with; timers start the probes, each in a goroutine that ends with it. A copy of the check on
// every stack would double it (measured: 204 MB of stacks at 100,000 checks, against 392 MB).
// Nobody changes the check.
func (l *Loop) Runner() func(context.Context, config.CheckID, *config.Probe) {
	return func(ctx context.Context, id config.CheckID, check *config.Probe) {
		t := &turns{loop: l, id: id, check: check, ctx: ctx, over: make(chan struct{})}
		go t.scheduleFirst() // on a stack of its own, so that this one stays small
		<-ctx.Done()
		go t.stop()
		<-t.over
	}
}

// Wake has a check probed at once, or once more if it is being probed just now. It does nothing for
// a check that is not running.
func (l *Loop) Wake(id config.CheckID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.running[id]; t != nil {
		t.probeNow()
	}
}

// Next returns when a check is due, or was due if it is being probed just now; zero when it is not
// running.
func (l *Loop) Next(id config.CheckID) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.running[id]; t != nil {
		return t.due
	}
	return time.Time{}
}

// A Wait is a check whose next probe should have begun.
type Wait struct {
	Check    config.CheckID
	Interval time.Duration
	For      time.Duration // how long ago; the time of a suspend does not count
}

// Waiting returns the checks whose probe is due and has not begun, in no order. A probe that goes
// on when the next should have begun counts too: it cannot, so something is stuck.
func (l *Loop) Waiting() (list []Wait) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, t := range l.running {
		if late := t.lateBy(now); late > 0 {
			list = append(list, Wait{id, t.check.Interval, late})
		}
	}
	return list
}

// Stuck reports whether a check has been due for longer than that while no probe
// is under way, or only such that should have ended as long ago. A probe that may
// still take its time, be it the only one, is no standstill.
func (l *Loop) Stuck(longer time.Duration) bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	stuck := false
	for _, t := range l.running {
		end := t.due
		if t.slot != nil {
			end = t.began.Add(t.check.Timeout)
		}
		if late := now.Sub(end); late > longer {
			stuck = true
		} else if t.slot != nil {
			return false
		}
	}
	return stuck
}

// addCheck makes a check one of those that are running, and returns the pause before its first
// probe. l.mu is held.
func (l *Loop) addCheck(t *turns) (first time.Duration) {
	l.makeSlots()
	l.running[t.id] = t
	first = firstAfter(t.id, t.check.Interval)
	if _, again := l.ended[t.id]; again {
		delete(l.ended, t.id)
		if l.fewRestarted() {
			first = 0
		}
	}
	return first
}

// makeSlots makes what all checks share, once the fields are set. l.mu is held.
func (l *Loop) makeSlots() {
	if l.slots == nil {
		l.slots = newSlots(cmp.Or(max(0, l.Limit), DefaultLimit))
		l.running, l.ended = map[config.CheckID]*turns{}, map[config.CheckID]time.Time{}
	}
}

// fewRestarted reports whether so few checks were restarted in this second that another
// one may be probed at once: a default that changed for all checks must not
// make a stampede. l.mu is held.
func (l *Loop) fewRestarted() bool {
	const atOnce = 100
	if now := time.Now(); now.Sub(l.second) >= time.Second {
		l.second, l.begun = now, 0
	}
	l.begun++
	return l.begun <= atOnce
}

// removeCheck notes that a check runs no more, and when it ended. l.mu is held.
func (l *Loop) removeCheck(t *turns) {
	if l.running[t.id] == t {
		delete(l.running, t.id)
		l.ended[t.id] = time.Now()
		l.forgetGone()
	}
}

// forgetGone forgets checks that ended 10 minutes ago or more: one that comes back later is like a
// new one. l.mu is held.
func (l *Loop) forgetGone() {
	const longAgo = 10 * time.Minute
	if len(l.ended) < l.many {
		return
	}
	for id, at := range l.ended {
		if time.Since(at) > longAgo {
			delete(l.ended, id)
		}
	}
	// Doubled, so that these walks cost each check the same, however many checks come and go.
	l.many = 100 + 2*len(l.ended)
}

// Try has something probe in a slot, as slow checks do: it takes none from those that are quick. It
// returns the error of ctx when that ends before there is a slot. What is probed is not reported.
func (l *Loop) Try(ctx context.Context, probe func(context.Context)) error {
	l.mu.Lock()
	l.makeSlots()
	l.mu.Unlock()
	s := l.slots.enter(ctx, true, 0)
	if s == nil {
		return ctx.Err()
	}
	defer l.slots.leave(s)
	// The slot's context is another one; see enter.
	defer context.AfterFunc(ctx, func() { s.cancel(ctx.Err()) })()
	probe(s)
	return ctx.Err()
}
