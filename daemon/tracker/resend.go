package tracker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// endsRepeatedFor is how long an end is repeated, for a receiver that was not there when
	// it was told; Prometheus does the same (resolvedRetention in rules/alerting.go).
	endsRepeatedFor = 15 * time.Minute
	// repeatedAtOnce bounds how many incidents one round puts into words to repeat them, so
	// that what comes in does not wait: 500 take some milliseconds.
	repeatedAtOnce = 500
	// waitForRoom is when a notifier is asked again whether it has room for more.
	waitForRoom = time.Second
)

// repeats are what is told again and again to receivers that forget. Nothing of it is
// journaled: it is what the book says was told.
type repeats struct {
	of map[config.NotifierID]*repetition
}

// A repetition is the state of one notifier that repeats.
type repetition struct {
	settings notifiers.Settings
	every    time.Duration
	next     time.Time     // when it begins anew; zero: at once
	rest     []incident.ID // that this time are still to be repeated
	resume   time.Time     // when it goes on with the rest; zero: at once
}

// configure begins to repeat on the notifiers of a configuration that need it: at once where a
// notifier is new or has other settings, since its receiver may know nothing.
func (p *repeats) configure(inFiles map[config.NotifierID]*config.Notifier) {
	before := p.of
	p.of = nil
	for id, n := range inFiles {
		s, forgets := n.Settings.(notifiers.Resender)
		if !forgets {
			continue
		}
		if p.of == nil {
			p.of = map[config.NotifierID]*repetition{}
		}
		p.of[id] = before[id]
		if known := before[id]; known == nil || known.settings != n.Settings {
			p.of[id] = &repetition{settings: n.Settings, every: s.ResendEvery()}
		}
	}
}

// hurry has everything repeated at once, since receivers have forgotten it while this process
// stood still.
func (p *repeats) hurry() {
	for _, n := range p.of {
		n.next = time.Time{}
	}
}

// due returns when something has to be repeated; zero: nothing ever has.
func (p *repeats) due() (due time.Time) {
	for _, n := range p.of {
		at := n.next
		if len(n.rest) > 0 {
			at = n.resume
		}
		if at.IsZero() {
			return time.Unix(0, 0) // long ago
		}
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return due
}

// repeatMessages has repeated what is due, some of it: the next round, which begins at once, goes
// on. Only what has arrived is repeated, so a silence or maintenance changes nothing: what a
// receiver was told before stays as it is there.
func (t *Tracker) repeatMessages(ctx context.Context, r *round) {
	now := r.now
	for id, n := range t.repeats.of {
		if len(n.rest) == 0 {
			// Set back, a clock would be waited for; until then the receiver would have forgotten.
			if !n.next.IsZero() && n.next.After(now) && n.next.Sub(now) <= n.every {
				continue
			}
			n.next, n.rest = now.Add(n.every), t.toRepeat(now)
		}
		// A receiver that is slower than the incidents are many gets them as it takes them.
		if t.MayResend != nil && !t.MayResend(id) {
			n.resume = now.Add(waitForRoom)
			continue
		}
		if len(n.rest) > 0 && !t.isSure(ctx, r) {
			n.resume = t.sureNext
			continue
		}
		n.resume = time.Time{}
		some := n.rest[:min(repeatedAtOnce, len(n.rest))]
		if n.rest = n.rest[len(some):]; len(n.rest) == 0 {
			n.rest = nil
		}
		t.repeatOn(id, some, now)
	}
}

// toRepeat lists the incidents of which something may have to be repeated.
func (t *Tracker) toRepeat(now time.Time) (ids []incident.ID) {
	for id := range t.ledger.records {
		if t.isRepeated(id, now) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isRepeated reports whether something of an incident may have to be repeated: it is open, ended
// lately, or somebody has yet to hear of its end.
func (t *Tracker) isRepeated(id incident.ID, now time.Time) bool {
	rec, known := t.ledger.records[id]
	if !known || rec.incident.Unreported() {
		return false
	}
	_, active := t.ledger.active[id]
	return active || now.Sub(rec.incident.EndedAt) < endsRepeatedFor
}

// repeatOn repeats on one notifier what its receivers were told of some incidents.
func (t *Tracker) repeatOn(id config.NotifierID, incidents []incident.ID, now time.Time) {
	batches := map[config.NotifyID][]notifiers.Message{}
	targets := map[config.NotifyID]json.RawMessage{}
	found := &failingChildren{now: time.Now()}
	for _, in := range incidents {
		// It may be forgotten since the list was made.
		if !t.isRepeated(in, now) {
			continue
		}
		for _, d := range t.book.ToRepeat(&t.ledger.records[in].incident) {
			if d.NotifyID.Notifier != id {
				continue
			}
			if m, current := t.repeated(d, in, now, found); current {
				batches[d.NotifyID] = append(batches[d.NotifyID], m)
				targets[d.NotifyID] = d.To
			}
		}
	}
	for to, messages := range batches {
		t.Resend(to, targets[to], messages)
	}
}

// repeated returns what a delivery told of an incident, with the incident as it is now; false: it is
// over for too long.
func (t *Tracker) repeated(
	d *outbox.Delivery, id incident.ID, now time.Time, found *failingChildren,
) (m notifiers.Message, current bool) {
	in := &t.ledger.records[id].incident
	m = t.message(d, found)
	if len(m.Items) != 1 || m.Items[0].Incident.ID != string(id) { // only programs forget
		return m, false
	}
	over := m.Items[0].Ends() && !in.Open()
	return m, !over || now.Sub(in.EndedAt) < endsRepeatedFor
}
