package tracker_test

import (
	"context"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// However short ago somebody looked: who has a check probed, or pauses it, sees
// what came of it.
func TestViewShowsWhatWasAskedFor(t *testing.T) {
	tr, err := tracker.Open(tracker.Options{Journal: past{}, Sender: make(outgoing, 8)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	configure := func(enabled bool) {
		c := &config.Check{ID: "mx1/imaps", Enabled: enabled, Policy: config.Policy{FaultTolerance: time.Hour}}
		if err := tr.Configure(ctx, &config.Config{Checks: map[config.CheckID]*config.Check{c.ID: c}}); err != nil {
			t.Fatal(err)
		}
	}
	probe := func(findings ...incident.Finding) {
		now := time.Now()
		tr.Observe(ctx, incident.Result{
			Check: "mx1/imaps", Started: now, Ended: now, Observed: incident.ConditionSet(incident.Service), Findings: findings,
		})
	}
	look := func(state, cause string) {
		t.Helper()
		v, err := tr.View(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if c := v.Checks[0]; c.State != state || c.Cause != cause {
			t.Errorf("the check is %q with cause %q, want %q with %q", c.State, c.Cause, state, cause)
		}
	}

	configure(true)
	look("unknown", "")
	probe()
	refused := incident.Finding{Condition: incident.Service, Health: incident.Down, Phase: incident.PhaseConnect, Cause: "refused"}
	if _, err := tr.Await(ctx, "mx1/imaps", func() { go probe(refused) }); err != nil {
		t.Fatal(err)
	}
	look("failing", "refused")
	configure(false)
	look("paused", "")
}
