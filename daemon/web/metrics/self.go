package metrics

import (
	"runtime"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// writeSelf writes what is of the daemon itself.
func writeSelf(w *writer, self api.Self, s *tracker.Snapshot, version string) {
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
	w.family(&buildInfo)
	w.label("version", version)
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
		if condition != config.ConditionMonitor || chosen.all {
			w.label("condition", string(condition))
			w.value(float64(open[condition]))
		}
	}
}
