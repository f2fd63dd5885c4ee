package tracker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A channelRecord says that a notifier does not deliver, or that it has delivered
// a test message since. Other deliveries stand in the journal as outcomes. One
// without a notifier says that the journal notes what is broken.
type channelRecord struct {
	Notifier config.NotifierID   `json:"notifier,omitempty"`
	Broken   *outbox.Undelivered `json:"broken,omitempty"` // nil: it has delivered
}

// breakChannel notes the first opening that a notifier has not delivered in time,
// when it has delivered nothing else meanwhile. The monitor incident about messages
// goes on until the notifier has delivered, also when nobody wants that opening any
// more.
func (t *Tracker) breakChannel(r *round, u outbox.Undelivered) {
	id := u.NotifyID.Notifier
	if _, known := t.broken[id]; known || t.worked[id].After(u.Since) {
		return
	}
	if r.add(kindChannel, r.now, channelRecord{id, &u}) {
		t.broken[id], t.withdrawn = u, false
	}
}

// mendChannel notes that a notifier has delivered.
func (t *Tracker) mendChannel(id config.NotifierID, at time.Time) {
	delete(t.broken, id)
	t.worked[id] = at
	t.withdrawn = false
}

// withdrawChannels lets go of notifiers that have left the files: they will never
// deliver.
func (t *Tracker) withdrawChannels() {
	for id := range t.broken {
		if _, stays := t.cfg.Notifiers[id]; !stays {
			delete(t.broken, id)
			t.withdrawn = len(t.broken) == 0
		}
	}
}

// breakOfBefore finds what is broken in a journal of before it was noted there: what
// is being retried while the incident about messages is open.
func (t *Tracker) breakOfBefore() {
	if t.noted || !t.open(t.messagesIncident()) {
		return
	}
	for id, rec := range t.ledger {
		for _, d := range t.book.Of(id) {
			if d.State == outbox.Retrying && !isTrouble(rec.incident.Check) {
				t.broken[d.NotifyID.Notifier] = outbox.Undelivered{Incident: id, NotifyID: d.NotifyID, Since: d.At}
			}
		}
	}
}

// messagesIncident is the current or last incident about messages; empty: none.
func (t *Tracker) messagesIncident() incident.ID {
	in, _ := t.state(Messages.check()).Incident(config.ConditionMonitor)
	return in.ID
}

// Delivered says that a notifier has delivered a test message, so that what waits
// for it is tried at once, and what the monitor says about it ends.
func (t *Tracker) Delivered(ctx context.Context, id config.NotifierID) error {
	return t.run(ctx, func(r *round) error {
		t.book.Hurry(id, r.now)
		if _, broken := t.broken[id]; broken && r.add(kindChannel, r.now, channelRecord{Notifier: id}) {
			t.mendChannel(id, r.now)
			t.agenda.everything()
		}
		return nil
	})
}

// noticeHeld says once in the log that a notifier holds messages back, and once
// that it does so no longer.
func (t *Tracker) noticeHeld(held []outbox.Held) {
	for _, h := range held {
		if id := h.NotifyID.Notifier; !t.holding[id] {
			t.holding[id] = true
			t.Log.Warn("max_per_hour of a notifier is used up; messages wait",
				zap.String("notifier", string(id)), zap.Int("max_per_hour", t.maxPerHour(id)), zap.Time("until", h.Until.Truncate(time.Second)))
		}
	}
	if len(t.holding) == 0 || len(held) > 0 {
		return
	}
	for id := range t.holding {
		if !t.book.Holds(id) {
			delete(t.holding, id)
			t.Log.Info("no message waits for max_per_hour any more", zap.String("notifier", string(id)))
		}
	}
}
