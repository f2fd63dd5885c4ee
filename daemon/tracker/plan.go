package tracker

import (
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/imapvigil/imapvigil/config"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// plan decides what must be told. It looks at the incidents that are on the
// agenda; when that gives a message to people, at all of them, since such a
// message tells of whatever is due; and when a message to people begins to be held
// back, since the end of another incident that waits for others takes it along.
func (t *Tracker) plan(r *round) []outbox.Notification {
	all, some := t.agenda.take(r.now)
	if !all && len(some) == 0 {
		return nil
	}
	w, planned := t.look(all, some, r.now)
	if !all && (toPeople(planned.Tell) || t.book.HoldsMore(planned.Held)) {
		all = true
		w, planned = t.look(all, some, r.now)
	}
	t.remember(r, w, planned)
	// If that opens or closes an incident, it is told in this round, too.
	if t.reportTrouble(r, Messages, t.undeliveredFinding()) {
		w, planned = t.look(all, t.agenda.withTouched(some), r.now)
		t.remember(r, w, planned)
	}
	return decide(r, planned.Tell)
}

// decide has notifications journaled and gives those that are. One that is too large
// for a record (about 15,000 incidents in one message) becomes several.
func decide(r *round, notifications []outbox.Notification) (journaled []outbox.Notification) {
	for _, notification := range notifications {
		n := len(r.refused)
		switch {
		case r.addRecord(kindNotification, notification.At, notification):
			journaled = append(journaled, notification)
		case len(notification.Items) > 1:
			// It is not lost: its halves are tried.
			r.refused = r.refused[:n]
			journaled = append(journaled, decide(r, notification.Halves())...)
		}
	}
	return journaled
}

// look plans for the incidents that are to be looked at, and changes nothing in the book.
func (t *Tracker) look(all bool, some map[incident.ID]bool, now time.Time) (outbox.World, outbox.Planned) {
	w := t.world(all, some, now)
	return w, outbox.Plan(t.book, w, now)
}

// toPeople reports whether any notification goes where people read.
func toPeople(notifications []outbox.Notification) bool {
	for _, notification := range notifications {
		if notification.Kind.Traits().People {
			return true
		}
	}
	return false
}

// remember keeps what came of looking: when to look again, what is held, and what
// could not be delivered.
func (t *Tracker) remember(r *round, w outbox.World, planned outbox.Planned) {
	t.holdingChanged(w.Subjects)
	// Marked before and after: what is no longer held has changed as well as what is held now.
	t.book.Hold(w.Subjects, planned.Held)
	t.holdingChanged(w.Subjects)
	t.logLimits(planned.Held)
	for i := range w.Subjects {
		id := w.Subjects[i].ID
		t.agenda.wake(id, planned.Wake[i])
		delete(t.stuck, id)
	}
	if t.Log.Core().Enabled(zapcore.DebugLevel) {
		r.lookedAt(w.Subjects)
	}
	for _, u := range planned.Undelivered {
		// Of the monitor's own incidents none is reported: it would tell the same people of itself.
		if rec, ok := t.ledger.active[u.Incident]; ok && !isTrouble(rec.incident.Check) {
			t.stuck[u.Incident] = append(t.stuck[u.Incident], u)
			t.noteBroken(r, u)
		}
	}
}

// notificationJournaled folds a notification that is in the journal, and has its
// incidents looked at again: the next thing may be due some day.
func (t *Tracker) notificationJournaled(notification outbox.Notification) {
	t.foldNotification(notification)
	for _, item := range notification.Items {
		t.agenda.touch(item.Incident)
	}
}

// touch has the incidents of a check looked at.
func (t *Tracker) touch(id config.CheckID) {
	for _, in := range t.ledger.about[id] {
		t.agenda.touch(in)
	}
}
