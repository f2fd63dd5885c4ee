package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/atomicfile"
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
func (m *monitor) countOutcome(id config.NotifyID, state outbox.DeliveryState) {
	m.counts.Outcome(id.Notifier, string(state))
	if state == outbox.Sent {
		m.proofs.note(placeOf(id), proof{At: time.Now()})
	}
}

// configureCounts has the checks of a configuration counted. It comes after the tracker has taken
// the configuration, and before anything is probed by it.
func (m *monitor) configureCounts(cfg *config.Config) {
	s, err := m.deciding.shown().Snapshot(context.Background())
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

// countersFile keeps the counters of the metrics from one run to the next, in the state directory.
const countersFile = "counters.json"

// restoreCounts has the counters go on where the last run ended. The file is taken away: after
// a crash there is none, and they begin at 0. Prometheus knows what to make of that, but would take
// a counter that fell a little for one that began at 0 and rose to its value at once.
func (m *monitor) restoreCounts() {
	path := filepath.Join(m.StateDir, countersFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = m.counts.Restore(text)
	}
	if err != nil {
		m.Log.Warn("the counters of the metrics begin at 0", zap.Error(err))
	}
}

// keepCounts keeps the counters for the next run. It comes when nothing is counted any more.
func (m *monitor) keepCounts() {
	text, err := m.counts.Keep(time.Now())
	if err == nil {
		err = atomicfile.Write(filepath.Join(m.StateDir, countersFile), text, readableByGroup)
	}
	if err != nil {
		m.Log.Warn("the counters of the metrics will begin at 0", zap.Error(err))
	}
}
