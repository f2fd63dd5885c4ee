package cluster

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// sightsPause is the pause between two batches of what a node sees. What is news does not wait for it.
const sightsPause = time.Second

// Observe takes the result of a probe and returns how soon the next one is wanted. It takes the place
// of [tracker.Tracker.Observe].
func (n *Node) Observe(ctx context.Context, r incident.Result) incident.Pace {
	n.mu.Lock()
	check, shared, alone := n.cfg.Checks[r.Check], n.shared, n.currentRole() == Alone
	n.mu.Unlock()
	if check == nil {
		return incident.Pace{} // a probe that ended after its check was removed
	}
	if n.addToBatch(r, check) {
		n.publishBatch()
	}
	if alone {
		return n.Own.Observe(ctx, r)
	}
	return shared.Pace(ctx, r)
}

// addToBatch adds a result to the next batch, and reports whether it is news.
func (n *Node) addToBatch(r incident.Result, check *config.Check) (urgent bool) {
	settings := agree.Settings(check)
	n.packing.Lock()
	defer n.packing.Unlock()
	return n.packer.Add(r, settings, time.Now())
}

// publishBatch says what this node has seen since the batch before. While the bus is cut nobody
// hears it, and it is not kept: whoever decides then asks.
func (n *Node) publishBatch() {
	n.packing.Lock()
	packets := n.packer.Flush(time.Now())
	n.packing.Unlock()
	for _, packet := range packets {
		_ = n.Bus.Publish(bus.SightsOf(string(n.Node)), packet)
	}
}

// sayWhatItSees publishes a batch each second, until ctx ends.
func (n *Node) sayWhatItSees(ctx context.Context) error {
	return clock.Repeat(ctx, sightsPause, n.publishBatch)
}

// forgetSights forgets all: the machine was suspended, and nobody knows how old it is.
func (n *Node) forgetSights() {
	n.packing.Lock()
	defer n.packing.Unlock()
	n.packer.Forget()
}

// keepSights forgets what this node saw of checks that it no longer probes. One that comes back may have been well
// meanwhile.
func (n *Node) keepSights() {
	n.packing.Lock()
	defer n.packing.Unlock()
	n.packer.Keep(n.Probes)
}

// allSights returns what this node last saw of each check.
func (n *Node) allSights() [][]byte {
	n.packing.Lock()
	defer n.packing.Unlock()
	return n.packer.All(time.Now())
}
