package tracker

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Records returns the records that lead to the incidents of checks, their messages and the silences of
// today, as a compaction would write them: another journal can begin with them. What is wrong with
// this machine is left out.
func (t *Tracker) Records(ctx context.Context) ([]journal.Record, error) {
	return look(ctx, t, func(now time.Time) (list []journal.Record, err error) {
		left := leftOut{incidents: map[incident.ID]bool{}, messages: map[outbox.Key]bool{}}
		for rec := range t.snapshotRecords(now) {
			ours, err := left.concerns(rec)
			if err != nil {
				return nil, err
			}
			if !ours {
				list = append(list, rec)
			}
		}
		return list, nil
	})
}

// A leftOut is what is about the monitor itself, among the records of a snapshot, which have an
// incident before its messages and a message before its outcome.
type leftOut struct {
	incidents map[incident.ID]bool
	messages  map[outbox.Key]bool
}

// concerns reports whether a record is about the monitor itself.
func (l leftOut) concerns(rec journal.Record) (bool, error) {
	switch rec.Kind {
	case kindWholeIncident:
		var w whole
		err := json.Unmarshal(rec.Data, &w)
		if isTrouble(w.Incident.Check) {
			l.incidents[w.Incident.ID] = true
		}
		return l.incidents[w.Incident.ID], err
	case kindNotification:
		var n outbox.Notification
		err := json.Unmarshal(rec.Data, &n)
		about := func(item outbox.Item) bool { return !l.incidents[item.Incident] }
		l.messages[n.Key] = !slices.ContainsFunc(n.Items, about)
		return l.messages[n.Key], err
	case kindOutcome:
		var o outbox.Outcome
		err := json.Unmarshal(rec.Data, &o)
		return l.messages[o.Key], err
	case kindChannel:
		return true, nil
	}
	return false, nil
}
