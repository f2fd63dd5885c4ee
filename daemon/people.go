package daemon

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Explain implements [api.Daemon].
func (m *monitor) Explain(ctx context.Context, id incident.ID) ([]outbox.Held, error) {
	return m.tracker.Explain(ctx, id)
}

// Acknowledge implements [api.Daemon].
func (m *monitor) Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) error {
	return m.tracker.Acknowledge(ctx, id, reason, until)
}

// Silence implements [api.Daemon].
func (m *monitor) Silence(ctx context.Context, scope api.Scope, reason string, until time.Time) (api.Silence, error) {
	return m.tracker.Silence(ctx, scope, reason, until)
}

// EndSilence implements [api.Daemon].
func (m *monitor) EndSilence(ctx context.Context, id string) error {
	return m.tracker.EndSilence(ctx, id)
}

// Redeliver implements [api.Daemon].
func (m *monitor) Redeliver(ctx context.Context, key string) error {
	return m.tracker.Redeliver(ctx, outbox.Key(key))
}
