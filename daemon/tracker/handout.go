package tracker

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Records returns the records that lead to what is over of the incidents of checks, to the messages about
// them that have come to an end, to the silences and to the reports, as a compaction would write them: a
// journal that several nodes share can begin with them. What is open stays with this machine, which hands it
// over, and is found by the nodes for themselves: in two journals it would be told of twice. A report that is
// not delivered yet this machine goes on sending; in the records it is one that was given up.
func (t *Tracker) Records(ctx context.Context) ([]journal.Record, error) {
	return look(ctx, t, func(now time.Time) ([]journal.Record, error) {
		all := slices.Collect(t.snapshotRecords(now))
		over := finished{incidents: map[incident.ID]bool{}, messages: map[outbox.Key]bool{}}
		for _, rec := range all {
			if err := over.note(rec); err != nil {
				return nil, err
			}
		}
		all = slices.DeleteFunc(all, func(rec journal.Record) bool { return !over.has(rec) })
		return append(all, t.unsentReports(now)...), nil
	})
}

// unsentReports returns the records of the reports that this machine goes on sending, as ones that nobody else
// is to send.
func (t *Tracker) unsentReports(now time.Time) []journal.Record {
	r := &round{now: now}
	for _, d := range t.reports.List() {
		if d.State.Final() {
			continue
		}
		r.addRecord(kindReport, d.ReportNotice.At, d.ReportNotice)
		r.addRecord(kindOutcome, now, outbox.Outcome{
			Key: d.ReportNotice.Key, At: now, State: outbox.Dead, Attempts: max(1, d.Attempts),
			Error: opaque.Sanitise(t.Node + " goes on sending it, as before there were several nodes"),
		})
	}
	return r.records
}

// A finished holds what has come to an end, by the records of a snapshot.
type finished struct {
	incidents map[incident.ID]bool // of checks
	messages  map[outbox.Key]bool
}

// note takes a record. An outcome stands behind its message, and a message behind its incidents.
func (f finished) note(rec journal.Record) error {
	switch rec.Kind {
	case kindWholeIncident:
		var w whole
		err := json.Unmarshal(rec.Data, &w)
		f.incidents[w.Incident.ID] = !w.Incident.Live() && !isTrouble(w.Incident.Check)
		return err
	case kindOutcome:
		var o outbox.Outcome
		err := json.Unmarshal(rec.Data, &o)
		f.messages[o.Key] = o.State.Final()
		return err
	}
	return nil
}

// has reports whether a record, which was noted, is of what has come to an end.
func (f finished) has(rec journal.Record) bool {
	switch rec.Kind {
	case kindWholeIncident:
		var w whole
		return json.Unmarshal(rec.Data, &w) == nil && f.incidents[w.Incident.ID]
	case kindNotification:
		var n outbox.Notification
		unfinished := func(item outbox.Item) bool { return !f.incidents[item.Incident] }
		return json.Unmarshal(rec.Data, &n) == nil && f.messages[n.Key] && !slices.ContainsFunc(n.Items, unfinished)
	case kindReport:
		var n outbox.ReportNotice
		return json.Unmarshal(rec.Data, &n) == nil && f.messages[n.Key]
	case kindOutcome:
		var o outbox.Outcome
		return json.Unmarshal(rec.Data, &o) == nil && f.messages[o.Key]
	}
	return rec.Kind == kindSilence
}
