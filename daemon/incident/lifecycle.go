package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// orphanGrace is how long the incidents of a check that left the files wait
// for it to come back, as when a block is moved between files.
const orphanGrace = 10 * time.Minute

// Tick returns the events that time alone brings about: an acknowledgement ends, the
// incidents of a removed check are closed.
func Tick(_ config.Policy, s State, now time.Time) (events []Event) {
	for _, in := range s.incidents {
		switch {
		case !in.Live():
		case !in.OrphanedAt.IsZero() && now.Sub(in.OrphanedAt) >= orphanGrace:
			// Nothing was observed after the check had left the files.
			events = append(events, in.closingEvent(Removed, in.OrphanedAt, now))
		case !in.AckedUntil.IsZero() && !now.Before(in.AckedUntil):
			events = append(events, in.newEvent(Unacknowledged, now))
		}
	}
	return events
}

// Due returns when Tick will have something to decide; zero: never.
func Due(s State) (due time.Time) {
	for _, in := range s.incidents {
		if !in.Live() {
			continue
		}
		for _, t := range []time.Time{in.AckedUntil, in.orphanDeadline()} {
			if !t.IsZero() && (due.IsZero() || t.Before(due)) {
				due = t
			}
		}
	}
	return due
}

// orphanDeadline returns when the incident of a removed check is closed; zero for a
// check that is in the files.
func (in Incident) orphanDeadline() time.Time {
	if in.OrphanedAt.IsZero() {
		return time.Time{}
	}
	return in.OrphanedAt.Add(orphanGrace)
}

// Presence is what the files say of a check.
type Presence int

// A check is in the files, is paused in them, or is not in them.
const (
	Present Presence = iota
	Disabled
	Absent
)

// Configured returns what a new configuration means for the incidents of a check: they
// wait when the check is gone, go on when it is back, and end when it is paused.
func Configured(s State, is Presence, now time.Time) (events []Event) {
	for _, in := range s.incidents {
		orphaned := !in.OrphanedAt.IsZero()
		switch {
		case !in.Live():
		case is == Disabled:
			events = append(events, in.closingEvent(Paused, now, now))
		// Not closed at once: a block that is moved between two files is gone for a moment.
		case is == Absent && !orphaned:
			events = append(events, in.newEvent(Orphaned, now))
		case is == Present && orphaned:
			events = append(events, in.newEvent(Adopted, now))
		}
	}
	return events
}

// A Successor is what becomes of an incident that a node hands over.
type Successor struct {
	Node string // which decides about the check from now on
	ID   ID     // of the incident as which it goes on there; empty: there is none, as far as is known
	Well bool   // that node sees the check well
}

// HandOver returns the events that end the incidents of a check on a node that decided while it was
// alone: from now on another node decides about the check. This node has not seen it recover. successor says
// what becomes of the incident of a condition.
func HandOver(s State, successor func(config.Condition) Successor, now time.Time) (events []Event) {
	for _, in := range s.incidents {
		if in.Live() {
			e := in.closingEvent(HandedOver, now, now)
			next := successor(in.Condition)
			e.To, e.As, e.Well = next.Node, next.ID, next.Well
			events = append(events, e)
		}
	}
	return events
}

// Move returns the events that take the incidents of a check along to its new id. Live
// incidents of the new id's own state stay, as do newer ones where both are over.
func Move(s, of State, id config.CheckID, now time.Time) (events []Event) {
	for _, in := range s.incidents {
		own, known := of.Incident(in.Condition)
		// A state holds one incident a condition: what is live, or newer, is worth more.
		if known && (own.Live() || !in.Live() && own.FailingSince.After(in.FailingSince)) {
			continue
		}
		e := in.newEvent(Moved, now)
		in.Check = id
		e.From, e.Check, e.Whole = e.Check, id, &in
		events = append(events, e)
	}
	return events
}

// closingEvent returns the end of an incident for a reason that is no observation.
func (in Incident) closingEvent(as ClosedAs, since, now time.Time) Event {
	e := in.newEvent(Closed, now)
	// No failure ends before it began, whatever the clock did.
	e.Since, e.ClosedAs = laterOf(since, in.FailingSince), as
	return e
}

// newEvent returns an event about the incident, without what its kind adds.
func (in Incident) newEvent(k Kind, now time.Time) Event {
	return Event{Kind: k, At: now, Incident: in.ID, Check: in.Check, Condition: in.Condition}
}
