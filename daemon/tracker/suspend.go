package tracker

import "time"

// suspendedFor is how far the wall clock must have run ahead of, or behind, the
// monotonic one between two rounds for a suspend or a clock jump that matters here.
const suspendedFor = 30 * time.Second

// noticeSuspend takes back what is known to be fresh when the machine was suspended,
// its clock set, or the process alone stood still (SIGSTOP, a cgroup's freezer) since
// the round before. What was open then may have ended; nothing is reported, reminded
// of or escalated before it was seen to be so again.
func (t *Tracker) noticeSuspend(now time.Time) {
	last, clock := t.clock, t.Clock()
	t.lastRound, t.clock = now, clock
	ahead := clock.Suspended + clock.ClockSet - last.Suspended - last.ClockSet
	resumed := clock.ProcessResumed
	if ahead.Abs() < suspendedFor && !resumed.After(last.ProcessResumed) {
		return
	}
	t.started = now
	if resumed.After(now) {
		t.started = resumed // this round began before
	}
	t.Log.Warn("the daemon or the machine stood still, or the clock was set: nothing is reported before its check has been probed again")
	t.agenda.everything()
	t.repeats.hurry()
	for _, c := range t.checks {
		c.fresh = 0
	}
}
