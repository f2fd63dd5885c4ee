package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A WrittenNote is a note of an incident that another journal may have under another id.
type WrittenNote struct {
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
	By        string           `json:"by,omitempty"`
	Text      string           `json:"text"`
	Public    bool             `json:"public,omitempty"`
	At        time.Time        `json:"at"` // when it was written
}

// notesOf lists the notes of an incident.
func notesOf(in *IncidentState) (notes []WrittenNote) {
	for _, e := range in.Events {
		if e.Kind == incident.Noted {
			notes = append(notes, WrittenNote{e.Check, e.Condition, e.By, e.Reason, e.Public, work(e).madeAt()})
		}
	}
	return notes
}

// isNoted reports whether the events of an incident have a note.
func (n *WrittenNote) isNoted(events []incident.Event) bool {
	return slices.ContainsFunc(events, func(e incident.Event) bool {
		return e.Kind == incident.Noted && e.By == n.By && e.Reason == n.Text && work(e).madeAt().Equal(n.At)
	})
}

// notesLacking returns those of the notes that the snapshot lacks.
func (s *Snapshot) notesLacking(notes []WrittenNote) (lacking []WrittenNote) {
	if len(notes) == 0 {
		return nil // nearly always
	}
	events := map[config.CheckID][]incident.Event{}
	for in := range s.Incidents() {
		events[in.Incident.Check] = append(events[in.Incident.Check], in.Events...)
	}
	for _, n := range notes {
		if !n.isNoted(events[n.Check]) {
			lacking = append(lacking, n)
		}
	}
	return lacking
}

// takeNote adds a note to the incident here: to one of the same condition, or of what only some nodes see.
func (t *Tracker) takeNote(r *round, n WrittenNote) error {
	if n.At.After(r.now) {
		n.At = r.now // by a clock that is ahead
	}
	n.By, n.Text = boundAuthor(n.By), boundReason(n.Text)
	state := t.stateOf(n.Check)
	in, known := state.Incident(n.Condition)
	if !known || !in.Live() {
		in, known = state.Incident(config.ConditionLocation)
	}
	if _, exists := t.cfg.Checks[n.Check]; !exists || !known || !in.Live() || n.Text == "" || n.isNoted(t.ledger.records[in.ID].events) {
		return nil
	}
	e := incident.Event{
		Kind: incident.Noted, At: r.now, Since: n.At, Incident: in.ID, Check: in.Check, Condition: in.Condition,
		By: n.By, Reason: n.Text, Public: n.Public,
	}
	if !t.addEvents(r, []incident.Event{e}) {
		return errNotKept
	}
	return nil
}
