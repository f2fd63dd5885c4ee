package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// confirmations is how many equal observations in a row make sure of a
// failure or of a recovery, beside the tolerance in time.
const confirmations = 2

// Streaks are what [Observe] gives back beside events: the counts of
// confirmations and the observations of the last half hour; see
// [State.Confirmed].
type Streaks struct {
	list    []streak
	failing config.Conditions
	history history
}

// Confirmed returns s with the counts of the last observation. They are not
// part of what is journaled.
func (s State) Confirmed(k Streaks) State {
	s.streaks = k
	return s
}

// Failing are the conditions that the last result found to be bad.
func (k Streaks) Failing() config.Conditions { return k.failing }

// Observe decides what a result means for a check: the events to be journaled
// and then applied, and the new counts. A result of the monitor's own trouble
// (Unknown) observes nothing and so changes nothing.
func Observe(p config.Policy, s State, r Result) (Streaks, []Event) {
	k := Streaks{history: s.streaks.history}
	if r.Observed == 0 {
		k.list = s.streaks.list
		return k, nil
	}
	k.history.note(r)
	if len(r.Findings) == 0 && k.history.failed == 0 && !s.Live() {
		return k, nil // the common case: well, and nothing to get over
	}
	r = k.history.judge(s, r)
	k.list = make([]streak, 0, len(s.streaks.list)+1)
	for _, other := range s.streaks.list {
		if !r.Observed.Has(other.condition) {
			k.list = append(k.list, other)
		}
	}
	var events []Event
	for c := range r.Observed.All() {
		o := observation{policy: p, result: r, condition: c, streak: s.streak(c), since: r.Started}
		o.incident, o.known = s.Incident(c)
		if c == config.ConditionIntermittent {
			o.since = k.history.begin(o.incident, r.Started)
		}
		events = append(events, o.decide()...)
		if o.streak.bad > 0 || o.streak.good > 0 {
			k.list = append(k.list, o.streak)
		}
		if o.failed {
			k.failing |= config.ConditionSet(c)
		}
	}
	return k, events
}

// An observation is one condition of one result beside what is known of it.
type observation struct {
	policy    config.Policy
	result    Result
	condition config.Condition
	incident  Incident
	known     bool
	streak    streak
	since     time.Time // when it began, if it begins now
	failed    bool      // as decide has found
}

func (o *observation) decide() []Event {
	finding, bad := o.finding()
	live := o.known && o.incident.Live()
	if bad && finding.Health == Unknown {
		return nil // nothing worse was seen, and whether it is well nobody knows
	}
	o.failed = bad
	switch {
	case bad && !live:
		return o.fails(finding)
	case bad:
		return o.failsOn(finding)
	case live:
		return o.isWell()
	}
	o.streak = streak{condition: o.condition}
	return nil
}

// finding gives the worst finding of the condition.
func (o *observation) finding() (worst Finding, found bool) {
	for _, f := range o.result.Findings {
		if f.Condition == o.condition && (!found || f.worse(worst)) {
			worst, found = f, true
		}
	}
	return worst, found
}

func (f Finding) worse(g Finding) bool {
	if f.Health != g.Health {
		return f.Health.rank() > g.Health.rank()
	}
	return f.Grade > g.Grade
}

// like reports whether f says the same as g, whatever the words.
func (f Finding) like(g Finding) bool {
	return f.Phase == g.Phase && f.Cause == g.Cause && f.Health == g.Health && f.Grade == g.Grade
}

// fails: the first failed observation. The clock starts when its probe began.
func (o *observation) fails(f Finding) []Event {
	o.streak = streak{condition: o.condition, bad: 1}
	e := o.event(Failing)
	e.Since, e.Finding, e.Target = o.since, &f, o.result.Target
	e.Incident = newID(o.result.Check, o.condition, e.Since)
	if o.known && o.reopens() {
		e.Incident = o.incident.ID
	}
	return []Event{e}
}

// reopens: failing again soon after a recovery is the same incident. One that
// was forgotten before anybody heard of it is over for good: its start would be
// a false one for what comes later.
func (o *observation) reopens() bool {
	in := o.incident
	recovered := in.ClosedAs == Recovered || in.ClosedAs == Altered
	return recovered && in.Reported > 0 && in.Target == o.result.Target &&
		o.result.Started.Sub(in.ClosedAt) <= o.policy.ReopenWithin && o.policy.ReopenWithin > 0
}

// failsOn: a further failed observation of something that is failing.
func (o *observation) failsOn(f Finding) (events []Event) {
	in := o.incident
	if in.recovering() {
		o.streak = streak{condition: o.condition}
		e := o.event(Relapsed)
		e.Finding = &f
		events = append(events, e)
	}
	o.streak.good = 0
	o.streak.bad++
	switch {
	case in.Pending && lasted(in.FailingSince, o.result.Ended, in.faultTolerance(o.policy)) && o.streak.bad >= confirmations:
		e := o.event(Opened)
		e.Finding, e.Since = &f, in.FailingSince
		return append(events, e)
	case in.Pending:
		return events // the opening will say the cause
	case f.worse(in.Finding):
		o.streak.other, o.streak.others = "", 0
		e := o.event(Worsened)
		e.Finding = &f
		return append(events, e)
	}
	return append(events, o.otherCause(f)...)
}

// lasted reports whether a tolerance that began at since is over. A beginning
// that lies ahead was noted by a clock that has been set back meanwhile: nobody
// knows how long ago it was, and waiting for it would be silence, perhaps for a
// year, so the confirming observations alone decide.
func lasted(since, now time.Time, tolerance time.Duration) bool {
	passed := now.Sub(since)
	return passed >= tolerance || passed < 0
}

// otherCause notes that the reason is another one now, once that is confirmed,
// so that a server with alternating symptoms does not fill the journal.
func (o *observation) otherCause(f Finding) []Event {
	if f.like(o.incident.Finding) {
		o.streak.other, o.streak.others = "", 0
		return nil
	}
	if f.Cause != o.streak.other {
		o.streak.other, o.streak.others = f.Cause, 0
	}
	if o.streak.others++; o.streak.others < confirmations {
		return nil
	}
	o.streak.other, o.streak.others = "", 0
	e := o.event(CauseChanged)
	e.Finding = &f
	return []Event{e}
}

// isWell: a good observation of something that was failing.
func (o *observation) isWell() []Event {
	in := o.incident
	if !in.recovering() {
		o.streak = streak{condition: o.condition, good: 1}
		e := o.event(Recovering)
		e.Since = latest(o.result.Started, in.FailingSince) // a clock may have been set back
		return []Event{e}
	}
	o.streak.bad = 0
	o.streak.good++
	if !lasted(in.WellSince, o.result.Ended, in.recoveryTolerance(o.policy)) || o.streak.good < confirmations {
		return nil
	}
	e := o.event(Closed)
	e.Since, e.ClosedAs = in.WellSince, Recovered
	if in.Target != o.result.Target {
		e.ClosedAs = Altered
	}
	o.streak = streak{condition: o.condition}
	return []Event{e}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (o *observation) event(k Kind) Event {
	return Event{
		Kind: k, At: o.result.Ended, Incident: o.incident.ID,
		Check: o.result.Check, Condition: o.condition,
	}
}
