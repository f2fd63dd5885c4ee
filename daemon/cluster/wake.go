package cluster

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// WakeNodes has all nodes that probe a check probe it at once, this one among them if it is one of
// them. While the bus is cut only this one does.
func (n *Node) WakeNodes(id config.CheckID) {
	n.mu.Lock()
	check, members := n.cfg.Checks[id], n.members
	n.mu.Unlock()
	if check == nil {
		return
	}
	w := wake{Check: id}
	own := false
	for _, m := range nodesOf(check, members) {
		own = own || m.Node == string(n.Node)
		w.Nodes = append(w.Nodes, config.NodeID(m.Node))
	}
	if err := n.Bus.Publish(bus.Wake, encode([]wake{w})); err != nil && own && n.Wake != nil {
		n.Wake(id)
	}
}
