package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// errNotKept is the answer to whoever asked for what the journal refuses.
var errNotKept = errors.New("the journal cannot keep this; nothing has changed (see the log)")

// An Acknowledgement says that a person works on an incident.
type Acknowledgement struct {
	By     string    // who says so; at most MaxAuthor bytes are kept
	Reason string    // at most 1 KiB is kept
	Until  time.Time // zero: until the incident ends
	Once   bool      // nothing happens where somebody works on it already
}

// Acknowledge notes that a person works on an incident, and returns the incident as it was
// before: it may have been acknowledged already, which this replaces. Texts are sanitised.
// It is an error if the incident is unknown or not open, or the time is over.
func (t *Tracker) Acknowledge(ctx context.Context, id incident.ID, a Acknowledgement) (before incident.Incident, err error) {
	return call(ctx, t, func(r *round) (incident.Incident, error) { return t.acknowledge(r, id, a) })
}

func (t *Tracker) acknowledge(r *round, id incident.ID, a Acknowledgement) (before incident.Incident, err error) {
	if err := writable(a.Until); err != nil {
		return before, err
	}
	if !a.Until.IsZero() && !a.Until.After(r.now) {
		return before, fmt.Errorf("an acknowledgement must end in the future, not at %s", a.Until.Format(time.RFC3339))
	}
	if rec, ok := t.ledger.records[id]; ok && a.Once && rec.incident.Acknowledged() {
		return rec.incident, nil
	}
	return t.noteWork(r, id, incident.Event{Kind: incident.Acknowledged, By: a.By, Reason: a.Reason, Until: a.Until.UTC()})
}

// Unacknowledge takes back that a person works on an incident, and returns the incident as
// it was before. It is an error if the incident is not acknowledged.
func (t *Tracker) Unacknowledge(ctx context.Context, id incident.ID, by string) (before incident.Incident, err error) {
	return call(ctx, t, func(r *round) (incident.Incident, error) {
		return t.noteWork(r, id, incident.Event{Kind: incident.Unacknowledged, By: by})
	})
}

// noteWork adds an event that a person brings about to an open incident, and returns the
// incident as it was before.
func (t *Tracker) noteWork(r *round, id incident.ID, e incident.Event) (before incident.Incident, err error) {
	rec, ok := t.ledger.records[id]
	switch {
	case !ok:
		return before, errors.New("there is no incident " + boundName(string(id)))
	case !rec.incident.Open():
		return before, errors.New("incident " + string(id) + " is not open")
	case e.Kind == incident.Unacknowledged && !rec.incident.Acknowledged():
		return before, errors.New("incident " + string(id) + " is not acknowledged")
	}
	before = rec.incident
	e.At, e.Incident, e.Check, e.Condition = r.now, id, before.Check, before.Condition
	if !t.addEvents(r, []incident.Event{e}) {
		return before, errNotKept
	}
	return before, nil
}
