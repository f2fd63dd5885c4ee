package api

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
)

// Several is a daemon that may be one of several nodes, each of which has a history.
type Several interface {
	// PastOfAll begins to ask all of them, for one request; nil: the daemon watches on its own.
	PastOfAll() *elsewhere.Past
}

// PastOf returns what the figures of a daemon are made of, for one request.
func PastOf(d Daemon) Past {
	if past := pastOfAll(d); past != nil {
		return past
	}
	return d.History()
}

func pastOfAll(d Daemon) *elsewhere.Past {
	if s, ok := d.(Several); ok {
		return s.PastOfAll()
	}
	return nil
}

// A NodePast is one of several nodes whose history the figures are made of.
type NodePast struct {
	Node     config.NodeID `json:"node"`
	Location string        `json:"location"`
	// Missing says why the figures have nothing of it, as it follows its name: "did not answer"; empty: they
	// have.
	Missing string `json:"missing"`
}

// newNodePasts returns of which nodes figures are made; nil: one machine watches on its own.
func newNodePasts(p Past) (list []NodePast) {
	all, ok := p.(*elsewhere.Past)
	if !ok {
		return nil
	}
	for _, l := range all.Nodes() {
		list = append(list, NodePast{l.ID, l.Location, l.Missing})
	}
	return list
}

// MissingNodes says of which nodes figures have nothing: "nyc1 did not answer." It is empty where all have
// answered.
func MissingNodes(nodes []NodePast) string {
	list := make([]elsewhere.Location, len(nodes))
	for i, n := range nodes {
		list[i] = elsewhere.Location{Node: elsewhere.Node{ID: n.Node}, Missing: n.Missing}
	}
	return elsewhere.Sentence(list)
}

// A LocationHistory counts the probes of one node, by their outcome, and says how long they took.
type LocationHistory struct {
	NodePast
	N        int `json:"n"` // probes
	OK       int `json:"ok"`
	Degraded int `json:"degraded"`
	Down     int `json:"down"`
	Unknown  int `json:"unknown"`
	// How long good conversations took of which so many of 100 took no longer, and the longest; null: none
	// was good.
	P50MS *float64 `json:"p50_ms"`
	P95MS *float64 `json:"p95_ms"`
	P99MS *float64 `json:"p99_ms"`
	MaxMS *float64 `json:"max_ms"`
}

func newLocationHistories(list []elsewhere.Location) (locations []LocationHistory) {
	for i := range list {
		l := &list[i]
		v := LocationHistory{NodePast: NodePast{l.ID, l.Node.Location, l.Missing}}
		if s := l.Sum; s != nil {
			v.N, v.OK, v.Degraded, v.Down, v.Unknown = s.N, s.OK, s.Degraded, s.Down, s.Unknown
			if s.Max > 0 {
				p50, p95, p99, longest := milliseconds(s.P50), milliseconds(s.P95), milliseconds(s.P99), milliseconds(s.Max)
				v.P50MS, v.P95MS, v.P99MS, v.MaxMS = &p50, &p95, &p99, &longest
			}
		}
		locations = append(locations, v)
	}
	return locations
}
