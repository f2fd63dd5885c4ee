package cluster

import (
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A Role is what a node does in its cluster, in the words that users read.
type Role string

// The roles.
const (
	Deciding  Role = "deciding"
	Following Role = "following"
	Alone     Role = "alone" // it hears nobody who decides, and decides for itself
)

// A State is what a node knows of its cluster.
type State struct {
	Node    config.NodeID // this one
	Role    Role
	Since   time.Time     // it has this role; by the clock of this process
	Unheard time.Time     // since when it hears nobody who decides, while it is alone; else zero
	Decider config.NodeID // empty: it hears none
	Term    uint64        // of the decider: where in the journal it began
	Last    uint64        // the end of the journal, as far as this node knows
	Bus     bus.Status
	// Journal says in a sentence what is wrong with the shared journal; empty: nothing.
	Journal string
	Nodes   []NodeState // of the configuration, by name
}

// A NodeState is what is known of one node. A node that may not decide hears no heartbeats but its
// own, and knows of the others only whether they live.
type NodeState struct {
	Name     config.NodeID
	Location string
	Decides  bool // it may decide, by the files
	Deciding bool
	Live     bool
	Since    time.Time // it is live, or silent; zero: it was never heard of
	// The rest is what it last said of itself.
	Version   string
	Speaks    int    // the version of the records that it understands; 0: it has said nothing yet
	Digest    string // of its files
	SameFiles bool   // as this node
	Share     int    // how many checks it probes
	Place     uint64 // how far its copy of the journal goes
	Behind    uint64 // how many messages of the journal it lacks
	ClockOff  time.Duration
	CopyFault string   // what is wrong with its copy of the journal; empty: nothing
	Troubles  []string // that it cannot tell of itself
}

// asSentence returns the words of an error as a sentence.
func asSentence(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + strings.TrimSuffix(words[1:], ".") + "."
}

// SharedRecords returns the records that lead to what this node holds of the shared journal; none, when it
// holds nothing.
func (n *Node) SharedRecords() (records []journal.Record, err error) {
	for r, err := range n.copy.Records() {
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// Furthest returns the last sequence of the shared journal that this node knows of: that of its own copy or of
// another one, or that which a decider named.
func (n *Node) Furthest() uint64 {
	furthest := n.copy.Place()
	n.mu.Lock()
	defer n.mu.Unlock()
	furthest = max(furthest, n.hearing.beat.Last)
	for _, h := range n.hearing.nodes {
		furthest = max(furthest, h.Place)
	}
	return furthest
}

// State returns what this node knows of its cluster.
func (n *Node) State() State {
	var troubles []string
	if n.Troubles != nil {
		troubles = n.Troubles()
	}
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	s := State{
		Node: n.Node, Role: n.currentRole(), Since: n.changed, Decider: config.NodeID(n.decider(now)),
		Term: n.hearing.beat.Term, Last: n.hearing.beat.Last, Bus: n.Bus.Status(), Journal: n.journal,
	}
	if !s.Bus.Connected {
		s.Journal = "" // it follows from that
	}
	if n.term != 0 {
		s.Term, s.Last = n.term, n.copy.Place()
	}
	if s.Role == Alone {
		s.Unheard = now.Add(-n.hearing.withoutDecider(now))
	}
	for _, node := range n.cfg.Cluster.SortedNodes() {
		st := n.stateOf(node, &s, now)
		if node.ID == n.Node {
			st = n.ownState(st, troubles)
		}
		if n.unmade && st.Place == 0 {
			st.CopyFault = "" // there is nothing of which it could have a copy
		}
		s.Nodes = append(s.Nodes, st)
	}
	return s
}

// stateOf returns what is known of one node.
func (n *Node) stateOf(node *config.Node, s *State, now time.Time) NodeState {
	st := NodeState{
		Name: node.ID, Location: node.Location, Decides: node.Decide, Deciding: s.Decider == node.ID,
		Live: n.hearing.live(node.ID, now),
	}
	h, known := n.hearing.nodes[node.ID]
	if !known || node.ID != n.Node && !n.mayDecide() {
		// Who may not decide hears no other heartbeats, but the decider lists who lives. What it heard while it might
		// decide is old.
		st.Live = isLive(n.members, node.ID) && s.Decider != ""
		if l := n.hearing.listed[node.ID]; l != nil {
			st.Since = l.at
			if st.Live {
				st.Since = l.since
			}
		}
		return st
	}
	st.Since = h.since
	if !st.Live {
		st.Since = h.at
	}
	st.Version, st.Speaks, st.Digest, st.SameFiles = h.Version, h.Speaks, h.Digest, h.Digest == n.cfg.CommonDigest
	st.Share, st.Place, st.ClockOff = h.Share, h.Place, h.ahead.Round(time.Millisecond)
	st.Behind = max(s.Last, st.Place) - st.Place
	st.CopyFault, st.Troubles = h.Copy, h.Troubles
	return st
}

// ownState returns what is known of this node itself, also when the bus is gone and it does not hear even itself.
func (n *Node) ownState(st NodeState, troubles []string) NodeState {
	if !st.Live {
		st.Live, st.Since = true, n.hearing.began
	}
	h := n.ownHeartbeat(troubles)
	st.Version, st.Speaks, st.Digest, st.SameFiles = h.Version, h.Speaks, h.Digest, true
	st.Share, st.Place, st.CopyFault, st.Troubles = h.Share, h.Place, h.Copy, h.Troubles
	return st
}
