package tracker

import (
	"context"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Attempted takes the outcome of one attempt of the sender. A key that this tracker does not know
// is that of another one's message, and a standby leaves it to whoever decides what became of it.
func (t *Tracker) Attempted(a outbox.Attempt) {
	in := func(_ *Tracker, r *round) {
		if !t.standby {
			t.conclude(r, a)
		}
	}
	_ = t.put(context.Background(), in) // stopped: the delivery is due again after the start
}

// conclude folds the outcome of one attempt.
func (t *Tracker) conclude(r *round, a outbox.Attempt) {
	d, ok := t.book.Delivery(a.Key)
	if !ok {
		t.concludeReport(r, a)
		return
	}
	o := boundOutcome(outbox.Conclude(*d, a.Receipt, a.Err, a.At, t.Jitter()))
	if o.State == outbox.Sent {
		o.Receiver = a.Receiver
	}
	t.foldOutcome(o)
	for _, item := range d.Items {
		t.agenda.touch(item.Incident)
		if rec, ok := t.ledger.records[item.Incident]; ok && !rec.incident.Live() {
			t.touch(rec.incident.Check) // what is newer may have waited for its end
		}
	}
	if notifiers.IsPaced(a.Err) && !o.State.Final() {
		// Nothing was sent, so there is nothing to remember: after a crash it is due at once.
		t.Log.Debug("a message waits for the pace of its receiver", zap.String("key", string(o.Key)), timeField("next_at", o.NextAt))
		return
	}
	r.addRecord(kindOutcome, o.At, o)
	if t.Outcomes != nil {
		r.outcomes = append(r.outcomes, func() { t.Outcomes(d.NotifyID, o.State) })
	}
	fields := []zap.Field{
		zap.String("key", string(o.Key)), zap.String("role", string(d.NotifyID.Role)),
		zap.String("notifier", string(d.NotifyID.Notifier)), zap.String("target", d.NotifyID.Target),
		zap.String("state", string(o.State)), zap.Int("attempts", o.Attempts),
		zap.Stringer("answer", d.Answer()),
	}
	fields = append(fields, t.tellsOf(d)...)
	// Sent in spite of an error: some of the recipients have got it.
	if a.Err != nil && o.State != outbox.Sent {
		t.channels.noteFailed(d.NotifyID.Notifier, o)
		t.Log.Warn("a message could not be delivered", append(fields, timeField("next_at", o.NextAt))...)
		return
	}
	if len(d.Refused()) > 0 {
		t.Log.Warn("a message was delivered to some of its recipients only", fields...)
	}
	if a.Err != nil {
		return
	}
	t.channels.mend(d.NotifyID.Notifier, r.now)
	// It has just answered well, so what waits for it is tried at once.
	t.book.Hurry(d.NotifyID.Notifier, r.now)
	if len(d.Refused()) == 0 {
		t.Log.Info("a message was delivered", fields...)
	}
}

// tellsOf returns the log fields of the incident and the check that a message tells of,
// where it tells of one.
func (t *Tracker) tellsOf(d *outbox.Delivery) []zap.Field {
	if len(d.Items) != 1 {
		return nil
	}
	id := d.Items[0].Incident
	fields := []zap.Field{zap.String("incident", string(id))}
	if rec, ok := t.ledger.records[id]; ok {
		fields = append(fields, zap.String("check", string(rec.incident.Check)))
	}
	return fields
}

// Dismiss marks a delivery that was given up as needing no more attention. Errors are those
// of [outbox.Book.Dismiss], and that the journal cannot keep it.
func (t *Tracker) Dismiss(ctx context.Context, key outbox.Key, by string) error {
	return t.run(ctx, func(r *round) error {
		o, err := t.book.Dismiss(key, boundAuthor(by), r.now)
		if err != nil {
			return err
		}
		if !r.addRecord(kindOutcome, r.now, o) {
			return errNotKept
		}
		t.foldOutcome(o)
		t.Log.Info("a message that was given up is dismissed", zap.String("key", string(key)), zap.String("by", o.DismissedBy))
		return nil
	})
}

// Redeliver has a delivery that was given up tried once more. Errors are those of
// [outbox.Book.Redeliver].
func (t *Tracker) Redeliver(ctx context.Context, key outbox.Key) error {
	return t.run(ctx, func(r *round) error {
		o, err := t.book.Redeliver(key, r.now)
		if err != nil {
			return err
		}
		t.foldOutcome(o)
		r.addRecord(kindOutcome, o.At, o)
		t.agenda.everything()
		return nil
	})
}
