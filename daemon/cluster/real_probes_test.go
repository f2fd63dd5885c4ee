//go:build !quick

package cluster_test

import (
	"context"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// checkOf returns the id of a check by its number.
func checkOf(number int) config.CheckID {
	return config.CheckID(fmt.Sprintf("mx%02d/imaps", number))
}

// begin is when the interval of all checks begins, on all machines.
var begin = time.Unix(0, 0)

// probeUntilEnd probes what is this node's and due, until ctx ends.
func (o *member) probeUntilEnd(ctx context.Context) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, i := range o.due(now) {
				o.probe(ctx, i)
			}
		}
	}
}

// due lists the checks that are to be probed now.
func (o *member) due(now time.Time) (list []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, next := range o.next {
		if !next.IsZero() && !next.After(now) {
			list = append(list, i)
		}
	}
	return list
}

// probe has the node find of a check what is the case, and finds the next time for it.
func (o *member) probe(ctx context.Context, i int) {
	check, began := o.cfg.Checks[checkOf(i)], time.Now()
	symptom := "ok"
	if o.world.failing(o.Number, o.number, i) {
		symptom = "tls timeout"
	}
	probeNote{uint32(o.number), uint32(i), uptime()}.note(o.probes)
	r := result(check.ID, symptom, began)
	r.Ended = time.Now()
	o.mu.Lock()
	o.next[i] = began.Add(check.Probe.Interval) // unless somebody wakes it before it is known
	o.mu.Unlock()
	pace := o.cluster.Observe(ctx, r)
	next := nextProbe(nextTurn(o.cluster, check, begin, began), check, pace, began)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.next[i].IsZero() && next.Before(o.next[i]) {
		o.next[i] = next
	}
}

// wake has a check probed at once.
func (o *member) wake(id config.CheckID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range checksOfRound {
		if checkOf(i) == id && !o.next[i].IsZero() {
			o.next[i] = time.Now()
		}
	}
}

// shareChanged begins to probe what is this node's, and ends what is not.
func (o *member) shareChanged() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range checksOfRound {
		switch mine := o.cluster.Probes(checkOf(i)); {
		case !mine:
			o.next[i] = time.Time{}
		case o.next[i].IsZero():
			o.next[i] = nextTurn(o.cluster, o.cfg.Checks[checkOf(i)], begin, time.Now())
		}
	}
}
