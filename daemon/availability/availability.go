// Package availability computes how available a service was, from intervals and not from
// samples. It is pure: whoever asks brings the intervals and the window.
//
// Every instant of a window has the first of these states that holds: absent (paused
// too), maintenance, unknown, down, degraded, OK. Seconds has the time of each, and all
// figures are made of it, so that percent, bars and incidents cannot disagree.
package availability

import "time"

// A Kind is why a check has no verdict of its own in an interval.
type Kind string

// The kinds, those that go before the others first.
const (
	Absent      Kind = "absent" // not in the files
	Paused      Kind = "paused" // enabled = false
	Maintenance Kind = "maintenance"
	Unknown     Kind = "unknown" // the monitor could not judge, or did not run
)

// An Interval is a time in which a kind held. To is zero while it goes on.
type Interval struct {
	From, To time.Time
	Kind     Kind
	Why      string // in the project's own words
}

// A Bout is an episode of an incident: one stretch of failing.
type Bout struct {
	From, To time.Time // To is zero while it goes on
	Reported time.Time // zero: it never was
	Service  bool      // of the condition service; any other only degrades
	Incident string    // the id
}

// A Life is all that is known of a check in a window. Intervals and bouts may overlap,
// and stand in any order.
type Life struct {
	Intervals []Interval
	Bouts     []Bout
}

// A State is what a check counts as at an instant.
type State string

// The states, those that go before the others first.
const (
	IsAbsent      State = "absent"
	IsPaused      State = "paused"
	InMaintenance State = "maintenance"
	IsUnknown     State = "unknown"
	IsDown        State = "down"
	IsDegraded    State = "degraded"
	IsOK          State = "ok"
)

// Seconds is how long a check was in each state. Absent holds the time in which it was
// paused, too. The sum of the six is the window.
type Seconds struct {
	Absent, Maintenance, Unknown, Down, Degraded, OK time.Duration
	// Short is how much of Degraded and OK lay in failures of the service that ended before
	// they were reported: the strict figure counts it as down.
	Short time.Duration
}

// Total returns the length of the window.
func (s Seconds) Total() time.Duration {
	return s.Absent + s.Maintenance + s.Unknown + s.Down + s.Degraded + s.OK
}

// Plus returns the sums of two windows, or of two checks.
func (s Seconds) Plus(o Seconds) Seconds {
	return Seconds{
		s.Absent + o.Absent, s.Maintenance + o.Maintenance, s.Unknown + o.Unknown,
		s.Down + o.Down, s.Degraded + o.Degraded, s.OK + o.OK, s.Short + o.Short,
	}
}
