package tracker

import (
	"context"
	"maps"
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

// channels holds which notifiers deliver.
type channels struct {
	broken map[config.NotifierID]outbox.Undelivered // by the first opening that did not arrive
	worked map[config.NotifierID]time.Time          // when it last delivered
	// failing has since when attempts by a notifier fail, and none has succeeded; see Blocked.
	failing map[config.NotifierID]time.Time
	noted   bool // the journal knows what is broken
	// withdrawn: the last one that was broken has left the files.
	withdrawn bool
	holding   map[config.NotifierID]bool // have used up their max_per_hour, as the log says
}

func newChannels() channels {
	return channels{
		broken: map[config.NotifierID]outbox.Undelivered{}, worked: map[config.NotifierID]time.Time{},
		holding: map[config.NotifierID]bool{}, failing: map[config.NotifierID]time.Time{},
	}
}

// noteBroken journals the first opening that a notifier has not delivered in time,
// when it has delivered nothing else meanwhile. The monitor incident about messages
// goes on until the notifier has delivered, also when nobody wants that opening any
// more.
func (t *Tracker) noteBroken(r *round, u outbox.Undelivered) {
	id := u.NotifyID.Notifier
	// A delivery since then shows that the channel works.
	if _, known := t.channels.broken[id]; known || t.channels.worked[id].After(u.Since) {
		return
	}
	if r.addRecord(kindChannel, r.now, channelRecord{id, &u}) {
		t.channels.broken[id], t.channels.withdrawn = u, false
	}
}

// mend notes that a notifier has delivered.
func (c *channels) mend(id config.NotifierID, at time.Time) {
	delete(c.broken, id)
	delete(c.failing, id)
	c.worked[id] = at
	c.withdrawn = false
}

// withdraw lets go of the broken notifiers that are not in the files any more: they will
// never deliver.
func (c *channels) withdraw(inFiles map[config.NotifierID]*config.Notifier) {
	for id := range c.broken {
		if _, stays := inFiles[id]; !stays {
			delete(c.broken, id)
			c.withdrawn = len(c.broken) == 0
		}
	}
}

// findBrokenUnnoted finds which notifiers are broken when the journal is older than the
// records that say so: those whose messages are retried while the incident about messages
// is open.
func (t *Tracker) findBrokenUnnoted() {
	if t.channels.noted || !t.ledger.open(t.messagesIncident()) {
		return
	}
	for id, rec := range t.ledger.records {
		for _, d := range t.book.Of(id) {
			if d.State == outbox.Retrying && !isTrouble(rec.incident.Check) {
				t.channels.broken[d.NotifyID.Notifier] = outbox.Undelivered{Incident: id, NotifyID: d.NotifyID, Since: d.At}
			}
		}
	}
}

// messagesIncident returns the current or last incident about messages; empty: there is
// none.
func (t *Tracker) messagesIncident() incident.ID {
	in, _ := t.stateOf(Messages.check()).Incident(config.ConditionMonitor)
	return in.ID
}

// Delivered says that a notifier has delivered a test message, so that what waits
// for it is tried at once, and what the monitor says about it ends.
func (t *Tracker) Delivered(ctx context.Context, id config.NotifierID) error {
	return t.run(ctx, func(r *round) error {
		t.book.Hurry(id, r.now)
		if _, broken := t.channels.broken[id]; broken && r.addRecord(kindChannel, r.now, channelRecord{Notifier: id}) {
			t.channels.mend(id, r.now)
			t.agenda.everything()
		}
		return nil
	})
}

// noteFailed notes that an attempt by a notifier came to nothing. What the other side refuses, or asks to
// have later, has reached it, and does not count.
func (c *channels) noteFailed(id config.NotifierID, o outbox.Outcome) {
	if _, known := c.failing[id]; !known && o.State == outbox.Retrying && !o.Held && o.Poisoned == 0 {
		c.failing[id] = o.At
	}
}

// Blocked returns the notifiers by which messages of this tracker do not leave, and since when no
// attempt has succeeded.
func (t *Tracker) Blocked(ctx context.Context) (map[config.NotifierID]time.Time, error) {
	return look(ctx, t, func(time.Time) (map[config.NotifierID]time.Time, error) {
		maps.DeleteFunc(t.channels.failing, func(id config.NotifierID, _ time.Time) bool { return !t.book.Waits(id) })
		return maps.Clone(t.channels.failing), nil
	})
}

// logLimits says once in the log that a notifier holds messages back, and once
// that it does so no longer.
func (t *Tracker) logLimits(held []outbox.Held) {
	for _, h := range held {
		if id := h.NotifyID.Notifier; !t.channels.holding[id] {
			t.channels.holding[id] = true
			t.Log.Warn("max_per_hour of a notifier is reached; messages wait",
				zap.String("notifier", string(id)), zap.Int("max_per_hour", t.maxPerHour(id)), timeField("until", h.Until.Truncate(time.Second)))
		}
	}
	if len(t.channels.holding) == 0 || len(held) > 0 {
		return
	}
	for id := range t.channels.holding {
		if !t.book.Holds(id) {
			delete(t.channels.holding, id)
			t.Log.Info("no more messages wait for max_per_hour", zap.String("notifier", string(id)))
		}
	}
}
