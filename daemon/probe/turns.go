package probe

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// turns are the probes of one check, one after the other. A timer starts each;
// the end of each sets the timer for the next.
type turns struct {
	loop  *Loop
	id    config.CheckID
	check *config.Probe
	ctx   context.Context //nolint:containedctx // of the Run that all of this belongs to
	over  chan struct{}   // closed when nothing happens any more

	// Guarded by loop.mu.
	timer *time.Timer
	due   time.Time
	began time.Time // the last probe
	busy  bool      // a probe is running, or waits for its slot
	again bool      // another one is wanted right after it
	ended bool
	slow  bool  // the last probe was; unlike the others touched by one turn at a time, without the lock
	slot  *slot // of the probe that is running; nil: none is
}

// scheduleFirst sets the timer for the first probe.
func (t *turns) scheduleFirst() {
	t.check = filled(t.check)
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	if t.ended {
		return
	}
	first := t.loop.addCheck(t)
	t.due = time.Now().Add(first)
	t.timer = time.AfterFunc(first, t.takeTurn)
}

// probeNow wants a probe now. loop.mu is held.
func (t *turns) probeNow() {
	if t.busy {
		t.again = true
		return
	}
	t.due = time.Now()
	t.timer.Reset(0)
}

// stop ends the probe that is under way, and lets none begin any more.
func (t *turns) stop() {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	t.ended = true
	if t.slot != nil {
		t.slot.cancel(context.Canceled)
	}
	// Without a timer scheduleFirst has yet to run, and will find that all is over.
	if t.timer != nil {
		t.timer.Stop()
		t.loop.removeCheck(t)
	}
	if !t.busy {
		close(t.over)
	}
}

// takeTurn does one turn: a probe, its report, and the timer for the next.
func (t *turns) takeTurn() {
	due, ok := t.claimTurn()
	if !ok {
		return
	}
	var pace incident.Pace
	check := t.checkNow()
	if probed, ok := t.probeInSlot(due, check); ok && t.ctx.Err() == nil {
		pace = t.loop.Report(t.ctx, check, probed)
	}
	t.scheduleNext(pace)
}

// position returns the place of this node among those that probe the check.
func (t *turns) position() position {
	if t.loop.Turn == nil {
		return position{0, 1}
	}
	place, nodes := t.loop.Turn(t.id)
	return position{place, nodes}
}

// checkNow returns what this node probes of the check: one that is not the first does not log in.
func (t *turns) checkNow() *config.Probe {
	if t.check.Login == (config.Login{}) || t.position().place == 0 {
		return t.check
	}
	check := *t.check
	check.Login = config.Login{}
	return &check
}

// claimTurn makes sure that no two probes of a check run at a time.
func (t *turns) claimTurn() (due time.Time, ok bool) {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	if t.ended || t.busy {
		return time.Time{}, false
	}
	t.busy = true
	return t.due, true
}

// probeInSlot waits for a slot and probes in it. The slot is given back before the probe is
// reported: a tracker that is slow must not keep others from probing. It is not ok when the check
// was stopped meanwhile.
func (t *turns) probeInSlot(due time.Time, check *config.Probe) (probed verdict.Probe, ok bool) {
	for {
		s := t.loop.slots.enter(t.ctx, t.slow, quickFor(t.check))
		if s == nil {
			return probed, false
		}
		began := t.noteStart(due, s)
		probed = t.probeApart(s, check)
		counts := t.loop.slots.leave(s)
		// A probe that had to make room waits among the slow ones the next time.
		t.slow = !counts || time.Since(began) >= quickFor(t.check)
		if counts || t.ctx.Err() != nil {
			return probed, counts
		}
		t.loop.mu.Lock()
		t.slot = nil
		t.loop.mu.Unlock()
	}
}

// probeApart probes on a stack of its own, which is gone when the probe is over. A
// conversation grows a stack to 8 or 16 KiB, and 10,000 checks that fail within a
// second wait here together until the tracker has taken their results.
func (t *turns) probeApart(s *slot, check *config.Probe) verdict.Probe {
	probed := make(chan verdict.Probe, 1)
	go func() { probed <- t.loop.Probe(s, t.id, *check) }()
	return <-probed
}

// noteStart notes that a probe begins.
func (t *turns) noteStart(due time.Time, s *slot) (now time.Time) {
	now = time.Now()
	t.loop.mu.Lock()
	t.began, t.slot = now, s
	// If stop came before there was a slot to cancel, this probe must end all the same.
	if t.ended {
		s.cancel(context.Canceled)
	}
	t.loop.mu.Unlock()
	if t.loop.Lag != nil {
		t.loop.Lag(t.id, max(0, now.Sub(due)))
	}
	return now
}

// lateBy returns how long ago a probe should have begun: the one that waits for its
// slot, or the one after that which runs. loop.mu is held.
func (t *turns) lateBy(now time.Time) time.Duration {
	due := t.due
	if t.slot != nil {
		due = t.began.Add(t.check.Interval)
	}
	return max(0, now.Sub(due))
}

// scheduleNext ends a turn and sets the timer for the next one.
func (t *turns) scheduleNext(pace incident.Pace) {
	now := time.Now()
	pause := pauseAfter(t.id, t.position(), t.check, pace, now)
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	t.busy, t.slot = false, nil
	if t.ended {
		close(t.over)
		return
	}
	if t.again {
		// A probe was asked for while this one ran, which may have begun too early to see the
		// change.
		t.again, pause = false, 0
	}
	t.due = now.Add(pause)
	t.timer.Reset(pause)
}
