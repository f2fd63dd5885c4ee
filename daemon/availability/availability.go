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

// Seconds is how long a check was in each state. The sum is the window.
type Seconds struct {
	Absent, Maintenance, Unknown, Down, Degraded, OK time.Duration
}
