package tracker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// The kinds of journal records.
const (
	kindIncident     = "incident." // and the kind of the event
	kindNotification = "telling"
	kindOutcome      = "outcome"
	kindSilence      = "silence"
	kindChannel      = "channel"
	kindReport       = "report"
	kindWish         = "wish" // an acknowledgement that waits for its incident, or no longer does
)

// addRecord adds data to the records of the round. It returns false when the journal would
// refuse the record: then nothing may come of it, neither in memory nor outside,
// so that a replay gives what is in memory. The rest of the round goes on, and
// [Tracker.reportRefused] says so.
func (r *round) addRecord(kind string, at time.Time, data any) bool {
	text, err := json.Marshal(data) // fails for a year above 9999
	rec := journal.Record{At: at, Kind: kind, Data: text}
	if err == nil {
		err = rec.Fits()
	}
	if err != nil {
		r.refused = append(r.refused, err)
		return false
	}
	r.records = append(r.records, rec)
	return true
}

// replay folds every journaled fact, and decides nothing again.
func (t *Tracker) replay() error {
	for rec, err := range t.Journal.Replay() {
		if err != nil {
			return err
		}
		if rec.At.After(t.newest) {
			t.newest = rec.At
		}
		t.foldRecord(rec)
	}
	return nil
}

// Newest returns the latest time that the journal had a record of when it was replayed;
// zero: it had none. A clock that shows less is slow.
func (t *Tracker) Newest() time.Time { return t.newest }

// replayRecord folds one record. The error says that this version cannot read it.
func (t *Tracker) replayRecord(rec journal.Record) error {
	t.published.stale = true // a standby shows what it folds, also what marks nothing: silences and reports
	switch {
	case rec.Kind == kindWholeIncident:
		return t.restoreIncident(rec.Data)
	case strings.HasPrefix(rec.Kind, kindIncident):
		var e incident.Event
		if err := json.Unmarshal(rec.Data, &e); err != nil {
			return err
		}
		t.foldEvent(boundEvent(e))
	case rec.Kind == kindNotification:
		var notification outbox.Notification
		if err := json.Unmarshal(rec.Data, &notification); err != nil {
			return err
		}
		// A journal that several nodes share holds it twice where the whole state was written behind
		// what led to it. A key stands for the same for ever.
		if _, known := t.book.Delivery(notification.Key); !known {
			t.foldNotification(notification)
		}
	case rec.Kind == kindOutcome:
		var o outbox.Outcome
		if err := json.Unmarshal(rec.Data, &o); err != nil {
			return err
		}
		if d, known := t.book.Delivery(o.Key); known && o.State == outbox.Sent {
			t.channels.mend(d.NotifyID.Notifier, o.At)
		}
		t.foldOutcome(o)
		t.reports.ApplyOutcome(o)
	case rec.Kind == kindReport:
		var n outbox.ReportNotice
		if err := json.Unmarshal(rec.Data, &n); err != nil {
			return err
		}
		if _, known := t.reports.Delivery(n.Key); !known {
			t.reports.Apply(n)
		}
	case rec.Kind == kindChannel:
		var c channelRecord
		if err := json.Unmarshal(rec.Data, &c); err != nil {
			return err
		}
		switch t.channels.noted = true; {
		case c.Broken != nil:
			t.channels.broken[c.Notifier] = *c.Broken
		case c.Notifier != "":
			t.channels.mend(c.Notifier, rec.At)
		}
	case rec.Kind == kindSilence:
		var s outbox.Silence
		if err := json.Unmarshal(rec.Data, &s); err != nil {
			return err
		}
		s.Reason, s.By, s.EndedBy = boundReason(s.Reason), boundAuthor(s.By), boundAuthor(s.EndedBy)
		t.silences[s.ID] = s
	case rec.Kind == kindWish:
		var w waitingWish
		if err := json.Unmarshal(rec.Data, &w); err != nil {
			return err
		}
		t.foldWish(w)
	case strings.HasPrefix(rec.Kind, kindCluster):
	default:
		return fmt.Errorf("unknown kind")
	}
	return nil
}
