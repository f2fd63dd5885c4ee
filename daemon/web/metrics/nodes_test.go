package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// three is what a node knows of three, of which one is silent.
func three(role api.NodeRole) *api.Nodes {
	return &api.Nodes{
		Node: api.Node{Name: "fra1", Role: role, Decider: "fra1"},
		Nodes: []api.NodeState{
			{Name: "fra1", Live: true, Speaks: 1, Share: 2},
			{Name: "lon1", Speaks: 1, Share: 2, Behind: 7},
			{Name: "nyc1", Live: true, Speaks: 1, Share: 1, Behind: 3},
			{Name: "sgp1", Live: true}, // which says nothing of itself to this one
		},
	}
}

// seenFrom returns a result of three nodes: one sees the service down, one well, and one is silent.
func seenFrom(r incident.Result) incident.Result {
	r.Sightings = []incident.Sighting{
		{Node: "fra1", Location: "frankfurt", Health: incident.Down, Standing: "failing", Cause: config.CauseRefused},
		{Node: "lon1", Location: "london", Health: incident.Unknown, Standing: "silent", Took: time.Second},
		{Node: "nyc1", Location: "new-york", Health: incident.Degraded, Standing: "well", Took: 84500 * time.Microsecond},
	}
	return r
}

func TestAScrapeTellsWhatEachNodeSees(t *testing.T) {
	w := newWorld(t, check("mx1/imaps"), check("mx2/imaps"))
	w.among(three(api.Deciding))
	w.observe(seenFrom(good("mx1/imaps", "192.0.2.1")))
	w.observe(good("mx2/imaps", "192.0.2.1"))
	f := w.scrape("/metrics", nil)
	expect(t, "up", series(f["imapvigil_check_location_up"]),
		"check=mx1/imaps location=frankfurt node=fra1 0", "check=mx1/imaps location=new-york node=nyc1 1")
	expect(t, "duration", series(f["imapvigil_check_location_duration_seconds"]), "check=mx1/imaps location=new-york node=nyc1 0.0845")
	expect(t, "nodes", series(f["imapvigil_node_up"]), "node=fra1 1", "node=lon1 0", "node=nyc1 1", "node=sgp1 1")
	expect(t, "share", series(f["imapvigil_node_checks"]), "node=fra1 2", "node=nyc1 1")
	expect(t, "behind", series(f["imapvigil_node_journal_behind"]), "node=fra1 0", "node=nyc1 3")
	expect(t, "deciding", series(f["imapvigil_node_deciding"]), "1")

	w.among(three(api.Alone)) // it decides for itself
	expect(t, "deciding, alone", series(w.scrape("/metrics", nil)["imapvigil_node_deciding"]), "0")

	w.configure(config.Page{Metrics: config.MetricsSummary}, check("mx1/imaps"))
	if f := w.scrape("/metrics", nil); f["imapvigil_check_location_up"] == nil || f["imapvigil_check_location_duration_seconds"] != nil {
		t.Error("a summary has times, or not what nodes see")
	}
}

// A machine that watches on its own says nothing of nodes, and neither does one whose files have a cluster
// since a moment ago.
func TestASingleMachineHasNoNodes(t *testing.T) {
	w := newWorld(t, check("mx1/imaps"))
	w.observe(good("mx1/imaps", "192.0.2.1"))
	for name := range w.scrape("/metrics", nil) {
		if strings.Contains(name, "_node_") || strings.Contains(name, "_location_") {
			t.Errorf("it has %s", name)
		}
	}
	w.cluster = &config.Cluster{}
	w.configure(config.Page{Metrics: config.MetricsFull}, check("mx1/imaps"))
	if f := w.scrape("/metrics", nil); f["imapvigil_node_up"] != nil || f["imapvigil_node_deciding"] != nil {
		t.Error("it tells of nodes that it does not know")
	}
}
