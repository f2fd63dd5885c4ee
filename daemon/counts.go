package daemon

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
)

// The tracker feeds what is counted.
var _ tracker.Feed = (*metrics.Counts)(nil)

// feeds hand on what the tracker feeds them, to one after the other.
type feeds []tracker.Feed

// Result implements [tracker.Feed].
func (f feeds) Result(r incident.Result) {
	for _, one := range f {
		one.Result(r)
	}
}

// Events implements [tracker.Feed].
func (f feeds) Events(list []incident.Event) {
	for _, one := range f {
		one.Events(list)
	}
}

// countOutcome counts what an attempt to deliver came to.
func (m *monitor) countOutcome(notifier config.NotifierID, state outbox.DeliveryState) {
	m.counts.Outcome(notifier, string(state))
}

// configureCounts has the checks of a configuration counted. It comes after the tracker has taken
// the configuration, and before anything is probed by it.
func (m *monitor) configureCounts(cfg *config.Config) {
	s, err := m.tracker.Snapshot(context.Background())
	if err != nil {
		return // the tracker has stopped: the daemon is ending
	}
	incidents := func(id config.CheckID) []incident.Incident {
		c, _ := s.Check(id)
		if c.CheckState == nil {
			return nil
		}
		return c.Incidents
	}
	m.counts.Use(cfg, time.Now(), calendar.New(cfg).Maintenance, incidents)
}
