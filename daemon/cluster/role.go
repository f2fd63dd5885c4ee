package cluster

import (
	"time"

	"go.uber.org/zap"
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
	n.Log.Info("the node has another role", zap.String("was", string(n.role)), zap.String("is", string(role)), zap.Uint64("term", n.term))
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
	if heard := n.hearing.decider(now); heard != n.Node { // what it has said itself is over
		return string(heard)
	}
	return ""
}

// Mark returns what stands in each finding while this node is alone: "seen by fra1 alone"; else it returns
// nothing.
func (n *Node) Mark() string {
	if n.Role() != Alone {
		return ""
	}
	return "seen by " + string(n.Node) + " alone"
}
