package incident_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The common cases: nothing happens. One Observe is to cost less than 1 µs, and
// nothing on the heap for a check that is well.
func BenchmarkObserve(b *testing.B) {
	policy := config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute}
	well := incident.Result{Check: "mx1/imaps", Target: "mx1:993", Observed: all}
	bad := well
	bad.Findings = []incident.Finding{findings["refused"]}
	for _, c := range []struct {
		name   string
		before []incident.Result
		now    incident.Result
	}{
		{"well", nil, well},
		{"failing", []incident.Result{bad, bad}, bad},
		{"recovering", []incident.Result{bad, well, well}, well},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var s incident.State
			now := epoch
			for _, r := range c.before {
				r.Started, r.Ended = now, now
				streaks, events := incident.Observe(policy, s, r)
				s = s.WithCounts(streaks)
				for _, e := range events {
					s = incident.Apply(s, e)
				}
				now = now.Add(time.Second)
			}
			c.now.Started, c.now.Ended = now, now
			for b.Loop() {
				streaks, events := incident.Observe(policy, s, c.now)
				s = s.WithCounts(streaks)
				if len(events) > 0 {
					b.Fatal(events[0].Kind)
				}
			}
		})
	}
}

func TestHealthyCheckCostsNothing(t *testing.T) {
	r := incident.Result{Check: "mx1/imaps", Target: "mx1:993", Observed: all, Started: epoch, Ended: epoch}
	var s incident.State
	allocs := testing.AllocsPerRun(100, func() {
		streaks, _ := incident.Observe(config.Policy{}, s, r)
		s = s.WithCounts(streaks)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
