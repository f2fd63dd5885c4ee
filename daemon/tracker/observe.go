package tracker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Observe takes the result of a probe and returns how soon the next one is wanted, once
// what follows from it is journaled. When the tracker has ended that is zero. A standby
// observes nothing and returns what Pace does.
func (t *Tracker) Observe(ctx context.Context, r incident.Result) incident.Pace {
	pace, err := call(ctx, t, func(in *round) (incident.Pace, error) { return t.observe(in, r), nil })
	switch {
	case errors.Is(err, ErrStandby):
		return t.Pace(ctx, r)
	case err != nil:
		return incident.Pace{} // the loop that probes is ending
	}
	return pace
}

// Take takes a result as Observe does, and does not wait. It returns false when there is no room for
// it just now, or the tracker has ended: then it is to be offered again. A standby drops it.
func (t *Tracker) Take(r incident.Result) bool {
	select {
	case <-t.done:
		return false
	default:
	}
	in := func(t *Tracker, in *round) {
		if !t.standby {
			t.observe(in, r)
		}
	}
	select {
	case t.inputs <- in:
		return true
	default:
		return false
	}
}

// observe decides what follows from a result, and returns how soon the next one is wanted.
func (t *Tracker) observe(r *round, result incident.Result) incident.Pace {
	id := result.Check
	cfg, ok := t.cfg.Checks[id]
	if !ok || !cfg.Enabled {
		return incident.Pace{} // a probe that ended after its check was removed
	}
	// While the files are in error its login may be unusable, which says nothing of the
	// account.
	if t.cfg.LoginLeftOut[id] {
		result.Observed &^= config.ConditionSet(config.ConditionAccount)
	}
	if result, ok = t.marked(result); !ok {
		return incident.Pace{}
	}
	c := t.ensureCheck(id)
	streaks, events := incident.Observe(cfg.Policy, c.state, result)
	t.salted(events)
	events = t.withWishes(r, events, &result)
	c.state = c.state.WithCounts(streaks)
	t.published.checkChanged(c)
	failing := streaks.Failing()
	if result.Newest().Before(t.clock.ProcessResumed) {
		failing = 0 // it was seen before the process stood still, and is not fresh
	}
	served := c.served
	if c.noteResult(t.kept.keep(result, c.last), failing) {
		t.touch(id) // what waited for a fresh observation may be told now
	}
	if c.served != served {
		t.touchDependents(id) // what this depends on is no longer a reason not to tell of them
	}
	t.addEvents(r, events)
	t.probeNeighbours(cfg, events, r)
	r.replies = append(r.replies, func() { t.awaiting.answer(result) })
	if t.Feed != nil {
		r.results = append(r.results, result)
	}
	return incident.PaceOf(cfg.Policy, c.state, result.Ended)
}

// marked returns a result whose findings say that this node alone sees them, while it is alone among
// several; false: it is not, and has handed over to whoever decides.
func (t *Tracker) marked(r incident.Result) (marked incident.Result, ok bool) {
	if t.Mark == nil {
		return r, true
	}
	mark := t.Mark()
	if mark == "" {
		return r, !t.handedOver
	}
	t.handedOver = false
	r.Findings = slices.Clone(r.Findings) // the result belongs to others, too
	for i := range r.Findings {
		r.Findings[i].From = mark
	}
	return r, true
}

// salted gives the incidents that begin ids of their own. One that reopens keeps the id that it has, unless that
// is one of the time before the salt: then other nodes may have it, too, and reopen it.
func (t *Tracker) salted(events []incident.Event) {
	if t.Salt == "" {
		return
	}
	for i := range events {
		e := &events[i]
		in, _ := t.stateOf(e.Check).Incident(e.Condition)
		if in.ID != e.Incident || e.Kind == incident.Failing && !in.IsSalted() {
			e.Incident = e.Incident.Salted(t.Salt)
		}
	}
}

// noteResult keeps what is shown of a check beside its incidents, and reports whether a
// condition was found failing for the first time since the start.
func (c *check) noteResult(r *incident.Result, failing config.Conditions) (first bool) {
	c.served = c.served || r.Observed.Has(config.ConditionService)
	unknown := r.Observed == 0 || !c.served // what works up to the login is not known to work
	if c.last == nil || unknown != c.unknown {
		c.since = r.Since(config.ConditionService)
	}
	c.unknown, c.last = unknown, r
	first = c.fresh|failing != c.fresh
	c.fresh |= failing
	return first
}

// Await returns the next result of a probe of the check that begins after now, once it is
// journaled. It calls asked when it is sure not to miss one.
func (t *Tracker) Await(ctx context.Context, id config.CheckID, asked func()) (incident.Result, error) {
	answer := make(chan answered[incident.Result], 1)
	since := time.Now()
	err := t.put(ctx, func(_ *Tracker, r *round) {
		if t.standby {
			answer <- answered[incident.Result]{err: ErrStandby}
			return
		}
		t.awaiting[id] = append(t.awaiting[id], wait{since, answer})
		r.replies = append(r.replies, asked)
	})
	return await(ctx, t, answer, err)
}

// waits are those who wait for a result, by check.
type waits map[config.CheckID][]wait

// A wait is one caller of Await, who asked at a time for a result of a probe that begins
// later.
type wait struct {
	since  time.Time
	answer chan<- answered[incident.Result]
}

// answer gives a result to those who wait for it.
func (w waits) answer(r incident.Result) {
	if len(w[r.Check]) == 0 {
		return
	}
	waiting := w[r.Check][:0]
	for _, one := range w[r.Check] {
		if r.Newest().Before(one.since) {
			waiting = append(waiting, one) // the probe was under way when it was asked for
			continue
		}
		one.answer <- answered[incident.Result]{value: r}
	}
	if len(waiting) == 0 {
		delete(w, r.Check)
		return
	}
	w[r.Check] = waiting
}
