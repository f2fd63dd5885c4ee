package probe

import (
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	clockStep   = 2 * time.Second  // more than this between the wall clock and the monotonic one is a step or a suspend
	distrustFor = 30 * time.Second // failures that begin this soon after one are not believed
)

// A wallClock notices when the wall clock of this machine was set, or when it was
// suspended (the monotonic clock does not count that). Networks, resolvers and
// certificates look broken then although they are not.
type wallClock struct {
	wall func() time.Time

	mu         sync.Mutex
	lastWall   time.Time // without monotonic reading
	last       time.Time // with it
	distrusted time.Time // until when
}

// look compares the clocks and reports whether failures of now are to be
// believed.
func (c *wallClock) look() (trusted bool) {
	now, wall := time.Now(), c.wall().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() {
		step := wall.Sub(c.lastWall) - now.Sub(c.last)
		if step.Abs() > clockStep {
			c.distrusted = now.Add(distrustFor)
		}
	}
	c.last, c.lastWall = now, wall
	return !now.Before(c.distrusted)
}

// distrust turns a result that is not well into one that says nothing, for one
// round after the clock made a jump.
func distrust(r incident.Result) incident.Result {
	f := local("", "The clock of this machine was set, or the machine was suspended; what the probe found is not believed.")
	r.Observed, r.Findings = 0, []incident.Finding{f.finding()}
	for i := range r.Addresses {
		r.Addresses[i].Health = incident.Unknown
	}
	return r
}
