//go:build !quick

package cluster_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/daemon/stream"
)

// What a person does when the disks of all servers are lost: looks how far the copy of each node goes, and
// makes the journal again on the node whose copy goes furthest.
const (
	orderNone  = iota
	orderPlace // say how far the copy of the journal goes
	orderMake  // make the journal again
)

// orderPause is how often a machine looks whether somebody types a command.
const orderPause = 50 * time.Millisecond

// obeyOrders does what a person orders of the node of one cluster, until ctx ends.
func (o *member) obeyOrders(ctx context.Context) {
	ticker := time.NewTicker(orderPause)
	defer ticker.Stop()
	for done := orderNone; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		order := o.world.order(o.Number, o.number)
		if order == done {
			continue
		}
		switch order {
		case orderPlace:
			place := uint64(0)
			for _, n := range o.cluster.State().Nodes {
				if n.Name == o.node.ID {
					place = n.Place
				}
			}
			o.reports.add(report{Cluster: o.number, Kind: "place", Term: place})
		case orderMake:
			if err := o.makeJournal(ctx); err != nil {
				continue // the servers choose who leads them
			}
			o.reports.add(report{Cluster: o.number, Kind: "made"})
		}
		done = order
	}
}

// makeJournal does what imapvigil nodes begin does.
func (o *member) makeJournal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	records, err := o.cluster.SharedRecords()
	if err == nil {
		err = stream.Create(ctx, o.bus.Stream(), o.cluster.Furthest(), slices.Values(records))
	}
	if errors.Is(err, stream.ErrMade) {
		return nil // an attempt that seemed to fail
	}
	return err
}

// A rescue is what a person does after the disks of all servers are lost.
type rescue struct {
	began time.Duration   // when the disks were lost, an uptime; 0: they were not
	asked bool            // each machine was asked how far its copies go
	made  []time.Duration // when the journal of each cluster was made again, an uptime; 0: it was not yet
}

// loseDisks kills all servers, and has their disks be empty.
func (r *realRound) loseDisks() {
	r.rescue = rescue{began: uptime(), made: make([]time.Duration, len(r.clusters))}
	for i := range serversOfRound {
		r.servers.Kill(r.t, i)
		r.servers.Wipe(r.t, i)
	}
}

// isRescued does what comes next after the disks were lost, and reports whether all is done.
func (r *realRound) isRescued() bool {
	switch {
	case r.rescue.began == 0, !slices.Contains(r.rescue.made, 0):
		return true
	case r.isServerAtFault() || !r.serversAreHealthy():
		return false
	}
	if !r.rescue.asked {
		r.rescue.asked = true
		for c := range r.clusters {
			for i, node := range fiveNodes() {
				if node.Decide {
					must(r.t, r.world.setOrder(i, c, orderPlace))
				}
			}
		}
	}
	for c := range r.clusters {
		r.rescueCluster(c)
	}
	return !slices.Contains(r.rescue.made, 0)
}

func (r *realRound) rescueCluster(c int) {
	if made := r.of(c, "made"); len(made) > 0 {
		r.rescue.made[c] = made[0].At
		return
	}
	places, deciding := r.of(c, "place"), 0
	for _, node := range fiveNodes() {
		if node.Decide {
			deciding++
		}
	}
	if len(places) == deciding {
		furthest := slices.MaxFunc(places, func(a, b report) int { return cmp.Compare(a.Term, b.Term) })
		must(r.t, r.world.setOrder(furthest.Machine, c, orderMake))
	}
}

func (r *realRound) isServerAtFault() bool {
	return slices.ContainsFunc(r.faults, func(f *realFault) bool { return f.server && f.end == 0 })
}

// isAcrossLoss reports whether the journal of a cluster was lost between two uptimes.
func (r *realRound) isAcrossLoss(c int, before, after time.Duration) bool {
	return r.rescue.began != 0 && before < r.rescue.made[c] && r.rescue.made[c] < after
}
