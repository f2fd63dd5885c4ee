package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

const (
	// firstWishes is how long a node may take to say what people have asked of it. It is less than firstSights:
	// what is silenced is to be known before it is decided that people are told.
	firstWishes = 700 * time.Millisecond
	// mostWishes is how many of a kind it says then. It says all when it hands over.
	mostWishes = 1000
	// mostOfWishes is the most bytes of that: the longest wish has some 5 KiB.
	mostOfWishes = 16 << 20
)

// takeWishesOf takes over what people have asked of a node while it was alone, before it is decided on what the node
// sees. The node hands all of it over a few seconds later, when people might have been told.
func (d *decider) takeWishesOf(ctx context.Context, node config.NodeID) {
	select {
	case <-d.begun:
	case <-ctx.Done():
		return
	}
	soon, cancel := context.WithTimeout(ctx, firstWishes)
	defer cancel()
	w, err := d.wishesOf(soon, node)
	if err == nil {
		err = d.tracker.TakeWishes(soon, w)
	}
	if err != nil {
		d.Log.Debug("what people have asked of a node is not known yet", zap.String("node", string(node)), zap.Error(err))
	}
}

// wishesOf asks a node for them. One of an earlier version says nothing.
func (d *decider) wishesOf(ctx context.Context, node config.NodeID) (w tracker.Wishes, err error) {
	if node == d.Node.Node {
		return d.wishesOfPeople(ctx)
	}
	d.mu.Lock()
	of, known := d.Node.cfg.Cluster.Nodes[node]
	d.mu.Unlock()
	if !known || !of.Decide {
		return w, nil // it is never alone
	}
	answer, err := d.Bus.Ask(ctx, bus.Node(string(node)), []byte{askWishes})
	if err != nil || len(answer) == 0 {
		return w, err
	}
	return parseWishes(answer)
}

// parseWishes reads what a node answers. What it holds is bounded where it is kept.
func parseWishes(answer []byte) (w tracker.Wishes, err error) {
	if len(answer) > mostOfWishes {
		return w, fmt.Errorf("wishes of %d bytes, and %d are the most", len(answer), mostOfWishes)
	}
	err = json.Unmarshal(answer, &w)
	return w, err
}

// answerWishes says to a decider what people have asked of this node.
func (n *Node) answerWishes(ctx context.Context, from Asker) []byte {
	if !from.Decides {
		return nil
	}
	w, err := n.wishesOfPeople(ctx)
	if err != nil {
		return nil
	}
	return encode(w)
}

// wishesOfPeople returns what people have asked of this node while it was alone, as far as the journal that all share
// lacks it, and not all if there is much. Of a node that was not alone it is nothing.
func (n *Node) wishesOfPeople(ctx context.Context) (w tracker.Wishes, err error) {
	n.mu.Lock()
	was := n.solitude.phase != together
	n.mu.Unlock()
	if !was {
		return w, nil
	}
	own, err := n.Own.Snapshot(ctx)
	if err != nil {
		return w, err
	}
	all, err := n.sharedTracker().Snapshot(ctx)
	if err != nil {
		return w, err
	}
	w = own.Wishes().NewTo(all)
	w.Silences = w.Silences[:min(len(w.Silences), mostWishes)]
	w.Acknowledgements = w.Acknowledgements[:min(len(w.Acknowledgements), mostWishes)]
	w.Notes = nil // they keep nobody from being told, and there is no incident yet that has them
	return w, nil
}
