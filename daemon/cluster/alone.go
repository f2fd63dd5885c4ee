package cluster

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/daemon/clock"

	"go.uber.org/zap"
)

const (
	// solitudePause is how often a node looks whether it is alone.
	solitudePause = 250 * time.Millisecond
	// wishesTime is how long it may take to know what people have asked for: alarms must not wait for it.
	wishesTime = 5 * time.Second
)

// watchSolitude decides when this node is alone, and hands its incidents over when it is no
// longer, until ctx ends.
func (n *Node) watchSolitude(ctx context.Context) error {
	var looked time.Time
	return clock.Repeat(ctx, solitudePause, func() {
		now := time.Now()
		if n.willBeAlone(now) {
			n.takeSharedWishes(ctx) // before it decides anything
		}
		is := n.lookForCompany(now)
		if is != handingOver || now.Sub(looked) < handOverPause {
			return
		}
		looked = now
		if err := n.handOver(ctx, now); err != nil && ctx.Err() == nil {
			n.Log.Warn("the incidents of this node cannot be handed over yet", zap.Error(err))
		}
	})
}

// watchRunning notes that this process runs, until ctx ends. It never waits for anything: whoever looks whether this
// node is alone waits for trackers and for other nodes, and the process runs meanwhile.
func (n *Node) watchRunning(ctx context.Context) error {
	return clock.Repeat(ctx, pulsePause, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hearing.noteRunning(time.Now())
	})
}

// takeSharedWishes has what is silenced or acknowledged for all nodes be so for this one alone, too.
func (n *Node) takeSharedWishes(ctx context.Context) {
	soon, cancel := context.WithTimeout(ctx, wishesTime)
	defer cancel()
	all, err := n.sharedTracker().Snapshot(soon)
	if err == nil {
		err = n.Own.TakeWishes(soon, all.Wishes())
	}
	if err != nil && ctx.Err() == nil {
		n.Log.Error("this node is alone, and what is silenced or acknowledged for all nodes is not known to it", zap.Error(err))
	}
}

// willBeAlone reports whether this node is about to be alone, and is not yet.
func (n *Node) willBeAlone(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := n.solitude
	return next.next(n.company(now), now) && next.phase == apart
}

// company returns what this node hears of others.
func (n *Node) company(now time.Time) company {
	n.hearing.noteRunning(now)
	return company{
		mayDecide: n.mayDecide(), deciding: n.term != 0, aloneAfter: n.cfg.Cluster.AloneAfter,
		without: n.hearing.withoutDecider(now), with: n.hearing.withDecider(now),
	}
}

// lookForCompany decides whether this node is alone now.
func (n *Node) lookForCompany(now time.Time) phase {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.solitude.next(n.company(now), now) {
		n.noteRole(now)
	}
	return n.solitude.phase
}
