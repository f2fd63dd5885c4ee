package tracker_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A gated journal takes records when it is let.
type gated struct{ gate chan struct{} }

func (g gated) Append(...journal.Record) error         { <-g.gate; return nil }
func (gated) Replay() iter.Seq2[journal.Record, error] { return past{}.Replay() }
func (gated) Status() journal.Status                   { return journal.Status{Durable: true} }
func (gated) Size() int64                              { return 0 }
func (gated) Compact(iter.Seq[journal.Record]) error   { return nil }
func (gated) Wanted() <-chan struct{}                  { return nil }
func (gated) Verify()                                  {}
func (g gated) within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	synctest.Wait()
	select {
	case <-done:
		t.Errorf("%s is answered before it is in the journal", what)
	default:
	}
	g.gate <- struct{}{}
	<-done
}

// Whoever has the tracker do something hears of it when it is in the journal.
func TestAnswersWaitForTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gated{make(chan struct{})}
		tr, err := tracker.Open(tracker.Options{Journal: g, Sender: make(outgoing, 8)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = tr.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		must(tr.Configure(ctx, &config.Config{Checks: map[config.CheckID]*config.Check{"partner": {ID: "partner", Enabled: true}}}))
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		fail := func() {
			now := time.Now()
			tr.Observe(ctx, incident.Result{
				Check: "partner", Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService), Findings: []incident.Finding{down},
			})
		}
		g.within(t, "an observation", fail)
		g.within(t, "an opening", fail)
		view := look(t, tr)
		g.within(t, "an acknowledgement", func() {
			_, err := tr.Acknowledge(ctx, view.Incidents[0].ID, tracker.Acknowledgement{Reason: "on it"})
			must(err)
		})
		var silence outbox.Silence
		g.within(t, "a silence", func() {
			silence, err = tr.Silence(ctx, outbox.Silence{Scope: outbox.Scope{Check: "partner"}, Until: time.Now().Add(time.Hour)})
			must(err)
		})
		g.within(t, "the end of a silence", func() {
			_, err := tr.EndSilence(ctx, silence.ID, "")
			must(err)
		})
		g.within(t, "a trouble", func() { must(tr.Report(ctx, "disk", &incident.Finding{Cause: config.CauseLocalFault})) })
		g.within(t, "a reload", func() { must(tr.Configure(ctx, &config.Config{})) })
	})
}
