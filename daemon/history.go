package daemon

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The tracker feeds the history.
var _ tracker.Feed = (*history.Store)(nil)

// History implements [api.Daemon].
func (m *monitor) History() *history.Store { return m.history }

// openHistory makes the history. It touches no file before it runs.
func (m *monitor) openHistory() *history.Store {
	return history.Open(history.Options{
		Path: filepath.Join(m.StateDir, "history.db"), Node: m.node, Changes: m.changedIncidents, Log: m.logHistory,
	})
}

// logHistory logs what befell the history. Nobody is woken by it.
func (m *monitor) logHistory(msg string, err error) {
	if err == nil {
		m.Log.Info(msg)
		return
	}
	m.Log.Warn(msg, zap.Error(err))
}

// changedIncidents lists, for the history, the incidents that have changed since a snapshot of
// the tracker.
func (m *monitor) changedIncidents(ctx context.Context, since uint64) (history.Changes, error) {
	s, err := m.deciding.shown().Snapshot(ctx)
	if err != nil {
		return history.Changes{}, err
	}
	changed := s.Changes(since).Incidents
	return history.Changes{
		Version: s.Version, Count: len(changed),
		Record: func(i int) (history.Record, error) { return incidentRecord(s, changed[i]) },
	}, nil
}

// incidentRecord returns what the history remembers of an incident.
func incidentRecord(s *tracker.Snapshot, in *tracker.IncidentState) (history.Record, error) {
	text, err := json.Marshal(api.NewIncident(s, in))
	return history.Record{Incident: in.Incident, Events: in.Events, Told: firstTold(s, in), JSON: text}, err
}

// firstTold returns when the first message about an incident was taken; zero: none was.
func firstTold(s *tracker.Snapshot, in *tracker.IncidentState) (first time.Time) {
	for d := range s.Deliveries(in) {
		if d.State == outbox.Sent && (first.IsZero() || d.At.Before(first)) {
			first = d.At
		}
	}
	return first
}
