package cluster

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// WakeNodes has all nodes that probe a check probe it at once, this one among them if it is one of
// them. While the bus is cut only this one does.
func (n *Node) WakeNodes(id config.CheckID) { n.wakeNodes(wake{Check: id}) }

// RecheckNodes does what WakeNodes does because a person has asked for it: the node that logs in does so
// however often the login was rejected.
func (n *Node) RecheckNodes(id config.CheckID) { n.wakeNodes(wake{Check: id, Recheck: true}) }

func (n *Node) wakeNodes(w wake) {
	n.mu.Lock()
	check, members := n.cfg.Checks[w.Check], n.members
	n.mu.Unlock()
	if check == nil {
		return
	}
	for _, m := range nodesOf(check, members) {
		w.Nodes = append(w.Nodes, config.NodeID(m.Node))
	}
	if err := n.Bus.Publish(bus.Wake, encode([]wake{w})); err != nil {
		n.probeIfNamed(w)
	}
}

// probeIfNamed has a check probed at once, if this node is one of those that are to.
func (n *Node) probeIfNamed(w wake) {
	place, of := n.Turn(w.Check)
	if n.Wake == nil || !slices.Contains(w.Nodes, n.Node) || of == 0 {
		return
	}
	if w.Recheck && place == 0 && n.RetryLogin != nil { // the first of the nodes of a check logs in
		n.RetryLogin(w.Check) // before the probe, which would not try it
	}
	n.Wake(w.Check)
}
