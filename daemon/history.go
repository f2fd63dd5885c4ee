package daemon

import (
	"context"
	"encoding/json"
	"maps"
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

// A mirrored is how far the history has got: each tracker counts its snapshots by itself.
type mirrored struct {
	before, last reached // by the last two answers
}

// A reached is an answer: what it was called, and the version of each tracker's snapshot, by source.
type reached struct {
	version uint64
	sources map[uint64]uint64
}

// by returns how far the history had got with an answer: one of the last two, since the last may have
// found no room. Else it has everything to walk.
func (m *mirrored) by(version uint64) map[uint64]uint64 {
	switch {
	case version == 0:
		return nil
	case version == m.last.version:
		return m.last.sources
	case version == m.before.version:
		return m.before.sources
	}
	return nil
}

// changedIncidents lists, for the history, the incidents that have changed since an answer: those of
// this machine, and those that several nodes share.
func (m *monitor) changedIncidents(ctx context.Context, since uint64) (history.Changes, error) {
	had := m.mirrored.by(since)
	now := reached{version: since, sources: map[uint64]uint64{}}
	maps.Copy(now.sources, had) // a tracker that is not asked just now may come back
	var list []func() (history.Record, error)
	for _, t := range m.deciding.all() {
		s, err := t.Snapshot(ctx)
		if err != nil {
			return history.Changes{}, err
		}
		now.sources[s.Source] = s.Version
		if s.Version > had[s.Source] {
			now.version = max(since+1, s.Version, now.version)
		}
		for _, in := range s.Changes(had[s.Source]).Incidents {
			list = append(list, func() (history.Record, error) { return incidentRecord(s, in) })
		}
	}
	m.mirrored = mirrored{before: reached{since, had}, last: now}
	return history.Changes{
		Version: now.version, Count: len(list),
		Record: func(i int) (history.Record, error) { return list[i]() },
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
