package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// confirmations is how many equal observations in a row confirm a failure or a
// recovery, beside the tolerance in time: one alone may be a lost packet.
const confirmations = 2

// Counts are what [Observe] returns beside events: how many observations of each
// condition were equal, and the observations of the last half hour. They are volatile;
// see [State.WithCounts].
type Counts struct {
	list    []consecutive
	failing config.Conditions
	history serviceHistory
}

// WithCounts returns s with the counts of the last observation. They are not
// journaled: a restart gathers them afresh.
func (s State) WithCounts(k Counts) State {
	s.counts = k
	return s
}

// Failing returns the conditions that the last result found to fail.
func (k Counts) Failing() config.Conditions { return k.failing }

// Observe returns what a result means for a check: the events to be journaled and then
// applied, and the new counts. A result that observed nothing, because the monitor
// itself was at fault, changes nothing.
func Observe(p config.Policy, s State, r Result) (Counts, []Event) {
	// failing is that of this result alone, so it begins empty.
	k := Counts{history: s.counts.history}
	if r.Observed == 0 {
		k.list = s.counts.list
		return k, nil
	}
	k.history.record(r)
	if len(r.Findings) == 0 && k.history.failed == 0 && !s.Live() {
		return k, nil // the common case: well, and nothing to get over
	}
	r = k.history.withIntermittent(s, r)
	r = withoutLocation(r)
	k.list = make([]consecutive, 0, len(s.counts.list)+1)
	for _, other := range s.counts.list {
		// What this result did not observe keeps its count.
		if !r.Observed.Has(other.condition) {
			k.list = append(k.list, other)
		}
	}
	var events []Event
	for c := range r.Observed.All() {
		o := observation{policy: p, result: r, condition: c, consecutive: s.consecutive(c), since: r.Since(c)}
		o.incident, o.known = s.Incident(c)
		if c == config.ConditionIntermittent {
			// It began before this probe, up to half an hour ago.
			o.since = k.history.firstFailure(o.incident, r.Started)
		}
		events = append(events, o.decideEvents()...)
		if o.consecutive.failed > 0 || o.consecutive.good > 0 {
			k.list = append(k.list, o.consecutive)
		}
		if o.failed {
			k.failing |= config.ConditionSet(c)
		}
	}
	return k, append(events, mergeLocation(s, events, k, r.Ended)...)
}

// An observation is what one result says of one condition, beside what is known of that.
type observation struct {
	policy      config.Policy
	result      Result
	condition   config.Condition
	incident    Incident
	known       bool
	consecutive consecutive
	since       time.Time // when it began, if it begins now
	failed      bool      // as decide has found
}

// decideEvents returns what the observation means, and counts it.
func (o *observation) decideEvents() []Event {
	finding, bad := o.worstFinding()
	live := o.known && o.incident.Live()
	if bad && finding.Health == Unknown {
		return nil // nothing worse was seen, and whether it is well nobody knows
	}
	o.failed = bad
	switch {
	case bad && !live:
		return o.beginsToFail(finding)
	case bad:
		return o.keepsFailing(finding)
	case live:
		return o.observesRecovery()
	}
	o.consecutive = consecutive{condition: o.condition}
	return nil
}

// worstFinding returns the worst finding of the condition.
func (o *observation) worstFinding() (worst Finding, found bool) {
	for _, f := range o.result.Findings {
		if f.Condition == o.condition && (!found || f.WorseThan(worst)) {
			worst, found = f, true
		}
	}
	return worst, found
}

// WorseThan reports whether f is worse news than g of the same condition.
func (f Finding) WorseThan(g Finding) bool {
	if f.Health != g.Health {
		return f.Health.rank() > g.Health.rank()
	}
	return f.Grade > g.Grade
}

// sameStateAs reports whether f says the same as g, whatever the words.
func (f Finding) sameStateAs(g Finding) bool {
	return f.Phase == g.Phase && f.Cause == g.Cause && f.Health == g.Health && f.Grade == g.Grade
}

// beginsToFail returns the event of a first failed observation. The tolerance is counted
// from when its probe began.
func (o *observation) beginsToFail(f Finding) []Event {
	o.consecutive = consecutive{condition: o.condition, failed: 1}
	e := o.newEvent(Failing)
	e.Since, e.Finding, e.Target = o.since, &f, o.result.Target
	// Of what replay knows, too: no counter and no randomness.
	e.Incident = newID(o.result.Check, o.condition, e.Since)
	if o.known && o.reopensIncident() {
		e.Incident = o.incident.ID
	}
	return []Event{e}
}

// reopensIncident reports whether a failure is a further episode of the last incident,
// since it comes soon after the recovery. An incident that was forgotten before anybody
// heard of it is over for good: its start would be a false one for what comes later.
func (o *observation) reopensIncident() bool {
	in := o.incident
	// One that was removed or paused did not end by itself, so nothing has come back. One that was merged
	// has, when the outage ends and some nodes see it fail still.
	recovered := in.ClosedAs == Recovered || in.ClosedAs == Altered || in.ClosedAs == Merged
	return recovered && in.Reported > 0 && in.Target == o.result.Target &&
		o.result.Started.Sub(in.ClosedAt) <= o.policy.ReopenWithin && o.policy.ReopenWithin > 0
}

// keepsFailing returns the events of a further failed observation of a live incident.
func (o *observation) keepsFailing(f Finding) (events []Event) {
	in := o.incident
	if in.recovering() {
		o.consecutive = consecutive{condition: o.condition}
		e := o.newEvent(Relapsed)
		e.Finding = &f
		events = append(events, e)
	}
	o.consecutive.good = 0
	o.consecutive.failed++
	switch {
	case in.Unconfirmed && toleranceIsOver(in.FailingSince, o.result.Ended, in.faultTolerance(o.policy)) && o.consecutive.failed >= confirmations:
		e := o.newEvent(Opened)
		e.Finding, e.Since = &f, in.FailingSince
		return append(events, e)
	case in.Unconfirmed:
		return events // the opening will say the cause
	// That it fails is certain, so worse news is told without being confirmed.
	case f.WorseThan(in.Finding):
		o.consecutive.other, o.consecutive.otherSeen = "", 0
		e := o.newEvent(Worsened)
		e.Finding = &f
		return append(events, e)
	}
	return append(events, o.confirmOtherCause(f)...)
}

// toleranceIsOver reports whether a tolerance that began at since is over. A beginning
// that lies ahead was noted by a clock that has been set back meanwhile: nobody
// knows how long ago it was, and waiting for it would be silence, perhaps for a
// year, so the confirming observations alone decide.
func toleranceIsOver(since, now time.Time, tolerance time.Duration) bool {
	passed := now.Sub(since)
	return passed >= tolerance || passed < 0
}

// confirmOtherCause returns the event that the cause is another one now, once that is
// confirmed, so that a server with alternating symptoms does not fill the journal.
func (o *observation) confirmOtherCause(f Finding) []Event {
	if f.sameStateAs(o.incident.Finding) {
		o.consecutive.other, o.consecutive.otherSeen = "", 0
		return nil
	}
	if f.Cause != o.consecutive.other {
		o.consecutive.other, o.consecutive.otherSeen = f.Cause, 0
	}
	if o.consecutive.otherSeen++; o.consecutive.otherSeen < confirmations {
		return nil
	}
	o.consecutive.other, o.consecutive.otherSeen = "", 0
	e := o.newEvent(CauseChanged)
	e.Finding = &f
	return []Event{e}
}

// observesRecovery returns the events of a good observation of a live incident.
func (o *observation) observesRecovery() []Event {
	in := o.incident
	if !in.recovering() {
		o.consecutive = consecutive{condition: o.condition, good: 1}
		e := o.newEvent(Recovering)
		e.Since = laterOf(o.wellSince(), in.FailingSince) // a clock may have been set back
		return []Event{e}
	}
	o.consecutive.failed = 0
	o.consecutive.good++
	if !toleranceIsOver(in.WellSince, o.result.Ended, in.recoveryTolerance(o.policy)) || o.consecutive.good < confirmations {
		return nil
	}
	e := o.newEvent(Closed)
	e.Since, e.ClosedAs = in.WellSince, Recovered
	// What is well now is not what failed: the files name another host or port.
	if in.Target != o.result.Target {
		e.ClosedAs = Altered
	}
	o.consecutive = consecutive{condition: o.condition}
	return []Event{e}
}

// wellSince returns since when the condition is well. Who says that it is so since before it failed has not seen it
// fail, and does not know when it ended.
func (o *observation) wellSince() time.Time {
	if since := o.result.Since(o.condition); since.After(o.incident.FailingSince) {
		return since
	}
	return o.result.Started
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// newEvent returns an event about the condition that is observed.
func (o *observation) newEvent(k Kind) Event {
	return Event{
		Kind: k, At: o.result.Ended, Incident: o.incident.ID,
		Check: o.result.Check, Condition: o.condition,
	}
}
