package tracker

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// errNotKept is the answer to whoever asked for what the journal refuses.
var errNotKept = errors.New("the journal cannot keep this; nothing has changed (see the log)")

// Acknowledge notes that a person works on an incident until a time (zero: until it
// ends). Of the reason at most 1 KiB is kept, sanitised. It is an error if the incident
// is unknown or not open.
func (t *Tracker) Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) error {
	return t.run(ctx, func(r *round) error { return t.acknowledge(r, id, reason, until) })
}

func (t *Tracker) acknowledge(r *round, id incident.ID, reason string, until time.Time) error {
	rec, ok := t.ledger.records[id]
	switch {
	case !ok:
		return errors.New("there is no incident " + boundName(string(id)))
	case !rec.incident.Open():
		return errors.New("incident " + string(id) + " is not open")
	}
	if err := writable(until); err != nil {
		return err
	}
	e := incident.Event{
		Kind: incident.Acknowledged, At: r.now, Incident: id, Check: rec.incident.Check,
		Condition: rec.incident.Condition, Reason: reason, Until: until,
	}
	if !t.addEvents(r, []incident.Event{e}) {
		return errNotKept
	}
	return nil
}
