package cluster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/daemon/clock"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

const (
	// solitudePause is how often a node looks whether it is alone.
	solitudePause = 250 * time.Millisecond
	// handOverPause is how often it looks whether it can hand over what it opened.
	handOverPause = time.Second
)

// watchSolitude decides when this node is alone, and hands its incidents over when it is no
// longer, until ctx ends.
func (n *Node) watchSolitude(ctx context.Context) error {
	var looked time.Time
	before := together
	return clock.Repeat(ctx, solitudePause, func() {
		now := time.Now()
		is := n.lookForCompany(now)
		begins := is == apart && before != apart
		before = is
		if begins {
			n.adoptSilences(ctx)
		}
		if is != handingOver || now.Sub(looked) < handOverPause {
			return
		}
		looked = now
		if err := n.handOver(ctx, now); err != nil && ctx.Err() == nil {
			n.Log.Warn("the incidents of this node cannot be handed over yet", zap.Error(err))
		}
	})
}

// adoptSilences has what is silenced for all nodes be so for this one alone, too.
func (n *Node) adoptSilences(ctx context.Context) {
	n.mu.Lock()
	shared := n.shared
	n.mu.Unlock()
	all, err := shared.Snapshot(ctx)
	if err == nil {
		err = n.Own.AdoptSilences(ctx, all.Silences)
	}
	if err != nil && ctx.Err() == nil {
		n.Log.Error("this node is alone, and the silences that all nodes share are not known to it", zap.Error(err))
	}
}

// lookForCompany decides whether this node is alone now.
func (n *Node) lookForCompany(now time.Time) phase {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := company{
		mayDecide: n.mayDecide(), deciding: n.term != 0, aloneAfter: n.cfg.Cluster.AloneAfter,
		without: n.hearing.withoutDecider(now), with: n.hearing.withDecider(now),
	}
	if n.solitude.next(c, now) {
		n.noteRole(now)
	}
	return n.solitude.phase
}

// handOver hands over the incidents that this node opened alone, once it is known what the decider
// says of their checks: otherwise people would read that they are over.
func (n *Node) handOver(ctx context.Context, now time.Time) error {
	own, err := n.Own.Snapshot(ctx)
	if err != nil {
		return err
	}
	n.mu.Lock()
	shared, decider, since := n.shared, n.decider(now), n.solitude.since
	n.mu.Unlock()
	if decider == "" {
		return nil // it may be alone again
	}
	all, err := shared.Snapshot(ctx)
	if err != nil {
		return err
	}
	for c := range own.Checks() {
		// After two intervals each node has looked.
		if now.Sub(since) < 2*c.Probe.Interval && !decided(all, c, since) {
			return nil
		}
	}
	if err := n.Own.HandOver(ctx, cmp.Or(decider, "another node")); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.solitude.handedOver(time.Now())
	return nil
}

// decided reports whether whoever decides has said something, since a time, of each condition of a
// check that has an open incident here.
func decided(all *tracker.Snapshot, own tracker.Check, since time.Time) bool {
	shared, known := all.Check(own.ID)
	if !known {
		return true // it is gone from the files
	}
	if shared.Last != nil && shared.Last.Started.After(since) {
		return true // this node decides
	}
	for _, in := range own.Incidents {
		said := func(s incident.Incident) bool {
			return s.Condition == in.Condition && (s.Live() || s.ClosedAt.After(since))
		}
		if in.Open() && !slices.ContainsFunc(shared.Incidents, said) {
			return false
		}
	}
	return true
}
