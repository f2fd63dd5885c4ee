package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A hold is why something is not sent now. The zero value holds nothing.
type hold struct {
	reason HeldReason
	until  time.Time   // at least; zero: until something happens
	name   string      // the name of the block or silence that is the reason
	parent *config.Ref // what is down, or may be; of parentDelay and parentDown
}

func (h hold) holds() bool { return h.reason != "" }

// A suppression returns why nothing is sent about an incident to a role at a time.
type suppression func(w *World, s *Subject, role config.RoleID, at time.Time) hold

// suppressed returns what keeps everything but the end of what was told: somebody asked
// for it, or what the check depends on is down.
func (w *World) suppressed(s *Subject, role config.RoleID, at time.Time) hold {
	if h := w.silenced(s, role, at); h.holds() {
		return h
	}
	return w.parentDown(s.Config, at)
}

// silenced returns what keeps the end of what was told, too: a silence, of several the
// one that lasts longest, or else maintenance.
func (w *World) silenced(s *Subject, role config.RoleID, at time.Time) (h hold) {
	for i := range w.Silences {
		silence := &w.Silences[i]
		if silence.Covers(s.Check, s.Config, role, at) && silence.Until.After(h.until) {
			h = hold{reason: HeldBySilence, until: silence.Until, name: silence.ID}
		}
	}
	if h.holds() {
		return h
	}
	if until, in := w.Calendar.Maintenance(s.Config, at); in {
		h = hold{reason: HeldByMaintenance, until: until}
	}
	return h
}

// suppressionOf returns what may keep a transition that a destination lacks from it. Who
// has heard of a child before its parent fell hears of its end when the child is well.
func suppressionOf(told notifiers.Transition, e *entry) suppression {
	if told == notifiers.Closed && e.delivered.open {
		return (*World).silenced
	}
	return (*World).suppressed
}

// forAll returns why no role of a list is to hear of an incident at a time: the reason
// that ends first.
func (keeps suppression) forAll(w *World, s *Subject, roles []config.RoleID, at time.Time) (first hold) {
	for i, role := range roles {
		h := keeps(w, s, role, at)
		if !h.holds() {
			return hold{}
		}
		if i == 0 || !h.until.IsZero() && (first.until.IsZero() || h.until.Before(first.until)) {
			first = h
		}
	}
	return first
}

// Holds reports whether a delivery that was decided must not be sent just now: it tells
// of nothing that is known to be so, or all of it has become suppressed since. The
// subjects are those that it tells of; what is not among them is not known, and does
// not hold it.
func (w *World) Holds(d *Delivery, now time.Time) bool {
	subjects := make(map[incident.ID]*Subject, len(w.Subjects))
	for i := range w.Subjects {
		subjects[w.Subjects[i].ID] = &w.Subjects[i]
	}
	if d.tellsNothingKnown(subjects) {
		return true
	}
	return !slices.ContainsFunc(d.Items, func(item Item) bool {
		s, known := subjects[item.Incident]
		return !known || !w.itemHold(s, item, d.AskedBy(), now).holds()
	})
}

// itemHold returns why an item must not be sent just now for any of some roles. The end
// of what was told does not wait for what the check depends on.
func (w *World) itemHold(s *Subject, item Item, roles []config.RoleID, now time.Time) hold {
	keeps := suppression((*World).suppressed)
	if item.EndsTold() {
		keeps = (*World).silenced
	}
	return keeps.forAll(w, s, roles, now)
}

// tellsNothingKnown reports whether a delivery tells of nothing that is known to be so:
// of incidents that are open and have not been found failing since the start,
// of openings whose incident is over, which the closing will replace (unless
// none is wanted), and of acknowledgements that were taken back.
func (d *Delivery) tellsNothingKnown(subjects map[incident.ID]*Subject) bool {
	return !slices.ContainsFunc(d.Items, func(i Item) bool {
		s, known := subjects[i.Incident]
		switch {
		case i.Transition == notifiers.Closed:
			return true
		case i.Transition == notifiers.Acknowledged && known && !i.isTrueOf(s):
			return false
		case !known || !s.Open():
			return d.NoClosing || i.NoClosing
		}
		return s.Fresh
	})
}
