package metrics

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A state is how a check was in a time that has passed.
type state int

// The states. What is degraded is up: availability knows no weights.
const (
	stateUp state = iota
	stateDown
	stateUnknown
	stateMaintenance

	states
	// stateUndecided is not known yet: whether a failure, or a recovery, is confirmed.
	stateUndecided = states
)

// stateWords are the values of the label state.
var stateWords = [states]string{"up", "down", "unknown", "maintenance"}

// A bout is how far the incident of a check's service has come.
type bout int

const (
	boutNone        bout = iota
	boutUnconfirmed      // failing, or failing again, and not reported
	boutReported
	boutRecovering // reported, and well for less than recovery_tolerance
)

// boutOf returns how far the incident of the service has come.
func boutOf(list []incident.Incident) bout {
	for i := range list {
		in := &list[i]
		switch {
		case in.Condition != config.ConditionService || !in.Live():
		case in.Unconfirmed:
			return boutUnconfirmed
		case in.Recovering():
			return boutRecovering
		default:
			return boutReported
		}
	}
	return boutNone
}

// A stateTime adds up for how long a check was in which state, by the rules of
// daemon/availability. Time is added when it is known what it was, so that no sum ever falls: a
// failure that is not confirmed yet waits until it is, or is forgotten.
type stateTime struct {
	sums      [states]time.Duration
	undecided time.Duration
	until     time.Time // up to which it was added
	vouched   time.Time // up to which the last probe says how it was; zero: it could not judge
	bout      bout
}

// observe takes a probe: how it was until this one began is known now.
func (s *stateTime) observe(check *config.Check, started time.Time, judged bool, maintenance MaintenanceOf) {
	s.addUntil(check, started, maintenance)
	s.until, s.vouched = started, time.Time{}
	if judged {
		// As in the history: a probe that comes later says nothing of the time between.
		s.vouched = started.Add(2*check.Probe.Interval + check.Probe.Timeout)
	}
}

// addUntil adds the time up to a moment, each part of it to its state.
func (s *stateTime) addUntil(check *config.Check, end time.Time, maintenance MaintenanceOf) {
	for s.until.Before(end) {
		// Durations, not times: a boundary of maintenance has no monotonic clock.
		step := end.Sub(s.until)
		in := stateUnknown
		if vouched := s.vouched.Sub(s.until); vouched > 0 {
			in, step = s.bout.state(), min(step, vouched)
		}
		change, planned := maintenance(check, s.until)
		if planned {
			in = stateMaintenance
		}
		if ahead := change.Sub(s.until); ahead > 0 {
			step = min(step, ahead)
		}
		s.add(in, step)
		s.until = s.until.Add(step)
	}
}

func (s *stateTime) add(to state, d time.Duration) {
	if to == stateUndecided {
		s.undecided += d
		return
	}
	s.sums[to] += d
}

// state returns how a check is whose probes can judge it.
func (b bout) state() state {
	switch b {
	case boutNone:
		return stateUp
	case boutReported:
		return stateDown
	case boutUnconfirmed, boutRecovering:
	}
	return stateUndecided
}

// follow takes an event of the incident of the service.
func (s *stateTime) follow(kind incident.Kind) {
	switch kind {
	case incident.Failing:
		s.bout = boutUnconfirmed
	case incident.Opened:
		s.decide(stateDown)
		s.bout = boutReported
	case incident.Recovering:
		// A failure that nobody was told of stays undecided: good spells are part of it.
		if s.bout == boutReported {
			s.bout = boutRecovering
		}
	case incident.Relapsed:
		if s.bout == boutRecovering {
			s.decide(stateDown)
			s.bout = boutReported
		}
	case incident.Closed:
		s.decide(stateUp)
		s.bout = boutNone
	case incident.Worsened, incident.CauseChanged, incident.Orphaned, incident.Adopted, incident.Moved,
		incident.Acknowledged, incident.Unacknowledged, incident.Restored:
	}
}

// decide adds what was undecided to a state.
func (s *stateTime) decide(to state) {
	s.sums[to] += s.undecided
	s.undecided = 0
}

// interrupt leaves out the time up to now: the check is paused, or was. What comes next is not
// known before a probe.
func (s *stateTime) interrupt(now time.Time) { s.until, s.vouched = now, time.Time{} }
