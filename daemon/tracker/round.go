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

// Run handles inputs until ctx ends, and then what is still queued. The only error is
// journal.ErrReplaced: another node decides now, nothing comes of the last round, and what this
// tracker holds is to be thrown away.
func (t *Tracker) Run(ctx context.Context) error {
	defer close(t.done)
	err := t.runRounds(ctx)
	if err != nil {
		t.ended = err
	}
	return err
}

func (t *Tracker) runRounds(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var batch []input
		select {
		case in := <-t.inputs:
			batch = append(batch, in)
		case <-timer.C:
		case <-t.journalWanted():
			t.renewing = true
		case <-ctx.Done():
			// The receipts of messages that were under way came before the end: see daemon.
			for batch = t.drainInputs(nil); len(batch) > 0; batch = t.drainInputs(nil) {
				if err := t.round(ctx, batch, time.Now()); err != nil {
					return err
				}
			}
			// The last moment at which somebody knows what stood in files that are lost.
			return t.checkJournalAtEnd()
		}
		if err := t.round(ctx, t.drainInputs(batch), time.Now()); err != nil {
			return err
		}
		timer.Reset(t.sleepTime(time.Now()))
	}
}

// journalWanted receives a value when this tracker has to write the journal anew.
func (t *Tracker) journalWanted() <-chan struct{} {
	if t.standby {
		return nil // whoever decides does
	}
	return t.Journal.Wanted()
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
	if !t.decides() {
		return longest
	}
	next := t.agenda.due(now)
	for id := range t.timed {
		if due := incident.Due(t.stateOf(id)); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	for _, due := range []time.Time{t.retry, t.retryNext, t.repeats.due()} {
		// What is due waits as long as nobody can say whether this node decides.
		if !due.IsZero() && due.Before(t.sureNext) {
			due = t.sureNext
		}
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
	// sure: it is certain that this node decides; asked: somebody was asked.
	sure, asked bool
	// replaced says that another node decides now, so that nothing may come of the round.
	replaced error
	// For the feed, if there is one.
	results  []incident.Result
	events   []incident.Event
	outcomes []func()
}

// round decides what a batch of inputs comes to, journals it, and only then lets anybody
// know. The error is journal.ErrReplaced.
func (t *Tracker) round(ctx context.Context, batch []input, now time.Time) error {
	r := &round{now: now}
	// Before the inputs: what they observe is fresh again.
	t.noticeSuspend(now)
	for _, in := range batch {
		in(t, r)
	}
	var notifications []outbox.Notification
	if t.decides() {
		t.tickIncidents(r)
		notifications = t.plan(r)
		t.reportRefused(r)
	}
	if t.appendRecords(r); r.replaced != nil {
		return r.replaced
	}
	for _, notification := range notifications {
		t.notificationJournaled(notification)
	}
	// What was just told is in the book by now, and has no reason any more.
	t.logHeld(r)
	if t.decides() {
		t.startAttempts(ctx, r)
		t.repeatMessages(ctx, r)
	}
	if !t.standby {
		t.compactJournal(r)
	}
	for _, reply := range r.replies {
		reply()
	}
	t.feed(r)
	return r.replaced
}

// decides reports whether this tracker decides anything: it stands by no longer, and knows the files.
func (t *Tracker) decides() bool { return t.configured() && !t.standby }

// appendRecords appends the records of a round to the journal, with one fsync. Alarms go
// on whatever comes of it, unless another node decides now.
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
	case errors.Is(err, journal.ErrReplaced):
		r.replaced = err
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
func (t *Tracker) startAttempts(ctx context.Context, r *round) {
	if t.finishing {
		t.retry = time.Time{}
		return
	}
	now := r.now
	var due []*outbox.Delivery
	var w *outbox.World // in most rounds nothing is due, and it is not needed
	due, t.retry = t.book.Due(now, func(d *outbox.Delivery) bool {
		if w == nil {
			w = new(t.surroundings())
		}
		return t.holds(w, d, now)
	}, t.ledger.topic)
	if len(due) > 0 && !t.isSure(ctx, r) {
		t.retry = t.sureNext
		return
	}
	found := &failingChildren{now: time.Now()}
	for _, d := range due {
		t.book.Begin(d.Key)
		t.published.deliveryChanged(d)
		m := t.message(d, found)
		if m.IsTest() { // a damaged journal has lost what it tells of
			t.Log.Error("a message is about unknown incidents and is not sent", zap.String("key", m.Key))
			t.foldOutcome(outbox.Outcome{Key: d.Key, At: now, State: outbox.Dead})
			continue
		}
		t.Sender.Send(d.NotifyID, d.To, m)
	}
	t.startReport(ctx, r)
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
