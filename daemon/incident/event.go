package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// Kind says what happened to an incident. The words stand in the journal.
type Kind string

// The kinds of events.
const (
	Failing        Kind = "failing"        // the first failed observation
	Opened         Kind = "opened"         // it lasted for fault_tolerance and is reported
	Worsened       Kind = "changed"        // it got worse, which is told
	CauseChanged   Kind = "cause"          // another cause, no worse; not told
	Recovering     Kind = "recovering"     // the first good observation
	Relapsed       Kind = "relapsed"       // it failed again before the end was certain
	Closed         Kind = "closed"         // it is over
	Orphaned       Kind = "orphaned"       // its check has left the files
	Adopted        Kind = "adopted"        // its check is back in the files
	Moved          Kind = "moved"          // its check has another id now
	Acknowledged   Kind = "acknowledged"   // a person works on it
	Unacknowledged Kind = "unacknowledged" // that has ended
	Noted          Kind = "noted"          // a person wrote a note; nothing else changes
	Restored       Kind = "restored"       // the whole incident, as compaction writes it
)

// An Event is one fact about one incident, as it is journaled.
type Event struct {
	Kind      Kind             `json:"kind"`
	At        time.Time        `json:"at"` // when it was decided
	Incident  ID               `json:"incident"`
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
	// Since is when what the event tells began: the start of the first failed
	// or first good probe; of an acknowledgement that was taken over from another journal, when it was made.
	Since    time.Time `json:"since,omitzero"`
	Finding  *Finding  `json:"finding,omitempty"`
	Target   string    `json:"target,omitempty"`
	ClosedAs ClosedAs  `json:"closed_as,omitempty"`
	// Reason is that of an acknowledgement, or the text of a note: a program of before notes keeps
	// it when it writes the journal anew, and takes every note for one that is not public.
	Reason string `json:"reason,omitempty"`
	// By is who acknowledged the incident, took that back or wrote the note; older journals do not
	// say it.
	By     string    `json:"by,omitempty"`
	Public bool      `json:"public,omitempty"` // the note stands on the public page, too
	Until  time.Time `json:"until,omitzero"`
	Whole  *Incident `json:"whole,omitempty"` // of Restored and Moved
	// From is what the check was called before it was Moved.
	From config.CheckID `json:"from,omitempty"`
	// To is the node to which an incident was handed over, As the incident as which it goes on there, if
	// there is one, and Well says that the node sees the check well.
	To   string `json:"to,omitempty"`
	As   ID     `json:"as,omitempty"`
	Well bool   `json:"well,omitempty"`
}

// Apply folds one event into the state of its check. It decides nothing: the
// same events give the same state on every machine and under every policy.
func Apply(s State, e Event) State {
	if e.Kind == Restored || e.Kind == Moved {
		// A record that is damaged in this way must not take away what is known.
		if e.Whole == nil {
			return s
		}
		return s.withIncident(*e.Whole)
	}
	in, known := s.Incident(e.Condition)
	if e.Kind == Failing {
		return s.withIncident(beginEpisode(in, known, e))
	}
	if !known || in.ID != e.Incident {
		return s // an event of an incident that a newer one has replaced
	}
	return s.withIncident(foldEvent(in, e))
}

// beginEpisode returns the start of an incident, or a further episode of one that is reopened.
func beginEpisode(last Incident, known bool, e Event) Incident {
	if !known || last.ID != e.Incident {
		last = Incident{ID: e.Incident, Check: e.Check, Condition: e.Condition, StartedAt: e.Since, Target: e.Target}
		last = last.withFinding(e.Finding)
	}
	last.FailingSince = e.Since
	last.WellSince, last.OrphanedAt = time.Time{}, time.Time{}
	// Also of an incident that is reopened: its opening waits for fault_tolerance again.
	last.Unconfirmed = true
	return last
}

// foldEvent returns the incident after an event of its own.
func foldEvent(in Incident, e Event) Incident {
	switch e.Kind {
	case Opened:
		in.ReportedAt, in.EndedAt, in.ClosedAt = e.At, time.Time{}, time.Time{}
		in.ClosedAs, in.HandedTo, in.HandedAs, in.HandedWell, in.Unconfirmed = "", "", "", false, false
		in.Reported++
		in.ReportedFinding = Finding{} // that of the episode before says nothing of this one
		return in.withFinding(e.Finding).withReportedFinding(e.Finding)
	case Worsened:
		in.WorsenedAt = e.At
		in.Worsened++
		return in.withFinding(e.Finding).withReportedFinding(e.Finding)
	case CauseChanged:
		return in.withFinding(e.Finding)
	case Recovering:
		in.WellSince = e.Since
	case Relapsed:
		in.WellSince = time.Time{} // its cause is told once it is confirmed
	case Closed:
		return in.closeEpisode(e)
	case Orphaned:
		in.OrphanedAt = e.At
	case Adopted:
		in.OrphanedAt = time.Time{}
	case Acknowledged:
		in.AckedAt, in.AckedUntil, in.AckReason, in.AckedBy = e.At, e.Until, e.Reason, e.By
	case Unacknowledged:
		in = in.withoutAcknowledgement()
	case Noted: // it stands with the events, and is no part of the state
	case Failing, Restored, Moved: // handled by Apply
	}
	return in
}

// closeEpisode returns the incident with its episode ended. A further episode that was
// never reported leaves the incident closed as it was.
func (in Incident) closeEpisode(e Event) Incident {
	in.WellSince, in.OrphanedAt = time.Time{}, time.Time{}
	in = in.withoutAcknowledgement()
	wasPending := in.Unconfirmed
	in.Unconfirmed = false
	// People know the end of the last reported episode, and have heard of no other.
	if wasPending && in.Reported > 0 {
		return in
	}
	in.ClosedAs, in.EndedAt, in.ClosedAt = e.ClosedAs, e.Since, e.At
	in.HandedTo, in.HandedAs, in.HandedWell = e.To, e.As, e.Well
	if in.ReportedFinding != (Finding{}) {
		in = in.withFinding(&in.ReportedFinding) // not what was seen during the repair
	}
	return in
}

// withoutAcknowledgement returns the incident as one that nobody works on.
func (in Incident) withoutAcknowledgement() Incident {
	in.AckedAt, in.AckedUntil, in.AckReason, in.AckedBy = time.Time{}, time.Time{}, "", ""
	return in
}

// withReportedFinding returns the incident with what was reported, the worst of it,
// which is kept when the incident is closed.
func (in Incident) withReportedFinding(f *Finding) Incident {
	if f != nil && !in.ReportedFinding.WorseThan(*f) {
		in.ReportedFinding = *f
	}
	return in
}

// withFinding returns the incident as a finding has it, with the severity that
// follows. A nil finding changes nothing.
func (in Incident) withFinding(f *Finding) Incident {
	if f == nil {
		return in
	}
	in.Finding = *f
	in.Severity = config.SeverityDegraded
	if f.Health == Down {
		in.Severity = config.SeverityDown
	}
	return in
}
