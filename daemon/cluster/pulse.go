package cluster

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

// suspendedFor is how far the wall clock must run ahead of the monotonic one, or behind, for a suspend or
// a clock that was set.
const suspendedFor = 10 * time.Second

// pulse says twice a second that this node lives and, when it decides, that it does.
func (n *Node) pulse(ctx context.Context) error {
	heartbeats := heartbeatListener{node: n}
	defer heartbeats.end()
	said, saidAt := time.Now(), n.Wall()
	say := func() {
		now, wall := time.Now(), n.Wall()
		if ahead := wall.Round(0).Sub(saidAt.Round(0)) - now.Sub(said); ahead.Abs() > suspendedFor {
			n.forgetSights()
		}
		said, saidAt = now, wall
		heartbeats.follow()
		n.sayThatItLives()
	}
	say()
	return clock.Repeat(ctx, pulsePause, say)
}

// sayThatItLives says once what pulse says twice a second. While the bus is cut it is lost: that is how the others
// find out.
func (n *Node) sayThatItLives() {
	var troubles []string
	if n.Troubles != nil {
		troubles = n.Troubles()
	}
	n.mu.Lock()
	now := time.Now()
	own := encode(n.ownHeartbeat(troubles))
	var said []byte
	if n.term != 0 {
		n.shareAmong(n.liveNodes(now))
		said = encode(n.ownBeat())
	}
	n.mu.Unlock()
	_ = n.Bus.Publish(bus.Heartbeat(string(n.Node)), own)
	if said != nil {
		_ = n.Bus.Publish(bus.Beat, said)
	}
}

// ownHeartbeat returns what this node says of itself.
func (n *Node) ownHeartbeat(troubles []string) heartbeat {
	h := heartbeat{
		V: Speaks, Node: n.Node, Version: n.Version, Speaks: Speaks, Decides: n.canDecide(),
		Digest: n.cfg.CommonDigest, Checks: len(n.cfg.Checks), Share: n.share, Place: n.copy.Place(), Wall: n.Wall(),
		Troubles: troubles, Rebasing: n.rebasing, Unsent: n.unsent.notices(time.Now()),
	}
	if err := n.copy.Behind(); err != nil {
		h.Copy = err.Error()
	} else {
		h.Copy = n.unopened
	}
	h.limitTexts()
	return h
}

// canDecide reports whether this node may decide, and has what it needs for it: it understands the journal, and a
// standby has replayed its copy.
func (n *Node) canDecide() bool { return n.mayDecide() && n.unopened == "" && n.copy.Speaks() == nil }

// ownBeat returns what this node says as the decider.
func (n *Node) ownBeat() beat {
	b := beat{
		V: Speaks, Node: n.Node, Term: n.term, Last: n.copy.Place(), Speaks: Speaks,
		Digest: n.cfg.CommonDigest, Checks: len(n.cfg.Checks), Wall: n.Wall(),
	}
	for _, m := range n.members {
		if !m.Silent {
			b.Live = append(b.Live, config.NodeID(m.Node))
		}
	}
	return b
}

// liveNodes lists the nodes that are heard, this one included.
func (n *Node) liveNodes(now time.Time) (live []config.NodeID) {
	for _, node := range n.cfg.Cluster.SortedNodes() {
		if node.ID == n.Node || n.hearing.live(node.ID, now) {
			live = append(live, node.ID)
		}
	}
	return live
}

// hearHeartbeat takes the heartbeat of a node.
func (n *Node) hearHeartbeat(m bus.Message) {
	h, err := parseHeartbeat(m.Data)
	if err != nil || m.Topic != bus.Heartbeat(string(h.Node)) {
		n.Log.Warn("a heartbeat cannot be read, or is that of another node", zap.String("topic", string(m.Topic)),
			zap.Error(err))
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.cfg.Cluster.Nodes[h.Node]; known {
		n.hearing.hearNode(h, time.Now(), n.Wall())
	}
}

// hearBeat takes the beat of a decider. Its list is the one by which all share the checks.
func (n *Node) hearBeat(m bus.Message) {
	b, err := parseBeat(m.Data)
	if err != nil {
		n.Log.Warn("a beat of the decider cannot be read", zap.Error(err))
		return
	}
	place := n.copy.Place()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.hearing.hearBeat(b, place, time.Now(), n.Wall()) {
		// Who decides, and holds less than this node, was replaced; or the journal was made new.
		n.doubted.Store(b.Last < place)
		return
	}
	n.copy.Expect(b.Last)
	if n.journal != "" {
		n.doubted.Store(true) // somebody decides, so what was wrong with the journal may be over
	}
	if n.term == 0 && !b.Bye {
		n.shareAmong(b.Live)
	}
}
