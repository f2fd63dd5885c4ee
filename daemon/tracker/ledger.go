package tracker

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A ledger holds the incidents that are kept.
type ledger struct {
	records map[incident.ID]*record
	active  map[incident.ID]*record          // live, or some destination is owed something
	about   map[config.CheckID][]incident.ID // the active ones of a check
}

func newLedger() ledger {
	return ledger{
		records: map[incident.ID]*record{}, active: map[incident.ID]*record{}, about: map[config.CheckID][]incident.ID{},
	}
}

// A record is an incident with its events.
type record struct {
	incident incident.Incident
	events   []incident.Event

	place   int  // among the published incidents, from 1
	changed bool // since the last snapshot
}

// activate adds an incident to those that are looked at when something happens to them.
func (l *ledger) activate(rec *record) {
	id, check := rec.incident.ID, rec.incident.Check
	if _, ok := l.active[id]; !ok {
		l.about[check] = append(l.about[check], id)
	}
	l.active[id] = rec
}

// retire takes an incident, of which all have heard, out of those that are looked at.
func (l *ledger) retire(id incident.ID) {
	rec, ok := l.active[id]
	if !ok {
		return
	}
	delete(l.active, id)
	check := rec.incident.Check
	if l.about[check] = slices.DeleteFunc(l.about[check], func(o incident.ID) bool { return o == id }); len(l.about[check]) == 0 {
		delete(l.about, check)
	}
}

// topic returns by what messages about an incident are kept in order. An incident that is
// not known stands for itself.
func (l *ledger) topic(id incident.ID) outbox.Topic {
	if rec, ok := l.records[id]; ok {
		return outbox.Topic{Check: rec.incident.Check, Condition: rec.incident.Condition}
	}
	return outbox.Topic{Condition: config.Condition(id)}
}

// open reports whether an incident is reported and not over.
func (l *ledger) open(id incident.ID) bool {
	rec, ok := l.records[id]
	return ok && rec.incident.Open()
}

// addEvents folds events and adds them to the records of the round. It returns false when
// the journal would refuse one: that one has not happened.
func (t *Tracker) addEvents(r *round, events []incident.Event) bool {
	all := true
	for _, e := range events {
		e = boundEvent(e)
		if !r.addRecord(kindIncident+string(e.Kind), e.At, e) {
			all = false
			continue
		}
		t.foldEvent(e)
		t.log(e)
		if t.Feed != nil {
			r.events = append(r.events, e)
		}
	}
	return all
}

// foldEvent changes the state as an event says. It decides nothing, since replay calls it
// too.
func (t *Tracker) foldEvent(e incident.Event) {
	if e.Kind == incident.Noted {
		t.foldNote(e)
		return
	}
	if from, ok := t.checks[e.From]; ok && e.Kind == incident.Moved {
		from.state = from.state.Without(e.Condition)
		t.pacer.stateChanged(e.From, from.state)
		t.published.checkChanged(from)
	}
	if e.Kind == incident.Acknowledged {
		t.meetWish(e)
	}
	c := t.ensureCheck(e.Check)
	c.state = incident.Apply(c.state, e)
	t.pacer.stateChanged(e.Check, c.state)
	t.published.checkChanged(c)
	t.agenda.touch(e.Incident)
	if e.Condition == config.ConditionService {
		t.touchNeighbours(e.Check)
	} else if !c.served {
		t.touchDependents(e.Check) // any live incident says that the check was observed
	}
	if !incident.Due(c.state).IsZero() {
		t.timed[e.Check] = true
	}
	in, ok := c.state.Incident(e.Condition)
	// A newer incident of the condition has taken its place.
	if !ok || in.ID != e.Incident {
		return
	}
	rec, ok := t.ledger.records[in.ID]
	if !ok {
		rec = &record{}
		t.ledger.records[in.ID] = rec
	}
	t.ledger.retire(in.ID) // its check may have another name now
	rec.incident = in
	rec.events = append(rec.events, e)
	t.published.incidentChanged(rec)
	t.ledger.activate(rec)
}

// foldNote adds a note to the events of an incident, also of one that is over and that a newer one
// has replaced: nobody is told, and nothing is decided anew.
func (t *Tracker) foldNote(e incident.Event) {
	if rec, known := t.ledger.records[e.Incident]; known {
		rec.events = append(rec.events, e)
		t.published.incidentChanged(rec)
	}
}
