package tracker

import (
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

const (
	// compactAt is how large the journal of one machine grows before it is written anew.
	compactAt = 16 << 20
	// compactPause is how long it is not tried again.
	compactPause = time.Minute
	// keepFor and keepMost bound what is kept of incidents that are over.
	keepFor  = 90 * 24 * time.Hour
	keepMost = 10_000
	// firstEvents and lastEvents are kept of an incident that has more: one
	// that flaps for weeks must not fill the journal.
	firstEvents, lastEvents = 20, 180
)

// kindWholeIncident is an incident as compaction writes it.
const kindWholeIncident = "incident.whole"

// A whole is an incident with its events. Replay takes it as it is.
type whole struct {
	Incident incident.Incident `json:"incident"`
	Events   []incident.Event  `json:"events"`
	// Past: another incident is what is true of its check and condition, or none is, since
	// that one was taken along to another check. Journals of before do not say it.
	Past bool `json:"past,omitempty"`
}

// compactJournal replaces a journal that has grown by the records that lead to today's
// state.
func (t *Tracker) compactJournal(r *round) {
	now := r.now
	if t.renewing {
		r.replaced = t.rewriteJournal(now)
		return
	}
	if t.Journal.Size() < cmp.Or(t.CompactAt, compactAt) || now.Before(t.compactNext) {
		return
	}
	// A disk that cannot is not asked again in every round.
	t.compactNext = now.Add(compactPause)
	t.forgetOldIncidents(now)
	before := t.Journal.Size()
	if err := t.Journal.Compact(t.snapshotRecords(now)); err != nil {
		if errors.Is(err, journal.ErrReplaced) {
			r.replaced = err
			return
		}
		t.Log.Warn("the journal is not compacted yet", zap.Error(err))
		return
	}
	t.Log.Info("the journal was compacted", zap.Int64("bytes_before", before), zap.Int64("bytes_after", t.Journal.Size()))
}

// rewriteJournal writes all that is known into a journal whose files somebody has taken
// away. If that fails the journal asks again. The error is journal.ErrReplaced.
func (t *Tracker) rewriteJournal(now time.Time) error {
	t.renewing = false
	t.forgetOldIncidents(now)
	if err := t.Journal.Compact(t.snapshotRecords(now)); err != nil {
		if errors.Is(err, journal.ErrReplaced) {
			return err
		}
		t.Log.Error("the journal's files are lost and could not be rewritten; retrying", zap.Error(err))
		return nil
	}
	t.Log.Warn("the journal's files were lost and have been rewritten from memory", zap.String("reason", t.Journal.Status().LastLoss))
	return nil
}

// checkJournalAtEnd writes the journal anew if its files were taken away a moment ago, so
// that the next start finds everything. The error is journal.ErrReplaced.
func (t *Tracker) checkJournalAtEnd() error {
	if t.standby {
		return nil
	}
	t.Journal.Verify()
	select {
	case <-t.Journal.Wanted():
		return t.rewriteJournal(time.Now())
	default:
		return nil
	}
}

// forgetOldIncidents drops the incidents that are over and older than keepFor, and the
// oldest if there are more than keepMost.
func (t *Tracker) forgetOldIncidents(now time.Time) {
	var over []incident.Incident
	for id, rec := range t.ledger.records {
		if _, active := t.ledger.active[id]; !active {
			over = append(over, rec.incident)
		}
	}
	slices.SortFunc(over, func(a, b incident.Incident) int { return b.ClosedAt.Compare(a.ClosedAt) })
	for i, in := range over {
		if i >= keepMost || now.Sub(in.ClosedAt) > keepFor {
			delete(t.ledger.records, in.ID)
		}
	}
	t.published.forget(t.ledger.records)
}

// snapshotRecords yields the records that lead to today's state, one at a time: all at once
// they would be the largest thing in memory.
func (t *Tracker) snapshotRecords(now time.Time) iter.Seq[journal.Record] {
	return func(yield func(journal.Record) bool) {
		r := &round{now: now}
		// give hands over what was added. What was journaled once fits; a record that
		// does not would be a fault of ours.
		give := func() bool {
			for _, err := range r.refused {
				t.Log.Error("a record does not fit into the journal's snapshot and is left out", zap.Error(err))
			}
			records := r.records
			r.records, r.refused = nil, nil
			return !slices.ContainsFunc(records, func(record journal.Record) bool { return !yield(record) })
		}
		for _, rec := range t.recordsInOrder() {
			rec.trimEvents(firstEvents, lastEvents)
			for !r.addRecord(kindWholeIncident, now, whole{rec.incident, rec.events, !t.isCurrent(rec.incident)}) && len(rec.events) > 1 {
				r.refused = r.refused[:len(r.refused)-1] // it is tried again with fewer events
				rec.trimEvents(len(rec.events)/8, len(rec.events)/2)
			}
			if !give() {
				return
			}
		}
		for _, s := range t.silences {
			r.addRecord(kindSilence, now, s)
		}
		for _, w := range t.waitingWishes(now) {
			r.addRecord(kindWish, now, w)
		}
		// The deliveries of incidents that are forgotten are forgotten with them.
		kept := t.book.Keep(func(id incident.ID) bool { return t.ledger.records[id] != nil })
		t.published.keepDeliveries(kept)
		for _, d := range kept {
			r.addRecord(kindNotification, d.At, d.Notification)
			if d.Attempts > 0 {
				r.addRecord(kindOutcome, d.Last.At, d.Last)
			}
			if !give() {
				return
			}
		}
		for _, d := range t.reports.Keep(now) {
			r.addRecord(kindReport, d.ReportNotice.At, d.ReportNotice)
			if d.Attempts > 0 {
				r.addRecord(kindOutcome, d.Last.At, d.Last)
			}
		}
		// After the outcomes, which in a replay say that a notifier delivers again.
		if t.ledger.open(t.messagesIncident()) {
			r.addRecord(kindChannel, now, channelRecord{}) // what follows is all that is broken
		}
		for id, u := range t.channels.broken {
			r.addRecord(kindChannel, now, channelRecord{id, &u})
		}
		give()
	}
}

// recordsInOrder lists the incidents in the order in which a replay must find them.
func (t *Tracker) recordsInOrder() []*record {
	list := make([]*record, 0, len(t.ledger.records))
	for _, rec := range t.ledger.records {
		list = append(list, rec)
	}
	slices.SortFunc(list, func(a, b *record) int {
		return cmp.Or(a.incident.StartedAt.Compare(b.incident.StartedAt), cmp.Compare(a.incident.ID, b.incident.ID))
	})
	// What is written last of a check and condition is what is true of them. It
	// may have begun before the others: a clock may have been set back meanwhile.
	slices.SortStableFunc(list, func(a, b *record) int {
		switch current := t.isCurrent(a.incident); {
		case current == t.isCurrent(b.incident):
			return 0
		case current:
			return 1
		}
		return -1
	})
	return list
}

// isCurrent reports whether the state of its check holds an incident.
func (t *Tracker) isCurrent(in incident.Incident) bool {
	last, known := t.stateOf(in.Check).Incident(in.Condition)
	return known && last.ID == in.ID
}

// trimEvents keeps the first and the last events and forgets those between.
func (rec *record) trimEvents(first, last int) {
	if len(rec.events) > first+last {
		// A new list: a snapshot may hold the old one.
		rec.events = slices.Concat(rec.events[:first], rec.events[len(rec.events)-last:])
	}
}

// restoreIncident folds an incident as compaction wrote it.
func (t *Tracker) restoreIncident(data json.RawMessage) error {
	var w whole
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	in := w.Incident
	c := t.ensureCheck(in.Check)
	if !w.Past {
		c.state = incident.Apply(c.state, incident.Event{
			Kind: incident.Restored, Incident: in.ID, Check: in.Check, Condition: in.Condition, Whole: &in,
		})
	}
	if !incident.Due(c.state).IsZero() {
		t.timed[in.Check] = true
	}
	for i, e := range w.Events {
		w.Events[i] = boundEvent(e)
	}
	rec, known := t.ledger.records[in.ID]
	if !known {
		rec = &record{}
		t.ledger.records[in.ID] = rec
	}
	t.ledger.retire(in.ID) // its check may have another name now
	rec.incident, rec.events = in, w.Events
	t.pacer.stateChanged(in.Check, c.state)
	t.published.checkChanged(c)
	t.published.incidentChanged(rec)
	t.ledger.activate(rec)
	return nil
}
