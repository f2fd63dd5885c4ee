package agree_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What nodes see becomes, over packets, what a single machine would have seen.
func TestBoard(t *testing.T) {
	check := &config.Check{
		ID: "mx1/imaps", Enabled: true, Quorum: config.Quorum{Nodes: 3, Agree: 2},
		Probe: config.Probe{Hostname: "mx1.example.org", Interval: time.Minute, Timeout: 30 * time.Second, RetryInterval: 15 * time.Second},
	}
	board := agree.NewBoard(began)
	board.SetNodes([]agree.Member{{Node: "fra1", Location: "frankfurt"}, {Node: "lon1", Location: "london"}, {Node: "nyc1", Location: "new-york"}})
	board.Configure(&config.Config{Checks: map[config.CheckID]*config.Check{check.ID: check}})
	now := began
	packers := map[string]*agree.Packer{}
	look := func(node string, kind ...string) (incident.Result, []agree.Wanted) {
		now = now.Add(20 * time.Second)
		if packers[node] == nil {
			packers[node] = agree.NewPacker(node, now)
		}
		packers[node].Add(result(kind, now), agree.Settings(check), now)
		for _, packet := range packers[node].Flush(now) {
			if err := board.Take(node, packet, now); err != nil {
				t.Fatal(err)
			}
		}
		results, wake := board.Decide(now)
		if len(results) != 1 {
			t.Fatalf("%d results", len(results))
		}
		return results[0], wake
	}
	look("fra1", "ok")
	look("lon1", "ok")
	if r, _ := look("nyc1", "ok"); r.Health() != incident.OK || len(r.Sightings) != 3 {
		t.Errorf("all is well: %+v", r)
	}
	if r, wake := look("fra1", "connect", "timeout"); r.Health() != incident.OK || len(wake) != 1 || len(wake[0].Nodes) != 2 {
		t.Errorf("one fails: %+v, %+v", r.Findings, wake)
	}
	if r, _ := look("lon1", "connect", "timeout"); r.Health() != incident.Down || r.Findings[0].From != "2 of 3 nodes: frankfurt, london; well from new-york" {
		t.Errorf("two fail: %+v", r.Findings)
	}
}
