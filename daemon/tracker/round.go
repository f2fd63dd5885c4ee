package tracker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// maxRound is the most inputs that one round, and so one fsync, takes.
const maxRound = 4096

// Run handles inputs until ctx ends, and then what is still queued.
func (t *Tracker) Run(ctx context.Context) error {
	defer close(t.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var batch []input
		select {
		case in := <-t.inputs:
			batch = append(batch, in)
		case <-timer.C:
		case <-t.Journal.Wanted():
			t.renewing = true
		case <-ctx.Done():
			// The receipts of messages that were under way came before the end: see daemon.
			for batch = t.drainInputs(nil); len(batch) > 0; batch = t.drainInputs(nil) {
				t.round(batch, time.Now())
			}
			// The last moment at which somebody knows what stood in files that are lost.
			t.checkJournalAtEnd()
			return nil
		}
		t.round(t.drainInputs(batch), time.Now())
		timer.Reset(t.sleepTime(time.Now()))
	}
}

// drainInputs adds what is queued to a batch, up to maxRound.
func (t *Tracker) drainInputs(batch []input) []input {
	for len(batch) < maxRound {
		select {
		case in := <-t.inputs:
			batch = append(batch, in)
		default:
			return batch
		}
	}
	return batch
}

// sleepTime returns how long the tracker may sleep when nothing comes in: until time alone
// decides something, something must be told, or an attempt is due.
func (t *Tracker) sleepTime(now time.Time) time.Duration {
	const longest = time.Hour // a bound for a timer, nothing depends on it
	if !t.configured() {
		return longest
	}
	next := t.agenda.due(now)
	for id := range t.timed {
		if due := incident.Due(t.stateOf(id)); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	for _, due := range []time.Time{t.retry, t.retryNext, t.repeats.due()} {
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	if next.IsZero() {
		return longest
	}
	return min(longest, max(0, next.Sub(now)))
}

// A round is what one batch of inputs comes to.
type round struct {
	now     time.Time
	records []journal.Record
	refused []error              // one for each record that cannot be kept
	looked  map[incident.ID]bool // see lookedAt; for a log that shows everything
	replies []func()             // called when the records are journaled
	// For the feed, if there is one.
	results  []incident.Result
	events   []incident.Event
	outcomes []func()
}

// round decides what a batch of inputs comes to, journals it, and only then lets anybody
// know.
func (t *Tracker) round(batch []input, now time.Time) {
	r := &round{now: now}
	// Before the inputs: what they observe is fresh again.
	t.noticeSuspend(now)
	for _, in := range batch {
		in(t, r)
	}
	var notifications []outbox.Notification
	if t.configured() {
		t.tickIncidents(r)
		notifications = t.plan(r)
		t.reportRefused(r)
	}
	t.appendRecords(r)
	for _, notification := range notifications {
		t.notificationJournaled(notification)
	}
	// What was just told is in the book by now, and has no reason any more.
	t.logHeld(r)
	if t.configured() {
		t.startAttempts(r.now)
		t.repeatMessages(r.now)
	}
	t.compactJournal(r.now)
	for _, reply := range r.replies {
		reply()
	}
	t.feed(r)
}

// appendRecords appends the records of a round to the journal, with one fsync. Alarms go
// on whatever comes of it.
func (t *Tracker) appendRecords(r *round) {
	if len(r.records) == 0 {
		return
	}
	err := t.Journal.Append(r.records...)
	var refused *journal.RefusedError
	if errors.As(err, &refused) { // although it seemed to fit; the next round reports it
		t.late = append(t.late, refused)
	}
	switch {
	case errors.Is(err, journal.ErrNotDurable):
		t.Log.Error("the journal is not durable; alarms go on from memory", zap.Error(err))
	case err != nil:
		t.Log.Error("the journal did not accept a record", zap.Error(err))
	}
}

// tickIncidents decides what time alone decides of incidents: an acknowledgement ends, a
// check has been gone for long enough.
func (t *Tracker) tickIncidents(r *round) {
	for id := range t.timed {
		state := t.stateOf(id)
		switch due := incident.Due(state); {
		case due.IsZero():
			delete(t.timed, id)
		case !due.After(r.now):
			t.addEvents(r, incident.Tick(t.policyOf(id), state, r.now))
		}
	}
}

// startAttempts hands the deliveries that are due to the sender. The journal has each of
// them.
func (t *Tracker) startAttempts(now time.Time) {
	var due []*outbox.Delivery
	var w *outbox.World // in most rounds nothing is due, and it is not needed
	due, t.retry = t.book.Due(now, func(d *outbox.Delivery) bool {
		if w == nil {
			w = new(t.surroundings())
		}
		return t.holds(w, d, now)
	}, t.ledger.topic)
	for _, d := range due {
		t.book.Begin(d.Key)
		t.published.deliveryChanged(d)
		m := t.message(d)
		if m.IsTest() { // a damaged journal has lost what it tells of
			t.Log.Error("a message is about unknown incidents and is not sent", zap.String("key", m.Key))
			t.foldOutcome(outbox.Outcome{Key: d.Key, At: now, State: outbox.Dead})
			continue
		}
		t.Sender.Send(d.NotifyID, d.To, m)
	}
	t.startReport(now)
}

// holds reports whether a delivery must not be sent just now.
func (t *Tracker) holds(w *outbox.World, d *outbox.Delivery, now time.Time) bool {
	w.Subjects = nil
	for _, item := range d.Items {
		if rec, known := t.ledger.records[item.Incident]; known {
			t.addSubject(w, rec.incident, now)
		}
	}
	return w.Holds(d, now)
}
