package api_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is a daemon that remembers what it was asked.
type fake struct {
	snapshot *tracker.Snapshot
	shrink   bool
	acked    incident.ID
	until    time.Time
	by       string
	retried  bool
	failing  error // of tests
}

var verdict = api.Verdict{
	Result: api.RejectedWord, Digest: "d1",
	Diagnostics: api.NewDiagnostics([]config.Diagnostic{{
		Gravity: config.Error, Summary: "Unknown attribute", Detail: "Did you mean port?",
		Pos: config.Pos{File: "a.hcl", Line: 3, Column: 5}, Excerpt: "  prot = 1", Mark: [2]int{2, 6},
	}}),
}

func (f *fake) Snapshot(context.Context) (*tracker.Snapshot, error) { return f.snapshot, nil }

func (f *fake) Self() api.Self {
	return api.Self{Config: api.Config{State: api.Current, LoadedAt: noon, Digest: "d1"}, Notes: []string{"No route for IPv6."}}
}

func (f *fake) NextProbe(config.CheckID) time.Time { return noon.Add(time.Minute) }

func (f *fake) Reload(_ context.Context, shrink bool) (api.Verdict, error) {
	f.shrink = shrink
	return verdict, nil
}

func (f *fake) Plan(_ context.Context, files *source.Parcel) (api.Plan, error) {
	d := config.Compare(nil, nil)
	if files != nil {
		d.Added = append(d.Added, config.CheckID(files.Path))
	}
	return api.Plan{Diff: d, Orphaned: []incident.ID{"abc"}, Kept: []api.KeptIncident{{ID: "def", Check: "mx1/imaps"}}}, nil
}

func (f *fake) Recheck(_ context.Context, id config.CheckID) (api.Report, error) {
	return api.Report{}, errors.New("there is no check " + string(id))
}

func (f *fake) Test(_ context.Context, check *config.Check, o api.TestOptions) (incident.Result, error) {
	f.retried = o.Retry
	for _, p := range []config.Phase{config.PhaseConnect, config.PhaseTLS} {
		if o.OnPhase != nil {
			o.OnPhase(api.PhaseEnd{Address: "192.0.2.1", Port: 993, Phase: p, MS: 1.5, OK: p == config.PhaseConnect})
		}
	}
	return incident.Result{
		Check: check.ID, Started: noon, Ended: noon, Observed: config.ConditionSet(config.ConditionService),
		Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseTLS, Cause: config.CauseTimeout}},
	}, f.failing
}

func (f *fake) NotifyTest(_ context.Context, id config.RoleID) (api.Trial, error) {
	return api.Trial{Role: id}, nil
}

func (f *fake) Foresee(_ context.Context, q outbox.Question) (outbox.Forecast, error) {
	if q.Check != "mx1/imaps" {
		return outbox.Forecast{}, fmt.Errorf("the daemon has no check %s", q.Check)
	}
	return outbox.Forecast{
		ReportedAt: q.Begins.Add(3 * time.Minute), Remind: 4 * time.Hour,
		Sent: []outbox.Foreseen{{
			NotifyID: config.NotifyID{Role: "it_team", Notifier: "slack.workspace", Target: "#mail-ops"}, Roles: []config.RoleID{"it_team"}, Kind: "slack",
			Transition: "incident.opened", At: q.Begins.Add(time.Hour), Waited: outbox.Held{Reason: outbox.HeldBySchedule, Name: "day"},
		}},
		Held: []outbox.Held{{Reason: outbox.HeldByNobody}},
	}, nil
}

func (f *fake) Explain(_ context.Context, id incident.ID) ([]outbox.Held, error) {
	if id != "dead0beef0" {
		return nil, fmt.Errorf("there is no incident %s", id)
	}
	return []outbox.Held{{
		Incident: id, NotifyID: config.NotifyID{Role: "it_team", Notifier: "slack.workspace", Target: "#mail-ops"}, Roles: []config.RoleID{"it_team"},
		Kind: "slack", Transition: "incident.opened", Reason: outbox.HeldBySchedule, Until: noon, Name: "night",
	}, {Incident: id, Reason: outbox.HeldByNobody}}, nil
}

func (f *fake) Upcoming(_ context.Context, ids []incident.ID) (list []outbox.Upcoming, err error) {
	for _, id := range ids {
		list = append(list, outbox.Upcoming{Incident: id, Foreseen: outbox.Foreseen{
			NotifyID: config.NotifyID{Role: "it_team", Notifier: "slack.workspace", Target: "#mail-ops"}, Roles: []config.RoleID{"it_team"}, Kind: "slack",
			Transition: "incident.escalated", At: noon.Add(time.Hour),
		}})
	}
	return list, nil
}

func (f *fake) Acknowledge(_ context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error) {
	f.acked, f.until, f.by = id, a.Until, a.By
	return incident.Incident{ID: id, Check: "mx1/imaps", Condition: "service", AckedAt: noon, AckedBy: "bert", AckReason: "first"}, nil
}

func (f *fake) Unacknowledge(_ context.Context, id incident.ID, by string) (incident.Incident, error) {
	f.acked, f.by = "", by
	return incident.Incident{ID: id, Check: "mx1/imaps", Condition: "service", AckedAt: noon, AckedUntil: noon.Add(time.Hour)}, nil
}

func (f *fake) Note(_ context.Context, id incident.ID, n tracker.Note) (incident.Event, error) {
	f.by = n.By
	return incident.Event{Kind: incident.Noted, At: noon, Incident: id, Check: "mx1/imaps", By: n.By, Reason: n.Text, Public: n.Public}, nil
}

func (f *fake) Silence(_ context.Context, wanted api.Silence) (api.Silence, error) {
	wanted.ID = "s1"
	return wanted, nil
}

func (*fake) History() *history.Store { return history.Open(history.Options{}) }

func (f *fake) EndSilence(_ context.Context, id, by string) (api.Silence, error) {
	f.by = by
	if id != "s1" {
		return api.Silence{}, errors.New("there is no silence " + id)
	}
	return api.Silence{ID: id, By: "bert"}, nil
}

func (f *fake) Dismiss(_ context.Context, key, by string) error {
	f.by = by
	if key != "iv_1" {
		return errors.New("there is no delivery " + key)
	}
	return nil
}

func (f *fake) Nodes(context.Context) (api.Nodes, error) { return api.Nodes{}, api.ErrNoCluster }

func (f *fake) BeginNodes(context.Context, string) (int, error) { return 0, api.ErrNoCluster }

func (f *fake) TestFrom(context.Context, config.NodeID, config.CheckID) (api.Report, error) {
	return api.Report{}, api.ErrNoCluster
}

func (f *fake) StepDown(context.Context, string) error { return api.ErrNoCluster }

func (f *fake) Redeliver(_ context.Context, key string) error {
	return errors.New("there is no delivery " + key)
}

// noon is when what these tests show was seen.
var noon = time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)

// A written journal holds these records, and takes more.
type written []journal.Record

func (written) Append(...journal.Record) error { return nil }
func (w written) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range w {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (written) Status() journal.Status                 { return journal.Status{Durable: true, Clean: true} }
func (written) Size() int64                            { return 0 }
func (written) Compact(iter.Seq[journal.Record]) error { return nil }
func (written) Wanted() <-chan struct{}                { return nil }
func (written) Verify()                                {}
