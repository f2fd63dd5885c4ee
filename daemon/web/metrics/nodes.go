package metrics

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The families of a daemon among several nodes.
var (
	locationUp = family{
		"imapvigil_check_location_up", false,
		"Whether the service worked in the last probe of one node: 1, or 0. Given by the node that decides; absent where what a node says does not count.",
	}
	locationDuration = family{
		"imapvigil_check_location_duration_seconds", false,
		"How long the longest conversation took in the last probe of one node; absent as imapvigil_check_location_up is, and where none came to an end.",
	}
	nodeUp       = family{"imapvigil_node_up", false, "Whether this node has contact with a node: 1, or 0."}
	nodeDeciding = family{"imapvigil_node_deciding", false, "Whether this node decides for all nodes: 1, or 0."}
	nodeChecks   = family{"imapvigil_node_checks", false, "How many checks a node probes, as it last said; absent where it is silent."}
	nodeBehind   = family{
		"imapvigil_node_journal_behind", false, "How many messages of the shared journal the copy of a node lacks, as it last said; absent where it is silent.",
	}
)

// writeLocations writes what each node sees of each check. How long it took is left out of a summary, as
// the times of phases are.
func writeLocations(w *writer, checks []tracker.Check, mode config.PageMetrics) {
	w.family(&locationUp)
	eachLocation(checks, func(c tracker.Check, s *incident.Sighting) {
		writeLocation(w, c, s, oneIf(s.Health != incident.Down))
	})
	if mode != config.MetricsFull {
		return
	}
	w.family(&locationDuration)
	eachLocation(checks, func(c tracker.Check, s *incident.Sighting) {
		if s.Took > 0 {
			writeLocation(w, c, s, s.Took.Round(time.Microsecond).Seconds())
		}
	})
}

func eachLocation(checks []tracker.Check, do func(tracker.Check, *incident.Sighting)) {
	for _, c := range checks {
		if !known(c) {
			continue
		}
		for i := range c.Last.Sightings {
			if s := &c.Last.Sightings[i]; s.Health != incident.Unknown {
				do(c, s)
			}
		}
	}
}

func writeLocation(w *writer, c tracker.Check, s *incident.Sighting, v float64) {
	w.label("check", string(c.ID))
	w.label("location", s.Location)
	w.label("node", s.Node)
	w.value(v)
}

// writeNodes writes which nodes are heard. A daemon that is in no cluster has none.
func (m *scraper) writeNodes(ctx context.Context, w *writer) {
	nodes, err := m.Daemon.Nodes(ctx)
	if err != nil { // the files have a cluster block since a moment ago, which needs a restart
		return
	}
	w.family(&nodeUp)
	for i := range nodes.Nodes {
		w.label("node", nodes.Nodes[i].Name)
		w.value(oneIf(nodes.Nodes[i].Live))
	}
	w.family(&nodeDeciding)
	w.value(oneIf(nodes.Node.Role == api.Deciding))
	w.family(&nodeChecks)
	eachSpeaking(nodes.Nodes, func(n *api.NodeState) { writeOfNode(w, n, float64(n.Share)) })
	w.family(&nodeBehind)
	eachSpeaking(nodes.Nodes, func(n *api.NodeState) { writeOfNode(w, n, float64(n.Behind)) })
}

// eachSpeaking calls do with each node that says something of itself to this one.
func eachSpeaking(nodes []api.NodeState, do func(*api.NodeState)) {
	for i := range nodes {
		if n := &nodes[i]; n.Live && n.Speaks > 0 {
			do(n)
		}
	}
}

func writeOfNode(w *writer, n *api.NodeState, v float64) {
	w.label("node", n.Name)
	w.value(v)
}
