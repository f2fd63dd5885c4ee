package tracker_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// An order is what came in which order to a journal and to a feed.
type order struct {
	mu   sync.Mutex
	came []string
}

func (o *order) note(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.came = append(o.came, text)
}

func (o *order) Append(records ...journal.Record) error {
	for _, r := range records {
		o.note("journal " + r.Kind)
	}
	return nil
}
func (*order) Replay() iter.Seq2[journal.Record, error] { return past{}.Replay() }
func (*order) Status() journal.Status                   { return journal.Status{Durable: true} }
func (*order) Size() int64                              { return 0 }
func (*order) Compact(iter.Seq[journal.Record]) error   { return nil }
func (*order) Wanted() <-chan struct{}                  { return nil }
func (*order) Verify()                                  {}

func (o *order) Result(r incident.Result) {
	o.note(fmt.Sprintf("result of %s: %s", r.Check, r.Health()))
}

func (o *order) Events(list []incident.Event) {
	for _, e := range list {
		o.note(fmt.Sprintf("event %s of %s", e.Kind, e.Check))
	}
}

// The feed hears of what happens in the order in which it happens, and of nothing that
// is not in the journal; probes of what is paused or gone are not heard of.
func TestTheFeedComesAfterTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o order
		tr, err := tracker.Open(tracker.Options{Journal: &o, Sender: make(outgoing, 8), Feed: &o})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = tr.Run(ctx) }()
		checks := map[config.CheckID]*config.Check{"a": {ID: "a", Enabled: true}, "paused": {ID: "paused"}}
		if err := tr.Configure(ctx, &config.Config{Checks: checks}); err != nil {
			t.Fatal(err)
		}
		probe := func(id config.CheckID, findings ...incident.Finding) {
			now := time.Now()
			tr.Observe(ctx, incident.Result{
				Check: id, Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService), Findings: findings,
			})
		}
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		probe("paused")
		probe("a")
		probe("a", down)
		probe("a", down)
		probe("gone")
		if _, err := tr.Acknowledge(ctx, look(t, tr).Incidents[0].ID, tracker.Acknowledgement{Reason: "on it"}); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
		want := []string{
			"result of a: ok",
			"journal incident.failing", "result of a: down", "event failing of a",
			"journal incident.opened", "result of a: down", "event opened of a",
			"journal incident.acknowledged", "event acknowledged of a",
		}
		if !slices.Equal(o.came, want) {
			t.Errorf("it came as %q, want %q", o.came, want)
		}
	})
}
