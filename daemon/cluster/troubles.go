package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

const (
	// troublePause is how often it is looked what is wrong with the nodes.
	troublePause = 5 * time.Second

	silentTime = time.Minute      // before people hear that a node is silent
	filesTime  = 10 * time.Minute // that it has other files: they are being distributed
	unseenTime = 5 * time.Minute  // that no node reports on a check
	faultTime  = time.Minute      // that anything else is wrong with a node, or with a server of the bus
	// mendedFor is how long an incident stays open about what was over before it was told.
	mendedFor = time.Hour
)

// The kinds of troubles of a cluster. Those about a node have its name behind them.
const (
	silentTrouble  = "silent-"
	faultTrouble   = "node-fault-"
	filesTrouble   = "node-files-"
	clockTrouble   = "node-clock-"
	copyTrouble    = "node-journal-"
	reportTrouble  = "node-reports-"
	unsentTrouble  = "node-messages-"
	unseenTrouble  = "unseen"
	journalTrouble = "shared-journal"
	shrunkTrouble  = "fewer-checks"
	serversTrouble = "bus-servers"

	certificatesTrouble = "bus-certificates"
)

var troubleKinds = []string{
	silentTrouble, faultTrouble, filesTrouble, clockTrouble, copyTrouble, reportTrouble, unsentTrouble, unseenTrouble, journalTrouble, shrunkTrouble,
	serversTrouble, certificatesTrouble,
}

// A trouble is something that can be wrong in a cluster, and whether it is.
type trouble struct {
	name    tracker.Trouble
	wrong   string        // what is, in sentences; empty: nothing
	after   time.Duration // how long it has to be so before people hear of it
	unknown bool          // it is not known: what people were told stays
}

// A troubleLog knows since when something is wrong, and what people were told of it.
type troubleLog struct {
	since map[tracker.Trouble]time.Time
	open  map[tracker.Trouble]bool
}

// watchTroubles reports what is wrong with the nodes and with the journal, until ctx ends.
func (d *decider) watchTroubles(ctx context.Context) {
	var t *troubleLog
	var next time.Time
	for {
		var summary agree.Summary
		select {
		case <-ctx.Done():
			return
		case summary = <-d.summaries:
		}
		now := time.Now()
		if now.Before(next) {
			continue
		}
		next = now.Add(troublePause)
		if t == nil {
			s, err := d.tracker.Snapshot(ctx)
			if err != nil {
				return // the tracker has ended
			}
			t = &troubleLog{since: map[tracker.Trouble]time.Time{}, open: openTroubles(s)}
		}
		for _, r := range t.next(d.findTroubles(summary, now), now) {
			if d.tracker.Report(ctx, r.name, r.finding) != nil {
				return
			}
			t.open[r.name] = r.finding != nil
		}
	}
}

// openTroubles returns the troubles of the cluster that people were told of, also by deciders before
// this one.
func openTroubles(s *tracker.Snapshot) map[tracker.Trouble]bool {
	open := map[tracker.Trouble]bool{}
	for in := range s.Incidents() {
		name, ours := strings.CutPrefix(string(in.Incident.Check), "imapvigil:")
		if ours && in.Incident.Open() &&
			slices.ContainsFunc(troubleKinds, func(kind string) bool { return strings.HasPrefix(name, kind) }) {
			open[tracker.Trouble(name)] = true
		}
	}
	return open
}

// A report says that something is wrong, or (nil) no longer.
type report struct {
	name    tracker.Trouble
	finding *incident.Finding
}

// next returns what is to be reported now. What is wrong for too short a time is left as it is: the
// decider before this one may have told people of it.
func (t *troubleLog) next(list []trouble, now time.Time) (reports []report) {
	known := map[tracker.Trouble]bool{}
	for _, one := range list {
		known[one.name] = true
		switch since, lasts := t.since[one.name]; {
		case one.unknown:
		case one.wrong == "":
			delete(t.since, one.name)
			if t.open[one.name] {
				reports = append(reports, report{one.name, nil})
			}
		case !lasts:
			t.since[one.name] = now
			if one.after > 0 {
				continue
			}
			fallthrough
		case now.Sub(since) >= one.after && !t.open[one.name]:
			reports = append(reports, report{one.name, &incident.Finding{Cause: config.CauseLocalFault, Hint: one.wrong}})
		}
	}
	// What is not known any more is about a node that is gone from the files.
	for name, open := range t.open {
		if open && !known[name] {
			reports = append(reports, report{name, nil})
		}
	}
	maps.DeleteFunc(t.since, func(name tracker.Trouble, _ time.Time) bool { return !known[name] })
	return reports
}
