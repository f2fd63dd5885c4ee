package cluster

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

const (
	// leadLook is how often the decider looks whether the journal is led by a server on its own machine.
	leadLook = time.Minute
	// leadPause is how long the decider leaves the journal where it is after it has moved it, whatever the servers do.
	leadPause = 10 * time.Minute
)

// watchLeader has the journal led by a server on another machine than the decider's, until ctx ends. If
// a machine dies that had both, the next decider cannot append until the servers have elected another
// leader, which takes them 4 to 9 seconds.
func (d *decider) watchLeader(ctx context.Context) {
	if d.OwnServers == nil {
		return
	}
	var moved time.Time
	forbidden := false
	_ = clock.Repeat(ctx, leadLook, func() {
		if forbidden || !moved.IsZero() && time.Since(moved) < leadPause {
			return
		}
		own := d.OwnServers(ctx)
		// While appends fail the servers have other things to do.
		if len(own) == 0 || !d.copy.Settled() {
			return
		}
		did, err := d.Bus.Stream().LeadElsewhere(ctx, own)
		switch {
		case errors.Is(err, bus.ErrForbidden):
			forbidden = true
			d.Log.Info("the servers of the bus do not let this node move the journal away from its own machine: make their " +
				"configuration again with imapvigil nodes bus-config")
		case err != nil:
			d.Log.Debug("the journal was not moved away from this machine", zap.Error(err))
		case did:
			moved = time.Now()
			d.Log.Info("the journal was led by a server on this machine, and another one leads it now")
		}
	})
}
