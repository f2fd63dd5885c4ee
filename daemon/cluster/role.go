package cluster

import (
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Role returns what this node does now.
func (n *Node) Role() Role {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.currentRole()
}

func (n *Node) currentRole() Role {
	switch {
	case n.term != 0:
		return Deciding
	case n.solitude.phase == apart:
		return Alone
	}
	return Following
}

// noteRole notes since when the node has the role that it has.
func (n *Node) noteRole(now time.Time) {
	role := n.currentRole()
	if role == n.role {
		return
	}
	n.Log.Info("the node has another role", zap.String("was", string(n.role)), zap.String("is", string(role)),
		zap.Uint64("term", n.term))
	n.role, n.changed = role, now
}

// Decider returns the node that decides; empty: none is heard.
func (n *Node) Decider() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.decider(time.Now())
}

func (n *Node) decider(now time.Time) string {
	if n.term != 0 {
		return string(n.Node)
	}
	if heard := n.hearing.decider(now); heard != n.Node { // its own last beat, from before it stopped
		return string(heard)
	}
	return ""
}

// Successor returns as which incident of a check it goes on by now what this node has handed over to one of them, or
// that the check is well: [tracker.Options.Successor]. A node that is alone does not know it.
func (n *Node) Successor(check config.CheckID, as incident.ID) (now incident.ID, well bool) {
	if n.Role() == Alone {
		return as, as == ""
	}
	return n.sharedTracker().GoesOnAs(check, as)
}

// Mark returns what stands in each finding while this node is alone: "seen by fra1 alone"; else it returns
// nothing.
func (n *Node) Mark() string {
	if n.Role() != Alone {
		return ""
	}
	return "seen by " + string(n.Node) + " alone"
}
