package tracker

import "time"

// wokeAfter is how far the clock on the wall must have run ahead of, or behind,
// the monotonic one between two rounds for a suspend, or a step of the clock.
const wokeAfter = 30 * time.Second

// woke notices a suspend: the monotonic clock stands still in it
// (clock_gettime(2)), the one on the wall goes on. It also notices that the process
// alone stood still (SIGSTOP, a cgroup's freezer), which neither clock shows. What
// was open then may have ended; nothing is reported, reminded of or escalated
// before it was seen to be so again.
func (t *Tracker) woke(now time.Time) {
	wall := t.Wall().Round(0)
	last, lastWall := t.lastRound, t.lastWall
	t.lastRound, t.lastWall = now, wall
	slept := !last.IsZero() && (wall.Sub(lastWall)-now.Sub(last)).Abs() >= wokeAfter
	resumed := t.Resumed()
	if !slept && !resumed.After(t.awake) {
		return
	}
	t.awake, t.started = resumed, now
	if resumed.After(now) {
		t.started = resumed // this round began before
	}
	t.Log.Warn("the monitor stood still, the machine slept, or its clock was set: nothing that is open is told of before it was seen again")
	t.agenda.everything()
	for _, c := range t.checks {
		c.fresh = 0
	}
}
