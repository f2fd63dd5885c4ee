package tracker

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Observe takes a probe's result and answers how soon the next one is wanted,
// once what follows from it is journaled.
func (t *Tracker) Observe(ctx context.Context, r incident.Result) incident.Pace {
	pace, err := call(ctx, t, func(in *round) (incident.Pace, error) { return t.observe(in, r), nil })
	if err != nil {
		return incident.Pace{} // the loop is ending
	}
	return pace
}

// observe folds a result, and gives how soon the next one is wanted.
func (t *Tracker) observe(r *round, result incident.Result) incident.Pace {
	id := result.Check
	cfg, ok := t.cfg.Checks[id]
	if !ok || !cfg.Enabled {
		return incident.Pace{} // a probe that ended after its check was removed
	}
	if t.cfg.LoginLeftOut[id] {
		result.Observed &^= config.ConditionSet(config.ConditionAccount)
	}
	c := t.known(id)
	streaks, events := incident.Observe(cfg.Policy, c.state, result)
	c.state = c.state.WithCounts(streaks)
	t.published.checkChanged(c)
	failing := streaks.Failing()
	if result.Started.Before(t.clock.ProcessResumed) {
		failing = 0 // it was seen before the process stood still, and is not fresh
	}
	if c.seen(t.kept.keep(result, c.last), failing) {
		t.touch(id) // what waited for a fresh observation may be told now
	}
	t.happen(r, events)
	t.probeNeighbours(cfg, events, r)
	r.replies = append(r.replies, func() { t.tell(result) })
	if t.Feed != nil {
		r.results = append(r.results, result)
	}
	return incident.PaceOf(cfg.Policy, c.state, result.Ended)
}

// seen keeps what status shows of a check beside its incidents, and reports
// whether a condition was found failing for the first time since the start.
func (c *check) seen(r *incident.Result, failing config.Conditions) (first bool) {
	c.served = c.served || r.Observed.Has(config.ConditionService)
	unknown := r.Observed == 0 || !c.served // what works up to the login is not known to work
	if c.last == nil || unknown != c.unknown {
		c.since = r.Started
	}
	c.unknown, c.last = unknown, r
	first = c.fresh|failing != c.fresh
	c.fresh |= failing
	return first
}

// Await gives the next result of a probe of the check that begins after now,
// once it is journaled.
func (t *Tracker) Await(ctx context.Context, id config.CheckID, asked func()) (incident.Result, error) {
	answer := make(chan incident.Result, 1)
	since := time.Now()
	err := t.put(ctx, func(_ *Tracker, r *round) {
		t.awaiting[id] = append(t.awaiting[id], awaited{since, answer})
		r.replies = append(r.replies, asked)
	})
	if err != nil {
		return incident.Result{}, err
	}
	return await(ctx, t, answer)
}

// An awaited is somebody's wait for a result of a probe that begins after a time.
type awaited struct {
	since  time.Time
	answer chan<- incident.Result
}

// tell answers those who await a result of the check.
func (t *Tracker) tell(r incident.Result) {
	if len(t.awaiting[r.Check]) == 0 {
		return
	}
	waiting := t.awaiting[r.Check][:0]
	for _, a := range t.awaiting[r.Check] {
		if r.Started.Before(a.since) {
			waiting = append(waiting, a)
			continue
		}
		a.answer <- r
	}
	if len(waiting) == 0 {
		delete(t.awaiting, r.Check)
		return
	}
	t.awaiting[r.Check] = waiting
}
