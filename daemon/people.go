package daemon

import (
	"context"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Explain implements [api.Daemon].
func (m *monitor) Explain(ctx context.Context, id incident.ID) ([]outbox.Held, error) {
	return m.deciding.holder(ctx, id).Explain(ctx, id)
}

// Note implements [api.Daemon].
func (m *monitor) Note(ctx context.Context, id incident.ID, n tracker.Note) (incident.Event, error) {
	return m.deciding.holder(ctx, id).Note(ctx, id, n)
}

// Upcoming implements [api.Daemon].
func (m *monitor) Upcoming(ctx context.Context, ids []incident.ID) ([]outbox.Upcoming, error) {
	return m.deciding.shown().Upcoming(ctx, ids)
}

// Foresee implements [api.Daemon].
func (m *monitor) Foresee(ctx context.Context, q outbox.Question) (outbox.Forecast, error) {
	return m.deciding.shown().Foresee(ctx, q)
}

// Acknowledge implements [api.Daemon].
func (m *monitor) Acknowledge(ctx context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error) {
	return m.deciding.holder(ctx, id).Acknowledge(ctx, id, a)
}

// Unacknowledge implements [api.Daemon].
func (m *monitor) Unacknowledge(ctx context.Context, id incident.ID, by string) (incident.Incident, error) {
	return m.deciding.holder(ctx, id).Unacknowledge(ctx, id, by)
}

// Silence implements [api.Daemon].
func (m *monitor) Silence(ctx context.Context, wanted api.Silence) (api.Silence, error) {
	return m.deciding.shown().Silence(ctx, wanted)
}

// EndSilence implements [api.Daemon].
func (m *monitor) EndSilence(ctx context.Context, id, by string) (api.Silence, error) {
	return m.deciding.shown().EndSilence(ctx, id, by)
}

// Dismiss implements [api.Daemon].
func (m *monitor) Dismiss(ctx context.Context, key, by string) error {
	return m.deciding.sender(ctx, outbox.Key(key)).Dismiss(ctx, outbox.Key(key), by)
}

// Redeliver implements [api.Daemon].
func (m *monitor) Redeliver(ctx context.Context, key string) error {
	return m.deciding.sender(ctx, outbox.Key(key)).Redeliver(ctx, outbox.Key(key))
}
