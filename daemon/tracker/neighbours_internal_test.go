package tracker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// What fails behind a server is named in the messages about each of its checks, once all of them are down; what
// fails behind one check in the messages about this one alone. It makes no difference whether a message is made
// alone or together with others.
func TestAffected(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	edge, east := config.Ref{Server: "edge"}, config.Ref{Check: "east"}
	for _, c := range []struct {
		name string
		down []config.CheckID
		want map[config.CheckID][]string
	}{
		{"all of the server", []config.CheckID{"east", "west", "mail", "shop"}, map[config.CheckID][]string{
			"east": {"mail", "shop"}, "west": {"mail"},
		}},
		{"one is well", []config.CheckID{"east", "mail", "shop"}, map[config.CheckID][]string{"east": {"shop"}}},
		{"behind both", []config.CheckID{"east", "west", "both"}, map[config.CheckID][]string{"east": {"both"}, "west": {"both"}}},
		{"nothing behind it", []config.CheckID{"east", "west"}, nil},
		{"on no server", []config.CheckID{"mail", "shop"}, nil},
	} {
		tr := failingChecks(now, c.down, map[config.CheckID]*config.Check{
			"east": {Server: "edge"}, "west": {Server: "edge"},
			"mail": {DependsOn: []config.Ref{edge}}, "shop": {DependsOn: []config.Ref{east}}, "both": {DependsOn: []config.Ref{edge, east}},
		})
		together := &failingChildren{now: now}
		for range 2 {
			for _, id := range c.down {
				in, _ := tr.stateOf(id).Incident(config.ConditionService)
				for how, found := range map[string]*failingChildren{"alone": {now: now}, "together": together} {
					if got := tr.affected(in, found); !slices.Equal(got, c.want[id]) {
						t.Errorf("%s: a message about %s, made %s, names %q, want %q", c.name, id, how, got, c.want[id])
					}
				}
			}
		}
	}
}

// BenchmarkAffected is what all messages about a server with many checks name, when all are down at once and ten
// checks behind it are failing, too.
func BenchmarkAffected(b *testing.B) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, many := range []int{1000, 2000, 4000} {
		checks, down := map[config.CheckID]*config.Check{}, []config.CheckID{}
		for i := range many + 10 {
			c, id := &config.Check{Server: "edge"}, config.CheckID(fmt.Sprintf("customer%05d", i))
			if i >= many {
				c = &config.Check{DependsOn: []config.Ref{{Server: "edge"}}}
			}
			checks[id], down = c, append(down, id)
		}
		tr := failingChecks(now, down, checks)
		b.Run(fmt.Sprintf("checks=%d", many), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				found := &failingChildren{now: now}
				for _, id := range down[:many] {
					in, _ := tr.stateOf(id).Incident(config.ConditionService)
					if len(tr.affected(in, found)) != 10 {
						b.Fatalf("%s affects nothing", id)
					}
				}
			}
		})
	}
}

// failingChecks returns a tracker that knows some checks, of which some are down.
func failingChecks(now time.Time, down []config.CheckID, checks map[config.CheckID]*config.Check) *Tracker {
	cfg := &config.Config{Checks: checks}
	for id, c := range checks {
		c.ID, c.Enabled = id, true
	}
	tr := &Tracker{cfg: cfg, dependencies: outbox.NewDependencies(cfg), checks: map[config.CheckID]*check{}}
	for _, id := range down {
		c := &check{}
		for _, e := range begun(incident.ID("of "+id), id, now) {
			e.Finding = &incident.Finding{Condition: e.Condition, Health: incident.Down}
			c.state = incident.Apply(c.state, e)
		}
		tr.checks[id] = c
	}
	return tr
}
