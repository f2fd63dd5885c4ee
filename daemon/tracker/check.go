package tracker

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A check is what is known of one check while this process runs. There may be 100,000, so
// what is small stands together.
type check struct {
	state   incident.State
	last    *incident.Result  // of the last probe; nil before it
	since   time.Time         // of the current health, when nothing is live
	woken   time.Duration     // after Tracker.wokenFrom, when it was probed last for the sake of another check
	place   int32             // among the published checks, from 1; 0: it is not in the files
	fresh   config.Conditions // found failing since the start, or the last suspend
	unknown bool              // the last probe could not judge
	served  bool              // the service was observed since the start
	changed bool              // since the last snapshot
}

// ensureCheck returns what is known of a check, which is nothing yet for one that nobody
// has asked for before.
func (t *Tracker) ensureCheck(id config.CheckID) *check {
	c, ok := t.checks[id]
	if !ok {
		c = &check{place: int32(placeIn(t.published.next.roster, id))}
		t.checks[id] = c
	}
	return c
}

// isFresh reports whether an incident's condition was found failing since the start, or
// the last suspend. The monitor always knows of itself, except whether messages arrive,
// which it has to try first.
func (t *Tracker) isFresh(id incident.ID) bool {
	rec, ok := t.ledger.records[id]
	switch {
	case ok && rec.incident.Check == Messages.check():
		// By then an opening has arrived, or counts as undelivered.
		return t.lastRound.Sub(t.started) >= outbox.FallbackAfter
	case !ok || isTrouble(rec.incident.Check):
		return true
	}
	c, ok := t.checks[rec.incident.Check]
	return ok && c.fresh.Has(rec.incident.Condition)
}

// stateOf returns the incidents of a check.
func (t *Tracker) stateOf(id config.CheckID) incident.State {
	if c, ok := t.checks[id]; ok {
		return c.state
	}
	return incident.State{}
}

// policyOf returns the policy of a check; zero: it is not in the files.
func (t *Tracker) policyOf(id config.CheckID) config.Policy {
	if c, ok := t.cfg.Checks[id]; ok {
		return c.Policy
	}
	return config.Policy{}
}
