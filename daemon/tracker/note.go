package tracker

import (
	"context"
	"errors"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Note is what a person writes about an incident, for those who read of it later.
type Note struct {
	By     string // who writes; at most MaxAuthor bytes are kept
	Text   string // at most 1 KiB is kept
	Public bool   // it stands on the public page, too
}

// Note adds a note to an incident, open or over, and returns it as it is kept, sanitised. It is an
// error if the incident is unknown or the note says nothing.
func (t *Tracker) Note(ctx context.Context, id incident.ID, n Note) (noted incident.Event, err error) {
	return call(ctx, t, func(r *round) (incident.Event, error) { return t.note(r, id, n) })
}

func (t *Tracker) note(r *round, id incident.ID, n Note) (noted incident.Event, err error) {
	rec, known := t.ledger.records[id]
	if !known {
		return noted, errors.New("there is no incident " + boundName(string(id)))
	}
	noted = boundEvent(incident.Event{
		Kind: incident.Noted, At: r.now, Incident: id, Check: rec.incident.Check, Condition: rec.incident.Condition,
		By: n.By, Reason: n.Text, Public: n.Public,
	})
	if noted.Reason == "" {
		return noted, errors.New("a note must not be empty")
	}
	if !t.addEvents(r, []incident.Event{noted}) {
		return noted, errNotKept
	}
	return noted, nil
}
