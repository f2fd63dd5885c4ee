package cluster

import (
	"context"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
)

// shareAmong shares the checks among the nodes that live. Who hears no decider keeps the share that it
// had: a node that is cut off must not begin to probe all checks.
func (n *Node) shareAmong(live []config.NodeID) {
	members := membersOf(n.cfg.Cluster, func(id config.NodeID) bool { return slices.Contains(live, id) })
	if slices.Equal(members, n.members) {
		return
	}
	n.members = members
	select {
	case n.shareChanged <- struct{}{}:
	default: // it is known already
	}
}

// membersOf lists the nodes of a cluster by name.
func membersOf(c *config.Cluster, live func(config.NodeID) bool) (members []agree.Member) {
	for _, node := range c.SortedNodes() {
		members = append(members, agree.Member{Node: string(node.ID), Location: node.Location, Silent: !live(node.ID)})
	}
	return members
}

// watchShare counts the checks of this node when others than before are its, and says so.
func (n *Node) watchShare(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.shareChanged:
		}
		n.countShare()
		n.keepSights()
		if n.OnShare != nil {
			n.OnShare()
		}
	}
}

// countShare counts the checks that this node probes.
func (n *Node) countShare() {
	n.mu.Lock()
	cfg, members := n.cfg, n.members
	n.mu.Unlock()
	share := 0
	for _, check := range cfg.Checks {
		if _, of := turnOf(n.Node, check, members); of > 0 && check.Enabled {
			share++
		}
	}
	n.mu.Lock()
	n.share = share
	n.mu.Unlock()
}

// Probes reports whether this node is to probe a check.
func (n *Node) Probes(id config.CheckID) bool {
	_, of := n.Turn(id)
	return of > 0
}

// Turn returns the place of this node, from 0, among how many nodes probe a check, so that they probe
// at different moments. of is 0 where this node does not probe it.
func (n *Node) Turn(id config.CheckID) (place, of int) {
	n.mu.Lock()
	check, members := n.cfg.Checks[id], n.members
	n.mu.Unlock()
	if check == nil || !check.Enabled {
		return 0, 0
	}
	return turnOf(n.Node, check, members)
}

// turnOf returns the place of a node among those that probe a check, and how many these are; 0: the node
// is not among them.
func turnOf(node config.NodeID, check *config.Check, members []agree.Member) (place, of int) {
	share := nodesOf(check, members)
	place = slices.IndexFunc(share, func(m agree.Member) bool { return m.Node == string(node) })
	if place < 0 {
		return 0, 0
	}
	return place, len(share)
}

// nodesOf returns the nodes that probe a check, in the order of their turns.
func nodesOf(check *config.Check, members []agree.Member) []agree.Member {
	may := slices.DeleteFunc(slices.Clone(members), func(m agree.Member) bool { return !check.Quorum.In(m.Location) })
	return agree.Share(check.ID, may, check.Quorum.Nodes)
}

// isLive reports whether a node is among the members, and live.
func isLive(members []agree.Member, id config.NodeID) bool {
	return slices.ContainsFunc(members, func(m agree.Member) bool { return m.Node == string(id) && !m.Silent })
}
