package tracker

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A publisher makes snapshots. While nobody asks for one, a change costs no more than a
// mark: a check or an incident is marked once, however often it changes.
type publisher struct {
	last  *Snapshot // which was handed out; nil: none yet
	next  Snapshot  // the last one, with what has moved in its tables since
	stale bool      // something has changed since the last one

	checks     []*check
	records    []*record
	deliveries map[int]*outbox.Delivery // by place
	places     int                      // of incidents, that were given out
}

// sources counts the trackers of this process.
var sources atomic.Uint64

func newPublisher() publisher {
	return publisher{next: Snapshot{Source: sources.Add(1)}, deliveries: map[int]*outbox.Delivery{}}
}

// version returns the number of the next snapshot.
func (p *publisher) version() uint64 { return p.next.Version + 1 }

// checkChanged marks a check.
func (p *publisher) checkChanged(c *check) {
	p.stale = true
	if !c.changed {
		c.changed = true
		p.checks = append(p.checks, c)
	}
}

// incidentChanged marks an incident, and gives it a place if it has none.
func (p *publisher) incidentChanged(rec *record) {
	p.stale = true
	if rec.place == 0 {
		p.places++
		rec.place = p.places
	}
	if !rec.changed {
		rec.changed = true
		p.records = append(p.records, rec)
	}
}

// deliveryChanged marks a delivery, which has its number as its place.
func (p *publisher) deliveryChanged(d *outbox.Delivery) {
	p.stale = true
	p.deliveries[d.Number()] = d
}

// placeIn returns the place of a check, from 1, in a list that is in the order of ids; 0: it
// is not in the list.
func placeIn(roster []*config.Check, id config.CheckID) int {
	i, found := slices.BinarySearchFunc(roster, id, func(c *config.Check, id config.CheckID) int { return cmp.Compare(c.ID, id) })
	if !found {
		return 0
	}
	return i + 1
}

// configure gives each check its place in a new configuration. What is known of a check
// moves with it.
func (p *publisher) configure(cfg *config.Config, when *calendar.Calendar, known map[config.CheckID]*check) {
	p.stale = true
	p.next.Config, p.next.calendar = cfg, when
	before := p.next.roster
	p.next.roster = slices.SortedFunc(maps.Values(cfg.Checks), func(a, b *config.Check) int { return cmp.Compare(a.ID, b.ID) })
	if p.last != nil {
		p.next.checks = p.movedChecks(before)
	}
	for id, c := range known {
		had := c.place > 0
		if c.place = int32(placeIn(p.next.roster, id)); c.place > 0 && !had {
			p.checkChanged(c)
		}
	}
	// What has left the files may never be asked for again, and must not wait here for ever.
	p.checks = slices.DeleteFunc(p.checks, func(c *check) bool {
		if c.place > 0 {
			return false
		}
		c.changed = false
		return true
	})
}

// movedChecks returns what was published of the checks, at their new places. A check that
// is new has changed, too: it may have been in the files before, and left them.
func (p *publisher) movedChecks(before []*config.Check) table[CheckState] {
	moved, isNew := table[CheckState]{}.edit(p.version()), &CheckState{Version: p.version()}
	j := 0
	for i, c := range p.next.roster {
		for j < len(before) && before[j].ID < c.ID {
			j++
		}
		if j < len(before) && before[j].ID == c.ID {
			moved.set(i+1, p.next.checks.at(j+1))
		} else {
			moved.set(i+1, isNew)
		}
	}
	return moved.table
}

// forget leaves out the incidents that are no longer in the ledger, and gives the others
// new places in the same order, so that the table does not grow for ever.
func (p *publisher) forget(ledger map[incident.ID]*record) {
	p.stale = true
	kept := slices.SortedFunc(maps.Values(ledger), func(a, b *record) int { return cmp.Compare(a.place, b.place) })
	moved := table[IncidentState]{}.edit(p.version())
	for i, rec := range kept {
		if state := p.next.incidents.at(rec.place); state != nil {
			moved.set(i+1, state)
		}
		rec.place = i + 1
	}
	p.next.incidents, p.places = moved.table, len(kept)
	p.records = slices.DeleteFunc(p.records, func(rec *record) bool { return ledger[rec.incident.ID] != rec })
}

// keepDeliveries leaves out all deliveries but these.
func (p *publisher) keepDeliveries(kept []*outbox.Delivery) {
	p.stale = true
	moved, changed := table[DeliveryState]{}.edit(p.version()), map[int]*outbox.Delivery{}
	for _, d := range kept {
		place := d.Number()
		if state := p.next.deliveries.at(place); state != nil {
			moved.set(place, state)
		}
		if p.deliveries[place] != nil {
			changed[place] = d
		}
	}
	p.next.deliveries, p.deliveries = moved.table, changed
}

// publish makes a snapshot, unless nothing has changed since the last one.
func (t *Tracker) publish() *Snapshot {
	p := &t.published
	if !p.stale && p.last != nil {
		return p.last
	}
	version := p.version()
	checks := p.next.checks.edit(version)
	for _, c := range p.checks {
		c.changed = false
		if c.place > 0 { // else it has left the files
			checks.set(int(c.place), c.published(version))
		}
	}
	incidents := p.next.incidents.edit(version)
	for _, rec := range p.records {
		rec.changed = false
		if t.ledger.records[rec.incident.ID] == rec { // else it was forgotten
			incidents.set(rec.place, t.publishedIncident(rec, version))
		}
	}
	deliveries := p.next.deliveries.edit(version)
	for place, d := range p.deliveries {
		if _, known := t.book.Delivery(d.Key); known { // else it was forgotten
			deliveries.set(place, publishedDelivery(d, version))
		}
	}
	p.next.checks, p.next.incidents, p.next.deliveries = checks.table, incidents.table, deliveries.table
	p.next.Version, p.next.Silences, p.next.Reports = version, slices.Collect(maps.Values(t.silences)), t.publishedReports()
	p.checks, p.records, p.stale = nil, nil, false
	clear(p.deliveries)
	// A copy: next goes on changing, and what was handed out never does.
	last := p.next
	p.last = &last
	return p.last
}

// published returns the check as a snapshot holds it.
func (c *check) published(version uint64) *CheckState {
	return &CheckState{Version: version, Last: c.last, Since: c.since, Unknown: c.unknown, Incidents: c.state.List()}
}

// publishedIncident returns an incident as a snapshot holds it.
func (t *Tracker) publishedIncident(rec *record, version uint64) *IncidentState {
	s := &IncidentState{
		Version: version, Incident: rec.incident, Events: slices.Clip(rec.events), Held: slices.Clone(t.book.Held(rec.incident.ID)),
	}
	for _, d := range t.book.Of(rec.incident.ID) {
		s.deliveries = append(s.deliveries, d.Number())
	}
	return s
}

// publishedDelivery returns a delivery as a snapshot holds it.
func publishedDelivery(d *outbox.Delivery, version uint64) *DeliveryState {
	s := &DeliveryState{
		Version: version, Key: d.Key, NotifyID: d.NotifyID, Roles: d.AskedBy(), Kind: d.Kind, Items: d.Items,
		State: d.State, Attempts: d.Attempts, At: d.At, Answer: d.Answer(), Recipients: d.Recipients(),
	}
	if !d.Last.At.IsZero() {
		s.At = d.Last.At
	}
	if d.State == outbox.Retrying {
		// As journaled: Hurry makes it due at once for this process alone, and it is tried then.
		s.NextAt = d.Last.NextAt
	}
	s.Dismissed, s.DismissedBy = d.Last.DismissedAt, d.Last.DismissedBy
	return s
}

// foldNotification folds a notification into the book.
func (t *Tracker) foldNotification(n outbox.Notification) {
	t.book.Apply(n)
	// Capped: Replaces belongs to the notification.
	for _, key := range append(n.Replaces[:len(n.Replaces):len(n.Replaces)], n.Key) {
		if d, known := t.book.Delivery(key); known {
			t.published.deliveryChanged(d)
		}
	}
	for _, item := range n.Items {
		if rec, known := t.ledger.records[item.Incident]; known {
			t.published.incidentChanged(rec)
		}
	}
}

// foldOutcome folds an outcome into the book.
func (t *Tracker) foldOutcome(o outbox.Outcome) {
	t.book.ApplyOutcome(o)
	if d, known := t.book.Delivery(o.Key); known {
		t.published.deliveryChanged(d)
	}
}

// holdingChanged marks the subjects of which something is held.
func (t *Tracker) holdingChanged(subjects []outbox.Subject) {
	for i := range subjects {
		id := subjects[i].ID
		if rec, known := t.ledger.records[id]; known && len(t.book.Held(id)) > 0 {
			t.published.incidentChanged(rec)
		}
	}
}
