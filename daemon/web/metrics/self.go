package metrics

import (
	"runtime"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// writeSelf writes what is of the daemon itself.
func (m *scraper) writeSelf(w *writer, s *tracker.Snapshot) {
	self := m.Daemon.Self()
	queued, dead := s.Counts()
	write := func(f *family, v float64) {
		w.family(f)
		w.value(v)
	}
	write(&notificationsQueued, float64(queued+s.CountHeld()))
	write(&notificationsDead, float64(dead))
	write(&probeLag, self.Probes.LagS)
	write(&probesOverdue, float64(self.Probes.Overdue))
	write(&reloadSuccessful, oneIf(self.Config.State == api.Current))
	write(&reloadTimestamp, float64(self.Config.LoadedAt.Unix()))
	write(&journalDurable, oneIf(s.Journal.Durable))
	if history := m.Daemon.History(); history != nil { // else the daemon has none
		health := history.Health()
		write(&historyWritable, oneIf(health.Writable))
		write(&historyDropped, float64(health.Dropped))
		write(&historySize, float64(health.Bytes))
	}
	w.family(&notifications)
	list, times := m.Counts.outcomesByName()
	for i, o := range list {
		w.label("notifier", string(o.notifier))
		w.label("outcome", o.word)
		w.value(float64(times[i]))
	}
	writeProofs(w, self.Destinations)
	w.family(&buildInfo)
	w.label("version", m.Version)
	w.label("goversion", runtime.Version())
	w.value(1)
}

// writeIncidents counts the open incidents of the checks that were chosen, and with everything
// those of the monitor, which belong to no check.
func writeIncidents(w *writer, s *tracker.Snapshot, chosen selection) {
	open := map[config.Condition]int{}
	for _, c := range chosen.checks {
		for i := range c.Incidents {
			if c.Incidents[i].Open() {
				open[c.Incidents[i].Condition]++
			}
		}
	}
	if chosen.all {
		for in := range s.Incidents() {
			if in.Incident.Condition == config.ConditionMonitor && in.Incident.Open() {
				open[config.ConditionMonitor]++
			}
		}
	}
	w.family(&incidentsOpen)
	for condition := range config.AllConditions().All() {
		// Where there is one node, nothing can look different from another place.
		if condition == config.ConditionLocation && s.Config.Cluster == nil {
			continue
		}
		if condition != config.ConditionMonitor || chosen.all {
			w.label("condition", string(condition))
			w.value(float64(open[condition]))
		}
	}
}
